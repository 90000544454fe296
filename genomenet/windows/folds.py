"""Deal whole contigs to folds of about equal size, to leave out one fold after the other."""

from genomenet.errors import UserError
from genomenet.genome.genome import Genome, whole_contigs
from genomenet.genome.intervals import Interval, overlaps_bp
from genomenet.windows.splits import Splits, merged_splits


def split_by_folds(genome: Genome, folds: int, fold: int) -> Splits:
    """Test on one fold of contigs, validate on the next, and train on the others.

    Over all values of `fold` every base is tested once, and none by a model that saw its contig.

    Parameters
    ----------
    genome : Genome
        Whose contigs are dealt.
    folds : int
        How many folds, at least 3.
    fold : int
        Which one to test on, from 0; the one after it, or the first, is for validation.

    Raises
    ------
    UserError
        Numbers out of range, or fewer contigs than folds.
    """
    if folds < 3:
        raise UserError(
            f"data.split.folds is {folds}; give 3 or more, for one is tested and one validates"
        )
    if not 0 <= fold < folds:
        raise UserError(f"data.split.fold is {fold}; give 0 to {folds - 1}")
    dealt = deal_contigs(genome, folds)
    purpose = {fold: "test", (fold + 1) % folds: "valid"}
    return merged_splits(
        [
            (purpose.get(number, "train"), contig)
            for number, contigs in enumerate(dealt)
            for contig in contigs
        ]
    )


def deal_contigs(genome: Genome, folds: int) -> list[list[Interval]]:
    """Deal contigs to folds, the longest first, each to the fold with the fewest bases so far.

    Bases in long runs of N don't count. The order of the contigs makes no difference.

    Raises
    ------
    UserError
        When a fold would stay empty.
    """
    contigs = sorted(whole_contigs(genome))
    called = [
        contig.length_bp - in_runs
        for contig, in_runs in zip(
            contigs, overlaps_bp(contigs, genome.n_runs).tolist(), strict=True
        )
    ]
    if sum(bases > 0 for bases in called) < folds:
        raise UserError(
            f"data.split.folds is {folds}, but the genome has only {len(contigs)} contig(s) to "
            "deal to them; lower it, or split by fraction"
        )
    dealt: list[list[Interval]] = [[] for _ in range(folds)]
    sizes = [0] * folds
    for contig, bases in sorted(zip(contigs, called, strict=True), key=lambda pair: -pair[1]):
        smallest = sizes.index(min(sizes))
        dealt[smallest].append(contig)
        sizes[smallest] += bases
    return dealt
