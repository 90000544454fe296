"""The `genomenet` command: finds the verb, and tells errors in one sentence."""

import importlib
import os
import sys
from collections.abc import Sequence

from genomenet import __version__
from genomenet.errors import Stopped, UserError, nearest
from genomenet.host_memory import keep_freed_memory

VERBS = {
    "data": ("data", "list, fetch and verify public genomes, annotation and tasks"),
    "import": ("import_genome", "turn FASTA, GenBank or EMBL files into a memory-mapped genome"),
    "corpus": ("corpus", "put many genomes into one memory-mapped store"),
    "annotate": ("annotate", "write the class of every base beside a genome, from its genes"),
    "splits": ("splits", "tell the sizes of the splits of some data, and what leaks between them"),
    "calibrate": ("calibrate", "make a patcher: where boundaries fall, for a wanted chunk length"),
    "train": ("train", "train one model on a genome"),
    "resume": ("resume", "go on with a run that was stopped"),
    "branch": ("branch", "decay from a checkpoint of another run as a run of its own"),
    "evaluate": ("evaluate", "score finished runs on held-out bases"),
    "variants": ("variants", "score variants zero-shot, beside trivial scores"),
    "essentiality": ("essentiality", "score genes by what a stop cassette does to them"),
    "robustness": ("robustness", "score models on held-out bases with noise in them"),
    "boundaries": ("boundaries", "compare boundaries with annotation and motifs, with controls"),
    "compute": ("compute", "tell where models spend compute, and what moving it would change"),
    "tasks": ("tasks", "make probe tasks from the annotated held-out bases of a run"),
    "probe": ("probe", "train linear classifiers on frozen embeddings, with controls"),
    "generate": ("generate", "let a trained model write new sequences"),
    "export": ("export", "write the model of a run as a folder to share"),
    "compare": ("compare", "train and score all arms of a study on the same bases"),
    "study": ("study", "take the steps of a study one by one, or all by a workflow on a cluster"),
    "report": ("report", "write the figures and the HTML report of a study"),
    "tracks": ("tracks", "write surprise, boundaries and compute of every base for browsers"),
    "models": ("models", "list model presets with parameters and FLOPs per base"),
    "plan": ("plan", "compute how much memory and time a model will need on a GPU"),
    "doctor": ("doctor", "tell what is installed, and test the kernels of this machine"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb.

    Parameters
    ----------
    argv : sequence of str, optional
        Words after `genomenet`; the process's own when left out.

    Returns
    -------
    int
        0 when it went well, 1 when `doctor` finds a kernel that computes something else than it
        should, 2 after a mistake a user can mend, 75 when a scheduler stopped it and the same work
        can go on later, 130 when interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in {"-h", "--help", "help"}:
        print(_usage())
        return 0
    if words[0] in {"-V", "--version"}:
        print(f"genomenet {__version__}")
        return 0
    try:
        verb, rest = words[0], words[1:]
        if verb not in VERBS:
            raise UserError(
                f"there is no verb '{verb}'"
                + (nearest(verb, VERBS) or f"; the verbs are {', '.join(VERBS)}")
            )
        if argv is None:  # the process is the command's own
            keep_freed_memory()
        return importlib.import_module(f"genomenet.cli.{VERBS[verb][0]}").main(rest)
    except UserError as error:
        return _fail(str(error))
    except Stopped as stopped:
        return _fail(str(stopped), os.EX_TEMPFAIL)
    except BrokenPipeError:  # `genomenet ... | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # The system's own words name the file and the reason: no space, no permission.
        return _fail(str(error))
    except KeyboardInterrupt as interrupt:
        print(f"genomenet: {str(interrupt) or 'interrupted'}", file=sys.stderr)
        return 130


def _fail(message: str, code: int = 2) -> int:
    print(f"genomenet: {' '.join(message.split())}", file=sys.stderr)
    return code


def _usage() -> str:
    verbs = "\n".join(f"  {name:<13}{purpose}" for name, (_, purpose) in VERBS.items())
    return (
        "usage: genomenet VERB ...\n\n"
        "Train DNA language models on raw nucleotides and compare their architectures fairly.\n\n"
        f"verbs:\n{verbs}\n\n"
        "`genomenet VERB --help` tells a verb's options; `genomenet --version` the version."
    )


if __name__ == "__main__":
    sys.exit(main())
