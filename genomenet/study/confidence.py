"""How sure the difference of two arms of a study is: over shared seeds, or over shared windows."""

from collections.abc import Sequence

import numpy as np

from genomenet.evaluation.confidence import (
    Estimate,
    bootstrap_interval,
    paired_difference,
    seed_interval,
)
from genomenet.evaluation.results import Checkpoint, Likelihood
from genomenet.study.results import ArmRun


def difference_interval(
    a: Sequence[ArmRun],
    b: Sequence[ArmRun],
    checkpoint: Checkpoint = "final",
    level: float = 0.95,
) -> Estimate:
    """Nats per base of arm `a` minus arm `b`: paired over seeds, or over windows with one seed.

    Parameters
    ----------
    a, b : sequence of ArmRun
        All seeds of the two arms.  Seeds that both have are paired, since they share the order of
        the data; others are left out.  With fewer than two shared seeds the windows are paired, on
        the shared seed, or on the mean over seeds when none is shared.
    checkpoint : {"final", "before decay"}
        Which weights.
    level : float
        Coverage.

    Returns
    -------
    Estimate
        Negative means that `a` predicts better; `basis` says what was repeated.

    Raises
    ------
    ValueError
        When an arm has no likelihood at the checkpoint or the windows differ.
    """
    of_a = {run.seed: _at(run, checkpoint) for run in a}
    of_b = {run.seed: _at(run, checkpoint) for run in b}
    shared = sorted(set(of_a) & set(of_b))
    if len(shared) >= 2:
        return seed_interval([of_a[seed].nats - of_b[seed].nats for seed in shared], level)
    if len(shared) == 1:
        return paired_difference(of_a[shared[0]], of_b[shared[0]], level)
    windows = {one.window_bases for one in (*of_a.values(), *of_b.values())}
    if len(windows) != 1:
        raise ValueError("the two arms were scored on different held-out windows")
    mean_a = np.mean([one.window_nats for one in of_a.values()], axis=0)
    mean_b = np.mean([one.window_nats for one in of_b.values()], axis=0)
    return bootstrap_interval(mean_a - mean_b, np.asarray(windows.pop()), level)


def _at(run: ArmRun, checkpoint: Checkpoint) -> Likelihood:
    """Look up the likelihood of a run at a checkpoint."""
    found = run.final if checkpoint == "final" else run.before_decay
    if found is None:
        raise ValueError(f"arm '{run.arm}' seed {run.seed} has no likelihood {checkpoint}")
    return found
