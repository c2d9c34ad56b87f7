"""SQL over the catalog of an index, with the explorer's questions as functions; nothing else.

functions   the questions as SQL has them: names, parameters, columns, how each is answered
guard       what a statement may hold
database    DuckDB over one index, locked down
worker      that database in a process of its own, which can be stopped whatever it is doing
session     the handle on that process
ask         a statement and its answer: what the rest of the explorer knows
wire        how the two talk
tables      a user's own tables, read before the lock-down
schema      every table, column and function, described
"""
