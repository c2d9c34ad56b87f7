"""The libraries that are measured beside each other, by the names that the command line has."""

from __future__ import annotations

from importlib import import_module

from benchmarks.peers.libraries.library import Library

_MODULES = {
    "ours": "ours.Ours",
    "ours-search": "ours.Vectors",
    "gensim": "gensim_keyed.Gensim",
    "faiss-flat": "faiss_indexes.Flat",
    "faiss-fp16": "faiss_indexes.Float16",
    "faiss-hnsw": "faiss_indexes.Hnsw",
    "numpy": "numpy_product.Product",
    "usearch": "usearch_exact.Exact",
    "duckdb": "duckdb_arrays.Arrays",
    "lancedb": "lance_table.Table",
}
NAMES = tuple(_MODULES)


def library(name: str) -> Library:
    """One library, not yet opened; imports no other, and itself only when it is used."""
    module, _, kind = _MODULES[name].partition(".")
    made: Library = getattr(import_module(f"benchmarks.peers.libraries.{module}"), kind)()
    return made
