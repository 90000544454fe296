"""Probes as findings: every row beside its twin, the floors, and what was seen in training."""

from collections.abc import Iterator, Mapping, Sequence

from genomenet import __version__
from genomenet.evaluation.findings import Cell, Column, Findings, Table
from genomenet.probes.against_perplexity import Likelihoods, perplexity_parts
from genomenet.probes.embeddings import describe
from genomenet.probes.findings_charts import task_chart
from genomenet.probes.findings_rows import overlap_table, task_table
from genomenet.probes.findings_sentences import sentences
from genomenet.probes.fit import CHOICE_ROWS, FOLDS
from genomenet.probes.scores import DRAWS, Range, Sure
from genomenet.probes.suite import FLOORS, KMER_STRENGTH, Outcome, TaskResults
from genomenet.training.record import now


def probe_findings(
    results: Sequence[TaskResults],
    models: Sequence[str],
    likelihoods: Likelihoods,
    command: str,
    inputs: Mapping[str, str],
    max_length: int = 0,
) -> Findings:
    """Put together what probes found.

    Parameters
    ----------
    results : sequence of TaskResults
        One a task.
    models : sequence of str
        Names, in the order of the tables.
    likelihoods : Likelihoods
        Nats per base of models for which they are known.
    command : str
        That made it.
    inputs : mapping of str to str
        What was read, beside the tasks.
    max_length : int
        As in `genomenet.probes.embeddings.embed`.
    """
    perplexity_table, perplexity_chart, perplexity_sentences = perplexity_parts(
        results, models, likelihoods
    )
    return Findings(
        kind="probes",
        title="Probes of frozen embeddings",
        created=now(),
        command=command,
        version=__version__,
        inputs={**inputs, **{f"task {one.task.name}": one.task.digest for one in results}},
        sentences=(*sentences(results, models), *perplexity_sentences),
        tables=(
            _probes(results, models),
            _gains(results, models),
            _floors(results),
            overlap_table(results, models),
            task_table(results),
            perplexity_table,
        ),
        charts=(*(task_chart(one, models) for one in results), perplexity_chart),
        notes=_notes(results, likelihoods, max_length),
    )


def shots_text(shots: int) -> str:
    """How tables call a number of shots."""
    return f"{shots}-shot" if shots else "full"


def _probes(results: Sequence[TaskResults], models: Sequence[str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one, shots, name, outcome in _of_models(results, models):
        floors = (one.outcomes[shots, "floor", floor] for floor in FLOORS)
        scored = outcome.scored
        rows.append(
            (
                one.task.name,
                shots_text(shots),
                name,
                *_sure(scored.sure),
                scored.accuracy,
                scored.macro_f1 if scored.spearman is None else scored.spearman,
                one.outcomes[shots, "twin", name].scored.sure.centre,
                *(floor.scored.sure.centre for floor in floors),
                outcome.chosen,
                outcome.options,
            )
        )
    numeric = any(one.task.numeric for one in results)
    return Table(
        "probes",
        "Probes beside their twins and floors",
        "MCC (R2 where labels are numbers): the mean over seeds, with 95 % intervals over test "
        "rows and over seeds. The twin is the same model with random weights, with the same rows "
        "and the same choices.",
        (
            Column("task"),
            Column("rows"),
            Column("model"),
            Column("MCC or R2" if numeric else "MCC", "number"),
            Column("over test rows", "number"),
            Column("over seeds", "number"),
            Column("accuracy", "number"),
            Column("macro-F1 or Spearman" if numeric else "macro-F1", "number"),
            Column("twin", "number"),
            *(Column(name, "number") for name in FLOORS),
            Column("chosen"),
            Column("of", "count"),
        ),
        tuple(rows),
    )


def _gains(results: Sequence[TaskResults], models: Sequence[str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one, shots, name, outcome in _of_models(results, models):
        floor_name, floor = one.best_floor(shots)
        gain = outcome.scored.minus(one.outcomes[shots, "twin", name].scored)
        above = outcome.scored.minus(floor.scored)
        place = (one.task.name, shots_text(shots), name)
        rows.append((*place, *_sure(gain), *_sure(above), floor_name))
    return Table(
        "gains",
        "Gains over random weights, and over the best floor",
        "Paired differences of the scores: the same test rows, the same train rows.",
        (
            Column("task"),
            Column("rows"),
            Column("model"),
            Column("over twin", "signed"),
            Column("over test rows", "signed"),
            Column("over seeds", "signed"),
            Column("over best floor", "signed"),
            Column("over test rows ", "signed"),
            Column("over seeds ", "signed"),
            Column("best floor"),
        ),
        tuple(rows),
    )


def _of_models(
    results: Sequence[TaskResults], models: Sequence[str]
) -> Iterator[tuple[TaskResults, int, str, Outcome]]:
    """Task, shots, name and outcome, a model after the other for each number of shots."""
    for one in results:
        for shots in dict.fromkeys(shots for shots, _, _ in one.outcomes):
            for name in models:
                yield one, shots, name, one.outcomes[shots, "model", name]


def _floors(results: Sequence[TaskResults]) -> Table:
    rows = [
        (
            one.task.name,
            shots_text(shots),
            name,
            *_sure(outcome.scored.sure),
            outcome.scored.accuracy,
            outcome.scored.macro_f1,
        )
        for one in results
        for (shots, kind, name), outcome in one.outcomes.items()
        if kind == "floor"
    ]
    return Table(
        "floors",
        "Floors",
        "What needs no model, with the rows that the probes had.",
        (
            Column("task"),
            Column("rows"),
            Column("floor"),
            Column("score", "number"),
            Column("over test rows", "number"),
            Column("over seeds", "number"),
            Column("accuracy", "number"),
            Column("macro-F1", "number"),
        ),
        tuple(rows),
    )


def _sure(sure: Sure) -> tuple[float, Range, Range | None]:
    return sure.centre, sure.over_rows, sure.over_seeds


def _notes(
    results: Sequence[TaskResults], likelihoods: Likelihoods, max_length: int
) -> tuple[str, ...]:
    missed = sum(
        fit.warnings
        for one in results
        for outcome in one.outcomes.values()
        for fit in outcome.fitted
    )
    skipped = [
        f"{one.task.name}: no {shots_text(shots)} row, a class has fewer train rows"
        for one in results
        for shots in one.skipped
    ]
    return (
        describe(max_length),
        f"Probe: standardised features, then logistic regression (ridge for numbers). Layer, "
        f"pooling and regularisation are chosen by {FOLDS}-fold cross-validation on the train "
        f"rows of each seed (layer and pooling on at most {CHOICE_ROWS} of them), never on test "
        "rows. Model and twin choose among the same options.",
        f"Floors: counts of 4-mers with C = {KMER_STRENGTH} and with C chosen; share of G and C "
        "with log length. They read whole sequences and one strand, as given.",
        f"Intervals are 95 %: a bootstrap over test rows ({DRAWS} samples), and Student t over "
        "seeds, which draw the train rows of few-shot probes and the folds. With all train rows "
        "seeds differ in folds alone. The weights are those of one training seed, so neither "
        "says how another training would fare. A difference counts as significant when both "
        "exclude zero; no correction is made for the number of rows.",
        "Rows of a task that resemble each other, such as repeats and paralogues, are not kept "
        "apart between its train and test rows: that is as the task has it.",
        f"Perplexity: {likelihoods.what}.",
        *(note for one in results for note in one.task.notes),
        *skipped,
        *([f"{missed} fits stopped before they converged"] if missed else []),
    )
