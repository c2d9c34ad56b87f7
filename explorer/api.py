"""`Explorer`: one method a question. What a script imports, and what every face asks.

Knows which query asks which question, and who answers it; the queries are in `explorer.questions`.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, cast, overload

import numpy as np
from numpy.typing import ArrayLike

from explorer import questions
from explorer.compute.workspace import Workspace
from explorer.engines.local import Local
from explorer.errors import QueryError
from explorer.expressions import parse
from explorer.keys import Keys, expression_of
from explorer.lazy import LazyModule
from explorer.measures.registry import checked_measure
from explorer.progress import Progress, no_progress
from explorer.questions.answer import Answers, Resolved
from explorer.questions.query import Query, R, asks, whole
from explorer.sql.session import MEMORY, TIMEOUT, Session, bytes_of, seconds_of
from explorer.unindexed import Encode, release
from explorer.unindexed import encode as _encode
from indexer.store.layout import Manifest
from indexer.store.read import Index

if TYPE_CHECKING:
    from explorer.compute import beginnings as _beginnings
    from explorer.compute import search as _search
    from explorer.compute import similarity as _similarity
    from explorer.compute import vectors as _vectors
    from explorer.questions import (
        Analogy,
        AnalogyAccuracies,
        AnalogyLayers,
        AnchoredWords,
        Baseline,
        Comparison,
        Congruence,
        Findings,
        Layers,
        Middlemen,
        Neighbors,
        NeuronLogits,
        NeuronReport,
        OvReport,
        Schema,
        SimilarityCorrelations,
        SqlRows,
        WordReport,
    )
    from explorer.questions.choices import (
        Case,
        Control,
        Controls,
        MeasureName,
        Method,
        Side,
        Tokens,
    )
    from explorer.questions.compare import ControlNeurons, Impact, ProfileMeasure
    from explorer.questions.middleman import By, Combine, Score
    from explorer.sql import ask as _sql
    from explorer.testsets.files import Source
else:  # imported when first asked: most programs ask one or two things
    _beginnings = LazyModule("explorer.compute.beginnings")
    _search = LazyModule("explorer.compute.search")
    _similarity = LazyModule("explorer.compute.similarity")
    _vectors = LazyModule("explorer.compute.vectors")
    _sql = LazyModule("explorer.sql.ask")

_OF_NEURON = {
    "neuron": "`L29N112`, `L3E5N112` of a block with experts; or the number of its layer",
    "unit": "its number within the layer, where `neuron` is one",
    "expert": "its expert, of a block that has some, where `neuron` is a number",
}

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
            `explorer.unindexed.refuse` never runs it, and raises `NotIndexed`. SQL asks in a
            process of its own, and does not use this.

    Attributes:
        index: the open index itself: its manifest, catalog and spaces.
    """

    def __init__(
        self,
        index: Index,
        announce: Callable[[str], None] | None = None,
        encode: Encode | None = None,
    ) -> None:
        self.index = index
        self._work = Workspace(index, announce or _nobody, encode or _encode)
        self._local = Local(self._work)
        self._session: Session | None = None
        self._asking = threading.Lock()

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
        """Names of the groups of words: the index's own; else those examples whose words it has.

        Example:
            >>> ix.groups[:3]
            ['animals', 'capitals', 'colours']
        """
        from explorer.words import groups_of

        return sorted(groups_of(self.index))

    def ask(self, query: Query[R], progress: Progress | None = None) -> R:
        """The answer of a query: what every method below asks, as a value.

        Args:
            query: one of the queries of `explorer.questions`, such as an answer's own `query`.
            progress: told what is done, how many steps of it, and of how many.

        Example:
            >>> from explorer.questions import NeighborsQuery
            >>> near = ix.ask(NeighborsQuery("large", k=2))
            >>> [row.item for row in near.rows], ix.ask(near.query) == near
            (['␣big', '␣small'], True)
        """
        if not isinstance(query, Query):
            raise QueryError(
                "ask takes a query of explorer.questions, such as NeighborsQuery('dog')"
            )
        if query.question == "sql":
            asked = cast("questions.SqlQuery", query)
            return cast(R, self.sql(asked.sql, asked.parameters))
        if query.question == "schema":
            return cast(R, _sql.schema(self.index, cast("questions.SchemaQuery", query)))
        return self._local.ask(query, progress or no_progress)

    def ask_each(self, queries: Iterable[Query[R]]) -> Answers[R]:
        """The answers of several queries: equal to those one by one, and of one kind faster.

        Args:
            queries: in any order; many `NeighborsQuery` walk over the rows together.

        Example:
            >>> from explorer.questions import NeighborsQuery
            >>> [near.rows[0].item for near in ix.ask_each([NeighborsQuery("two", k=1)])]
            ['␣three']
        """
        asked = list(queries)
        if not all(isinstance(query, Query) and query.computed for query in asked):
            return Answers(self.ask(query) for query in asked)
        return Answers(one for one in self._local.ask_each(asked) if one is not None)

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

    def vector(
        self, expression: str, space: str = "embed", *, measure: MeasureName = "dot"
    ) -> Vector:
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
        items = self._work.resolver.items(parse(expression), target)
        by = checked_measure(measure, self.index, target, self._work.announce)
        return by.compose([i.weighted for i in items])

    @overload
    def neighbors(
        self,
        expression: str,
        space: str = "embed",
        *,
        measure: MeasureName | None = None,
        k: int | None = None,
        include_inputs: bool = False,
        distinct: bool = False,
    ) -> Neighbors: ...

    @overload
    def neighbors(
        self,
        expression: list[str] | tuple[str, ...],
        space: str = "embed",
        *,
        measure: MeasureName | None = None,
        k: int | None = None,
        include_inputs: bool = False,
        distinct: bool = False,
    ) -> Answers[Neighbors]: ...

    @asks()
    def neighbors(
        self,
        expression: str | list[str] | tuple[str, ...],
        space: str = "embed",
        *,
        measure: MeasureName | None = None,
        k: int | None = None,
        include_inputs: bool = False,
        distinct: bool = False,
    ) -> Neighbors | Answers[Neighbors]:
        """The k items of a space that are nearest to an expression, or to each of several.

        Several expressions give a tuple of answers, equal to those one by one and several times as
        fast.

        Example:
            >>> for row in ix.neighbors("king - man + woman", k=3, distinct=True):
            ...     print(row.rank, row.item, round(row.score, 2), round(row.z, 1))
            1 ␣queen 0.73 6.1
            2 ␣princess 0.63 4.7
            3 ␣kings 0.62 4.5
        """
        alone = isinstance(expression, str) or not isinstance(expression, Iterable)
        queries = [
            questions.NeighborsQuery(text, space, measure, k, include_inputs, distinct)
            for text in ([cast(str, expression)] if alone else expression)
        ]
        return self.ask(queries[0]) if alone else self.ask_each(queries)

    def most_similar(
        self,
        positive: Keys | None = None,
        negative: Keys | None = None,
        topn: int = 10,
        *,
        space: str = "embed",
        measure: MeasureName | None = None,
    ) -> list[tuple[str, float]]:
        """The items nearest to some, away from others: `neighbors`, as gensim's users call it.

        The items are those of `neighbors("king + woman - man")`, each with its score: names as in
        `items`, and no item that was asked for among them. A list of pairs can say nothing of what
        an item was taken to be: where something else may have been meant, Python warns.

        Args:
            positive: an item, or several: `"king"`, `["king", "woman"]`, `[("king", 0.5)]` with a
                weight.
            negative: the same; one without a weight has -1.
            topn: how many.
            space: where to look.
            measure: `dot`, `cosine`, `centered`, `euclidean` or `whitened`; the space's own unless
                given.

        Example:
            >>> found = ix.most_similar(["king", "woman"], "man", topn=2)
            >>> [(item, round(score, 2)) for item, score in found]
            [('␣queen', 0.73), ('␣Queen', 0.64)]
        """
        asked = expression_of(positive, negative)
        near = self.ask(questions.NeighborsQuery(asked, space, measure, topn))
        for item in near.meta.resolved:
            _warn(item)
        return [(row.item, row.score) for row in near]

    def similarity(
        self, first: str, second: str, *, space: str = "embed", measure: MeasureName | None = None
    ) -> float:
        """The score of one expression with another.

        Where something else may have been meant by an item, Python warns.

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
        pairs, items = [(first, second)], list[Resolved]()
        resolver = self._work.resolver
        (score,) = _similarity.similarities(resolver, pairs, space, measure, tell=items.append)
        for item in items:
            _warn(item)
        assert score is not None, "what names nothing is an error"
        return score

    @asks()
    def middleman(
        self,
        *words: str | Iterable[str],
        by: By = "weights",
        avoid: Sequence[str] = (),
        side: Side | None = None,
        score: Score = "z",
        combine: Combine = "min",
        layers: str | int | Sequence[int] | None = None,
        per_layer: int | None = None,
        k: int | None = None,
    ) -> Middlemen:
        """The neurons that answer to every one of the words.

        Example:
            >>> first = ix.middleman(["large", "tall"], side="out")[0]
            >>> first.neuron, round(first.score, 1), first.writes[:2]
            ('L29N112', 6.0, ('␣smaller', '␣larger'))
        """
        return self.ask(
            questions.MiddlemanQuery(
                _words(words),
                side,
                score,
                k,
                combine,
                cast(Any, avoid),
                cast(Any, layers),
                per_layer,
                by,
            )
        )

    @asks()
    def compare(
        self,
        *words: str | Iterable[str],
        side: Side | None = None,
        measure: str | Sequence[ProfileMeasure] | None = None,
        layers: str | int | Sequence[int] | None = None,
        top_neurons: int | None = None,
        impact: Impact = "z",
        control_neurons: ControlNeurons = "own",
        each_layer: bool = False,
        control: Control = "matched",
        pairs: int = 1000,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Comparison:
        """How alike the profiles of words are: their dot products with the same neurons.

        Example:
            >>> row = ix.compare("large", "tall", pairs=0).rows[0]
            >>> row.n, round(row.scores["pearson"], 2)
            (46080, 0.21)
        """
        return self.ask(
            questions.CompareQuery(
                _words(words),
                side,
                cast(Any, measure),
                cast(Any, layers),
                top_neurons,
                impact,
                control_neurons,
                each_layer,
                control,
                pairs,
                seed,
            ),
            progress,
        )

    @asks()
    def analogy(
        self,
        expression: str,
        target: str | None = None,
        *,
        against: str | None = None,
        space: str = "embed",
        measure: MeasureName | None = None,
        method: Method = "add",
        k: int | None = None,
        include_inputs: bool = False,
        distinct: bool = False,
    ) -> Analogy:
        """What an expression leads to in one space, and where a target stands.

        Example:
            >>> target = ix.analogy("dog + small", target="Chihuahua").meta.target
            >>> target.rank, target.n, round(target.z, 1)
            (3259, 49150, 1.5)
        """
        return self.ask(
            questions.AnalogyQuery(
                expression, target, space, measure, method, k, include_inputs, distinct, against
            )
        )

    @asks()
    def analogy_layers(
        self,
        expression: str,
        target: str | None = None,
        *,
        against: str | None = None,
        measure: MeasureName | None = None,
        method: Method = "add",
        k: int | None = None,
        include_inputs: bool = False,
        distinct: bool = False,
        progress: Progress | None = None,
    ) -> AnalogyLayers:
        """The same question in `embed` and every context space, one row a space.

        Example:
            >>> rows = ix.analogy_layers("dog + small", target="Chihuahua").rows
            >>> max(rows, key=lambda row: row.target.z).space
            'context.9'
        """
        return self.ask(
            questions.AnalogyLayersQuery(
                expression, target, measure, method, k, include_inputs, distinct, against
            ),
            progress,
        )

    @overload
    def neuron(self, neuron: str, *, k: int | None = None) -> NeuronReport: ...

    @overload
    def neuron(
        self, neuron: int, unit: int, *, expert: int | None = None, k: int | None = None
    ) -> NeuronReport: ...

    @asks(**_OF_NEURON)
    def neuron(
        self,
        neuron: str | int,
        unit: int | None = None,
        *,
        expert: int | None = None,
        k: int | None = None,
    ) -> NeuronReport:
        """One neuron: its norms, nearest tokens of each side, nearest neurons.

        `ix.neuron("L29N112")` and `ix.neuron(29, 112)` ask the same.

        Example:
            >>> report = ix.neuron(29, 112, k=3)
            >>> [r.item for r in report.rows if (r.side, r.kind) == ("out", "token") and r.rank > 0]
            ['␣smaller', '␣larger', '␣Larger']
        """
        return self.ask(questions.NeuronQuery(_neuron(neuron, unit, expert), k))

    @asks()
    def word(self, word: str, *, k: int | None = None) -> WordReport:
        """One indexed word: its tokens and frequency, and the neurons that fire most at it.

        Example:
            >>> report = ix.word("large")
            >>> report.meta.groups, report.rows[0].neuron
            (('size',), 'L28N828')
        """
        return self.ask(questions.WordQuery(word, k))

    @overload
    def logits(
        self, neuron: str, *, k: int | None = None, progress: Progress | None = None
    ) -> NeuronLogits: ...

    @overload
    def logits(
        self,
        neuron: int,
        unit: int,
        *,
        expert: int | None = None,
        k: int | None = None,
        progress: Progress | None = None,
    ) -> NeuronLogits: ...

    @asks(**_OF_NEURON)
    def logits(
        self,
        neuron: str | int,
        unit: int | None = None,
        *,
        expert: int | None = None,
        k: int | None = None,
        progress: Progress | None = None,
    ) -> NeuronLogits:
        """The tokens that a neuron raises and lowers directly, by its weights alone.

        Example:
            >>> found = ix.logits("L29N112", k=2)
            >>> [(row.sign, row.token) for row in found.rows]
            [(1, '␣smaller'), (1, '␣larger'), (-1, 'artes'), (-1, 'theless')]
        """
        return self.ask(questions.LogitsQuery(_neuron(neuron, unit, expert), k), progress)

    @asks()
    def ov(
        self,
        word: str,
        *,
        target: str | None = None,
        layers: str | int | Sequence[int] | None = None,
        head: int | None = None,
        k: int | None = None,
        progress: Progress | None = None,
    ) -> OvReport:
        """What attention heads write for a word if they attend to it fully.

        Example:
            >>> [(row.head, round(row.score, 1)) for row in ix.ov("large", target="tall", k=2)]
            [('L25H8', 4.1), ('L25H6', 4.0)]
        """
        return self.ask(questions.OvQuery(word, target, cast(Any, layers), head, k), progress)

    @asks()
    def baseline(
        self,
        space: str | None = None,
        *,
        measure: str | Sequence[MeasureName] | None = None,
        pairs: int = 50_000,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Baseline:
        """What two unrelated items score: mean, standard deviation and quantiles over random pairs.

        Example:
            >>> row = ix.baseline("embed", measure="cosine").rows[0]
            >>> round(row.mean, 2), round(row.std, 2)
            (0.47, 0.17)
        """
        return self.ask(questions.BaselineQuery(space, cast(Any, measure), pairs, seed), progress)

    @asks()
    def layers(
        self,
        expression: str,
        target: str | None = None,
        *,
        measure: MeasureName | None = None,
        k: int | None = None,
        distinct: bool = False,
        progress: Progress | None = None,
    ) -> Layers:
        """What is near an expression at every depth, where a target stands, what changes where.

        Example:
            >>> rows = ix.layers("king - man + woman", "queen").rows
            >>> rows[0].space, rows[0].target.rank
            ('embed', 1)
        """
        return self.ask(questions.LayersQuery(expression, target, measure, k, distinct), progress)

    @asks()
    def evaluate_analogies(
        self,
        file: Source,
        *,
        space: str | Sequence[str] | None = None,
        all_layers: bool = False,
        measure: str | Sequence[MeasureName] | None = None,
        method: str | Sequence[Method] = ("add",),
        tokens: Tokens = "word-like",
        case: Case = "written",
        restrict: int | None = None,
        depth: int | None = None,
        sections: bool | None = None,
        progress: Progress | None = None,
    ) -> AnalogyAccuracies:
        """How many analogy questions each space answers: with a, b and c left out, and kept in.

        Example:
            >>> lines = [": family", "king queen man woman", "boy girl son daughter"]
            >>> ix.evaluate_analogies(lines).rows[0].accuracy
            1.0
        """
        return self.ask(
            questions.EvaluateAnalogiesQuery(
                _source(file),
                cast(Any, space),
                all_layers,
                cast(Any, measure),
                cast(Any, method),
                tokens,
                case,
                restrict,
                depth,
                sections,
            ),
            progress,
        )

    @asks()
    def evaluate_similarity(
        self,
        file: Source,
        *,
        space: str | Sequence[str] | None = None,
        all_layers: bool = False,
        measure: str | Sequence[MeasureName] | None = None,
        column: str | int = "3",
        delimiter: str | None = None,
        tokens: Tokens = "word-like",
        case: Case = "written",
        restrict: int | None = None,
        missing_as_zero: bool = False,
        progress: Progress | None = None,
    ) -> SimilarityCorrelations:
        """How well the scores of pairs of words go with the ratings that people gave them.

        Example:
            >>> row = ix.evaluate_similarity(["dog cat 7", "red blue 6", "dog red 2"]).rows[0]
            >>> row.n, round(row.pearson, 2)
            (3, 0.99)
        """
        return self.ask(
            questions.EvaluateSimilarityQuery(
                _source(file),
                cast(Any, space),
                all_layers,
                cast(Any, measure),
                str(column),
                delimiter,
                tokens,
                case,
                restrict,
                missing_as_zero,
            ),
            progress,
        )

    @asks()
    def congruence(
        self,
        *words: str | Iterable[str],
        group: str | None = None,
        anchor: str | None = None,
        space: str | None = None,
        measure: MeasureName | None = None,
        control: Controls = "matched",
        permutations: int = 10_000,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Congruence:
        """Are some words closer to each other than matched random words are, and where?

        Example:
            >>> row = ix.congruence(group="size", space="embed", permutations=1000).rows[0]
            >>> round(row.score, 2), row.effect > 5, row.p < 0.01
            (0.37, True, True)
        """
        return self.ask(
            questions.CongruenceQuery(
                _words(words), group, anchor, space, measure, control, permutations, seed
            ),
            progress,
        )

    @asks()
    def anchored(
        self,
        *words: str | Iterable[str],
        group: str | None = None,
        anchor: str | None = None,
        space: str = "embed",
        measure: MeasureName | None = None,
        control: Controls = "matched",
        permutations: int = 10_000,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> AnchoredWords:
        """Is each word closer to an anchor than words like it are? One row a word.

        `congruence` asks the list as a whole in every space; here the whole is in `meta.whole`.

        Example:
            >>> for row in ix.anchored("huge", "tall", anchor="large", permutations=1000).rows:
            ...     print(row.word, round(row.score, 2))
            huge 0.63
            tall 0.24
        """
        return self.ask(
            questions.AnchoredQuery(
                _words(words), group, anchor, space, measure, control, permutations, seed
            ),
            progress,
        )

    @asks()
    def findings(self, *, anew: bool = False, progress: Progress | None = None) -> Findings:
        """What is there to see in this index? A line each, with the question that finds it again.

        They are found when an index is built, and lie beside it.

        Example:
            >>> first = ix.findings().rows[0]
            >>> first.line[:34], first.command[:29]
            ('L29N112.out between large and tall', 'explorer middleman large tall')
            >>> ix.ask(first.query).rows[0].neuron
            'L29N112'
        """
        return self.ask(questions.FindingsQuery(anew), progress)

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
        measure: MeasureName = "dot",
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
        return _vectors.vectors(self._work.resolver, self._work.words, space, items, measure)

    @overload
    def search(
        self,
        space: str,
        vectors: np.ndarray[tuple[int, int], np.dtype[Any]] | Sequence[Sequence[float]],
        *,
        measure: MeasureName | None = None,
        k: int | None = None,
        distinct: bool = False,
        composed: bool = False,
    ) -> Answers[Neighbors]: ...

    @overload
    def search(
        self,
        space: str,
        vectors: np.ndarray[tuple[int], np.dtype[Any]] | Sequence[float],
        *,
        measure: MeasureName | None = None,
        k: int | None = None,
        distinct: bool = False,
        composed: bool = False,
    ) -> Neighbors: ...

    def search(
        self,
        space: str,
        vectors: ArrayLike,
        *,
        measure: MeasureName | None = None,
        k: int | None = None,
        distinct: bool = False,
        composed: bool = False,
    ) -> Neighbors | Answers[Neighbors]:
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
        found = _search.search(
            self.index,
            space,
            vectors,
            measure,
            k,
            distinct,
            composed,
            self._work.announce,
        )
        return Answers(found) if isinstance(found, tuple) else found

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
        return Session(self.index.folder, attach, timeout, memory, self._work.announce)

    @asks()
    def schema(self, name: str | None = None) -> Schema:
        """Every table, column and function that `sql` can name, with what each is.

        Example:
            >>> ix.schema("word_group").rows[1].about
            'name of the group: size, dogs_small, colours, ...'
        """
        return self.ask(questions.SchemaQuery(name))


def _words(given: tuple[str | Iterable[str], ...]) -> tuple[str, ...]:
    """Words that are arguments each, or one argument together."""
    together = given[0] if len(given) == 1 else given
    if isinstance(together, (str, bytes)) or not isinstance(together, Iterable):
        together = given
    return cast("tuple[str, ...]", tuple(together))


def _neuron(neuron: str | int, unit: int | None, expert: int | None) -> str:
    """The name of a neuron that is given by its name, or by the numbers in it.

    Raises:
        QueryError: there is a name and a number, or only one number.
    """
    if isinstance(neuron, str):
        if unit is not None or expert is not None:
            raise QueryError(f"{neuron!r} is a whole name; leave out unit and expert")
        return neuron
    if unit is None:
        raise QueryError(f"neuron {neuron!r}: name layer and unit, (29, 112), or 'L29N112'")
    numbers = [neuron, unit] if expert is None else [neuron, expert, unit]
    try:
        layer, *others = map(whole, numbers)
    except TypeError:
        raise QueryError(f"neuron {numbers}: layer, expert and unit are whole numbers") from None
    return f"L{layer}N{others[0]}" if expert is None else f"L{layer}E{others[0]}N{others[1]}"


def _nobody(_: str) -> None:
    """Announces to nobody."""


def _warn(item: Resolved) -> None:
    """Tell whoever asked for plain numbers that something else may have been meant by an item."""
    if item.instead:
        from explorer.questions.lines import item_line

        warnings.warn(item_line(item), stacklevel=3)


def _source(asked: Source) -> str | tuple[str, ...]:
    """The path of a file, or its lines."""
    if isinstance(asked, (str, os.PathLike)):
        return os.fspath(asked)
    return tuple(asked)
