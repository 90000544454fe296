"""Split a corpus by whole genomes: species or members, named or drawn, are held out together."""

import hashlib
from collections.abc import Sequence

import numpy as np

from genomenet.errors import UserError, nearest
from genomenet.genome.corpus import GenomeCorpus
from genomenet.genome.genome import Genome, whole_contigs
from genomenet.windows.fractions import deal, split_shares
from genomenet.windows.splits import SPLIT_NAMES, Splits, merged_splits


def split_by_genome(
    genome: Genome,
    train: Sequence[str] = (),
    valid: Sequence[str] = (),
    test: Sequence[str] = (),
) -> Splits:
    """Give whole species or members of a corpus to the splits.

    Parameters
    ----------
    genome : Genome
        A corpus.
    train : sequence of str
        Names of species, which stand for all their members, or of members; empty means all
        members that are neither in `valid` nor in `test`.
    valid, test : sequence of str
        Names of species or members.

    Raises
    ------
    UserError
        The genome is no corpus; a name is no species nor a member, or could be both; a member is
        in two splits.
    """
    corpus = require_corpus(genome)
    members = {member.name for member in corpus.members}
    species = _members_of_species(corpus)
    owner: dict[str, str] = {}
    for split, names in zip(SPLIT_NAMES, (train, valid, test), strict=True):
        for name in names:
            if name in members and species.get(name, [name]) != [name]:
                raise UserError(
                    f"'{name}' is a genome of {corpus.path} and also a species with other genomes; "
                    "rename one of them in the manifest"
                )
            if name not in members and name not in species:
                raise UserError(
                    f"{corpus.path} has no species and no genome '{name}'"
                    + (nearest(name, [*species, *members]) or "; see `genomenet corpus show`")
                )
            for member in species.get(name, [name]):
                if owner.setdefault(member, split) != split:
                    raise UserError(
                        f"the genome '{member}' is both in {owner[member]} and in {split}; remove "
                        "it, or its species, from one of them"
                    )
    if not train:
        owner = dict.fromkeys(members, "train") | owner
    return _splits(corpus, owner)


def split_by_species_fraction(
    genome: Genome, valid_fraction: float, test_fraction: float, seed: int
) -> Splits:
    """Give whole species to the splits, at random, so that each gets about its share of bases.

    Parameters
    ----------
    genome : Genome
        A corpus.
    valid_fraction, test_fraction : float
        Shares of the bases, in [0, 1); the rest is for training.
    seed : int
        Of the order in which species are dealt.

    Raises
    ------
    UserError
        The genome is no corpus, fractions out of range, or fewer species than splits.
    """
    corpus = require_corpus(genome)
    shares = split_shares(valid_fraction, test_fraction)
    if len(corpus.species) < np.count_nonzero(shares):
        raise UserError(
            f"{corpus.path} has {len(corpus.species)} species, too few to hold some out whole; "
            "name genomes in data.split.valid and data.split.test, or split by fraction"
        )
    lengths: dict[str, int] = {}
    for member in corpus.members:
        lengths[member.species] = lengths.get(member.species, 0) + member.length_bp

    def drawn(name: str) -> bytes:
        return hashlib.sha256(f"{seed} {name}".encode()).digest()

    species = sorted(lengths, key=drawn)
    names, given = deal([lengths[name] for name in species], shares)
    split_of = dict(zip(species, names, strict=True))
    for name, share, bases in zip(SPLIT_NAMES, shares, given, strict=True):
        if share and not bases:
            raise UserError(
                f"no species of {corpus.path} is left for {name} ({share:.1%} of the bases); raise "
                f"its fraction, or name species in data.split.{name}"
            )
    return _splits(corpus, {one.name: split_of[one.species] for one in corpus.members})


def require_corpus(genome: Genome) -> GenomeCorpus:
    """Return `genome` if it is a corpus, or raise UserError."""
    if not isinstance(genome, GenomeCorpus):
        raise UserError(
            "data.split.by is genome, but the data is a single genome; split it by chromosome, "
            "fraction or bed, or make a corpus with `genomenet corpus build`"
        )
    return genome


def _members_of_species(corpus: GenomeCorpus) -> dict[str, list[str]]:
    species: dict[str, list[str]] = {}
    for member in corpus.members:
        species.setdefault(member.species, []).append(member.name)
    return species


def _splits(corpus: GenomeCorpus, split_of_member: dict[str, str]) -> Splits:
    rows = []
    for whole in whole_contigs(corpus):
        split = split_of_member.get(whole.contig.partition("/")[0])
        if split is not None:
            rows.append((split, whole))
    return merged_splits(rows)
