"""Saving a study as versioned JSON, and loading it with every contradiction named."""

import dataclasses
import json
from pathlib import Path

from genomenet.errors import UserError
from genomenet.files import whole_file
from genomenet.json_records import from_plain, to_plain
from genomenet.study.results import Study

RESULTS = "results.json"
"""Name of the file in a study folder."""

FORMAT = 1
"""Version of the JSON layout; raised whenever an old file would be read wrongly."""


def save_study(study: Study, path: str | Path) -> None:
    """Write `study` as JSON; the file appears whole.

    Parameters
    ----------
    study : Study
        What to write; a loss that is not finite is written as null.
    path : str or Path
        Usually ``results.json``.
    """
    with whole_file(path) as handle:
        json.dump(
            to_plain({"format": FORMAT, **dataclasses.asdict(study)}), handle, allow_nan=False
        )
        handle.write("\n")


def load_study(path: str | Path) -> Study:
    """Read a study written by `save_study`.

    Parameters
    ----------
    path : str or Path
        The JSON file.

    Raises
    ------
    UserError
        When the file is missing, broken, or of another format; the sentence names it.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{path} cannot be read ({reason}); give a study's results file.") from None
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error}); run the study again.") from None
    found = data.pop("format", None) if isinstance(data, dict) else None
    if found != FORMAT:
        raise UserError(
            f"{path} has results format {found!r} but this version reads {FORMAT}; "
            "run the study again or use the genomenet that wrote it."
        )
    try:
        return from_plain(Study, data, "study")
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is not a complete study: {error}; run the study again.") from None
