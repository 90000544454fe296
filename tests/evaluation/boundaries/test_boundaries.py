"""Boundary analysis: finds what was planted, nothing in shuffled sequence, and equals loops."""

import functools

import numpy as np
import pytest

from genomenet.annotation.region_writer import write_regions
from genomenet.errors import UserError
from genomenet.evaluation.base_kinds import classes_of
from genomenet.evaluation.boundaries.analysis import LOOKALIKE, analyse
from genomenet.evaluation.boundaries.edges import annotated_edges, motif_edges, track_edges
from genomenet.evaluation.boundaries.findings import boundary_findings
from genomenet.evaluation.boundaries.motifs import (
    MOTIFS,
    Motif,
    read_motifs,
    reverse_complement,
    word_starts,
)
from genomenet.evaluation.boundaries.profiles import OFFSETS, edge_profiles, lookalikes
from genomenet.evaluation.boundaries.rates import boundary_rates
from genomenet.evaluation.boundaries.sources import grid_boundaries
from genomenet.evaluation.boundaries.splits import chunks_touched
from genomenet.evaluation.boundaries.stability import EDITS, edit_window, matches
from genomenet.evaluation.boundaries.windows import read_boundary_windows
from genomenet.genome.alphabet import COMPLEMENT, LETTERS
from genomenet.genome.contig_names import ContigNames
from genomenet.genome.importer import import_genome
from genomenet.genome.intervals import Interval
from genomenet.windows.held_out import HeldOutTiles
from tests.evaluation.planted import (
    MOTIF,
    after_cg,
    at_random,
    at_words,
    by_place,
    encode,
    in_phase,
    plant,
    rule_subject,
)


@pytest.fixture(scope="module")
def planted():
    return plant()


@pytest.fixture(scope="module")
def place(planted, tmp_path_factory):
    """Windows and annotated edges of the planted genome."""
    folder = tmp_path_factory.mktemp("planted")
    fasta, gtf = planted.write(folder)
    genome = import_genome([fasta], folder / "g")
    regions = write_regions(genome, gtf, folder / "r")
    tiles = HeldOutTiles(genome, [Interval("p", 0, planted.codes.size)], 500)
    windows = read_boundary_windows(tiles, regions)
    return windows, annotated_edges(windows, gtf, ContigNames(genome.contigs))


@pytest.fixture(scope="module")
def outcomes_of(place):
    """All outcomes of a rule, and the same by control."""

    @functools.cache
    def analysed(rule):
        found = analyse(rule_subject(rule), rule_subject(at_random), *place, [MOTIF])
        return found, {one.control: one for one in found}

    return analysed


def named(measured, name):
    return next(one for one in measured if one.name == name)


def test_edges_are_where_they_were_planted(planted, place):
    windows, edges = place
    kinds = {one.kind: one for one in edges}
    whole = np.concatenate([windows.codes(i) for i in range(len(windows))])
    assert whole.tolist() == planted.codes.tolist()
    starts = [(s, 1) if strand == "+" else (e - 1, -1) for s, e, strand in planted.genes]
    stops = [(e - 3, 1) if strand == "+" else (s + 2, -1) for s, e, strand in planted.genes]

    def found(one):
        places = one.window_E * 500 + one.place_E
        return sorted(zip(places.tolist(), one.step_E.tolist(), strict=True))

    assert found(kinds["start codon"]) == starts
    assert found(kinds["transcription start"]) == starts
    assert found(kinds["stop codon"]) == stops
    assert len(kinds["splice donor"]) == len(kinds["splice acceptor"]) == 0
    motifs = motif_edges(windows, MOTIF)
    here = {p for p, step in found(motifs) if step == 1}
    assert set(planted.motifs) <= here
    for step, other in ((1, MOTIF.word), (-1, MOTIF.reverse_complement)):
        for p in [p for p, s in found(motifs) if s == step]:
            start = p if step == 1 else p - len(other) + 1
            assert whole[start : start + len(other)].tolist() == encode(other).tolist()


