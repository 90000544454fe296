"""Tensors of a file by name, and into a model if they are exactly its own."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from genomenet.errors import UserError


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read a flat file of named tensors, on the CPU.

    Parameters
    ----------
    path : str or Path
        safetensors, told by its suffix, or what `torch.save` writes of a state dict. Nothing
        but tensors is unpickled: a pickle could run any code.

    Raises
    ------
    UserError
        When the file is missing, broken off, or holds anything else.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path} does not exist; name a file of weights (.pt or .safetensors)")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise UserError(
                f"{path} is not readable as safetensors ({error}); copy or download it again"
            ) from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(
            f"{path} holds more than tensors, or is no file of torch.save: unpickling it could run "
            "any code, so it is not read; give the weights as safetensors"
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        raise UserError(
            f"{path} is not readable as weights ({type(error).__name__}): it is cut short or of "
            "another format; copy or download it again"
        ) from None
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise UserError(f"{path} is not a flat state dict of tensors by name; save one of those")
    return content


def with_tensors(model: nn.Module, tensors: Mapping[str, Tensor], source: str) -> nn.Module:
    """Copy tensors into a model.

    Parameters
    ----------
    model : Module
        Changed in place, and float32 on the CPU if it was on the meta device.
    tensors : mapping of str to Tensor
        All of the model's parameters and buffers, and no others.
    source : str
        Where they come from, for the message.

    Raises
    ------
    UserError
        When names or shapes are not the model's.
    """
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    problems = [
        _list("lacks", [name for name in wanted if name not in found]),
        _list("has too many, such as", [name for name in found if name not in wanted]),
        _list(
            "has other shapes in",
            [
                f"{name} {found[name]} instead of {shape}"
                for name, shape in wanted.items()
                if found.get(name, shape) != shape
            ],
        ),
    ]
    if any(problems):
        raise UserError(
            f"{source} holds the weights of another model: it "
            f"{'; it '.join(problem for problem in problems if problem)}; give the config that "
            "belongs to these weights"
        )
    if any(parameter.is_meta for parameter in model.parameters()):
        # What a state dict does not have would stay uninitialised.
        assert {name for name, _ in model.named_buffers()} <= set(wanted)
        model.to_empty(device="cpu")
    model.load_state_dict(dict(tensors))
    return model


def _list(verb: str, names: list[str], shown: int = 3) -> str:
    if not names:
        return ""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{verb} {', '.join(names[:shown])}{more}"
