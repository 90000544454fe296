"""GenomeNet: train DNA language models on raw nucleotides and compare architectures fairly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genomenet.models.language_model import LanguageModel

__version__ = "0.1.0"


def load(folder: str | Path, checkpoint: str = "final") -> LanguageModel:
    """The model of a folder that `genomenet export` or `genomenet train` made.

    Parameters
    ----------
    folder : str or Path
        The folder.
    checkpoint : {"final", "best", "before decay"}
        Which weights of a run; an exported folder has one set.

    Returns
    -------
    LanguageModel
        In evaluation mode on the CPU: called with token numbers (B, L), it gives `.logits` and
        `.boundaries`.

    Raises
    ------
    genomenet.errors.UserError
        When the folder is neither, or its weights and config don't belong together.
    """
    # torch takes seconds to import; `import genomenet` doesn't.
    from genomenet.interop.folder import load as load_folder

    return load_folder(folder, checkpoint)
