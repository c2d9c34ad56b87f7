"""Standard test sets: a whole run of the analogy questions against gensim on the same vectors."""

from __future__ import annotations

import time
from pathlib import Path

import explorer
from benchmarks.measure import Line

QUESTIONS = "questions-words.txt"


def analogies() -> list[Line]:
    """Every covered question over the word-like tokens of `embed`, by gensim's conventions."""
    from gensim.models import KeyedVectors
    from gensim.test.utils import datapath

    path = Path(datapath(QUESTIONS))
    with explorer.open("smollm2") as ix:
        space, ids = ix.index.space("embed"), ix.index.tokens.word_like
        vectors = KeyedVectors(space.entry.width)
        vectors.add_vectors(
            [token.text[1:] for token in ix.index.tokens.by_id(ids)],
            space.rows.take(ids) * space.norms[ids, None],
        )
        # Once each: a run of gensim takes minutes, and is its own average over 10,000 questions.
        start = time.perf_counter()
        rows = ix.evaluate_analogies(path, case="fold", depth=5, sections=True).rows
        ours = time.perf_counter() - start
        start = time.perf_counter()
        _, sections = vectors.evaluate_word_analogies(str(path))
        theirs = time.perf_counter() - start
    counted = [len(one["correct"]) for one in sections]
    assert [row.correct for row in rows] == counted, "gensim counts otherwise"
    return [
        Line(
            f"`ix.evaluate_analogies`, {rows[-1].covered:,} questions over {len(ids):,} tokens of "
            "`embed`",
            f"{ours:.1f} s: {ours / theirs:.3f} times gensim ({theirs:.0f} s), "
            "the same counts in every section",
            "1 time",
            ours <= theirs,
        )
    ]
