"""`genomenet study`: the steps of a study, one a process, and the workflow that takes them all."""

from collections.abc import Sequence
from pathlib import Path

from genomenet.cli.parsing import VerbParser
from genomenet.errors import UserError, nearest

_USAGE = """usage: genomenet study run STUDY [--KEY VALUE] --out FOLDER [--profile NAME] [--dry-run]
       genomenet study claim STUDY [--KEY VALUE] --out FOLDER
       genomenet study prepare FOLDER
       genomenet study floors FOLDER
       genomenet study arm FOLDER (--arm NAME --seed N | --number N) [--threads N]
       genomenet study gather FOLDER
       genomenet study show FOLDER

Take the steps of a study, each in a process of its own that can be stopped and started again.

  run      all steps by Snakemake, here or on a cluster, with evaluation and probes
  claim    check a study's config and data, and make its folder
  prepare  make the patchers that arms need
  floors   score the trivial rows
  arm      train and score one arm with one seed, or go on with that
  gather   put everything into results.json and the report
  show     list the arms and seeds of a study and what is done

`genomenet compare` takes the same steps on this machine. `genomenet study run --help` tells
more."""

_AGAIN = "nothing is lost: run the same command again"


def main(words: Sequence[str]) -> int:
    """Run the verb."""
    if not words or words[0] in {"-h", "--help"}:
        print(_USAGE)
        return 0
    verbs = {
        "run": _run,
        "claim": _claim,
        "prepare": _prepare,
        "floors": _floors,
        "arm": _arm,
        "gather": _gather,
        "show": _show,
    }
    if words[0] not in verbs:
        raise UserError(
            f"`genomenet study` can't '{words[0]}'"
            + (nearest(words[0], verbs) or f"; it can {', '.join(verbs)}")
        )
    return verbs[words[0]](words[1:])


def _run(words: Sequence[str]) -> int:
    from genomenet.cli.study_run import main as run

    return run(words)


def _claim(words: Sequence[str]) -> int:
    from genomenet.cli.study_run import claim_words

    parser = VerbParser(
        "study claim",
        "STUDY [--KEY VALUE] --out FOLDER",
        "Check the config and data of a study, and make its folder with study.json.",
    )
    config, parsed, command = claim_words(parser, "claim", words)

    from genomenet.study.claim import claim

    record = claim(config, Path(parsed.out), command)
    print(f"{parsed.out}: {len(record.config.arms)} arm(s), {len(record.config.seeds)} seed(s)")
    return 0


def _prepare(words: Sequence[str]) -> int:
    folder = _folder("prepare", "Make the patchers that the arms of a study need.", words)

    from genomenet.study.prepare import prepare
    from genomenet.training.signals import StopAtOnce

    with StopAtOnce(_AGAIN):
        prepare(folder, lambda line: print(line, flush=True))
    return 0


def _floors(words: Sequence[str]) -> int:
    folder = _folder("floors", "Score the trivial rows of a study.", words)

    from genomenet.study.prepare import make_floors
    from genomenet.training.signals import StopAtOnce

    with StopAtOnce(_AGAIN):
        make_floors(folder)
    return 0


def _arm(words: Sequence[str]) -> int:
    parser = VerbParser(
        "study arm",
        "FOLDER (--arm NAME --seed N | --number N) [--threads N]",
        "Train and score one arm of a study with one seed, or go on where that stopped.",
    )
    parser.add_argument("study", type=str, help="Folder of the study, prepared.")
    parser.add_argument("--arm", type=str, default="", help="Name of the arm.")
    parser.add_argument("--seed", type=int, default=-1, help="The seed; the first if left out.")
    parser.add_argument(
        "--number",
        type=int,
        default=-1,
        help="Instead of both, a number from 0, as `genomenet study show` lists them: for arrays "
        "of jobs.",
    )
    parser.add_argument(
        "--threads", type=int, default=0, help="CPU threads; 0 is one for each usable core."
    )
    parsed = parser.read(words)
    if bool(parsed.arm) == (parsed.number >= 0):
        raise UserError("name one of --arm and --number")
    if parsed.threads < 0:
        raise UserError(f"--threads is {parsed.threads}; give 0 for all usable cores, or more")

    from genomenet.study.record import read_study

    folder = Path(parsed.study)
    keys = read_study(folder).config.keys
    if parsed.number >= len(keys):
        raise UserError(f"--number is {parsed.number}, but {folder} has {len(keys)} runs, from 0")
    arm, seed = parsed.arm, parsed.seed if parsed.seed >= 0 else keys[0][1]
    if parsed.number >= 0:
        arm, seed = keys[parsed.number]

    from genomenet.cli.terminal import warn
    from genomenet.study.arm import run_arm
    from genomenet.study.compare import usable_cores
    from genomenet.training.signals import StopAtOnce

    with StopAtOnce(_AGAIN):
        run_arm(folder, arm, seed, parsed.threads or usable_cores(), warn)
    return 0


def _gather(words: Sequence[str]) -> int:
    folder = _folder("gather", "Put everything into results.json and the report.", words)

    from genomenet.report.page import write_report
    from genomenet.report.tables import text_table
    from genomenet.study.gather import gather

    study = gather(folder)
    print(text_table(study))
    print(f"\nreport: {write_report(study, folder)}")
    return 0


def _show(words: Sequence[str]) -> int:
    folder = _folder("show", "List the arms and seeds of a study and what is done.", words)

    from genomenet.cli.terminal import text_table
    from genomenet.study.record import read_study, unfinished

    waiting = set(unfinished(folder))
    rows = [
        (str(number), arm, str(seed), "to do" if f"arm {arm}-seed{seed}" in waiting else "done")
        for number, (arm, seed) in enumerate(read_study(folder).config.keys)
    ]
    for step in ("prepare", "floors"):
        print(f"{step}: {'to do' if step in waiting else 'done'}")
    print(text_table(("number", "arm", "seed", "state"), rows, "><><"))
    return 0


def _folder(step: str, description: str, words: Sequence[str]) -> Path:
    """The study that a step is about."""
    parser = VerbParser(f"study {step}", "FOLDER", description)
    parser.add_argument("study", type=str, help="Folder of the study.")
    return Path(parser.read(words).study)
