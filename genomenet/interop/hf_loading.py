"""Load a DNA model of Hugging Face's transformers from a folder or the local cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from genomenet.errors import UserError

Objective = Literal["causal", "masked"]


@dataclass(frozen=True)
class Peer:
    """A model of transformers as it was loaded.

    Attributes
    ----------
    name : str
        Folder or name that it was asked for by.
    network : torch.nn.Module
        In float32 and evaluation mode, on the CPU.
    tokenizer : object
        Its tokenizer.
    objective : {"causal", "masked"}
        Whether it predicts the next token, or hidden ones.
    """

    name: str
    network: Any
    tokenizer: Any
    objective: Objective


def load_peer(name: str, trust_remote_code: bool = False) -> Peer:
    """Load config, tokenizer and weights; nothing is downloaded, and no pickle is read.

    Parameters
    ----------
    name : str
        A folder as `save_pretrained` writes it, or the name of a model in the local cache.
    trust_remote_code : bool
        Whether Python code that comes with the model may run.

    Raises
    ------
    UserError
        When transformers is missing, there is no such model, its weights are pickled or don't fit
        it, it needs code of its own, or it is no language model.
    """
    try:
        import transformers
    except ImportError:
        raise UserError(
            'models of Hugging Face need transformers: pip install "genomenet[hf]"'
        ) from None
    _check_folder(name)
    options = {"local_files_only": True, "trust_remote_code": trust_remote_code}
    with _quiet():
        config = _read(name, transformers.AutoConfig, **options)
        objective = _objective(name, config)
        tokenizer = _read(name, transformers.AutoTokenizer, **options)
        auto = {
            "causal": transformers.AutoModelForCausalLM,
            "masked": transformers.AutoModelForMaskedLM,
        }[objective]
        network, loading = _read(
            name,
            auto,
            **options,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    # Transformers draws at random whatever is missing, and says so only in a warning.
    if missing := sorted(loading["missing_keys"]):
        raise UserError(
            f"{name} lacks weights of its own architecture ({missing[0]} and "
            f"{len(missing) - 1} more); give the folder of the whole language model"
        )
    return Peer(name, network.eval(), tokenizer, objective)


def _check_folder(name: str) -> None:
    folder = Path(name)
    if not folder.exists():
        return
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{name} holds no config.json; give a folder that save_pretrained of transformers made"
        )
    if not any(folder.glob("*.safetensors")):
        pickled = sorted([*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")])
        if pickled:
            raise UserError(
                f"{name} has its weights pickled ({pickled[0].name}), which may run any code when "
                "read; write them anew with save_pretrained(..., safe_serialization=True)"
            )
        raise UserError(f"{name} holds no weights; a file *.safetensors should be there")


def _objective(name: str, config: Any) -> Objective:
    architectures = list(getattr(config, "architectures", None) or [])
    remote = list(getattr(config, "auto_map", None) or {})
    for word in [*architectures, *remote]:
        if word.endswith("ForMaskedLM"):
            return "masked"
        if word.endswith(("ForCausalLM", "LMHeadModel")):
            return "causal"
    told = ", ".join(architectures) or "none"
    raise UserError(
        f"{name} is no language model: its config.json names the architectures: {told}; "
        "one ...ForCausalLM or ...ForMaskedLM is needed"
    )


def _read(name: str, auto: Any, **options: Any) -> Any:
    try:
        return auto.from_pretrained(name, **options)
    except ImportError as error:
        raise UserError(f"{name} can't be loaded: {_first_line(error)}") from None
    except Exception as error:  # its own code and many libraries raise what they like
        if not Path(name).exists() and isinstance(error, OSError):
            raise UserError(
                f"{name} is neither a folder nor a model in the local cache; fetch it once with "
                f"`hf download {name}`, or give the folder where it is"
            ) from None
        if "trust_remote_code" in str(error) and not options["trust_remote_code"]:
            raise UserError(
                f"{name} comes with Python code of its own; read it, and if you trust it add "
                "--trust_remote_code"
            ) from None
        raise UserError(
            f"{name} can't be loaded by {auto.__name__} ({type(error).__name__}: "
            f"{_first_line(error)})"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the bars and the advice of transformers from the terminal while it loads."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
