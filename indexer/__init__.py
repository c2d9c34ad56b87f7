"""A model goes in, a sealed index comes out.

Importing this package imports nothing heavy: torch and transformers are loaded by the
command that needs them. `indexer.store` is the bridge that the explorer stands on.
"""
