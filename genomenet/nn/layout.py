"""The layout grammar: strings such as "m3T1 + T15 + m4" that name a model's networks.

    layout   = network ("+" network "+" network)*      encoders, main, decoders, outside in
    network  = (letter count)+
    letter   = m  Mamba-2            M  Mamba-2 and an MLP
             | t  causal attention   T  causal attention and an MLP
             | E  causal attention and a mixture of experts

One network is an isotropic model; three are a hierarchy of one stage (encoder, main,
decoder); five of two stages (encoder 0, encoder 1, main, decoder 1, decoder 0); and so on.
Source: the configuration grammar of github.com/goombalab/hnet.
"""

import re
from dataclasses import dataclass
from itertools import groupby

from genomenet.errors import UserError

Letters = str  # one letter a layer, for example "mmmT"

_RUN = re.compile(r"([mMtTE])([0-9]+)")


@dataclass(frozen=True)
class Layout:
    """The networks of a model, each a string of one letter a layer.

    Attributes
    ----------
    encoders, decoders : tuple of str
        One a stage, outermost first; both empty for an isotropic model.
    main : str
        The innermost network.
    """

    encoders: tuple[Letters, ...]
    main: Letters
    decoders: tuple[Letters, ...]

    @property
    def stages(self) -> int:
        """Number of chunking stages; 0 for an isotropic model."""
        return len(self.encoders)

    @property
    def main_mixer(self) -> str:
        """What mixes positions in the main network: "transformer", "mamba2" or "hybrid"."""
        mixers = {"t" if letter == "E" else letter.lower() for letter in self.main}
        if mixers == {"t"}:
            return "transformer"
        return "mamba2" if mixers == {"m"} else "hybrid"


def parse_layout(text: str, notation: str = "code") -> Layout:
    """Read a layout string.

    Parameters
    ----------
    text : str
        For example "T9" or "m3T1 + T15 + m4".
    notation : {"code", "paper"}
        In code notation upper case always has an MLP. The H-Net paper writes M for the
        Mamba-2 layers of encoders and decoders although they have none; "paper" reads a
        hierarchy that way. (An isotropic layout and a main network read alike in both.)

    Raises
    ------
    UserError
        Naming the offending part of the string.
    """
    networks = [_expand(part, text) for part in text.split("+")]
    if len(networks) % 2 == 0:
        raise UserError(
            f"model.layout '{text}' has {len(networks)} networks joined by '+'; give one "
            "(isotropic) or encoder + main + decoder (3, 5, 7, ... networks)"
        )
    stages = len(networks) // 2
    outer = [
        letters.replace("M", "m") if notation == "paper" else letters
        for letters in networks[:stages] + networks[stages + 1 :]
    ]
    return Layout(
        encoders=tuple(outer[:stages]),
        main=networks[stages],
        decoders=tuple(reversed(outer[stages:])),
    )


def write_layout(layout: Layout) -> str:
    """The string, in code notation, that `parse_layout` reads as `layout`."""
    networks = [*layout.encoders, layout.main, *reversed(layout.decoders)]
    return " + ".join(
        "".join(f"{letter}{len(list(run))}" for letter, run in groupby(letters))
        for letters in networks
    )


def _expand(part: str, whole: str) -> Letters:
    """One network's letters, one a layer: "m3T1" to "mmmT"."""
    compact = part.strip()
    where = f"model.layout '{whole}'"
    if not compact:
        raise UserError(f"{where} has an empty network; write for example 'm3T1 + T15 + m4'")
    position = 0
    letters = []
    while position < len(compact):
        run = _RUN.match(compact, position)
        if run is None:
            rest = compact[position:]
            problem = (
                f"'{rest[0]}' without a count; write for example '{rest[0]}1'"
                if rest[0] in "mMtTE"
                else f"'{rest}'; layers are m, M (Mamba-2), t, T, E (attention), each with a count"
            )
            raise UserError(f"{where}: can't read {problem}")
        count = int(run.group(2))
        if count == 0:
            raise UserError(f"{where}: '{run.group(0)}' asks for no layer; use a count from 1")
        letters.append(run.group(1) * count)
        position = run.end()
    return "".join(letters)