def test_planted_motif_is_found_and_not_in_the_shuffled_control(outcomes_of):
    _, by_control = outcomes_of(at_words)
    trained = by_control[""]
    raised = named(trained.edges, "planted")
    assert raised.n >= 80
    assert raised.ratio.low > 1.5
    split = named(trained.splits, f"planted {MOTIF.word}")
    assert split.value == pytest.approx(1.0, abs=0.05)
    assert split.ratio.high < 0.6
    peak = trained.profiles[[p.kind for p in trained.profiles].index("planted")]
    rates = peak.boundaries / peak.bases
    assert OFFSETS[rates.argmax()] == 0
    assert rates.max() > 0.95
    for control in ("shuffled", "grid", "untrained"):
        other = by_control[control]
        for one in (named(other.edges, "planted"), named(other.splits, split.name)):
            # A grid varies less than the bootstrap can see.
            bounds = one.ratio.low - 0.05, one.ratio.high + 0.05
            low, high = bounds if control == "grid" else (one.ratio.low, one.ratio.high)
            assert low <= 1 <= high, control


def test_planted_phase_is_found_and_not_in_the_shuffled_control(outcomes_of):
    _, by_control = outcomes_of(in_phase)
    rates = [named(by_control[""].rates, f"codon {i}, sense") for i in (1, 2, 3)]
    assert rates[0].value > 0.95
    assert rates[0].ratio.low > 2.9
    assert max(rates[1].ratio.centre, rates[2].ratio.centre) < 0.02
    against = [named(by_control[""].rates, f"codon {i}, antisense").value for i in (1, 2, 3)]
    assert max(against) < 0.02
    raised = named(by_control[""].rates, "coding_1").ratio
    assert raised.low > 1
    shuffled = [named(by_control["shuffled"].rates, f"codon {i}, sense") for i in (1, 2, 3)]
    assert all(one.ratio.low <= 1 <= one.ratio.high for one in shuffled)


def test_stability_tells_content_from_place(outcomes_of):
    _, content = outcomes_of(after_cg)
    for one in content[""].stability:
        # The base behind the edit may be half of a CG.
        if one.change in EDITS and one.where != "1 to 32 bp":
            assert one.jaccard[0].centre == 1.0
        if one.where == "same base" and one.change == "reverse complement":
            assert one.jaccard[0].centre < 0.1
            assert one.jaccard[1].centre > 0.99  # CG is its own reverse complement
    # The gap after C is where both strands meet when a boundary begins a chunk.
    gap = next(one for one in content[""].stability if one.where == "same gap")
    assert gap.jaccard[0].centre > 0.99
    _, blind = outcomes_of(by_place)
    by_change = {(one.change, one.where): one for one in blind[""].stability}
    assert by_change["substitution", "over 256 bp"].jaccard[0].centre == 1
    assert by_change["insertion", "over 256 bp"].jaccard[0].centre == 0
    assert by_change["deletion", "33 to 256 bp"].jaccard[0].centre == 0
    assert by_change["another window", "all"].jaccard[0].centre == 1
    grid = {(one.change, one.where): one for one in blind["grid"].stability}
    assert grid["insertion", "over 256 bp"].jaccard[0].centre == 0
    # Random phases: one in five windows agrees with the next.
    assert grid["another window", "all"].jaccard[0].centre < 0.5
    independent = outcomes_of(at_random)[1][""].stability
    for one in independent:
        if one.where != "1 to 32 bp":
            assert one.jaccard[0].centre == pytest.approx(one.chance, abs=0.03)


def test_findings_say_so(place, outcomes_of):
    windows, _ = place
    outcomes, _ = outcomes_of(at_words)
    found = boundary_findings(outcomes, windows, "now", "command", "0", {}, ["a note"])
    said = " ".join(found.sentences)
    assert "the number of chunks differs for 1 of 1 motifs" in said
    assert "in 1 no control does the same: planted TGACGTACCA" in said
    assert found.notes[-1] == "a note"
    assert {chart.key for chart in found.charts} >= {"rate-dots", "profile-start-codon"}
    assert {one.control for one in outcomes} == {"", "untrained", "shuffled", "grid", LOOKALIKE}


