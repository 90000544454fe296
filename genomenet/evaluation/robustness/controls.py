"""What stands beside models among noise: their untrained twins, and a model without a network."""

from collections.abc import Sequence
from pathlib import Path

from genomenet.evaluation.robustness.noisy_windows import Scorer, model_scorer
from genomenet.evaluation.subject import Subject, arm_twins
from genomenet.evaluation.trivial_scorers import composition_scorer, markov_scorer
from genomenet.training.inputs import open_data
from genomenet.training.record import read_record


def control_scorers(
    runs: Sequence[Path], subjects: Sequence[Subject], markov_order: int
) -> list[Scorer]:
    """The untrained twin of each arm, and the trivial model fitted on the first run's data.

    Parameters
    ----------
    runs : sequence of Path
        Folders of the runs.
    subjects : sequence of Subject
        All models.
    markov_order : int
        Longest context of the Markov model, for DNA.

    Returns
    -------
    list of Scorer
        Without runs, twins alone.

    Raises
    ------
    UserError
        When the first run's data can't be opened.
    """
    twins = [model_scorer(twin, control=True) for twin in arm_twins(subjects)]
    if not runs:
        return twins
    data = read_record(runs[0])[0].data
    genome, splits = open_data(data)
    if genome.alphabet.complementable:
        trivial = Scorer(
            f"order-{markov_order} Markov",
            markov_scorer(genome, splits, data, markov_order),
            control=True,
        )
    else:
        trivial = Scorer("byte composition", composition_scorer(genome, splits), control=True)
    return [*twins, trivial]
