"""The data behind a study's figures as CSV."""

import csv
import io
import math
from collections.abc import Iterable, Sequence

from genomenet.report.summary import Summary
from genomenet.study.results import Example, Track


def curves_csv(summary: Summary) -> str:
    """Every validation of every run, for the figures of training."""
    header = ("arm", "label", "seed", "step", "phase", "training bases", "training FLOPs",
              "nats per base", "perplexity")  # fmt: skip
    return _csv(
        header,
        (
            (run.arm, run.label, run.seed, point.step, point.phase, point.bases, point.flops,
             point.nats, math.exp(point.nats))
            for one in summary.arms for run in one.runs for point in run.curve
        ),
    )  # fmt: skip


def chunk_rates_csv(summary: Summary) -> str:
    """Bases per chunk of every stage at every validation."""
    header = ("arm", "label", "seed", "stage", "step", "training bases", "bases per chunk",
              "target")  # fmt: skip
    return _csv(
        header,
        (
            (run.arm, run.label, run.seed, stage, point.step, point.bases, rate,
             run.target_bases_per_chunk[stage] if run.target_bases_per_chunk else "")
            for one in summary.arms for run in one.runs for point in run.curve
            for stage, rate in enumerate(point.bases_per_chunk)
        ),
    )  # fmt: skip


def final_bits_csv(summary: Summary) -> str:
    """Held-out bits per base of every arm, best first, with intervals."""
    header = ("arm", "label", "bits per base", "low", "high", "interval over", "n",
              "bits per base before decay")  # fmt: skip
    log2 = math.log(2)
    return _csv(
        header,
        (
            (one.arm, one.label, one.final.centre / log2, one.final.low / log2,
             one.final.high / log2, one.final.basis, one.final.n,
             one.before.centre / log2 if one.before else "")
            for one in summary.ranked
        ),
    )  # fmt: skip


def boundaries_csv(example: Example, tracks: Sequence[Track]) -> str:
    """Boundary probability and boundaries of every base of the example window."""
    names = [f"{track.arm} seed {track.seed} stage {track.stage}" for track in tracks]
    header = ["contig", "start", "end"]
    header += [f"{name} {what}" for name in names for what in ("probability", "boundary")]
    return _csv(
        header,
        (
            (example.contig, example.start + i, example.start + i + 1,
             *(cell for track in tracks
               for cell in (track.probability[i], int(track.boundary[i]))))
            for i in range(example.end - example.start)
        ),
    )  # fmt: skip


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()