def test_rates_equal_a_loop(place):
    windows, _ = place
    rng = np.random.default_rng(1)
    boundary_WL = rng.random(windows.codes_WL.shape) < 0.3
    position_WL = rng.random(windows.codes_WL.shape) < 0.6
    found = boundary_rates(windows, boundary_WL, position_WL)
    for kind in classes_of(windows.classes):
        hits = bases = 0
        for w in range(len(windows)):
            for i in range(windows.places[w].length_bp):
                if position_WL[w, i] and kind.groups[windows.group_WL[w, i]]:
                    bases += 1
                    hits += int(boundary_WL[w, i])
        if bases:
            one = named(found, kind.name)
            assert (one.n, one.value) == (bases, pytest.approx(hits / bases))
            total = boundary_WL[position_WL].mean()
            assert one.ratio.centre == pytest.approx(hits / bases / total)
    assert any(one.name.startswith("coding") for one in found)


def test_profiles_equal_a_loop(place):
    windows, edges = place
    boundary_WL = np.random.default_rng(2).random(windows.codes_WL.shape) < 0.3
    one = next(edge for edge in edges if edge.kind == "stop codon")
    (measured,), (profile,) = edge_profiles(windows, boundary_WL, [one])
    hits, bases = dict.fromkeys(OFFSETS.tolist(), 0), dict.fromkeys(OFFSETS.tolist(), 0)
    for w, place_, step in zip(one.window_E, one.place_E, one.step_E, strict=True):
        for o in hits:
            at = place_ + step * o
            if 0 <= at < 500:
                bases[o] += 1
                hits[o] += int(boundary_WL[w, at])
    assert profile.boundaries.tolist() == list(hits.values())
    assert profile.bases.tolist() == list(bases.values())
    near = [o for o in hits if abs(o) <= 2]
    far = [o for o in hits if abs(o) >= 10]
    rate = [sum(hits[o] for o in part) / sum(bases[o] for o in part) for part in (near, far)]
    assert (measured.value, measured.reference) == pytest.approx(rate)


def test_lookalikes_have_the_same_bases_around(place):
    windows, edges = place
    one = next(edge for edge in edges if edge.kind == "start codon")
    others = lookalikes(windows, one)

    def words(edge):
        found = set()
        for w, p, step in zip(edge.window_E, edge.place_E, edge.step_E, strict=True):
            bases = windows.codes_WL[w, p + step * np.arange(-2, 2)]
            found.add("".join(LETTERS[c] for c in (bases if step == 1 else COMPLEMENT[bases])))
        return found

    assert words(others) == words(one)
    own = set(zip(one.window_E.tolist(), one.place_E.tolist(), strict=True))
    assert not own & set(zip(others.window_E.tolist(), others.place_E.tolist(), strict=True))
    assert len(others) == 4 * len(one)


def test_track_edges_of_planted_splice_sites(tmp_path):
    rng = np.random.default_rng(3)
    (tmp_path / "s.fa").write_text(">s\n" + "".join(rng.choice(list("ACGT"), 600)) + "\n")
    rows = []
    for strand, at in (("+", 0), ("-", 300)):
        ids = f'gene_id "{strand}"; transcript_id "{strand}"; gene_type "protein_coding";'
        for kind, start, end in (
            ("transcript", 20, 260), ("exon", 20, 100), ("exon", 150, 260), ("CDS", 50, 100),
            ("CDS", 150, 200),
        ):  # fmt: skip
            if strand == "-":
                start, end = 280 - end, 280 - start
            rows.append(f"s\tx\t{kind}\t{at + start + 1}\t{at + end}\t.\t{strand}\t.\t{ids}\n")
    (tmp_path / "s.gtf").write_text("".join(rows))
    genome = import_genome([tmp_path / "s.fa"], tmp_path / "g")
    regions = write_regions(genome, tmp_path / "s.gtf", tmp_path / "r")
    windows = read_boundary_windows(HeldOutTiles(genome, [Interval("s", 0, 600)], 600), regions)
    minus = 300 + 280 - 1
    expected = {
        "splice donor": [(100, 1), (minus - 100, -1)],
        "splice acceptor": [(150, 1), (minus - 150, -1)],
    }
    names = ContigNames(genome.contigs)
    for edges in (track_edges(windows), annotated_edges(windows, tmp_path / "s.gtf", names)):
        kinds = {one.kind: one for one in edges}
        for kind, places in expected.items():
            one = kinds[kind]
            assert sorted(zip(one.place_E.tolist(), one.step_E.tolist(), strict=True)) == places
    kinds = {one.kind: one for one in track_edges(windows)}
    assert sorted(kinds["start codon"].place_E.tolist()) == [50, minus - 50]
    assert sorted(kinds["stop codon"].place_E.tolist()) == [197, minus - 197]


