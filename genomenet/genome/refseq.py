"""The chromosomes behind RefSeq accessions of human and mouse assemblies, with their lengths."""

from typing import NamedTuple


class Chromosome(NamedTuple):
    """One chromosome of a published assembly.

    Attributes
    ----------
    assembly : str
        Such as "GRCh38".
    name : str
        Without "chr": "1" to "22", "X", "Y" or "MT".
    length_bp : int
        Its length, which tells assemblies apart.
    """

    assembly: str
    name: str
    length_bp: int


# One row an assembly: the number of chromosome 1's accession, versions, lengths. Chromosomes are
# in the order 1, 2, ..., X, Y. Source: the assembly reports of NCBI for GCF_000001405.25,
# GCF_000001405.40, GCF_009914755.1 and GCF_000001635.27.
_ASSEMBLIES = {
    "GRCh37": (
        1,
        "10 11 11 11 9 11 13 10 11 10 9 11 10 8 9 9 10 9 9 10 8 10 10 9",
        """249250621 243199373 198022430 191154276 180915260 171115067 159138663 146364022
        141213431 135534747 135006516 133851895 115169878 107349540 102531392 90354753 81195210
        78077248 59128983 63025520 48129895 51304566 155270560 59373566""",
    ),
    "GRCh38": (
        1,
        "11 12 12 12 10 12 14 11 12 11 10 12 11 9 10 10 11 10 10 11 9 11 11 10",
        """248956422 242193529 198295559 190214555 181538259 170805979 159345973 145138636
        138394717 133797422 135086622 133275309 114364328 107043718 101991189 90338345 83257441
        80373285 58617616 64444167 46709983 50818468 156040895 57227415""",
    ),
    "T2T-CHM13v2.0": (
        60925,
        "1 " * 24,
        """248387328 242696752 201105948 193574945 182045439 172126628 160567428 146259331
        150617247 134758134 135127769 133324548 113566686 101161492 99753195 96330374 84276897
        80542538 61707364 66210255 45090682 51324926 154259566 62460029""",
    ),
    "GRCm39": (
        67,
        "7 8 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 8",
        """195154279 181755017 159745316 156860686 151758149 149588044 144995196 130127694
        124359700 130530862 121973369 120092757 120883175 125139656 104073951 98008968 95294699
        90720763 61420004 169476592 91455967""",
    ),
}


def _by_accession() -> dict[str, Chromosome]:
    table = {
        "NC_012920.1": Chromosome("human (rCRS)", "MT", 16_569),
        "NC_005089.1": Chromosome("mouse", "MT", 16_299),
    }
    for assembly, (first, versions, lengths) in _ASSEMBLIES.items():
        count = len(versions.split())
        names = [*map(str, range(1, count - 1)), "X", "Y"]
        for place, row in enumerate(zip(names, versions.split(), lengths.split(), strict=True)):
            name, version, length_bp = row
            accession = f"NC_{first + place:06d}.{version}"
            table[accession] = Chromosome(assembly, name, int(length_bp))
    return table


BY_ACCESSION: dict[str, Chromosome] = _by_accession()
