"""A model goes in, named arrays come out: tokens, neurons, and words in context.

Knows torch tensors and the table of families; writes no file.
"""
