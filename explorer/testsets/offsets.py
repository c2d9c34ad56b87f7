"""The best answers to many analogies at once, each as the question asked alone would have it.

Knows how the scores of a : b :: c : ? follow from those of its three words; knows no texts and no
test set. With s_w(x) the score of candidate x with word w, in the measure's own sense,

    3CosAdd     s_b - s_a + s_c
    3CosMul     h_b h_c / (h_a + 1e-6), h = (1 + s) / 2
    distance    |x - (b - a + c)|, least where x.b - x.a + x.c - |x|^2 / 2 is greatest

so one matrix product of the distinct words with the candidates serves every question. It is made in
float64, and the last bits that it leaves open are settled row by row, so that equal candidates are
equal and only what the stored float32 rows say decides between others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.cosmul import COSMUL_EPSILON
from explorer.errors import QueryError
from explorer.measures.measure import Measure
from explorer.products import Float64, row_products, row_squares
from explorer.testsets.lexicon import Lexicon
from indexer.store.errors import option_named

Int64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

CANDIDATES_AT_ONCE = 4096
_QUESTIONS_AT_ONCE = 128
_SCORES_AT_ONCE = 1 << 24
"""How many scores of words with candidates are held at once; 16 Mi float64 are 128 MiB."""

_HALF_ULP = 2.0**-53


@dataclass(frozen=True)
class Best:
    """For each question, the place in the lexicon of the best candidate: each (questions,) int64.

    Attributes:
        left_out: all forms of a, b and c left out; -1 where no candidate is left.
        kept_in: among all candidates, a, b and c with them.
        alone: nearest to c alone, all forms of a, b and c left out; -1 as above.
        before: how many forms of a, b and c, other than these items themselves, score better
            than `left_out`.
    """

    left_out: Int64
    kept_in: Int64
    alone: Int64
    before: Int64


def steps(lexicon: Lexicon, words: int) -> int:
    """How many blocks of candidates `best_answers` goes through, `words` distinct words asked."""
    return -(-len(lexicon) // _block(words))


def best_answers(
    measure: Measure,
    lexicon: Lexicon,
    questions: Int64,
    method: str,
    tick: Callable[[], None] = lambda: None,
) -> Best:
    """The best candidate of a lexicon for each question.

    Memory is bounded by `_SCORES_AT_ONCE`, not by the number of questions times that of candidates.

    Args:
        measure: how vectors are scored, and in which space.
        lexicon: the candidates; among equal scores the first in it is the better.
        questions: (questions, 3) int64, the places of a, b and c in the lexicon.
        method: `add` (3CosAdd), or `mul` (3CosMul), which multiplies cosines.
        tick: called after each of `steps` blocks.

    Raises:
        QueryError: a word is a zero vector, of which no cosine can be taken.
    """
    words, flat = np.unique(questions, return_inverse=True)
    asked = flat.reshape(questions.shape)
    vectors = measure.asking(lexicon.positions[words])
    if measure.cosine and not (some := vectors.any(axis=1)).all():
        word = lexicon.texts[words[int(np.argmin(some))]].strip()
        raise QueryError(
            f"{word!r} is a zero vector in {measure.space.name} and has no direction; "
            f"ask with {option_named('measure', 'dot')} or euclidean"
        )
    forms = _forms(lexicon, questions)
    own = (forms[:, :, None] == questions[:, None, :]).any(axis=2)
    exactly = _Exactly(measure, lexicon, method, vectors, asked)
    found = {
        name: _Leader(len(questions), exactly.alone if name == "alone" else exactly.combined)
        for name in ("left_out", "kept_in", "alone")
    }
    of_forms = np.full(forms.shape, -np.inf)
    step = _block(len(words))
    for first in range(0, len(lexicon), step):
        last = min(first + step, len(lexicon))
        rows = measure.items(lexicon.positions[first:last])
        scores = vectors @ rows.T
        off = _off_by(vectors, rows, measure)
        if measure.distance:
            scores -= np.vecdot(rows, rows) / 2
        offs = np.full(len(questions), 3 * off)
        if method == "mul":
            scores = (1 + scores) / 2
            # A factor in [0, 1] is off by so much; one that divides, by more the smaller it is.
            least = np.maximum(scores.min(axis=1), 0)[asked[:, 0]] + COSMUL_EPSILON
            offs = off * (2 / least + 1 / least**2)
        for start in range(0, len(questions), _QUESTIONS_AT_ONCE):
            here = slice(start, start + _QUESTIONS_AT_ONCE)
            combined = _combined(scores, asked[here], method)
            found["kept_in"].see(here, combined, first, offs[here])
            at, which = np.nonzero((forms[here] >= first) & (forms[here] < last))
            column = forms[here][at, which] - first
            of_forms[here][at, which] = combined[at, column]
            combined[at, column] = -np.inf
            found["left_out"].see(here, combined, first, offs[here])
            alone = scores[asked[here, 2]]
            alone[at, column] = -np.inf
            found["alone"].see(here, alone, first, offs[here])
        tick()
    ahead = found["left_out"].behind(of_forms, forms) & ~own
    return Best(**{name: leader.place for name, leader in found.items()}, before=ahead.sum(axis=1))


def _off_by(vectors: Float64, rows: Float64, measure: Measure) -> float:
    """How far a score of the matrix product may be from the same found row by row.

    Both are off by gamma_n |x||y| at the most (see `indexer.store.rows.scan_error`), and by the
    rounding of what follows.
    """
    words, candidates = (float(np.sqrt(np.vecdot(of, of).max())) for of in (vectors, rows))
    whole = words * candidates + (candidates**2 / 2 if measure.distance else 0)
    return float(2 * (rows.shape[1] + 8) * _HALF_ULP * max(whole, 1.0))


@dataclass(frozen=True)
class _Exactly:
    """Scores of a few candidates, each found by itself: equal rows score the same.

    `vectors` are those of the distinct words, and `asked` says which of them a question's are.
    """

    measure: Measure
    lexicon: Lexicon
    method: str
    vectors: Float64
    asked: Int64

    def combined(self, question: int, places: Int64) -> Float64:
        """What a question gives the candidates at some places: (n,) float64."""
        words = self.asked[question]
        scores = np.stack([self._of(word, places) for word in words])
        if self.method == "mul":
            scores = (1 + scores) / 2
        both: Float64 = _combined(scores, np.array([[0, 1, 2]]), self.method)[0]
        return both

    def alone(self, question: int, places: Int64) -> Float64:
        """What its third word gives them."""
        return self._of(int(self.asked[question, 2]), places)

    def _of(self, word: int, places: Int64) -> Float64:
        rows = self.measure.items(self.lexicon.positions[places])
        scores = row_products(rows, self.vectors[word])
        if self.measure.distance:
            scores -= row_squares(rows) / 2
        return scores


def _block(words: int) -> int:
    return max(1, min(CANDIDATES_AT_ONCE, _SCORES_AT_ONCE // words))


def _combined(scores: Float64, asked: Int64, method: str) -> Float64:
    """(questions, candidates) float64 from (words, candidates) and (questions, 3)."""
    result = scores[asked[:, 1]]
    if method == "mul":
        result *= scores[asked[:, 2]]
        result /= scores[asked[:, 0]] + COSMUL_EPSILON
    else:
        result -= scores[asked[:, 0]]
        result += scores[asked[:, 2]]
    return result


def _forms(lexicon: Lexicon, questions: Int64) -> Int64:
    """Places of all forms of each question's words, each once: (questions, most), -1 where none."""
    lists = [
        sorted({f for place in row for f in lexicon.same(place)}) for row in questions.tolist()
    ]
    most = max(map(len, lists))
    return np.array([row + [-1] * (most - len(row)) for row in lists], np.int64)


