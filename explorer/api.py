"""`Explorer`: one method a question. What a script imports, and what the command line calls.

Knows which query answers which question; the queries are in `explorer.compute`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike

from explorer.compute import analogy as _analogy
from explorer.compute import neighbors as _neighbors
from explorer.expressions import parse
from explorer.late import Late
from explorer.measures.asked import checked_measure
from explorer.progress import Progress, untold
from explorer.questions import (
    Analogy,
    AnalogyAccuracies,
    AnalogyLayers,
    AnchoredWords,
    Baseline,
    Comparison,
    Congruence,
    Layers,
    Middlemen,
    Neighbors,
    NeuronReport,
    OvReport,
    Schema,
    SimilarityCorrelations,
    SqlRows,
    WordReport,
)
from explorer.resolve import Resolver
from explorer.sql.session import MEMORY, TIMEOUT, Session, bytes_of, seconds_of
from explorer.unindexed import Encode, encode, release
from indexer.store.layout import Manifest
from indexer.store.read import Index

if TYPE_CHECKING:
    from explorer.compute import accuracy as _accuracy
    from explorer.compute import anchored as _anchored
    from explorer.compute import baseline as _baseline
    from explorer.compute import beginnings as _beginnings
    from explorer.compute import compare as _compare
    from explorer.compute import congruence as _congruence
    from explorer.compute import correlation as _correlation
    from explorer.compute import layers as _layers
    from explorer.compute import lots as _lots
    from explorer.compute import middleman as _middleman
    from explorer.compute import neuron as _neuron
    from explorer.compute import ov as _ov
    from explorer.compute import search as _search
    from explorer.compute import similarity as _similarity
    from explorer.compute import vectors as _vectors
    from explorer.compute import word as _word
    from explorer.compute.evaluate import Several
    from explorer.profiles import Profiles
    from explorer.sql import ask as _sql
    from explorer.testsets.files import Source
    from explorer.words import Words
else:  # a question is imported when it is first asked: most programs ask one or two
    _accuracy = Late("explorer.compute.accuracy")
    _anchored = Late("explorer.compute.anchored")
    _baseline = Late("explorer.compute.baseline")
    _beginnings = Late("explorer.compute.beginnings")
    _compare = Late("explorer.compute.compare")
    _congruence = Late("explorer.compute.congruence")
    _correlation = Late("explorer.compute.correlation")
    _layers = Late("explorer.compute.layers")
    _lots = Late("explorer.compute.lots")
    _middleman = Late("explorer.compute.middleman")
    _neuron = Late("explorer.compute.neuron")
    _ov = Late("explorer.compute.ov")
    _search = Late("explorer.compute.search")
    _similarity = Late("explorer.compute.similarity")
    _vectors = Late("explorer.compute.vectors")
    _word = Late("explorer.compute.word")
    _sql = Late("explorer.sql.ask")

_GROUPS = "SELECT DISTINCT name FROM word_group ORDER BY name"

Vector: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
"""(d_model,) float64."""

Matrix: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.float32]]
"""(n, d_model) float32."""


class Explorer:
    """An open index and the questions it answers. Close it, or use it in a `with`.

    Every question raises `explorer.errors.QueryError`, or another `SemanticError`, with one line
    that says what was asked, what exists and the nearest match.

    One Explorer may be asked from several threads at once. Pickled, it is which index and where:
    what comes out on the other side, in whatever process, has opened that index for itself,
    announces nothing and runs the model as every other does.

    Args:
        index: an open index; `explorer.open` finds one by name.
        announce: told in one line before `encode` is called.
        encode: what runs the model on texts that are not indexed and are asked of a context space:
            `encode(folder, texts)` gives (texts, context spaces, d_model) float32, the residual
            stream at each one's last token, spaces in the order of the index. It is called in the
            thread that asks, once for a text, and may raise a `SemanticError` to refuse, which the
            question then raises. Unless given, the model is run in a process of its own, which
            stays for the next text until the index is closed;
            `explorer.unindexed.refuse` never runs it, and raises `NotIndexed`. SQL has a process
            and a door to the model of its own, to which this is nothing.

    Attributes:
        index: the open index itself: its manifest, catalog and spaces.
    """

    def __init__(
        self,
        index: Index,
        announce: Callable[[str], None] = lambda _: None,
        encode: Encode = encode,
    ) -> None:
        self.index = index
        self._resolver = Resolver(index, announce, encode)
        self._session: Session | None = None
        self._asking = threading.Lock()

    @cached_property
    def _words(self) -> Words:
        from explorer.words import Words

        return Words(self.index)

    @cached_property
    def _profiles(self) -> Profiles:
        from explorer.profiles import Profiles

        return Profiles(self.index)

    def __enter__(self) -> Explorer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[type[Explorer], tuple[Index]]:
        return Explorer, (self.index,)

    def __repr__(self) -> str:
        return f"Explorer({self.name!r}{', closed' if self.index.closed else ''})"

    def __str__(self) -> str:
        from explorer.about import index
        from explorer.show.text import to_text

        return to_text(index(self.manifest))

    def _repr_html_(self) -> str:
        from explorer.about import index
        from explorer.show.markup import to_html

        return to_html(index(self.manifest))

    def close(self) -> None:
        """Close the index; what is asked of it later is refused with one line that says so.

        Example:
            >>> ix.close()
            >>> ix.neighbors("dog")
            Traceback (most recent call last):
            ...
            indexer.store.errors.ClosedIndex: index 'smollm2' was closed; open it again...
        """
        self.index.close()
        release(self.index.folder)
        session, self._session = self._session, None
        if session is not None:
            session.close()

    @property
    def name(self) -> str:
        """Name of the index.

        Example:
            >>> ix.name
            'smollm2'
        """
        return self.index.name

    @property
    def manifest(self) -> Manifest:
        """Model, prefix, conventions, spaces: what the index is.

        Example:
            >>> ix.manifest.model.n_layers, ix.manifest.model.d_model
            (30, 576)
        """
        return self.index.manifest

    @property
    def spaces(self) -> list[str]:
        """Names of the spaces.

        Example:
            >>> ix.spaces[:3]
            ['embed', 'context.0', 'context.1']
        """
        return self.index.space_names

    @property
    def groups(self) -> list[str]:
        """Names of the index's own groups of words.

        Example:
            >>> ix.groups[:3]
            ['animals', 'capitals', 'colours']
        """
        return [name for (name,) in self.index.sql(_GROUPS)]

    def beginning(self, text: str, *, k: int = 10) -> tuple[str, ...]:
        """The indexed words and word-like tokens that begin with a text, most frequent first.

        Args:
            text: how they begin; upper and lower case differ.
            k: how many at most.

        Example:
            >>> ix.beginning("Chih")
            ('Chihuahua', 'Chihu')
        """
        return _beginnings.beginnings(self.index, text, k)

    def vector(self, expression: str, space: str = "embed", *, measure: str = "dot") -> Vector:
        """The vector of an expression as a space is asked it: (d_model,) float64.

        With `dot` and `euclidean`, items are summed as they are; with `cosine`, `centered` and
        `whitened` each is made unit in the measure's own sense first. A `whitened` one has the
        coordinates of S^(-1/2)(x - mu), S the space's shrunk covariance.

        Args:
            expression: `king - man + woman`; see `explorer.expressions`.
            space: the space that is asked, and where a bare word's vector is taken from.
            measure: whose sense of unit the items are normed in.

        Example:
            >>> ix.vector("king - man + woman").shape
            (576,)
        """
        target = self.index.space(space)
        items = self._resolver.items(parse(expression), target)
        by = checked_measure(measure, self.index, target, self._resolver.announce)
        return by.compose([i.weighted for i in items])

    @overload
    def neighbors(
        self,
        expression: str,
        space: str = "embed",
        *,
        measure: str | None = None,
        k: int = 10,
        include_inputs: bool = False,
        distinct: bool = False,
    ) -> Neighbors: ...

    @overload
    def neighbors(
        self,
        expression: list[str] | tuple[str, ...],
        space: str = "embed",
        *,
        measure: str | None = None,
        k: int = 10,
        include_inputs: bool = False,
        distinct: bool = False,
    ) -> tuple[Neighbors, ...]: ...

    def neighbors(
        self,
        expression: str | list[str] | tuple[str, ...],
        space: str = "embed",
        *,
        measure: str | None = None,
        k: int = 10,
        include_inputs: bool = False,
        distinct: bool = False,
    ) -> Neighbors | tuple[Neighbors, ...]:
        """The k items of a space that are nearest to an expression, or to each of several.

        Args:
            expression: `king - man + woman`; see `explorer.expressions`. Several give a tuple of
                answers, equal to those one by one and several times as fast.
            space: where to look: `embed`, `context.12`, `neuron.out`, ...
            measure: `dot`, `cosine`, `centered`, `euclidean` or `whitened`; the space's own unless
                given.
            k: how many.
            include_inputs: keep the query's own items in the answer.
            distinct: fold forms that differ only in case or leading space into one row.

        Example:
            >>> for row in ix.neighbors("king - man + woman", k=3, distinct=True).rows:
            ...     print(row.rank, row.item, round(row.score, 2), round(row.z, 1))
            1 ␣queen 0.73 6.1
            2 ␣princess 0.63 4.7
            3 ␣kings 0.62 4.5
        """
        if isinstance(expression, str):
            return _neighbors.neighbors(
                self._resolver, expression, space, measure, k, include_inputs, distinct
            )
        return _neighbors.all_neighbors(
            self._resolver, tuple(expression), space, measure, k, include_inputs, distinct
        )

    def similarity(
        self, first: str, second: str, *, space: str = "embed", measure: str | None = None
    ) -> float:
        """The score of one expression with another.

        Args:
            first: `dog + small`.
            second: another.
            space: where bare words' vectors are taken from.
            measure: `dot`, `cosine`, `centered`, `euclidean` or `whitened`; the space's own unless
                given.

        Example:
            >>> round(ix.similarity("large", "tall"), 2), round(ix.similarity("large", "huge"), 2)
            (0.24, 0.63)
        """
        (score,) = _similarity.similarities(self._resolver, [(first, second)], space, measure)
        assert score is not None, "what names nothing is an error"
        return score

    def middleman(
        self,
        *words: str,
        by: str = "weights",
        avoid: Sequence[str] = (),
        side: str | None = None,
        score: str = "z",
        combine: str = "min",
        layers: str | Sequence[int] | None = None,
        per_layer: int | None = None,
        k: int = 10,
    ) -> Middlemen:
        """The neurons that answer to every one of the words.

        Args:
            *words: single items; their vectors are taken from `embed` unless they say otherwise.
            by: `weights`, or `activations`: those recorded at the indexed words' last tokens.
            avoid: words a neuron should not answer to.
            side: `gate`, `up` or `out` of gated MLPs, `in` or `out` of others; the reading side,
                `gate` or `in`, unless given.
            score: `z` (standardised), `dot` or `cosine`.
            combine: `min` or `mean` of the words' scores.
            layers: `"0-28"`, or numbers; all unless given.
            per_layer: the best so many of each layer, instead of the k best of all.
            k: how many.

        Example:
            >>> first = ix.middleman("large", "tall", side="out").rows[0]
            >>> first.neuron, round(first.score, 1), first.writes[:2]
            ('L29N112', 6.0, ('␣smaller', '␣larger'))
        """
        return _middleman.middleman(
            self._resolver, words, by, avoid, side, score, combine, layers, per_layer, k
        )

    def compare(
        self,
        *words: str,
        side: str | None = None,
        measures: str | Sequence[str] | None = None,
        layers: str | Sequence[int] | None = None,
        top_neurons: int | None = None,
        impact: str = "z",
        control_neurons: str = "own",
        per_layer: bool = False,
        control: str = "matched",
        pairs: int = 1000,
        seed: int = 0,
        progress: Progress = untold,
    ) -> Comparison:
        """How alike the profiles of words are: their dot products with the same neurons.

        Args:
            *words: two single items or more; their vectors are taken from `embed` unless they say
                otherwise. Every pair of them is compared.
            side: `gate`, `up` or `out` of gated MLPs, `in` or `out` of others; the reading side,
                `gate` or `in`, unless given.
            measures: of `pearson`, `spearman`, `kendall`, `cosine`, `euclidean` and `dot`, or
                `all`; all but `kendall`, and of more than 6 words but `spearman`, unless given.
            layers: `"0-28"`, or numbers; all unless given.
            top_neurons: only so many neurons, those of greatest impact.
            impact: `z`, the largest mean |z| over the words; or `norm`, the longest rows.
            control_neurons: with `top_neurons` by `z`, whether each control pair has its `own`,
                chosen as the words' are, or the `same` as the words.
            per_layer: one row a layer and pair, and `top_neurons` of each layer.
            control: `matched` or `random`: what stands in for a word.
            pairs: control pairs of each pair; 0 for none.
            seed: of the draw of control pairs.
            progress: told what is done, how many steps of it, and of how many.

        Example:
            >>> row = ix.compare("large", "tall", pairs=0).rows[0]
            >>> row.n, round(row.scores["pearson"], 2)
            (46080, 0.21)
        """
        return _compare.compare(
            self._resolver,
            self._profiles,
            self._words,
            words,
            side,
            measures,
            layers,
            top_neurons,
            impact,
            control_neurons,
            per_layer,
            control,
            pairs,
            seed,
            progress,
        )

    def analogy(
        self,
        expression: str,
        target: str | None = None,
        *,
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

        Example:
            >>> target = ix.analogy("dog + small", target="Chihuahua").meta.target
            >>> target.rank, target.n, round(target.z, 1)
            (3259, 49150, 1.5)
        """
        asked = _analogy.Asked.of(expression, target, against, measure, method)
        return _analogy.analogy(self._resolver, asked, space, k, include_inputs, distinct)

    def analogy_layers(
        self,
        expression: str,
        target: str | None = None,
        *,
        against: str | None = None,
        measure: str | None = None,
        method: str = "add",
        k: int = 3,
        include_inputs: bool = False,
        distinct: bool = False,
    ) -> AnalogyLayers:
        """The same question in `embed` and every context space, one row a space.

        Args:
            expression: `dog + small`.
            target: a word; where it stands in each space is in the rows.
            against: another expression the target is compared under.
            measure: each space's own unless given.
            method: `add` (3CosAdd) or `mul` (3CosMul).
            k: how many nearest items of each space.
            include_inputs: keep the query's own items in the ranking.
            distinct: fold forms that differ only in case or leading space.

        Example:
            >>> rows = ix.analogy_layers("dog + small", target="Chihuahua").rows
            >>> max(rows, key=lambda row: row.target.z).space
            'context.9'
        """
        asked = _analogy.Asked.of(expression, target, against, measure, method)
        return _analogy.analogy_layers(self._resolver, asked, k, include_inputs, distinct)

    def neuron(self, name: str, *, k: int = 10) -> NeuronReport:
        """One neuron, `L29N112`: its norms, nearest tokens of each side, nearest neurons.

        Args:
            name: `L29N112`, or `L3E5N112` of a block with experts.
            k: how many of each kind.

        Example:
            >>> report = ix.neuron("L29N112", k=3)
            >>> [r.item for r in report.rows if (r.side, r.kind) == ("out", "token") and r.rank > 0]
            ['␣smaller', '␣larger', '␣Larger']
        """
        return _neuron.neuron(self._resolver, name, k)

    def word(self, word: str, *, k: int = 10) -> WordReport:
        """One indexed word: its tokens and frequency, and the neurons that fire most at it.

        Args:
            word: as it was indexed.
            k: how many neurons.

        Example:
            >>> report = ix.word("large")
            >>> report.meta.groups, report.rows[0].neuron
            (('size',), 'L28N828')
        """
        return _word.word(self._resolver, word, k)

    def ov(
        self,
        word: str,
        *,
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

        Example:
            >>> [(row.head, round(row.score, 1)) for row in ix.ov("large", to="tall", k=2).rows]
            [('L25H8', 4.1), ('L25H6', 4.0)]
        """
        return _ov.ov(self._resolver, word, layer, head, to, k)

    def baseline(
        self,
        space: str | None = None,
        *,
        measure: str | None = None,
        pairs: int = 50_000,
        seed: int = 0,
        progress: Progress = untold,
    ) -> Baseline:
        """What two unrelated items score: mean, standard deviation and quantiles over random pairs.

        Args:
            space: only this one, by every measure; `embed` and every context space by their own
                measures unless given.
            measure: only this one.
            pairs: how many pairs of the space's reference population are drawn; all of them where
                there are no more.
            seed: of the draw.
            progress: told what is done, how many steps of it, and of how many.

        Example:
            >>> row = ix.baseline("embed", measure="cosine").rows[0]
            >>> round(row.mean, 2), round(row.std, 2)
            (0.47, 0.17)
        """
        return _baseline.baseline(self.index, space, measure, pairs, seed, progress)

    def layers(
        self,
        expression: str,
        target: str | None = None,
        *,
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

        Example:
            >>> rows = ix.layers("king - man + woman", "queen").rows
            >>> rows[0].space, rows[0].target.rank
            ('embed', 1)
        """
        asked = _analogy.Asked.of(expression, target, None, measure, "add")
        return _layers.layers(self._resolver, asked, k, distinct)

    def evaluate_analogies(
        self,
        questions: Source,
        *,
        space: Several = None,
        all_layers: bool = False,
        measure: Several = None,
        method: Several = "add",
        tokens: str = "word-like",
        case: str = "written",
        restrict: int | None = None,
        depth: int | None = None,
        sections: bool | None = None,
        progress: Progress = untold,
    ) -> AnalogyAccuracies:
        """How many analogy questions each space answers: with a, b and c left out, and kept in.

        Args:
            questions: a file of lines `a b c d` under lines `: section`, as `questions-words.txt`;
                or such lines.
            space: one or several; `embed` unless given.
            all_layers: `embed` and every context space.
            measure: one or several, or `all`; each space's own unless given. By `euclidean` the
                best candidate is the one nearest to the point b - a + c.
            method: `add` (3CosAdd), `mul` (3CosMul), or both.
            tokens: the candidates in a space of tokens: `word-like` ones, or `all`.
            case: `written` takes the item written as the question's word, `fold` the most frequent
                in any case; with both, items that differ in case only are one answer. `exact`
                takes the item written so, and that item alone is right.
            restrict: only the first so many candidates, as gensim's `restrict_vocab`.
            depth: look for the answer only among the so many best besides a, b and c themselves;
                gensim looks among 5.
            sections: a row for each section too; where only one space, measure and method are
                asked, unless given.
            progress: told what is done, how many steps of it, and of how many.

        Example:
            >>> lines = [": family", "king queen man woman", "boy girl son daughter"]
            >>> ix.evaluate_analogies(lines).rows[0].accuracy
            1.0
        """
        return _accuracy.evaluate_analogies(
            self.index,
            questions,
            space,
            all_layers,
            measure,
            method,
            tokens,
            case,
            restrict,
            depth,
            sections,
            progress,
        )

    def evaluate_similarity(
        self,
        pairs: Source,
        *,
        space: Several = None,
        all_layers: bool = False,
        measure: Several = None,
        column: str | int = 3,
        delimiter: str | None = None,
        tokens: str = "word-like",
        case: str = "written",
        restrict: int | None = None,
        missing_as_zero: bool = False,
        progress: Progress = untold,
    ) -> SimilarityCorrelations:
        """How well the scores of pairs of words go with the ratings that people gave them.

        Args:
            pairs: a file of two words and a rating a line, as `wordsim353.tsv`; or such lines.
            space: one or several; `embed` unless given.
            all_layers: `embed` and every context space.
            measure: one or several, or `all`; each space's own unless given.
            column: where the rating stands: a number, from 1, or a name in the header.
            delimiter: between columns; a tab, a semicolon, a comma or blanks unless given.
            tokens: which tokens are words, `word-like` or `all`.
            case: as in `evaluate_analogies`.
            restrict: only the first so many items count as words.
            missing_as_zero: score pairs that are not covered 0 instead of leaving them out, as
                gensim's `dummy4unknown`.
            progress: told what is done, how many steps of it, and of how many.

        Example:
            >>> row = ix.evaluate_similarity(["dog cat 7", "red blue 6", "dog red 2"]).rows[0]
            >>> row.n, round(row.pearson, 2)
            (3, 0.99)
        """
        return _correlation.evaluate_similarity(
            self.index,
            pairs,
            space,
            all_layers,
            measure,
            column,
            delimiter,
            tokens,
            case,
            restrict,
            missing_as_zero,
            progress,
        )

    def congruence(
        self,
        *words: str,
        group: str | None = None,
        anchor: str | None = None,
        space: str | None = None,
        measure: str | None = None,
        control: str = "matched",
        permutations: int = 10_000,
        seed: int = 0,
        progress: Progress = untold,
    ) -> Congruence:
        """Are some words closer to each other than matched random words are, and where?

        Args:
            *words: two or more single words; with an anchor, one or more.
            group: one of the index's own groups, instead of words.
            anchor: a word that each is scored with, instead of with each other.
            space: only this one; `embed` and every context space unless given.
            measure: each space's own unless given.
            control: `matched` on frequency, number of tokens, capital and norm in `embed`,
                `random`, or `both`: a row of each for every space.
            permutations: how many control groups are drawn; the same ones in every space.
            seed: of the draw and of the intervals.
            progress: told what is done, how many steps of it, and of how many.

        Example:
            >>> row = ix.congruence(group="size", space="embed", permutations=1000).rows[0]
            >>> round(row.score, 2), row.effect > 5, row.p < 0.01
            (0.37, True, True)
        """
        return _congruence.congruence(
            self._resolver,
            self._words,
            _lots.Asked(words, group, anchor, measure, control, permutations, seed),
            space,
            progress,
        )

    def anchored(
        self,
        *words: str,
        group: str | None = None,
        anchor: str | None = None,
        space: str = "embed",
        measure: str | None = None,
        control: str = "matched",
        permutations: int = 10_000,
        seed: int = 0,
    ) -> AnchoredWords:
        """Is each word closer to an anchor than words like it are? One row a word.

        `congruence` asks the list as a whole in every space; here the whole is in `meta.whole`.

        Args:
            *words: one or more single words.
            group: one of the index's own groups, instead of words.
            anchor: the word that each is scored with.
            space: where.
            measure: the space's own unless given.
            control: `matched`, `random` or `both`, as in `congruence`.
            permutations: how many control lists are drawn, for the list as a whole.
            seed: of the draw.

        Example:
            >>> for row in ix.anchored("huge", "tall", anchor="large", permutations=1000).rows:
            ...     print(row.word, round(row.score, 2))
            huge 0.63
            tall 0.24
        """
        asked = _lots.Asked(words, group, anchor, measure, control, permutations, seed)
        return _anchored.anchored(self._resolver, self._words, asked, space)

    # -- vectors ----------------------------------------------------------------------------

    def items(self, space: str = "embed") -> tuple[str, ...]:
        """The name of every row of a space, in the order of `vectors(space)`.

        Names are those that answers have in `item`: tokens with their spaces visible, words,
        neurons, head dimensions.

        Args:
            space: `embed`, `context.12`, `neuron.out`, ...

        Example:
            >>> ix.items("embed")[1507], ix.items("neuron.out")[-1]
            ('␣large', 'L29N1535')
        """
        return _vectors.items_of(self.index, space)

    def vectors(
        self,
        space: str = "embed",
        items: Iterable[str] | None = None,
        *,
        measure: str = "dot",
    ) -> Matrix:
        """The vectors of some items, or of all: (n, d_model) float32, a copy.

        Row i is `vector(items[i], space, measure)`, rounded to float32. The whole of a space takes
        4 bytes times its rows times d_model: a vocabulary of 49,152 tokens at 576 is 113 MB.

        Args:
            space: whose vectors, and where a bare word's vector is taken from.
            items: expressions, one a row; every item of the space, in its order, unless given.
            measure: `dot` and `euclidean` leave vectors at their own length, `cosine` makes them
                unit, `centered` takes the space's mean away and makes them unit, `whitened` does so
                in the coordinates of S^(-1/2)(x - mu). A whole space's rows without a direction are
                left zero.

        Raises:
            SemanticError: an item is not known, or has no direction; it is named with its place.

        Example:
            >>> array = ix.vectors("context.12", ["large", "tall"])
            >>> array.shape, array.dtype.name
            ((2, 576), 'float32')
        """
        return _vectors.vectors(self._resolver, self._words, space, items, measure)

    @overload
    def search(
        self,
        space: str,
        vectors: np.ndarray[tuple[int, int], np.dtype[Any]] | Sequence[Sequence[float]],
        *,
        measure: str | None = None,
        k: int = 10,
        distinct: bool = False,
        composed: bool = False,
    ) -> tuple[Neighbors, ...]: ...

    @overload
    def search(
        self,
        space: str,
        vectors: np.ndarray[tuple[int], np.dtype[Any]] | Sequence[float],
        *,
        measure: str | None = None,
        k: int = 10,
        distinct: bool = False,
        composed: bool = False,
    ) -> Neighbors: ...

    def search(
        self,
        space: str,
        vectors: ArrayLike,
        *,
        measure: str | None = None,
        k: int = 10,
        distinct: bool = False,
        composed: bool = False,
    ) -> Neighbors | tuple[Neighbors, ...]:
        """The k items of a space that are nearest to a vector of your own, or to each of several.

        The answer is that of `neighbors`, except that no item is left out as the query's own.

        Args:
            space: where to look.
            vectors: (d_model,) for one answer, or (n, d_model) for a tuple of n answers; any real
                numbers, at their own length, as they lie in the space.
            measure: `dot`, `cosine`, `centered`, `euclidean` or `whitened`; the space's own unless
                given.
            k: how many.
            distinct: fold forms that differ only in case or leading space into one row.
            composed: the vectors come from `vector` or `vectors` with this measure, so that they
                are normed, and centred or whitened where the measure does so, already.

        Raises:
            QueryError: another shape or width, what is no real number, a row that is not finite or
                has no direction; the message names the row.

        Example:
            >>> [row.item for row in ix.search("embed", ix.vector("dog"), k=3).rows]
            ['␣dog', '␣Dog', '␣dogs']
        """
        return _search.search(
            self.index,
            space,
            vectors,
            measure,
            k,
            distinct,
            composed,
            self._resolver.announce,
        )

    # -- SQL --------------------------------------------------------------------------------

    def sql(
        self,
        statement: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        *,
        attach: Mapping[str, Any] | None = None,
        timeout: float = TIMEOUT,
        memory: int | str = MEMORY,
        cancelled: threading.Event | None = None,
    ) -> SqlRows:
        """The rows of a SELECT over the catalog, with the explorer's questions as functions.

        It runs in a process of its own, which reads nothing but this index and the tables given
        here, and changes nothing; the process is kept for the next statement.

        Args:
            statement: one SELECT, or what reads alike; `schema` says what it can name.
            parameters: values for `?` in order, or by name for `$name`.
            attach: tables of your own by name: a file of CSV or Parquet, a data frame, an Arrow
                table, a list of dicts.
            timeout: seconds that it may take.
            memory: what it may hold, such as `"500MB"`, or bytes.
            cancelled: ends the statement at once when it is set, from whatever thread; what is
                asked next starts a new process.

        Raises:
            QueryError: it cannot be answered, names the place; or took too long or too much.
            Cancelled: `cancelled` was set.

        Example:
            >>> ix.sql("SELECT item FROM neighbors($word, k := 2)", {"word": "large"}).rows
            ({'item': '␣big'}, {'item': '␣small'})
        """
        self.index.require_open()
        if attach:  # what is attached may have changed by the next time
            with self._sql_session(attach, timeout, memory) as session:
                return _sql.sql(self.index, session, statement, parameters, cancelled)
        with self._asking:
            kept = self._session
            if kept is None or kept.memory != bytes_of(memory):
                if kept is not None:
                    kept.close()
                kept = self._session = self._sql_session({}, timeout, memory)
            kept.timeout = seconds_of(timeout)
            return _sql.sql(self.index, kept, statement, parameters, cancelled)

    def _sql_session(self, attach: Mapping[str, Any], timeout: float, memory: int | str) -> Session:
        return Session(self.index.folder, attach, timeout, memory, self._resolver.announce)

    def schema(self, name: str | None = None) -> Schema:
        """Every table, column and function that `sql` can name, with what each is.

        Args:
            name: only this table or function.

        Example:
            >>> ix.schema("word_group").rows[1].about
            'name of the group: size, dogs_small, colours, ...'
        """
        return _sql.schema(self.index, name)
