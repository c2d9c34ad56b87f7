"""One question a file: an index and what was asked go in, a frozen result comes out.

Beside the questions stands what one of them is made of (`neuronsets`, `controlpairs` and `compared`
of `compare`), or several share: `workspace` all of them, `control_groups` both congruences,
`testset` both test sets, `firing` what was recorded.
"""
