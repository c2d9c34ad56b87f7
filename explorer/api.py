"""`Explorer`: one method a question. What a script imports, and what the command line calls.

Knows which query answers which question; the queries are in `explorer.queries`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from explorer.expressions import parse
from explorer.measures import checked_measure, compose
from explorer.queries import analogy as _analogy
from explorer.queries import anchored as _anchored
from explorer.queries import baseline as _baseline
from explorer.queries import congruence as _congruence
from explorer.queries import layers as _layers
from explorer.queries import middleman as _middleman
from explorer.queries import neighbors as _neighbors
from explorer.queries import neuron as _neuron
from explorer.queries import ov as _ov
from explorer.queries.lots import Asked
from explorer.resolve import Resolver
from explorer.results import (
    Analogy,
    AnalogyLayers,
    AnchoredWords,
    Baseline,
    Congruence,
    Layers,
    Middlemen,
    Neighbors,
    NeuronReport,
    OvReport,
)
from explorer.words import Words
from indexer.store.layout import Manifest
from indexer.store.read import Index


class Explorer:
    """An open index and the questions it answers. Close it, or use it in a `with`.

    Every question raises `explorer.errors.QueryError`, or another `SemanticError`, with one line
    that says what was asked, what exists and the nearest match.

    Args:
        index: an open index; `explorer.open` finds one by name.
        announce: told in one line before the model is run on text that is not indexed.
        watch: given the spaces of a long walk and what they are, and gives them back one by one;
            what a progress bar needs.
    """

    def __init__(
        self,
        index: Index,
        announce: Callable[[str], None] = lambda _: None,
        watch: _congruence.Watch = lambda steps, _: steps,
    ) -> None:
        self._index = index
        self._resolver = Resolver(index, announce)
        self._watch = watch

    @cached_property
    def _words(self) -> Words:
        """The indexed words as a population."""
        return Words(self._index)

    def __enter__(self) -> Explorer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Explorer({self.name!r})"

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    @property
    def name(self) -> str:
        """Name of the index."""
        return self._index.name

    @property
    def manifest(self) -> Manifest:
        """Model, prefix, conventions, spaces: what the index is."""
        return self._index.manifest

    @property
    def spaces(self) -> list[str]:
        """Names of the spaces."""
        return self._index.space_names

    def vector(
        self, expression: str, space: str = "embed", measure: str = "dot"
    ) -> NDArray[np.float64]:
        """The vector of an expression as a space is asked it: (d_model,) float64.

        With `dot`, items are summed as they are; with `cosine` and `centered` each is made unit
        in the measure's own sense first.
        """
        target = self._index.space(space)
        items = self._resolver.items(parse(expression), target)
        return compose([i.weighted for i in items], checked_measure(measure, target))

    def neighbors(
        self,
        expression: str,
        space: str = "embed",
        measure: str | None = None,
        k: int = 10,
        include_inputs: bool = False,
        distinct: bool = False,
    ) -> Neighbors:
        """The k items of a space that are nearest to an expression.

        Args:
            expression: `king - man + woman`; see `explorer.expressions`.
            space: where to look: `embed`, `context.12`, `neuron.out`, ...
            measure: `dot`, `cosine`, `centered` or `euclidean`; the space's own unless given.
            k: how many.
            include_inputs: keep the query's own items in the answer.
            distinct: fold forms that differ only in case or leading space into one row.
        """
        return _neighbors.neighbors(
            self._resolver, expression, space, measure, k, include_inputs, distinct
        )

    def middleman(
        self,
        *words: str,
        avoid: Sequence[str] = (),
        side: str = "in",
        score: str = "z",
        combine: str = "min",
        layers: str | Sequence[int] | None = None,
        per_layer: int | None = None,
        k: int = 10,
    ) -> Middlemen:
        """The neurons that answer to every one of the words.

        Args:
            *words: single items; their vectors are taken from `embed` unless they say otherwise.
            avoid: words a neuron should not answer to.
            side: `in`, `up` or `out`.
            score: `z` (standardised), `dot` or `cosine`.
            combine: `min` or `mean` of the words' scores.
            layers: `"0-28"`, or numbers; all unless given.
            per_layer: the best so many of each layer, instead of the k best of all.
            k: how many.
        """
        return _middleman.middleman(
            self._resolver, words, avoid, side, score, combine, layers, per_layer, k
        )

    def analogy(
        self,
        expression: str,
        target: str | None = None,
        against: str | None = None,
        space: str = "embed",
        measure: str | None = None,
        method: str = "add",
        k: int = 10,
        include_inputs: bool = False,
        distinct: bool = False,
    ) -> Analogy:
        """What an expression leads to in one space, and where a target stands.

        Args:
            expression: `dog + small`.
            target: a word; its rank, score, z and gain over each component are in `meta.target`.
            against: another expression the target is compared under.
            space: where to look.
            measure: the space's own unless given.
            method: `add` (3CosAdd) or `mul` (3CosMul).
            k: how many.
            include_inputs: keep the query's own items in the ranking.
            distinct: fold forms that differ only in case or leading space into one row.
        """
        asked = _analogy.Asked.of(expression, target, against, measure, method)
        return _analogy.analogy(self._resolver, asked, space, k, include_inputs, distinct)

    def analogy_layers(
        self,
        expression: str,
        target: str | None = None,
        against: str | None = None,
        measure: str | None = None,
        method: str = "add",
        k: int = 3,
        include_inputs: bool = False,
        distinct: bool = False,
    ) -> AnalogyLayers:
        """The same question in `embed` and every context space, one row a space."""
        asked = _analogy.Asked.of(expression, target, against, measure, method)
        return _analogy.analogy_layers(self._resolver, asked, k, include_inputs, distinct)

    def neuron(self, name: str, k: int = 10) -> NeuronReport:
        """One neuron, `L29N112`: its norms, nearest tokens of each side, nearest neurons."""
        return _neuron.neuron(self._resolver, name, k)

    def ov(
        self,
        word: str,
        layer: int | None = None,
        head: int | None = None,
        to: str | None = None,
        k: int | None = None,
    ) -> OvReport:
        """What attention heads write for a word if they attend to it fully.

        Args:
            word: one item; its vector is taken from `embed` unless it says otherwise.
            layer: only this block's heads.
            head: only this head of that block; more of its tokens are shown.
            to: another word: heads are ranked by how strongly they carry `word` to it, and by how
                strongly they copy `word` where none is named.
            k: how many heads; 10, or as many as there are, unless given.
        """
        return _ov.ov(self._resolver, word, layer, head, to, k)

    def baseline(
        self,
        space: str | None = None,
        measure: str | None = None,
        pairs: int = 50_000,
        seed: int = 0,
    ) -> Baseline:
        """What two unrelated items score: mean, deviation and quantiles over random pairs.

        Args:
            space: only this one, by every measure; `embed` and every context space by their own
                measures unless given.
            measure: only this one.
            pairs: how many pairs of the space's reference population are drawn; all of them where
                there are no more.
            seed: of the draw.
        """
        return _baseline.baseline(self._index, space, measure, pairs, seed)

    def layers(
        self,
        expression: str,
        target: str | None = None,
        measure: str | None = None,
        k: int = 5,
        distinct: bool = False,
    ) -> Layers:
        """What is near an expression at every depth, where a target stands, what changes where.

        Args:
            expression: `dog + small`.
            target: a word whose rank, score and z are given at each depth.
            measure: each space's own unless given.
            k: how many nearest items.
            distinct: fold forms that differ only in case or leading space.
        """
        asked = _analogy.Asked.of(expression, target, None, measure, "add")
        return _layers.layers(self._resolver, asked, k, distinct)

    def congruence(
        self,
        words: Sequence[str] = (),
        group: str | None = None,
        anchor: str | None = None,
        space: str | None = None,
        measure: str | None = None,
        control: str = "matched",
        permutations: int = 10_000,
        seed: int = 0,
    ) -> Congruence:
        """Are some words closer to each other than matched random words are, and where?

        Args:
            words: two or more single words.
            group: one of the index's own groups, instead of words.
            anchor: a word that each is scored with, instead of with each other.
            space: only this one; `embed` and every context space unless given.
            measure: each space's own unless given.
            control: `matched` on frequency, number of tokens, capital and norm in `embed`, or
                `random`.
            permutations: how many control groups are drawn; the same ones in every space.
            seed: of the draw and of the intervals.
        """
        return _congruence.congruence(
            self._resolver,
            self._words,
            self._watch,
            _asked(words, group, anchor, measure, control, permutations, seed),
            space,
        )

    def anchored(
        self,
        words: Sequence[str] = (),
        group: str | None = None,
        anchor: str | None = None,
        space: str = "embed",
        measure: str | None = None,
        control: str = "matched",
        permutations: int = 10_000,
        seed: int = 0,
    ) -> AnchoredWords:
        """Is each word closer to an anchor than words like it are? One row a word.

        Arguments are those of `congruence`, which asks the list as a whole in every space; here
        the whole is in `meta.whole`.
        """
        asked = _asked(words, group, anchor, measure, control, permutations, seed)
        return _anchored.anchored(self._resolver, self._words, asked, space)


def _asked(
    words: Sequence[str],
    group: str | None,
    anchor: str | None,
    measure: str | None,
    control: str,
    permutations: int,
    seed: int,
) -> Asked:
    # A lone text is one word, not its letters.
    texts = [words] if isinstance(words, str) else words
    return Asked(texts, group, anchor, measure, control, permutations, seed)
