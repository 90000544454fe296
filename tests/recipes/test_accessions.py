"""Assemblies by accession: lists, NCBI's folders, look-ups that are kept."""

import gzip
import hashlib

import pytest

from genomenet.errors import UserError
from genomenet.genome.corpus_manifest import read_members
from genomenet.recipes.accessions import Assembly, read_accessions
from genomenet.recipes.fetch import Way, run_recipe
from tests.recipes.kitchens import make_recipe, put

NAMES = {"GCF_000005845.2": "GCF_000005845.2_ASM584v2", "GCA_900000001.1": "GCA_900000001.1_x_1"}


def fasta(accession: str) -> bytes:
    return gzip.compress(f">{accession[-6:]}\nACGTACGT\n".encode(), mtime=0)


def serve_ncbi(server) -> str:
    for accession, name in NAMES.items():
        folder = f"all/{accession[:3]}/{accession[4:7]}/{accession[7:10]}/{accession[10:13]}/"
        older = f'<a href="{accession[:-2]}.9_old/">'
        server.put(folder, f'<pre>{older}<a href="{name}/">{name}/</a></pre>'.encode())
        data = fasta(accession)
        server.put(f"{folder}{name}/{name}_genomic.fna.gz", data)
        sums = f"{'0' * 32}  ./{name}_protein.faa.gz\n{hashlib.md5(data).hexdigest()}  "
        server.put(f"{folder}{name}/md5checksums.txt", f"{sums}./{name}_genomic.fna.gz\n".encode())
    return f"{server.url}/all"


def recipe_of(home, tmp_path):
    return make_recipe(
        tmp_path, accessions=home, steps=[{"list_genomes": {"files": "genomes/*.fna.gz"}}]
    )


def test_lists_are_read_with_species_and_gtdbs_prefixes(tmp_path):
    path = put(tmp_path / "a", "# mine\n\nRS_GCF_000005845.2\tEscherichia coli\nGCA_900000001.1\n")
    assert read_accessions(path) == [
        Assembly("GCF_000005845.2", "Escherichia coli"),
        Assembly("GCA_900000001.1"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no accessions"),
        ("GCF_000005845\n", "line 1: 'GCF_000005845' is no accession"),
        ("GCF_000005845.2\nNC_000913.3\n", "line 2: 'NC_000913.3' is no accession"),
        ("GCF_000005845.2\nRS_GCF_000005845.2\n", r"line 2: GCF_000005845\.2 comes twice"),
    ],
)
def test_mistakes_in_lists(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read_accessions(put(tmp_path / "a", text))


def test_assemblies_are_fetched_checked_and_listed_for_a_corpus(server, tmp_path):
    recipe = recipe_of(serve_ncbi(server), tmp_path)
    accessions = put(tmp_path / "list", "GCF_000005845.2\tE. coli\n")
    way = Way(tmp_path / "data", accessions=accessions)
    assert run_recipe(recipe, way) is True
    folder = tmp_path / "data" / "tiny"
    (member,) = read_members([folder / "genomes.tsv"])
    assert (member.name, member.species) == ("GCF_000005845.2", "E. coli")
    assert member.file.read_bytes() == fasta("GCF_000005845.2")

    assert run_recipe(recipe, way) is False
    # A longer list asks for what is new, and for nothing twice.
    server.requests.clear()
    accessions.write_text("GCF_000005845.2\tE. coli\nGB_GCA_900000001.1\n")
    assert run_recipe(recipe, way) is True
    assert len(server.requests) == 3
    assert all("900" in path for path, _ in server.requests)
    assert [one.name for one in read_members([folder / "genomes.tsv"])] == sorted(NAMES)


def test_an_assembly_that_is_not_there_is_named(server, tmp_path):
    recipe = recipe_of(serve_ncbi(server), tmp_path)
    server.put("all/GCA/000/000/009/", b"<pre>empty</pre>")
    way = Way(tmp_path / "data", accessions=put(tmp_path / "list", "GCA_000000009.1\n"))
    with pytest.raises(UserError, match=r"has no GCA_000000009\.1"):
        run_recipe(recipe, way)


def test_offline_they_are_found_by_accession_anywhere(server, tmp_path):
    recipe = recipe_of(serve_ncbi(server), tmp_path)
    # GTDB's own archive leaves the assembly's name out.
    (tmp_path / "usb" / "deep").mkdir(parents=True)
    (tmp_path / "usb/deep/GCF_000005845.2_genomic.fna.gz").write_bytes(fasta("GCF_000005845.2"))
    accessions = put(tmp_path / "list", "GCF_000005845.2\n")
    way = Way(tmp_path / "data", offline_dir=tmp_path / "usb", accessions=accessions)
    assert run_recipe(recipe, way) is True
    (member,) = read_members([tmp_path / "data" / "tiny" / "genomes.tsv"])
    assert member.file.name == "GCF_000005845.2_genomic.fna.gz"
    assert server.requests == []

    accessions.write_text("GCF_000005845.2\nGCA_900000001.1\n")
    with pytest.raises(UserError, match=r"1 of 2 assemblies are missing.*GCA_900000001\.1"):
        run_recipe(recipe, way)
