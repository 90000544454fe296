"""Assemblies by accession: from a user's list to the files of NCBI's folders."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from genomenet.errors import UserError
from genomenet.files import whole_file
from genomenet.genome.opening import text_lines
from genomenet.recipes.checksums import fetch_lists, find_md5
from genomenet.recipes.recipe import RecipeFile

_ACCESSION = re.compile(r"(?:RS_|GB_)?(GC[AF]_(\d{3})(\d{3})(\d{3})\.\d+)")
"""GTDB writes RS_ or GB_ before NCBI's accession."""
_LOOKUPS = "lookups.json"
_BATCH = 200
"""Assemblies looked up before what was found is kept."""


@dataclass(frozen=True)
class Assembly:
    """An assembly that the user listed.

    Attributes
    ----------
    accession : str
        With version, such as GCF_000005845.2.
    species : str
        As the user named it, or empty.
    """

    accession: str
    species: str = ""

    def folder_url(self, home: str) -> str:
        """The folder in which NCBI keeps all versions of the accession."""
        digits = self.accession[4:13]
        parts = (self.accession[:3], digits[:3], digits[3:6], digits[6:])
        return f"{home.rstrip('/')}/{'/'.join(parts)}/"


def read_accessions(path: Path) -> list[Assembly]:
    """Read a list: an accession a line, and after a tab a species if wanted.

    Empty lines and lines that begin with # are left out.

    Raises
    ------
    UserError
        With the line: something that is no accession, or one that comes twice.
    """
    seen: dict[str, Assembly] = {}
    for number, line in text_lines(path):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, species = line.partition("\t")
        match = _ACCESSION.fullmatch(word.strip())
        if match is None:
            raise UserError(
                f"{path}: line {number}: '{word.strip()[:40]}' is no accession of an assembly; "
                "one is GCF_000005845.2, with its version"
            )
        if match[1] in seen:
            raise UserError(f"{path}: line {number}: {match[1]} comes twice; leave one out")
        seen[match[1]] = Assembly(match[1], species.strip())
    if not seen:
        raise UserError(f"{path} has no accessions; give one a line")
    return list(seen.values())


def offline_files(assemblies: Sequence[Assembly], home: str, folder: Path) -> list[RecipeFile]:
    """The files of assemblies that lie anywhere in a folder, by their names.

    Raises
    ------
    UserError
        Naming the assemblies that are not there.
    """
    by_accession: dict[str, Path] = {}
    for path in sorted(folder.rglob("GC[AF]_*_genomic.fna.gz")):
        if match := _ACCESSION.match(path.name):
            by_accession.setdefault(match[1], path)
    missing = [one.accession for one in assemblies if one.accession not in by_accession]
    if missing:
        raise UserError(
            f"{folder}: {len(missing):,} of {len(assemblies):,} assemblies are missing; put "
            f"ACCESSION*_genomic.fna.gz there, of {', '.join(missing[:5])}"
            f"{' and others' if len(missing) > 5 else ''}"
        )
    return [
        _recipe_file(
            one, home, by_accession[one.accession].name.removesuffix("_genomic.fna.gz"), None
        )
        for one in assemblies
    ]


def find_files(
    assemblies: Sequence[Assembly], home: str, folder: Path, parallel: int
) -> list[RecipeFile]:
    """Look assemblies up at NCBI: the name of each one's folder, and the MD5 of its FASTA.

    What was found is kept in `lookups.json`, so that a longer list asks for new ones only.

    Parameters
    ----------
    assemblies : sequence of Assembly
        What the user listed.
    home : str
        Address of NCBI's folder of all assemblies.
    folder : Path
        The recipe's folder.
    parallel : int
        Look-ups at a time.

    Raises
    ------
    UserError
        Naming the assemblies that are not there.
    """
    known = _read_lookups(folder / _LOOKUPS)
    new = [one for one in assemblies if one.accession not in known]
    for first in range(0, len(new), _BATCH):
        batch = new[first : first + _BATCH]
        known |= _look_up(batch, home, folder, parallel)
        with whole_file(folder / _LOOKUPS) as handle:
            json.dump(known, handle, indent=1)
    return [
        _recipe_file(one, home, known[one.accession]["name"], known[one.accession]["md5"])
        for one in assemblies
    ]


def _look_up(
    assemblies: Sequence[Assembly], home: str, folder: Path, parallel: int
) -> dict[str, dict[str, str]]:
    """Name of the folder and MD5 of the FASTA by accession."""
    folders = {one.accession: one.folder_url(home) for one in assemblies}
    listings = fetch_lists(folders.values(), folder, parallel)
    names: dict[str, str] = {}
    for accession, url in folders.items():
        link = rf'href="(?:[^"]*/)?({re.escape(accession)}_[^"/]+)/?"'
        if found := re.search(link, listings[url]):
            names[accession] = found[1]
    if missing := sorted(set(folders) - set(names)):
        raise UserError(
            f"{home} has no {', '.join(missing[:5])}{' and others' if len(missing) > 5 else ''}: "
            "take suppressed or replaced assemblies out of the list"
        )
    sums = {name: f"{folders[one]}{name}/md5checksums.txt" for one, name in names.items()}
    texts = fetch_lists(sums.values(), folder, parallel)
    found_md5 = {}
    for one in assemblies:
        name = names[one.accession]
        file = replace(_recipe_file(one, home, name, None), md5sums=sums[name])
        found_md5[one.accession] = {"name": name, "md5": find_md5(file, texts[sums[name]])}
    return found_md5


def _recipe_file(assembly: Assembly, home: str, name: str, md5: str | None) -> RecipeFile:
    fasta = f"{name}_genomic.fna.gz"
    return RecipeFile(f"{assembly.folder_url(home)}{name}/{fasta}", f"genomes/{fasta}", md5=md5)


def _read_lookups(path: Path) -> dict[str, dict[str, str]]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise UserError(f"{path} is damaged; delete it and fetch again") from None
