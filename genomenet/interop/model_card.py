"""The README of a shared model: what it is, and only numbers that its run and study recorded."""

import math
from pathlib import Path
from typing import Any

import yaml

from genomenet.evaluation.findings import Findings, Table
from genomenet.evaluation.findings_file import FINDINGS, load_findings
from genomenet.training.config import RunConfig

LICENCES = "https://huggingface.co/docs/hub/repositories-licenses"


def model_card(
    config: RunConfig, record: dict[str, Any], content: dict[str, Any], run: Path, use: str
) -> str:
    """Fill in the card of a run's model.

    Parameters
    ----------
    config : RunConfig
        The run.
    record : dict
        Its run.json.
    content : dict
        The config.json of the shared folder.
    run : Path
        The run's folder; likelihoods are taken from the study that it is part of.
    use : str
        The code that loads the model.

    Returns
    -------
    str
        Markdown under a header of YAML that Hugging Face reads.
    """
    unit, checkpoint = config.data.unit, content["run"]["checkpoint"]
    parts = [
        _header(config),
        f"# {run.absolute().name}",
        f"A causal language model of {'text' if config.data.text else 'DNA'}: each {unit} is "
        f"predicted from those before it. Made by GenomeNet {content['genomenet']}.",
        "## Use",
        f"```python\n{use}\n```",
        "## Model",
        _list(_model(config, record)),
        "## Data",
        _list(_data(config, record["data"])),
        "## Training",
        _list(_training(config, record, content)),
        "## How well it predicts",
        *_likelihood(config, record, content, run, checkpoint),
        "## Limits",
        _list(_limits(config, record)),
        "## Where it comes from",
        _list(
            [
                f"command: `{record['command']}`, {record['created']}",
                "versions: " + _pairs(record["versions"]),
                f"digest of the weights (SHA-256): `{content['weights']['sha256']}`",
            ]
        ),
        "## Licence",
        f"None chosen yet. Choose one before you share this model, here and in the header: "
        f"[licences]({LICENCES}). Mind what the data's licence asks.",
    ]
    return "\n\n".join(parts) + "\n"


def _header(config: RunConfig) -> str:
    tags = ["genomenet", "text" if config.data.text else "dna"]
    tags += [] if config.data.text else ["genomics", "biology"]
    header = {
        "license": "other",
        "license_name": "not-chosen-yet",
        "license_link": LICENCES,
        "library_name": "genomenet",
        "pipeline_tag": "text-generation",
        "tags": tags,
    }
    return f"---\n{yaml.safe_dump(header, sort_keys=False)}---"


def _model(config: RunConfig, record: dict[str, Any]) -> list[str]:
    model, unit = config.model, config.data.unit
    lines = [
        f"layout `{model.layout}` ({model.notation} notation), width {model.d_model}",
        f"{record['parameters']:,} parameters, {record['flops_per_base_nominal']:,.0f} nominal "
        f"FLOPs per {unit} forward",
    ]
    if model.tokeniser != "none":
        lines.append(f"tokens: {model.tokeniser}")
    for stage in range(model.networks().stages):
        lines.append(
            f"stage {stage}: chunks by `{model.chunker_of(stage)}`, {model.target(stage):g} wanted "
            f"positions a chunk, pool `{model.pool_of(stage)}`"
        )
    if model.source:
        lines.append(f"after {model.source}")
    return lines


def _data(config: RunConfig, data: dict[str, Any]) -> list[str]:
    unit, split = config.data.unit, config.data.split
    source = "text" if config.data.text else "mock" if config.data.mock else "genome"
    name = "made-up sequence" if config.data.mock else Path(getattr(config.data, source)).name
    sizes = ", ".join(f"{size:,} {name}" for name, size in data["split_bp"].items())
    return [
        f"{name}: {data['length_bp']:,} {unit}s; contigs or files: {data['contigs']:,}",
        f"digest `{data['digest']}`",
        f"split by {split.by}, policy {split.policy}, seed {split.seed}: {sizes} {unit}s; digest "
        f"`{data['splits']}`",
        f"{data['leaked_bp']:,} held-out {unit}s lie in training windows",
        f"windows of {config.data.max_length:,} {unit}s"
        + (", half of them as their reverse complement" if config.data.rc_aug else ""),
    ]