class _Leader:
    """The best candidate so far of each question; of equals, the first.

    `exactly` gives, of a question and the places of some candidates, scores that are not off.
    """

    def __init__(self, questions: int, exactly: Callable[[int, Int64], Float64]) -> None:
        self.score = np.full(questions, -np.inf)
        self.place = np.full(questions, -1, np.int64)
        self._off = np.zeros(questions)
        self._exactly = exactly

    def see(self, here: slice, scores: Float64, first: int, off: Float64) -> None:
        """Look at the candidates from place `first` on.

        Args:
            here: which questions.
            scores: (questions, candidates) float64; minus infinity for one that is left out.
            first: the place of the first candidate.
            off: (questions,) float64, how far a score may be from the exact one.
        """
        self._off[here] = np.maximum(self._off[here], off)
        highest, before = scores.max(axis=1), self.score[here].copy()
        self.score[here] = np.maximum(highest, before)
        # What is best may seem behind by as much as two scores are off.
        floor = self.score[here] - 2 * self._off[here]
        for row in np.flatnonzero((highest >= floor) & np.isfinite(floor)).tolist():
            question = here.start + row
            places = np.flatnonzero(scores[row] >= floor[row]) + first
            if before[row] >= floor[row]:
                places = np.append(self.place[question], places)
            if len(places) > 1:
                places = places[[int(self._exactly(question, places).argmax())]]
            self.place[question] = places[0]

    def behind(self, scores: Float64, places: Int64) -> Mask:
        """Which of some candidates a question score better with it than its leader does.

        Args:
            scores: (questions, candidates) float64; minus infinity where there is none.
            places: theirs, (questions, candidates) int64.
        """
        above = scores - self.score[:, None]
        found: Mask = above > 0
        unsure = np.abs(above) <= 2 * self._off[:, None]
        for question in np.flatnonzero(unsure.any(axis=1)).tolist():
            some = places[question, unsure[question]]
            exact = self._exactly(question, np.append(some, self.place[question]))
            found[question, unsure[question]] = exact[:-1] > exact[-1]
        return found
