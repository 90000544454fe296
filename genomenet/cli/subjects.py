"""The models that a verb evaluates: runs, all runs of a study, or models of elsewhere."""

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genomenet.cli.parsing import VerbParser
from genomenet.errors import UserError

if TYPE_CHECKING:
    from genomenet.evaluation.held_out import HeldOut
    from genomenet.evaluation.subject import Subject


PEER_LENGTH_BP = 1024
"""Window length where there are only models of elsewhere and --max_length is left out."""


@dataclass(frozen=True)
class Evaluated:
    """What a verb was given to evaluate.

    Attributes
    ----------
    subjects : list of Subject
        All models, runs first.
    runs : list of Path
        Folders of those that are runs, in the same order.
    study : Path or None
        The study that they all are of, which keeps what is found.
    """

    subjects: "list[Subject]"
    runs: list[Path]
    study: Path | None


def add_subject_options(parser: VerbParser) -> None:
    """Options that name models."""
    parser.add_argument(
        "runs",
        type=str,
        nargs="*",
        help="Folders that `genomenet train` made, or one that `genomenet compare` made, for all "
        "its runs; what is found then goes into its report too.",
    )
    parser.add_argument(
        "--checkpoint",
        choices=("final", "best", "before-decay"),
        default="final",
        help="Weights to take.",
    )
    parser.add_argument(
        "--hf",
        type=str,
        action="append",
        default=[],
        metavar="NAME_OR_DIR",
        help="A DNA model of Hugging Face's transformers: a folder, or a name in the local cache; "
        "may be given several times. Without runs, name a genome with --genome.",
    )
    parser.add_argument(
        "--trust_remote_code",
        action="store_true",
        help="Let models of --hf run Python code that comes with them.",
    )


def add_held_out_options(parser: VerbParser, windows: int) -> None:
    """Options that say which bases are scored, `windows` of them if nothing is said."""
    parser.add_argument(
        "--split",
        choices=("train", "valid", "test"),
        help="Split of the runs' genome to score; test if left out.",
    )
    parser.add_argument(
        "--genome",
        type=str,
        default="",
        help="Score another genome: FASTA or imported folder; or other text, for runs on text.",
    )
    parser.add_argument(
        "--track",
        type=str,
        default="",
        help="Scores of another genome's bases, for a model that reads them: bigWig or bedGraph.",
    )
    parser.add_argument(
        "--aliases",
        type=str,
        default="",
        help="Table of names of another genome's contigs, for --bed and --track: UCSC's "
        "chromAlias.txt, NCBI's assembly_report.txt, or TSV.",
    )
    parser.add_argument("--bed", type=str, default="", help="Score only these intervals.")
    parser.add_argument(
        "--regions",
        "--tracks",
        type=str,
        default="",
        help="Folder made by `genomenet annotate`: the class of every base; the run's own "
        "data.regions if left out.",
    )
    parser.add_argument(
        "--max_length",
        type=int,
        default=0,
        help="Window length in bases; what the models were trained on if left out.",
    )
    parser.add_argument(
        "--windows", type=int, default=windows, help="Windows, evenly spread; 0 is all."
    )


def check_held_out_options(parsed: Namespace) -> None:
    """Find contradictions before anything heavy is imported.

    Raises
    ------
    UserError
        When options exclude each other.
    """
    if parsed.split and (parsed.genome or parsed.bed):
        raise UserError(
            "--split names a part of the run's own genome; leave out --genome and --bed"
        )
    for option in ("track", "aliases"):
        if getattr(parsed, option) and not parsed.genome:
            raise UserError(f"--{option} is for another genome; name that one with --genome")


def open_subjects(parsed: Namespace) -> Evaluated:
    """Load the models that the options name: runs, then models of --hf.

    The latter are scored on windows of --max_length, or as long as those of the first run.

    Raises
    ------
    UserError
        When there is none, one can't be loaded, two have one name, or they read different
        alphabets.
    """
    # Verbs without --genome bring sequences of their own.
    if parsed.hf and not parsed.runs and not getattr(parsed, "genome", "none is asked for"):
        raise UserError("--hf without a run needs to know what to score; name it with --genome")
    from genomenet.evaluation.subject import (
        require_different_names,
        require_one_alphabet,
        run_subject,
        short_names,
    )

    runs, study = named_runs(parsed) if parsed.runs or not parsed.hf else ([], None)
    subjects = [run_subject(run, parsed.checkpoint.replace("-", " ")) for run in runs]
    if study is not None:
        subjects = short_names(subjects)
    if parsed.hf:
        from genomenet.interop.hf_subject import hf_subject

        length_bp = getattr(parsed, "max_length", 0)
        length_bp = length_bp or (subjects[0].length_bp if subjects else PEER_LENGTH_BP)
        subjects += [
            hf_subject(name, length_bp, trust_remote_code=parsed.trust_remote_code)
            for name in parsed.hf
        ]
    require_different_names(subjects)
    require_one_alphabet(subjects)
    return Evaluated(subjects, runs, study)


def named_runs(parsed: Namespace) -> tuple[list[Path], Path | None]:
    """The run folders that words name, and the study when it is one study's folder.

    Raises
    ------
    UserError
        When nothing is named, or a study stands among other folders.
    """
    folders = [Path(word) for word in parsed.runs]
    if not folders:
        raise UserError("name at least one run, a study, or a model with --hf")
    from genomenet.study.record import STUDY, begun_runs

    studies = [folder for folder in folders if (folder / STUDY).is_file()]
    if not studies:
        return folders, None
    if len(folders) > 1:
        raise UserError(f"{studies[0]} is a study; give it alone, or name some of its runs")
    runs = begun_runs(studies[0])
    if not runs:
        raise UserError(f"{studies[0]} has no runs yet; finish it with `genomenet compare`")
    return runs, studies[0]


def open_held_out_windows(parsed: Namespace, evaluated: Evaluated) -> "HeldOut":
    """The windows that the options of `add_held_out_options` name.

    Raises
    ------
    UserError
        As `genomenet.evaluation.held_out.open_held_out`.
    """
    from genomenet.evaluation.held_out import open_held_out

    return open_held_out(
        evaluated.runs,
        evaluated.subjects,
        parsed.split or "test",
        parsed.genome,
        parsed.bed,
        parsed.track,
        parsed.aliases,
        parsed.regions,
        parsed.max_length,
        parsed.windows,
    )
