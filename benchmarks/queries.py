"""Questions, cold (a whole process) and warm (in an open Explorer), against plain libraries."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import combinations, cycle
from pathlib import Path

import faiss
import numpy as np

import explorer
from benchmarks.measure import Line, in_turn, interleaved, processes
from explorer import Explorer
from explorer.calibration import calibrate
from explorer.correlations import LINEAR, linear
from explorer.measures.cosine import Cosine
from explorer.measures.registry import KINDS
from explorer.profiles import Profiles
from explorer.scan import scan

PROGRAM = str(Path(sys.executable).parent / "explorer")
BARE = "import numpy, faiss, duckdb"
GROUP = ("large", "big", "huge", "enormous", "giant", "small", "little", "tiny", "vast", "great")
WORDS = ("large", "tall", "huge", "dog", "cat", "red", "blue", "king", "queen", "Paris", "March")


def cold() -> list[Line]:
    """Process start to exit, the page cache warm."""
    lines = []
    for question in (["neighbors", "large"], ["middleman", "large", "tall"]):
        asking = [PROGRAM, *question, "--index", "smollm2"]
        done = in_turn(15, bare=[sys.executable, "-c", BARE], asked=asking)
        pairs = zip(done["asked"], done["bare"], strict=True)
        ratio = statistics.median(asked.seconds / bare.seconds for asked, bare in pairs)
        seconds = statistics.median(asked.seconds for asked in done["asked"])
        megabytes = max(asked.megabytes for asked in done["asked"])
        lines.append(
            Line(
                f"cold `explorer {' '.join(question)}`",
                f"{seconds:.2f} s, {megabytes:.0f} MB ({ratio:.1f} times `{BARE}`)",
                "0.5 s, 250 MB",
                seconds <= 0.5 and megabytes <= 250,
            )
        )
    return lines


def groups() -> list[Line]:
    """A group of 10 words against 10,000 drawn groups, and the plain way on the same vectors."""
    from explorer.chance.groups import mean_scores
    from explorer.measures.centered import Centered

    with explorer.open("smollm2") as ix:
        words, space = ix._work.words, ix.index.space("context.12")
        rng = np.random.default_rng(0)
        drawn = np.array([rng.choice(1000, 10, replace=False) for _ in range(10_000)])

        def by_numpy() -> np.ndarray:
            found = np.empty(len(drawn))
            for at, ids in enumerate(drawn):
                rows = words.vectors("context.12", ids) - space.mean
                rows /= np.linalg.norm(rows, axis=1, keepdims=True)
                found[at] = ((rows @ rows.T).sum() - 10) / 90
            return found

        def ours() -> np.ndarray:
            return mean_scores(words, drawn, Centered(space))

        np.testing.assert_allclose(ours(), by_numpy(), atol=1e-6)
        times = interleaved(3, ours=ours, numpy=by_numpy)
        times |= interleaved(3, whole=lambda: ix.congruence(*GROUP))
    return [
        Line(
            "`ix.congruence(10 words)`, 10,000 control groups in 32 spaces",
            f"{times['whole']:.1f} s; one space {times['numpy'] / times['ours']:.0f} times as fast "
            "as NumPy group by group",
            "5 s",
            times["whole"] <= 5,
        )
    ]


def warm() -> list[Line]:
    """One exact query in `embed` against plain FAISS and NumPy on the same vectors; middlemen."""
    with explorer.open("smollm2") as ix:
        space = ix.index.space("embed")
        unit = space.rows.block(0, space.entry.rows)
        query = np.ascontiguousarray(unit[1507])
        plain = faiss.IndexFlatIP(unit.shape[1])
        plain.add(unit)
        one_thread = faiss.IndexFlatIP(unit.shape[1])
        one_thread.add(unit)

        def by_numpy() -> np.ndarray:
            scores = unit @ query
            near = np.argpartition(scores, -10)[-10:]
            return near[np.argsort(-scores[near])]

        def by_faiss() -> object:
            faiss.omp_set_num_threads(1)
            return plain.search(query[None], 10)

        def by_faiss_threads() -> object:
            faiss.omp_set_num_threads(os.cpu_count() or 1)
            return plain.search(query[None], 10)

        wide, cosine = query.astype(np.float64), Cosine(space)

        def proven() -> object:
            found = scan(cosine, wide)
            return found.calibration(""), found.best(10)

        def by_all_rows() -> object:
            found = scan(cosine, wide)
            return calibrate(found.values, ""), found.best(10)

        times = interleaved(31, proven=proven, all_rows=by_all_rows, numpy=by_numpy, faiss=by_faiss)
        # Of other words each time, so that no answer is remembered.
        words, pairs = cycle(WORDS), cycle(combinations(WORDS, 2))
        times |= interleaved(
            31,
            neighbors=lambda: ix.neighbors(next(words)),
            middleman=lambda: ix.middleman(*next(pairs), side="out"),
        )
        # Last and alone: its threads spin on after they have answered, at the next one's cost.
        times |= interleaved(31, faiss_threads=by_faiss_threads)
        assert list(scan(cosine, wide).best(10)[0]) == list(by_numpy())
    faster = min(times["numpy"], times["faiss"], times["faiss_threads"])
    ratio = times["proven"] / faster
    ms = {name: 1000 * seconds for name, seconds in times.items()}
    return [
        Line(
            "one exact query in `embed`, proven by codes, z included",
            f"{ms['proven']:.1f} ms: {ratio:.2f} times the faster of plain FAISS "
            f"({ms['faiss']:.1f} ms with one thread, {ms['faiss_threads']:.1f} with all) "
            f"and plain NumPy ({ms['numpy']:.1f} ms); by all rows {ms['all_rows']:.1f} ms",
            "0.6 times",
            ratio <= 0.6,
        ),
        Line(
            "`ix.neighbors(word)`, from word to named rows",
            f"{ms['neighbors']:.1f} ms",
            "none",
            True,
        ),
        Line(
            '`ix.middleman(word, word, side="out")`, 46,080 neurons',
            f"{ms['middleman']:.1f} ms",
            "15 ms",
            ms["middleman"] <= 15,
        ),
    ]


def passes() -> list[Line]:
    """Of 1,000 random items of every space: how often codes prove the ten best, and of how many."""
    scans, scored, asked = 0, list[int](), 0
    with explorer.open("smollm2") as ix:
        rng = np.random.default_rng(0)
        for name in ix.index.space_names:
            space = ix.index.space(name)
            measure = KINDS[space.entry.measure](space)
            if space.codes is None:
                continue
            for at in rng.choice(space.entry.rows, 1000, replace=False):
                query = measure.normed_rows(space.vector(int(at))[None])[0]
                if not query.any():
                    continue
                found = scan(measure, query)
                found.best(11)
                scans, asked = scans + found.tally.scans, asked + 1
                scored.append(found.tally.exact)
    return [
        Line(
            "scans of all rows that the ten nearest of 1,000 random items of every space needed",
            f"{scans} of {asked:,}; else {statistics.median(scored):.0f} rows scored in float64 in "
            f"the median, {max(scored):,} at most",
            "1 %",
            scans <= 0.01 * asked,
        )
    ]


def profiles() -> list[Line]:
    """All pairs of 1,000 profiles through the Gram matrix, against the explicit lists in NumPy."""
    with explorer.open("smollm2") as ix:
        index, rng = ix.index, np.random.default_rng(0)
        vectors = ix._work.words.vectors(
            "embed", rng.choice(len(ix._work.words), 1000, replace=False)
        )
        space = index.space("neuron.gate")
        rows = space.rows.block(0, space.entry.rows) * space.norms[:, None].astype(np.float64)
        first, second = np.triu_indices(len(vectors), k=1)
        sums = Profiles(index).sums_of_layers("gate", index.manifest.layers)

        def by_gram() -> dict[str, np.ndarray]:
            return linear(sums.products(vectors), first, second, LINEAR)

        def by_gram_anew() -> object:
            return Profiles(index).sums_of_layers("gate", index.manifest.layers)

        def by_lists() -> dict[str, np.ndarray]:
            lists = vectors @ rows.T
            dots = lists @ lists.T
            size = np.sqrt(np.diagonal(dots))
            apart = size[first] ** 2 + size[second] ** 2 - 2 * dots[first, second]
            lists -= lists.mean(axis=1, keepdims=True)
            lists /= np.linalg.norm(lists, axis=1, keepdims=True)
            return {
                "pearson": (lists @ lists.T)[first, second],
                "cosine": dots[first, second] / (size[first] * size[second]),
                "euclidean": np.sqrt(apart),
                "dot": dots[first, second],
            }

        times = interleaved(5, gram=by_gram, sums=by_gram_anew, lists=by_lists)
        found, expected = by_gram(), by_lists()
        assert all(np.allclose(found[name], expected[name], rtol=1e-6) for name in LINEAR)
    ratio = times["lists"] / (times["gram"] + times["sums"])
    return [
        Line(
            "all pairs of 1,000 words over 46,080 neurons: Pearson, cosine, Euclidean, dot",
            f"{times['gram']:.2f} s after {times['sums']:.2f} s of sums, once: {ratio:.1f} times "
            f"as fast as explicit lists in NumPy ({times['lists']:.2f} s)",
            "twice as fast",
            ratio >= 2,
        )
    ]


def batches() -> list[Line]:
    """256 expressions at once against one by one, and a lateral join over as many in SQL."""
    with explorer.open("smollm2") as ix:
        asked = ix.sql(
            "SELECT text FROM word WHERE n_tokens = 1 ORDER BY zipf DESC, id LIMIT 256 OFFSET 300"
        )
        words = [row["text"] for row in asked.rows]

    def first_time(space: str, ask: Callable[[Explorer], object]) -> float:
        """Seconds for words that were not asked before, the space itself in memory."""
        with explorer.open("smollm2") as ix:
            ix.neighbors(["dog", "cat"], space)
            begun = time.perf_counter()
            ask(ix)
            return time.perf_counter() - begun

    def one_by_one(space: str) -> float:
        return first_time(space, lambda ix: [ix.neighbors(word, space) for word in words])

    def at_once(space: str) -> float:
        return first_time(space, lambda ix: ix.neighbors(words, space))

    times = {
        space: {
            "single": statistics.median(pair[0] for pair in pairs),
            "batch": statistics.median(pair[1] for pair in pairs),
        }
        for space in ("embed", "context.12")
        for pairs in [[(one_by_one(space), at_once(space)) for _ in range(5)]]
    }
    with explorer.open("smollm2") as ix:
        lateral = "SELECT w.word, n.item FROM w, neighbors(w.word, 'context.12') n"
        table = [{"word": word} for word in words]
        warm = interleaved(
            5,
            one=lambda: ix.sql("FROM neighbors('large')"),
            plain=lambda: ix.sql("SELECT count(*) FROM token"),
            many=lambda: ix.sql(lateral, attach={"w": table}),
        )
    ratios = {space: t["single"] / t["batch"] for space, t in times.items()}
    done = processes([PROGRAM, "sql", "SELECT count(*) FROM token", "--index", "smollm2"], 5)
    return [
        Line(
            "`ix.neighbors([256 words])` against one by one, each word asked for the first time",
            " and ".join(
                f"{1000 * t['batch'] / len(words):.1f} ms a word in `{space}`, "
                f"{ratios[space]:.1f} times the throughput"
                for space, t in times.items()
            ),
            "twice",
            min(ratios.values()) >= 2,
        ),
        Line(
            "`ix.sql(...)`, its process running: a count, and `FROM neighbors('large')`",
            f"{1000 * warm['plain']:.1f} ms and {1000 * warm['one']:.1f} ms",
            "none",
            True,
        ),
        Line(
            "the same with 256 words of a table, its process started anew",
            f"{warm['many']:.2f} s",
            "none",
            True,
        ),
        Line(
            'cold `explorer sql "SELECT count(*) FROM token"`',
            f"{done.seconds:.2f} s",
            "none",
            True,
        ),
    ]
