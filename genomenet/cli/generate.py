"""`genomenet generate`: new sequences from a trained model."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING

from genomenet.cli.parsing import VerbParser
from genomenet.errors import UserError
from genomenet.files import whole_file
from genomenet.models.config import ModelConfig

if TYPE_CHECKING:
    from genomenet.genome.sequences import SequenceRecord
    from genomenet.models.language_model import LanguageModel


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    parser = VerbParser(
        "generate",
        "RUN [--prompt FILE] [--length N] [--number K] [--out FILE]",
        "Let the model of a run write new sequences, behind prompts or from nothing.",
    )
    parser.add_argument("run", type=str, help="Folder made by train or export.")
    parser.add_argument(
        "--prompt",
        type=str,
        default="",
        help="FASTA file whose records are each continued; for a model of text, a text file.",
    )
    parser.add_argument("--text", type=str, default="", help="A prompt as it is, for text models.")
    parser.add_argument("--length", type=int, default=1000, help="New bases (or bytes) each.")
    parser.add_argument("--number", type=int, default=1, help="Sequences for each prompt.")
    parser.add_argument(
        "--temperature", type=float, default=1.0, help="Below 1 bolder in what is likely; 0 greedy."
    )
    parser.add_argument("--top_k", type=int, default=0, help="Draw of the K likeliest; 0 is all.")
    parser.add_argument(
        "--top_p", type=float, default=1.0, help="Draw of the likeliest that reach this share."
    )
    parser.add_argument("--seed", type=int, default=0, help="Equal seeds give equal sequences.")
    parser.add_argument("--out", type=str, default="", help="File to write; the terminal if none.")
    parser.add_argument("--batch_size", type=int, default=16, help="Sequences made at a time.")
    parser.add_argument(
        "--checkpoint",
        choices=("final", "best", "before-decay"),
        default="final",
        help="Weights to use.",
    )
    parser.add_argument("--quiet", type=bool, default=False, help="Show no progress, no summary.")
    parsed = parser.read(words)
    for name, least in (("length", 1), ("number", 1), ("batch_size", 1), ("seed", 0)):
        if getattr(parsed, name) < least:
            raise UserError(f"--{name} is {getattr(parsed, name)}; give a number from {least}")
    if parsed.out and Path(parsed.out).is_dir():
        raise UserError(f"--out {parsed.out} is a folder; name a file in it")
    exported = (Path(parsed.run) / "config.json").is_file()
    if exported and parsed.checkpoint != "final":
        raise UserError(
            f"{parsed.run} is an exported model, which has one set of weights; leave --checkpoint "
            f"out, or export the run with --checkpoint {parsed.checkpoint}"
        )
    if not exported and not (Path(parsed.run) / "run.json").is_file():
        raise UserError(
            f"{parsed.run} is not a run, nor an exported model: it has no run.json or "
            "config.json; name a folder that `genomenet train` or `genomenet export` made"
        )
    if parsed.prompt and parsed.text:
        raise UserError("--prompt and --text both name prompts; give one of them")

    from tqdm import tqdm

    from genomenet.genome.alphabet import ALPHABETS
    from genomenet.genome.sequences import write_sequence, write_text
    from genomenet.models.generate import Start, generate, weights_digest
    from genomenet.models.sampling import Sampling
    from genomenet.training.record import read_json

    sampling = Sampling(parsed.temperature, parsed.top_k, parsed.top_p).check()
    model, max_length, precision = _open(Path(parsed.run), parsed.checkpoint.replace("-", " "))
    checkpoint = parsed.checkpoint
    if exported:
        checkpoint = read_json(Path(parsed.run) / "config.json")["run"]["checkpoint"]
    prompts = _prompts(model.config.alphabet, parsed.prompt, parsed.text)
    unit = ALPHABETS[model.config.alphabet].unit
    description = [
        "_".join(f"run={Path(parsed.run).resolve().name}".split()),
        f"weights={weights_digest(model)[:12]}",
        f"checkpoint={checkpoint.replace(' ', '-')}",
        *(f"{name}={getattr(parsed, name)}" for name in ("seed", "temperature", "top_k", "top_p")),
    ]
    jobs = [
        (prompt, sample, Start(prompt.codes, prompt.masked, (parsed.seed, number, sample)))
        for number, prompt in enumerate(prompts)
        for sample in range(parsed.number)
    ]
    if not parsed.quiet:
        longest = max(len(prompt.codes) for prompt in prompts) + parsed.length
        _note_surprises(model.config, unit, longest, max_length)
    total = sum(len(prompt.codes) + parsed.length for prompt, _, _ in jobs)
    steps: list[tuple[int, ...]] = []
    with (
        _destination(parsed.out) as handle,
        precision,
        tqdm(total=total, unit=unit, disable=parsed.quiet or None, leave=False) as bar,
    ):
        started = time.perf_counter()
        for first in range(0, len(jobs), parsed.batch_size):
            batch = jobs[first : first + parsed.batch_size]
            found = generate(
                model, [start for _, _, start in batch], parsed.length, sampling, bar.update
            )
            steps.append(found.steps)
            for (prompt, sample, _), codes in zip(batch, found.codes, strict=True):
                behind = [f"prompt={prompt.name}:{len(prompt.codes)}"] if len(prompt.codes) else []
                record = (f"{prompt.name}_{sample + 1}", [*description, *behind], codes)
                if model.config.alphabet == "dna":
                    write_sequence(handle, *record)
                else:
                    write_text(handle, *record, alone=len(jobs) == 1)
        seconds = time.perf_counter() - started
    if not parsed.quiet:
        stages = [sum(stage) for stage in zip(*steps, strict=True)]
        # Isotropic models have one network; its steps are the tokens.
        share = f"; the main network stepped {stages[-1] / total:.3f} times a {unit}"
        _tell(
            f"{len(jobs):,} sequence(s) of {parsed.length:,} {unit}s, {total / seconds:,.0f} "
            f"{unit}s/s, prompts included{share}"
        )
    return 0


def _open(
    folder: Path, checkpoint: str
) -> "tuple[LanguageModel, int, AbstractContextManager[object]]":
    """The model, the length of its training windows (0: unknown), and its precision."""
    from genomenet.evaluation.subject import run_subject
    from genomenet.interop.folder import CONFIG, load

    if (folder / CONFIG).is_file():
        return load(folder), 0, nullcontext()
    subject = run_subject(folder, checkpoint)
    return subject.model, subject.length_bp, subject.precision()


def _note_surprises(config: ModelConfig, unit: str, longest: int, max_length: int) -> None:
    """Tell what a model was not trained for."""
    if 0 < max_length < longest:
        _tell(
            f"note: up to {longest:,} {unit}s in a row, but the model was trained on "
            f"{max_length:,}; what comes later is less certain"
        )
    if config.networks().stages and config.chunker_of(0) == "track":
        _tell("note: the model's boundaries come from a track, which no base here has scores of")


def _prompts(alphabet: str, path: str, text: str) -> "list[SequenceRecord]":
    """What to continue; one empty prompt when none is given."""
    from genomenet.genome.sequences import read_sequences, text_record

    if text and alphabet == "dna":
        raise UserError(
            "--text is for models of text, but this run's model reads DNA; put the sequence into a "
            "FASTA file and name it with --prompt"
        )
    if text:
        return [text_record("text", text.encode())]
    if not path:
        return [text_record("generated", b"")]
    if alphabet == "dna":
        return read_sequences(path)
    if not Path(path).is_file():
        raise UserError(f"--prompt {path} is not a file; name a text file")
    return [text_record("_".join(Path(path).stem.split()), Path(path).read_bytes())]


@contextmanager
def _destination(out: str) -> Iterator[IO[bytes]]:
    """The file to write, which appears whole or not at all; the terminal when none is named."""
    if out:
        with whole_file(out, "wb") as handle:
            yield handle
    else:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()


def _tell(line: str) -> None:
    # Beside the sequences, which may go to the terminal's standard output.
    print(line, file=sys.stderr)