def _training(config: RunConfig, record: dict[str, Any], content: dict[str, Any]) -> list[str]:
    recipe, unit, done = config.train, config.data.unit, content["training"]
    lines = [
        f"AdamW: learning rate {recipe.lr:g}, betas {recipe.beta1:g} and {recipe.beta2:g}, weight "
        f"decay {recipe.weight_decay:g}, gradients clipped at {recipe.gradient_clip:g}",
        f"schedule {recipe.schedule}: {recipe.warmup_fraction:.0%} warm-up"
        + (f", {recipe.decay_fraction:.0%} decay" if recipe.schedule == "wsd" else ""),
        f"{recipe.max_steps:,} steps of {recipe.global_batch_size:,} windows, {recipe.precision}, "
        f"seed {recipe.seed}",
        f"kernels: {_pairs(record['kernels'])}",
        *_machine(record.get("machine")),  # older runs have none on record
        f"these weights: {content['run']['checkpoint']}",
    ]
    if done is None:
        return [*lines, "the run was not finished when this was written"]
    return [
        *lines,
        f"{done['bases']:,} {unit}s in {done['seconds']:,.0f} s of training",
        f"validation loss at the end: {done['valid_nats']:.4f} nats per {unit}",
    ]


def _machine(machine: dict[str, Any] | None) -> list[str]:
    if machine is None:
        return []
    gpus = ", ".join(machine["gpus"]) or "no GPU"
    return [
        f"machine, at the start: {machine['cores']} cores, {machine['threads']} threads, "
        f"{machine['memory_bytes'] / 2**30:,.1f} GiB of memory; {gpus}"
    ]


def _likelihood(
    config: RunConfig,
    record: dict[str, Any],
    content: dict[str, Any],
    run: Path,
    checkpoint: str,
) -> list[str]:
    unit = config.data.unit
    found = _findings(record, run, checkpoint)
    if found is None:
        return [
            "These weights have no held-out likelihood on record: `genomenet evaluate` finds it. "
            "For a study, its folder keeps what was found, and an export after that has it here."
        ]
    findings, table, row = found
    columns = [column.name for column in table.columns]
    kept = ["model", f"{unit}s", "perplexity", f"bits/{unit}", "95 % interval"]
    places = [columns.index(name) for name in kept]
    controls = [one for one in table.rows if one[0] == "uniform" or "Markov" in str(one[0])]
    lines = [" | ".join(kept), " | ".join(["---"] * len(kept))]
    lines += [" | ".join(_cell(one[place]) for place in places) for one in (row, *controls)]
    return [
        f"On the test split, in windows of {findings.inputs['window']}, by `{findings.command}`:",
        "\n".join(f"| {line} |" for line in lines),
        "The rows below the first are controls: counts of words, where there is a Markov model, "
        "and a uniform guess.",
    ]


def _findings(
    record: dict[str, Any], run: Path, checkpoint: str
) -> tuple[Findings, Table, tuple] | None:
    """The study's likelihoods and this run's row, if they are of these weights and this data."""
    run = run.absolute()
    path = run.parents[1] / FINDINGS / "likelihood.json"
    if run.parent.name != "runs" or not path.is_file():
        return None
    findings = load_findings(path)
    wanted = {
        "scored": "test split",
        "checkpoint": checkpoint,
        "genome": record["data"]["digest"],
    }
    if any(findings.inputs.get(name) != value for name, value in wanted.items()):
        return None
    names = {run.name, run.name.rpartition("-seed")[0]}
    for table in findings.tables:
        for row in table.rows:
            if table.key == "overall" and row[0] in names:
                return findings, table, row
    return None


def _limits(config: RunConfig, record: dict[str, Any]) -> list[str]:
    unit, length = config.data.unit, config.data.max_length
    lines = [
        f"It has seen windows of {length:,} {unit}s, each behind a start token; longer input is "
        "untried.",
        "What is said above holds for the data above; other genomes and texts are untried.",
    ]
    if not config.data.text:
        lines += [
            "N is read and never predicted; other ambiguity codes are read as N.",
            "A likely sequence is not a functional one. Not for clinical use.",
        ]
    if record["data"]["leaked_bp"]:
        lines.append("Held-out likelihoods are too good, for the leak told above.")
    return lines


def _list(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return " to ".join(_cell(one) for one in value)
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4f}" if math.isfinite(value) else "not finite"
    return str(value)
