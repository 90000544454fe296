"""Tile pieces of given lengths anew in every epoch, and tell which tile a sample number is."""

import numpy as np
import numpy.typing as npt

from genomenet.genome.permutation import mix, permute

Int64 = npt.NDArray[np.int64]

# Which draw a hash is for, so that phase, order and strand are independent of each other.
_PHASE, _ORDER, _STRAND = 1, 2, 3
# Epochs are laid out this many (epoch, piece) pairs at a time, and no faster than by doubling.
_LAYOUT_PAIRS = 1 << 14


class Tiling:
    """Tiles of some pieces, epoch after epoch, each epoch with other phases in another order.

    In each epoch every piece is tiled after a phase drawn from (seed, epoch, piece), and the
    tiles are visited in an order keyed by (seed, epoch). The sample number alone decides; no
    tile leaves its piece, nor overlaps another of the same epoch.

    Parameters
    ----------
    lengths : ndarray of int64, shape (pieces,)
        Bases of each piece, none below `length_bp`.
    length_bp : int
        Length of a tile.
    seed : int
        Of phases, order and strands.
    """

    def __init__(self, lengths: Int64, length_bp: int, seed: int) -> None:
        self.length_bp = length_bp
        self.seed = seed
        self._lengths = lengths
        self._first_samples = np.zeros(1, dtype=np.int64)  # of each epoch laid out, and the next
        self._epoch_tiles: dict[int, tuple[Int64, Int64]] = {}

    def locate(self, samples: Int64) -> tuple[Int64, Int64, npt.NDArray[np.bool_]]:
        """Return piece, first base within it, and strand (True: the other), of each sample.

        Parameters
        ----------
        samples : ndarray of int64, shape (n,)
            Numbers from 0, in any order.

        Returns
        -------
        tuple of ndarray, each of shape (n,)
            Of int64, int64 and bool.
        """
        pieces, starts = np.empty_like(samples), np.empty_like(samples)
        flip = np.zeros(samples.shape, dtype=np.bool_)
        epochs = self.epochs_of(samples)
        for epoch in np.unique(epochs).tolist():
            rows = epochs == epoch
            phases, first_tiles = self._tiles(epoch)
            order = samples[rows] - self.first_sample(epoch)
            tile = permute(order, int(first_tiles[-1]), self.seed, _ORDER, epoch)
            piece = np.searchsorted(first_tiles, tile, side="right") - 1
            pieces[rows] = piece
            starts[rows] = phases[piece] + (tile - first_tiles[piece]) * self.length_bp
            flip[rows] = (mix(self.seed, _STRAND, epoch, tile) & np.uint64(1)) == 1
        return pieces, starts, flip

    def first_sample(self, epoch: int) -> int:
        """Return the number of the first sample of `epoch`, counted from 0."""
        while len(self._first_samples) <= epoch:
            self._lay_out()
        return int(self._first_samples[epoch])

    def epochs_of(self, samples: Int64) -> Int64:
        """Return the epoch, from 0, of each sample."""
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
        """Count the samples of some more epochs; phases make epochs differ by a few tiles."""
        done = len(self._first_samples) - 1
        more = max(1, min(2 * done, _LAYOUT_PAIRS // len(self._lengths)))
        _, counts = self._phases(np.arange(done, done + more, dtype=np.int64))
        ends = self._first_samples[-1] + np.cumsum(counts.sum(axis=1))
        self._first_samples = np.concatenate([self._first_samples, ends])

    def _phases(self, epochs: Int64) -> tuple[Int64, Int64]:
        """Phases and numbers of tiles, both of shape (epochs, pieces)."""
        piece = np.arange(len(self._lengths), dtype=np.int64)
        # A piece shorter than two tiles keeps one, so its phase may only use the slack.
        choices = np.minimum(self.length_bp, self._lengths - self.length_bp + 1)
        draws = mix(self.seed, _PHASE, epochs[:, None], piece[None, :])
        phases = (draws % choices.astype(np.uint64)).astype(np.int64)
        return phases, (self._lengths - phases) // self.length_bp
