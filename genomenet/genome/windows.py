"""Training windows as a pure function of the sample number: no state, so resume is a counter."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genomenet.errors import UserError
from genomenet.genome.genome import Genome
from genomenet.genome.held_out import HeldOutTiles
from genomenet.genome.intervals import Interval, subtract, total_bp
from genomenet.genome.permutation import mix, permute
from genomenet.genome.window_batch import Int64, WindowBatch, read_windows

__all__ = ["HeldOutTiles", "TrainingWindows", "WindowBatch"]

# Which draw a hash is for, so that phase, order and strand are independent of each other.
_PHASE, _ORDER, _STRAND = 1, 2, 3
# Epochs are laid out this many (epoch, piece) pairs at a time.
_LAYOUT_PAIRS = 1 << 14


class TrainingWindows:
    """Windows that visit every base of some intervals about once an epoch, in random order.

    The intervals without their long N runs are the *pieces*. In each epoch every piece is tiled
    with windows after a phase drawn from (seed, epoch, piece), and the tiles are visited in an
    order keyed by (seed, epoch). The sample number alone decides what a window is; no window
    leaves its interval, nor overlaps another of the same epoch.

    Parameters
    ----------
    genome : Genome
        Where bases are read.
    intervals : sequence of Interval
        What may be trained on.
    length_bp : int
        Length of a window.
    seed : int
        Of phases, order and strands.
    rc_aug : bool
        Whether every other window (at random) is to be reverse-complemented.

    Attributes
    ----------
    pieces : list of Interval
        What windows are cut from, sorted by contig name and start.
    dropped_bp : int
        Bases, N runs apart, in pieces shorter than a window.

    Raises
    ------
    UserError
        When no piece is as long as a window, or there is no other strand to show.
    """

    def __init__(
        self,
        genome: Genome,
        intervals: Sequence[Interval],
        length_bp: int,
        seed: int,
        rc_aug: bool,
    ) -> None:
        if length_bp < 1:
            raise UserError(f"data.max_length is {length_bp}, but a window needs at least one base")
        if rc_aug and not genome.alphabet.complementable:
            raise UserError("data.rc_aug shows the other strand, which text has not; leave it out")
        self.genome = genome
        self.length_bp = length_bp
        self.seed = seed
        self.rc_aug = rc_aug
        # N runs shorter than a window stay inside windows; their bases are not scored.
        holes = [run for run in genome.n_runs if run.length_bp >= length_bp]
        candidates = subtract(intervals, holes)
        self.pieces = [piece for piece in candidates if piece.length_bp >= length_bp]
        self.dropped_bp = total_bp(candidates) - total_bp(self.pieces)
        if not self.pieces:
            longest = max((piece.length_bp for piece in candidates), default=0)
            raise UserError(
                f"a window of {length_bp:,} bp is longer than every training interval, the "
                f"longest of which has {longest:,} bp without N; lower data.max_length"
            )
        self._starts = np.array([piece.start for piece in self.pieces], dtype=np.int64)
        self._lengths = np.array([piece.length_bp for piece in self.pieces], dtype=np.int64)
        self._first_samples = np.zeros(1, dtype=np.int64)  # of each epoch laid out, and the next
        self._epoch_tiles: dict[int, tuple[Int64, Int64]] = {}

    def epoch_of(self, sample: int) -> int:
        """Return the epoch, from 0, that sample number `sample` belongs to."""
        return int(self._epochs_of(np.array([sample], dtype=np.int64))[0])

    def first_sample(self, epoch: int) -> int:
        """Return the number of the first sample of `epoch`, counted from 0."""
        while len(self._first_samples) <= epoch:
            self._lay_out()
        return int(self._first_samples[epoch])

    def locate(self, sample: int) -> tuple[str, int, bool]:
        """Return contig, start and whether to reverse-complement, of one sample."""
        pieces, starts, flip = self._locate(np.array([sample], dtype=np.int64))
        return self.pieces[int(pieces[0])].contig, int(starts[0]), bool(flip[0])

    def batch(self, first_sample: int, count: int) -> WindowBatch:
        """Read samples ``first_sample`` to ``first_sample + count``, across epochs if need be.

        Returns
        -------
        WindowBatch
            All windows are full, without padding.
        """
        samples = np.arange(first_sample, first_sample + count, dtype=np.int64)
        pieces, starts, flip = self._locate(samples)
        contigs = [self.pieces[i].contig for i in pieces.tolist()]
        lengths = np.full(count, self.length_bp, dtype=np.int64)
        return read_windows(self.genome, contigs, starts, lengths, flip, self.length_bp)

    def _locate(self, samples: Int64) -> tuple[Int64, Int64, npt.NDArray[np.bool_]]:
        pieces, starts = np.empty_like(samples), np.empty_like(samples)
        flip = np.zeros(samples.shape, dtype=np.bool_)
        epochs = self._epochs_of(samples)
        for epoch in np.unique(epochs).tolist():
            rows = epochs == epoch
            phases, first_tiles = self._tiles(epoch)
            order = samples[rows] - self.first_sample(epoch)
            tile = permute(order, int(first_tiles[-1]), self.seed, _ORDER, epoch)
            piece = np.searchsorted(first_tiles, tile, side="right") - 1
            pieces[rows] = piece
            within = phases[piece] + (tile - first_tiles[piece]) * self.length_bp
            starts[rows] = self._starts[piece] + within
            if self.rc_aug:
                flip[rows] = (mix(self.seed, _STRAND, epoch, tile) & np.uint64(1)) == 1
        return pieces, starts, flip

    def _epochs_of(self, samples: Int64) -> Int64:
        if samples.size and samples.min() < 0:
            raise ValueError("sample numbers count from 0")
        while samples.size and self._first_samples[-1] <= samples.max():
            self._lay_out()
        return np.searchsorted(self._first_samples, samples, side="right") - 1

    def _tiles(self, epoch: int) -> tuple[Int64, Int64]:
        """Phase of each piece, and the number of its first tile (with the total at the end)."""
        if epoch not in self._epoch_tiles:
            phases, counts = self._phases(np.array([epoch], dtype=np.int64))
            first_tiles = np.concatenate([[0], np.cumsum(counts[0])]).astype(np.int64)
            # Two epochs are enough for a batch that straddles them.
            if len(self._epoch_tiles) >= 2:
                del self._epoch_tiles[next(iter(self._epoch_tiles))]
            self._epoch_tiles[epoch] = (phases[0], first_tiles)
        return self._epoch_tiles[epoch]

    def _lay_out(self) -> None:
        """Count the samples of some more epochs; phases make epochs differ by a few windows."""
        done = len(self._first_samples) - 1
        more = max(1, _LAYOUT_PAIRS // len(self.pieces))
        _, counts = self._phases(np.arange(done, done + more, dtype=np.int64))
        ends = self._first_samples[-1] + np.cumsum(counts.sum(axis=1))
        self._first_samples = np.concatenate([self._first_samples, ends])

    def _phases(self, epochs: Int64) -> tuple[Int64, Int64]:
        """Phases and numbers of tiles, both of shape (epochs, pieces)."""
        piece = np.arange(len(self.pieces), dtype=np.int64)
        # A piece shorter than two windows keeps one, so its phase may only use the slack.
        choices = np.minimum(self.length_bp, self._lengths - self.length_bp + 1)
        draws = mix(self.seed, _PHASE, epochs[:, None], piece[None, :])
        phases = (draws % choices.astype(np.uint64)).astype(np.int64)
        return phases, (self._lengths - phases) // self.length_bp