@pytest.mark.parametrize("closes", [False, True])
def test_chunks_touched_equal_a_loop(closes):
    boundary = np.random.default_rng(4).random((1, 40)) < 0.3
    chunk, of_base = 0, []
    for is_boundary in boundary[0]:
        chunk += int(is_boundary and not closes)
        of_base.append(chunk)
        chunk += int(is_boundary and closes)
    for length in (1, 2, 7):
        expected = [len(set(of_base[i : i + length])) for i in range(41 - length)]
        assert chunks_touched(boundary, length, closes)[0].tolist() == expected


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_keeps_the_bases_behind_it(edit):
    codes = np.random.default_rng(5).integers(0, 4, 200).astype(np.uint8)
    one = edit_window(edit, codes, codes > 1, seed=0, window=3)
    assert one.codes.size == one.masked.size == 200 + {"insertion": 1, "deletion": -1}.get(edit, 0)
    assert one.codes[one.moved].tolist() == codes[one.kept].tolist()
    first = int(one.moved[0])
    ahead = first - (edit != "deletion")
    assert one.codes[:ahead].tolist() == codes[:ahead].tolist()
    assert one.distance[0] == 1
    assert one.kept[-1] == 199
    if edit == "substitution":
        assert int((one.codes != codes).sum()) == 1


def test_matches_are_the_most_there_are():
    rng = np.random.default_rng(6)
    for _ in range(30):
        a, b = rng.random((2, 9)) < 0.4

        def best(i, others, a=a):
            if i == 9:
                return 0
            skip = best(i + 1, others)
            takes = [1 + best(i + 1, others - {j}) for j in others if a[i] and abs(i - j) <= 1]
            return max([skip, *takes])

        assert matches(a, b, 1) == best(0, frozenset(np.flatnonzero(b).tolist()))
        assert matches(a, b, 0) == int((a & b).sum())


def test_grids_have_the_wanted_spacing():
    rng = np.random.default_rng(7)
    outer, inner = grid_boundaries(6000, [3.5, 2.0], rng)
    assert outer.sum() == pytest.approx(6000 / 3.5, abs=1)
    assert inner.sum() == pytest.approx(6000 / 7, abs=1)
    assert set(np.diff(np.flatnonzero(outer)).tolist()) == {3, 4}
    assert not (inner & ~outer).any()
    starts = [int(np.flatnonzero(grid_boundaries(50, [5.0], rng)[0])[0]) for _ in range(60)]
    assert set(starts) == {0, 1, 2, 3, 4}


def test_words_are_found_as_letters_say():
    text = "ACGTNACGGTATAAATCCGTACG"
    codes = np.array([["ACGTN".index(letter) for letter in text]], dtype=np.uint8)
    allowed = {"R": "AG", "W": "AT", "N": "ACGT"}
    for word in ("ACG", "TATAWAW", "RCN", "NNT"):
        expected = [
            all(text[i + k] in allowed.get(letter, letter) for k, letter in enumerate(word))
            if i + len(word) <= len(text)
            else False
            for i in range(len(text))
        ]
        assert word_starts(word, codes)[0].tolist() == expected
    assert reverse_complement("TGAWRN") == "NYWTCA"
    assert read_motifs([]) == MOTIFS
    assert read_motifs(["x=tata"]) == (Motif("x", "TATA"),)
    for wrong in (["x"], ["x=AXC"], ["x=AC"], ["x=NNN"], ["x=ACG", "x=ACC"], ["=ACG"]):
        with pytest.raises(UserError):
            read_motifs(wrong)
