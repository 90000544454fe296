"""What probes say in plain words: which gains there are, and which there aren't."""

from collections.abc import Sequence

from genomenet.probes.scores import Sure
from genomenet.probes.suite import TaskResults


def sentences(results: Sequence[TaskResults], models: Sequence[str]) -> tuple[str, ...]:
    """Significant gains over twins and over floors, and what was seen in training."""
    gains: list[tuple[str, Sure]] = []
    above: list[tuple[str, Sure]] = []
    for one in results:
        for (shots, kind, name), outcome in one.outcomes.items():
            if kind == "model":
                what = f"{name} on {one.task.name}, {f'{shots}-shot' if shots else 'full'}"
                twin = one.outcomes[shots, "twin", name]
                gains.append((what, outcome.scored.minus(twin.scored)))
                _, floor = one.best_floor(shots)
                above.append((what, outcome.scored.minus(floor.scored)))
    return (
        _told("Training", "the twin with random weights", gains),
        _told("The probe", "the best floor", above),
        *_seen(results, models),
    )


def _told(who: str, whom: str, differences: Sequence[tuple[str, Sure]]) -> str:
    better = [(what, sure) for what, sure in differences if sure.excludes_zero and sure.centre > 0]
    worse = [(what, sure) for what, sure in differences if sure.excludes_zero and sure.centre < 0]
    told = f"{who} is better than {whom} in {len(better)} of {len(differences)} rows"
    if better:
        what, sure = max(better, key=lambda one: one[1].centre)
        told += f" (most in {what}: {sure.centre:+.3f})"
    told += f", worse in {len(worse)}"
    if worse:
        what, sure = min(worse, key=lambda one: one[1].centre)
        told += f" (most in {what}: {sure.centre:+.3f})"
    left = len(differences) - len(better) - len(worse)
    return told.replace("-0.", "\u22120.") + f", and not to be told apart in {left}."


def _seen(results: Sequence[TaskResults], models: Sequence[str]) -> list[str]:
    told = []
    for one in results:
        counts = {
            int(one.overlaps[name].seen[one.task.test].sum())
            for name in models
            if name in one.overlaps
        }
        if counts - {0}:
            most = max(counts)
            told.append(
                f"{one.task.name}: {most:,} of {len(one.task.test):,} test rows lie in the "
                "pre-training split; scores without them stand in the table of overlaps."
            )
        elif counts:
            told.append(f"{one.task.name}: no test row was found in the pre-training split.")
    return told
