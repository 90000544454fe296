from genomenet.annotation.feature_columns import FeatureColumns
from tests.annotation.annotated import row


def test_what_goes_in_comes_out_under_the_own_name():
    rows = [
        row("CDS", 5, 3_000_000_000, "-", frame=2, gene="a", type_="x", transcript="t1"),
        row("gene", 0, 7, "+", gene="a", type_="x"),
        row("exon", 1, 2, ".", gene="", transcript="t1"),
    ]
    names: dict = {}
    columns, others = FeatureColumns("own", names), FeatureColumns("other", names)
    for one in rows:
        columns.append(one)
        others.append(one)
    wanted = [one._replace(interval=one.interval.__class__("own", *_range(one))) for one in rows]
    assert list(columns.features(list(names))) == wanted
    assert [one.interval.contig for one in others.features(list(names))] == ["other"] * 3


def _range(one):
    return one.interval.start, one.interval.end
