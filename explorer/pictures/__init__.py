"""How answers look as pictures: one file a question, dealt out here by the answer's class.

Knows what of an answer is worth drawing; draws nothing and knows no plotting library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer import results
from explorer.pictures.baseline import baseline
from explorer.pictures.congruence import anchored, congruence
from explorer.pictures.layers import layers
from explorer.pictures.middleman import middleman
from explorer.pictures.ov import ov
from explorer.pictures.shapes import Bars, Grid, Histogram, Lines, Picture, Shares

__all__ = ["Bars", "Grid", "Histogram", "Lines", "Picture", "Shares", "pictures_of"]

_PICTURES: dict[type[results.Result], Callable[[Any], tuple[Picture, ...]]] = {
    results.AnalogyLayers: layers,
    results.AnchoredWords: anchored,
    results.Baseline: baseline,
    results.Congruence: congruence,
    results.Layers: layers,
    results.Middlemen: middleman,
    results.OvReport: ov,
}


def pictures_of(result: results.Result) -> tuple[Picture, ...]:
    """The pictures of an answer, from the whole to the part; none where none says more."""
    make = _PICTURES.get(type(result))
    return make(result) if make is not None else ()
