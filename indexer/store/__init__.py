"""An index on disk: what lies where, how it is written, how it is read.

Knows numpy, faiss, duckdb and tokenizers; never torch, and nothing of the model that an index
was made from beyond what its manifest records. Import the module you need: `layout` (names and
manifest), `rows` (vectors), `vocabulary` (tokens), `write` (a build in progress), `read` (a
sealed index), `verify` (is it sound).
"""
