"""Publishers' lists of MD5 sums: fetch each once, and look files up in it."""

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from genomenet.errors import UserError
from genomenet.recipes.download import download
from genomenet.recipes.recipe import RecipeFile
from genomenet.recipes.remote import RemoteFile

_LINE = re.compile(r"([0-9a-fA-F]{32})\s+\*?(\S.*)")


def fetch_lists(urls: Iterable[str], folder: Path, parallel: int = 4) -> dict[str, str]:
    """Fetch small text files afresh.

    Parameters
    ----------
    urls : iterable of str
        Their addresses.
    folder : Path
        A temporary folder is made in it; nothing stays.
    parallel : int
        Files at a time.

    Returns
    -------
    dict of str to str
        Content by address.
    """
    wanted = list(dict.fromkeys(urls))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".lists.") as temporary:
        files = [RemoteFile(url, Path(temporary) / str(i)) for i, url in enumerate(wanted)]
        got = download(files, parallel=parallel)
        return {one.url: one.path.read_text(encoding="utf-8", errors="replace") for one in got}


def find_md5(file: RecipeFile, text: str) -> str:
    """The MD5 of a file in the text of a list, whose lines are a sum and a name.

    Names may have folders before them; the one nearest to the file's own address counts. A list
    of one line is that of the file, whatever it calls it: ClinVar's names the dated original.

    Raises
    ------
    UserError
        When the list does not name the file, or gives it several sums.
    """
    path = PurePosixPath(unquote(urlsplit(file.url).path))
    lines = [match for line in text.splitlines() if (match := _LINE.fullmatch(line.strip()))]
    found: dict[int, set[str]] = {}
    for line in lines:
        name = PurePosixPath(line[2])
        if name.name == path.name or len(lines) == 1:
            found.setdefault(_shared_end(name.parts, path.parts), set()).add(line[1].lower())
    sums = found[max(found)] if found else set()
    if len(sums) != 1:
        what = "does not name" if not sums else "gives several sums for"
        raise UserError(
            f"{file.md5sums} {what} {path.name}: the publisher has changed its files; to fetch "
            "without that check, copy the recipe, take its 'md5sums' out and fetch the copy"
        )
    return sums.pop()


def _shared_end(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many last parts of two paths agree."""
    count = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine != theirs:
            break
        count += 1
    return count
