"""Show that annotation and genome belong together: what start codons and splice sites read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from genomenet.annotation.feature import Feature
from genomenet.annotation.region_classes import ACCEPTOR, DONOR
from genomenet.annotation.region_features import ContigRegions
from genomenet.errors import UserError
from genomenet.genome.alphabet import encode, reverse_complement
from genomenet.genome.genome import Genome

_ENOUGH_SITES = 50
# A wrong assembly gives 1/64 and 1/16; mitochondria and bacteria start at other codons, too.
_LEAST_SHARE = {"start_codons_ATG": 0.3, "donors_GT": 0.5, "acceptors_AG": 0.5}


@dataclass
class SiteControls:
    """How many sites were looked at, and how many read what they should.

    Attributes
    ----------
    sites, alike : dict of str to int
        By control: "start_codons_ATG", "donors_GT", "acceptors_AG".
    """

    sites: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_LEAST_SHARE, 0))
    alike: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_LEAST_SHARE, 0))

    def add(
        self, genome: Genome, contig: str, features: Iterable[Feature], regions: ContigRegions
    ) -> None:
        """Look at the sites of one contig, each once."""
        starts = {
            (feature.interval.start, feature.strand)
            for feature in features
            if feature.kind == "start_codon" and feature.interval.length_bp == 3
        }
        self._count(genome, contig, "start_codons_ATG", starts)
        for name, kind in (("donors_GT", DONOR), ("acceptors_AG", ACCEPTOR)):
            self._count(
                genome,
                contig,
                name,
                {(start, s) for s in "+-" for start, _ in regions.ranges.get((kind, s), ())},
            )

    def _count(self, genome: Genome, contig: str, name: str, sites: set[tuple[int, str]]) -> None:
        word = encode(name.rsplit("_", 1)[1])
        self.sites[name] += len(sites)
        for start, strand in sites:
            read = genome.read(contig, start, start + word.size)
            read = reverse_complement(read) if strand == "-" else read
            self.alike[name] += bool(np.array_equal(read, word))

    def check(self, annotation: Path) -> None:
        """Raise UserError when the annotation is plainly of another assembly."""
        for name, sites in self.sites.items():
            if sites >= _ENOUGH_SITES and self.alike[name] < _LEAST_SHARE[name] * sites:
                what, word = name.rsplit("_", 1)
                raise UserError(
                    f"only {self.alike[name]:,} of {sites:,} {what.replace('_', ' ')} of "
                    f"{annotation} read {word} in this genome, so it annotates another assembly; "
                    "get the annotation of this one"
                )

    def sentences(self) -> list[str]:
        """What to tell of each control that had sites."""
        return [
            f"{self.alike[name] / sites:.1%} of {sites:,} "
            + " read ".join(name.replace("_", " ").rsplit(" ", 1))
            for name, sites in self.sites.items()
            if sites
        ]
