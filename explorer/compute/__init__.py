"""One question a file: an index and what was asked go in, a frozen result comes out.

Beside the questions stands what one of them is made of (`neuronsets`, `controlpairs` and `compared`
of `compare`) or several share (`lots` of both congruences, `evaluate` of both test sets, `firing`).
"""
