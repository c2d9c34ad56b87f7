"""A matplotlib figure that shows itself in a notebook, whether or not pyplot was ever imported."""

from __future__ import annotations

import io

from matplotlib import rc_context
from matplotlib.figure import Figure

PLAIN = {"text.parse_math": False}
"""Names stand in pictures, and a dollar in one is no formula."""


class ShownFigure(Figure):
    """A Figure bound to no window, so that a notebook shows it once: where it is a cell's value.

    `described` is what it shows, in words.
    """

    described = ""

    def _repr_png_(self) -> bytes:
        out = io.BytesIO()
        with rc_context(PLAIN):
            self.savefig(out, format="png", dpi=110, facecolor="white", metadata={"Software": None})
        return out.getvalue()
