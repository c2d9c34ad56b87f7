"""How two vectors are scored, a measure a file, and what they are called.

`measure` says what every measure answers, `asked` finds the one that somebody named. The names are
here, so that help and completion need no numbers.
"""

from __future__ import annotations

from typing import Literal, get_args

MeasureName = Literal["dot", "cosine", "centered", "euclidean", "whitened"]
"""What a measure is called; a name that no class has, or that no class may have, is an error."""

MEASURES: tuple[MeasureName, ...] = get_args(MeasureName)
"""All of them, in the order in which answers and help have them."""
