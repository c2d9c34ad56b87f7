"""Other libraries measured beside this one, in one run: `python -m benchmarks.peers`.

Imports nothing, so that a process that measures one library holds that one alone.
"""
