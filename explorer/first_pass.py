"""A pass over 8-bit codes, which tells most items of a space from those that may be best.

What the codes score of an item is off by no more than is known (`indexer.store.codes`). The items
that may be among the best by that are scored in float64 from their rows; all others are proven to
score less. Where too many are left open nothing is said, and a scan of all rows answers. Knows
codes and exact scores; knows no measure and no question.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.products import Float64
from explorer.questions.answer import Scoring
from indexer.store.codes import Codes, Highest
from indexer.store.errors import DamagedIndex

Int64 = NDArray[np.int64]

MOST = 16384
"""Items beyond which a pass asks for no more of the highest."""

_SHARE = 4
"""A pass looks at one of so many items at the most: a scan is faster than to leave fewer out."""

_AT_FIRST, _MORE = 48, 8
"""Items asked for besides twice as many as are wanted, and times as many where it was too few."""

_MANY = 1024
"""Items of which a scan of all is faster than to score each in float64."""


@dataclass
class Tally:
    """What was done to find scores.

    Attributes:
        passes: over codes.
        scans: of all rows.
        exact: items that were scored in float64, from their rows.
    """

    passes: int = 0
    scans: int = 0
    exact: int = 0

    def scoring(self) -> Scoring:
        """The same, as an answer has it."""
        return Scoring(self.passes, self.scans, self.exact)


class FirstPass:
    """The codes of a space as one query meets them.

    Args:
        codes: of the space.
        query: (width,) float64, of length 1: what the coded vectors are multiplied with.
        exact: the exact scores of the items at some positions: (n,) int64 -> (n,) float64.
        tally: what is done is counted in it.
    """

    def __init__(
        self, codes: Codes, query: Float64, exact: Callable[[Int64], Float64], tally: Tally
    ) -> None:
        self._codes, self._query, self._exact, self._tally = codes, query, exact, tally
        self._most = min(MOST, codes.rows // _SHARE)

    def best(self, k: int) -> tuple[Int64, Float64] | None:
        """The k items that score best, best first, and their exact scores.

        Among equals the lower position comes first.

        Returns:
            Positions (k,) int64 and scores (k,) float64; None where the codes leave too much open.
        """
        count = 2 * k + _AT_FIRST
        while count <= self._most:
            found = self._highest(count)
            # The k-th best exact score is no worse than the k-th of the least that these may have.
            least = found.scores - found.off_by
            floor = np.partition(least, len(least) - k)[len(least) - k]
            open_ = np.flatnonzero(found.scores + found.off_by >= floor)
            if len(open_) > max(_MANY, 4 * k):
                return None
            near, exact = self._scored(found, open_)
            order = np.lexsort((near, -exact))[:k]
            # Of what was not returned none can reach the last of these, nor equal it.
            if found.ceiling < exact[order[-1]]:
                return near[order], exact[order]
            count *= _MORE
        return None

    def better(self, score: float, mean: float, std: float) -> Int64 | None:
        """The items that score better than some exact score, ties not among them.

        Args:
            score: which.
            mean: of all items' scores.
            std: their standard deviation, above 0.

        Returns:
            Their positions, (n,) int64; None where they are many, or many are too near to it.
        """
        # As many as there would be were scores spread as a normal distribution is.
        likely = self._codes.rows * math.erfc((score - mean) / std / math.sqrt(2)) / 2
        count = 2 * math.ceil(likely) + _AT_FIRST
        while count <= self._most and likely <= _MANY:
            found = self._highest(count)
            if found.ceiling <= score:
                above = found.scores - score > found.off_by
                unsure = np.flatnonzero(np.abs(found.scores - score) <= found.off_by)
                if len(unsure) > _MANY:
                    return None
                above[unsure] = self._scored(found, unsure)[1] > score
                return found.positions[above]
            count *= _MORE
        return None

    def _highest(self, count: int) -> Highest:
        self._tally.passes += 1
        return self._codes.highest(self._query, count)

    def _scored(self, found: Highest, which: Int64) -> tuple[Int64, Float64]:
        """Positions and exact scores of some of those found.

        Raises:
            DamagedIndex: one is farther from what its codes score than they say it can be.
        """
        positions = found.positions[which]
        exact = self._exact(positions)
        wrong = np.flatnonzero(~(np.abs(exact - found.scores[which]) <= found.off_by[which]))
        if len(wrong):
            row = int(positions[wrong[0]])
            raise DamagedIndex(
                f"{self._codes.label_of(row)}: row {row:,} is not what its codes say: "
                "`indexer verify` says what is damaged"
            )
        return positions, exact
