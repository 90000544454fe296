"""The layout grammar: what it reads and what it refuses."""

import pytest

from genomenet.errors import UserError
from genomenet.nn.layout import Layout, parse_layout, write_layout


@pytest.mark.parametrize(
    ("text", "notation", "expected"),
    [
        ("T9", "code", Layout((), "T" * 9, ())),
        ("M10", "paper", Layout((), "M" * 10, ())),
        ("T1E2", "code", Layout((), "TEE", ())),
        ("m3T1 + T15 + m4", "code", Layout(("mmmT",), "T" * 15, ("mmmm",))),
        ("M3T1+M15+M4", "paper", Layout(("mmmT",), "M" * 15, ("mmmm",))),
        ("M3T1+M15+M4", "code", Layout(("MMMT",), "M" * 15, ("MMMM",))),
        (
            "M4 + T1M4 + T26 + M4T1 + M4",
            "paper",
            Layout(("mmmm", "Tmmmm"), "T" * 26, ("mmmm", "mmmmT")),
        ),
    ],
)
def test_reads(text, notation, expected):
    assert parse_layout(text, notation) == expected


def test_the_innermost_decoder_belongs_to_the_innermost_encoder():
    layout = parse_layout("m1 + m2 + T1 + t3 + t4")
    assert layout.encoders == ("m", "mm")
    assert layout.decoders == ("tttt", "ttt")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x4", "can't read 'x4'"),
        ("T", "'T' without a count"),
        ("E", "'E' without a count"),
        ("m3T", "'T' without a count"),
        ("T4!", "can't read '!'"),
        ("m3 T1", "can't read ' T1'"),
        ("T0", "asks for no layer"),
        ("", "empty network"),
        ("m1 + + m1", "empty network"),
        ("m1 + T2", "2 networks"),
        ("4T", "can't read '4T'"),
        ("m\u0663", "without a count"),
    ],
)
def test_refuses(text, says):
    with pytest.raises(UserError, match=r"model\.layout") as error:
        parse_layout(text)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("text", "mixer"),
    [
        ("m1 + T2 + m1", "transformer"),
        ("t1E2", "transformer"),
        ("M2", "mamba2"),
        ("T1M2", "hybrid"),
        ("E1M2", "hybrid"),
    ],
)
def test_main_mixer(text, mixer):
    assert parse_layout(text).main_mixer == mixer


@pytest.mark.parametrize("text", ["T9", "m3T1 + T15 + m4", "m1 + t1M2 + E3T1E3 + T2 + m4"])
def test_written_as_it_was_read(text):
    assert write_layout(parse_layout(text)) == text
    assert parse_layout(write_layout(parse_layout(text, "paper"))) == parse_layout(text, "paper")
