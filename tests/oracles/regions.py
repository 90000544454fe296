"""Region classes once more: sets of bases as whole numbers, 8 bits a base, from the docs' words."""

from itertools import pairwise

PLACES = ("coding_1", "coding_2", "coding_3")


def union(ranges, length_bp):
    """The set of all bases in some range."""
    whole = bytearray(length_bp)
    for start, end in ranges:
        start, end = max(start, 0), min(end, length_bp)
        whole[start:end] = b"\1" * max(end - start, 0)
    return int.from_bytes(whole, "little")


def holds(whole, base):
    """Whether a base is in a set."""
    return bool(whole >> 8 * base & 1)


def count(whole):
    """Number of bases in a set."""
    return whole.bit_count()


def filled(ranges):
    """Exons of a transcript with gaps below 10 bases closed, from left to right."""
    found = []
    for start, end in sorted(ranges):
        if found and start - found[-1][1] < 10:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return found


def class_sets(features, length_bp, upstream=1000, downstream=100):
    """Sets of bases by class and strand, before any precedence.

    `features` have the attributes of `Feature`. Coding sequence comes in three sets by place, for
    pieces with a frame, and in "coding" for all pieces.
    """
    found = {}

    def add(name, strand, *ranges):
        found.setdefault((name, strand), set()).update(ranges)

    genes = {}
    for one in features:
        genes.setdefault((one.strand, one.gene_name), []).append(one)
    for (strand, _), rows in genes.items():
        pseudo = any("pseudogene" in r.gene_type and "polymorphic" not in r.gene_type for r in rows)

        def span(row):
            return row.interval.start, row.interval.end

        def of(kinds, transcript=None, rows=rows):
            return [
                span(r)
                for r in rows
                if r.kind in kinds and (transcript is None or r.transcript == transcript)
            ]

        exonic = ("exon", "CDS", "UTR", "five_prime_UTR", "three_prime_UTR", "stop_codon")
        add("intron", strand, *of(("gene", "transcript")))
        for transcript in {r.transcript for r in rows if r.kind in exonic}:
            exons = filled(of(exonic, transcript))
            add("noncoding_exon", strand, *map(tuple, exons))
            if not transcript:
                continue
            first, last = exons[0][0], exons[-1][1]
            add("intron", strand, (first, last))
            coding = of(("CDS", "stop_codon"), transcript)
            if coding and not pseudo and strand in "+-":
                left, right = min(a for a, _ in coding), max(b for _, b in coding)
                sides = ("utr_5", "utr_3") if strand == "+" else ("utr_3", "utr_5")
                add(sides[0], strand, *((start, min(end, left)) for start, end in exons))
                add(sides[1], strand, *((max(start, right), end) for start, end in exons))
            if pseudo or strand not in "+-":
                continue
            donor, acceptor = "splice_donor", "splice_acceptor"
            for (_, end), (start, _) in pairwise(exons):
                add(donor if strand == "+" else acceptor, strand, (end, end + 2))
                add(acceptor if strand == "+" else donor, strand, (start - 2, start))
        if pseudo:
            continue
        add("any_utr", strand, *of(("UTR", "five_prime_UTR", "three_prime_UTR")))
        add("coding", strand, *of(("CDS", "stop_codon")))
        for row in rows:
            if row.kind in ("CDS", "stop_codon") and row.frame is not None:
                start, end = span(row)
                for base in range(start, end):
                    along = base - start if strand == "+" else end - 1 - base
                    add(PLACES[(along - row.frame) % 3], strand, (base, base + 1))
        if strand in "+-":
            # Where an exon of a nameless transcript ends and none of the gene's does.
            spans = of(("gene", "transcript"))
            for start, end in of(("exon",), ""):
                if spans and end not in {b for _, b in spans} and end < max(b for _, b in spans):
                    name = "splice_donor" if strand == "+" else "splice_acceptor"
                    add(name, strand, (end, end + 2))
                if spans and start not in {a for a, _ in spans} and start > min(spans)[0]:
                    name = "splice_acceptor" if strand == "+" else "splice_donor"
                    add(name, strand, (start - 2, start))
            for start, end in of(("transcript",)) or of(("gene",)):
                if strand == "+":
                    add("promoter", strand, (max(start - upstream, 0), start + downstream))
                else:
                    add("promoter", strand, (max(end - downstream, 0), end + upstream))
    return {key: union(ranges, length_bp) for key, ranges in found.items()}


def both_strands(sets, name):
    """A class whatever the strand."""
    return sets.get((name, "+"), 0) | sets.get((name, "-"), 0) | sets.get((name, "."), 0)


def classes_of(sets, length_bp):
    """For every base its class and the set of strands that decided, by the docs' precedence."""
    order = ("splice_donor", "splice_acceptor", "coding", "utr_5", "utr_3", "noncoding_exon",
             "promoter", "intron")  # fmt: skip
    found = []
    for base in range(length_bp):
        for name in order:
            strands = {s for s in "+-" if holds(sets.get((name, s), 0), base)}
            if strands or holds(sets.get((name, "."), 0), base):
                break
        else:
            name, strands = "intergenic", set()
        if name == "coding":
            places = {p for p in PLACES if holds(both_strands(sets, p), base)}
            name = places.pop() if len(places) == 1 else "coding"
        found.append((name, strands))
    return found
