"""Made-up recipes and genomes for the tests of recipes."""

import gzip
from pathlib import Path

import yaml

from genomenet.genome.importer import import_genome
from genomenet.recipes.kitchen import Kitchen
from genomenet.recipes.recipe import Recipe, read_recipe


def write_recipe(folder: Path, name: str = "tiny", **keys) -> Path:
    """A recipe file; `about` and the like are filled in."""
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = dict.fromkeys(("about", "licence", "home", "checked"), "made up")
    path.write_text(yaml.safe_dump({**told, **keys}, sort_keys=False))
    return path


def make_recipe(folder: Path, name: str = "tiny", **keys) -> Recipe:
    return read_recipe(write_recipe(folder, name, **keys))


def kitchen(out: Path, *files: str, recipe: str = "tiny", said: list[str] | None = None) -> Kitchen:
    """A kitchen whose files are there already."""
    tell = said.append if said is not None else lambda sentence: None
    return Kitchen(out / recipe, out, files, tell, lambda bases: None)


def make_genome(out: Path, contigs: dict[str, str], recipe: str = "hg38") -> Path:
    """Import made-up contigs where the genome of `recipe` would be."""
    fasta = out / "made-up.fa"
    fasta.parent.mkdir(parents=True, exist_ok=True)
    fasta.write_text("".join(f">{name}\n{bases}\n" for name, bases in contigs.items()))
    import_genome([fasta], out / recipe / "genome")
    return out / recipe / "genome"


def put(path: Path, text: str | bytes) -> Path:
    """Write a file, packed when it is called .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def unpack(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode()
