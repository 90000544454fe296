"""What tests of evaluation share: a small genome with genes and repeats."""

import pytest

from genomenet.annotation.region_writer import write_regions
from genomenet.genome.importer import import_genome


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("genome")
    text = ("ACGTTGCAAC" * 3 + "acgtNNgtca" * 2) * 8
    (folder / "g.fa").write_text(f">a\n{text}\n>b\n{text[7:207]}\n")
    return import_genome([folder / "g.fa"], folder / "g")


@pytest.fixture(scope="module")
def track(genome, tmp_path_factory):
    folder = tmp_path_factory.mktemp("regions")
    (folder / "g.gtf").write_text(
        'a\tx\tgene\t51\t250\t.\t+\t.\tgene_id "g";\n'
        'a\tx\tCDS\t61\t130\t.\t+\t1\tgene_id "g";\n'
        'b\tx\tCDS\t11\t90\t.\t-\t0\tgene_id "h";\n'
    )
    (folder / "r.bed").write_text("a\t100\t210\nb\t0\t50\n")
    return write_regions(genome, folder / "g.gtf", folder / "r", repeats=folder / "r.bed")
