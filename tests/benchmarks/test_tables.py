"""Tables of results read back into numbers."""

from _tables import draw, rows_of

TEXT = """# Steps

Words | with a bar.

| arm | parameters | bases/s | other | GFLOP/s | other |
|---|---:|---:|---|---:|---:|
| Mamba-2 | 1.5M | 1,234 | T5 | -0.50 | x1.20 (1.10 to 1.30) |

## More

| arm | seconds |
|---|---:|
| T5 | |
"""


def test_cells_become_numbers_and_repeated_headings_are_told_apart():
    first, second = rows_of(TEXT)
    assert first == {
        "table": "Steps",
        "arm": "Mamba-2",
        "parameters": 1_500_000.0,
        "bases/s": 1234,
        "other": "T5",
        "GFLOP/s": -0.5,
        "GFLOP/s other": 1.2,
        "GFLOP/s other low": 1.1,
        "GFLOP/s other high": 1.3,
    }
    assert second == {"table": "More", "arm": "T5", "seconds": None}


def test_what_is_drawn_reads_back():
    rows = [{"arm": "T5", "rate": 1234.6, "note": None}, {"arm": "m9", "rate": 2, "note": "slow"}]
    columns = {"arm": ("arm", ""), "rate": ("bases/s", ",.0f"), "note": ("note", "")}
    assert rows_of(draw(rows, columns)) == [
        {"table": "", "arm": "T5", "bases/s": 1235, "note": None},
        {"table": "", "arm": "m9", "bases/s": 2, "note": "slow"},
    ]
