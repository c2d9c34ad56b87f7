"""Linear layers by whichever of torch's two libraries multiplies float32 faster here.

torch has MKL multiply, which on processors that are not Intel's leaves more than half of what they
can unused, and oneDNN convolve; a convolution of one pixel is a linear layer. Both compute in
float32 and differ in the order in which they add up.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_WORTH_TRYING = 1 << 16
"""Numbers in a matrix below which a layer is left as it is: what is not computed takes the time."""

_TIMES = 8
_FASTER = 0.75  # of the time, so that chance does not choose between two that are as fast


@contextlib.contextmanager
def fastest_linear(module: Any, rows: int) -> Iterator[None]:
    """Have the linear layers within a module multiply as is fastest, on the CPU in float32.

    Args:
        module: whose layers.
        rows: about how many vectors each is given at once.
    """
    changed = list(_layers(module))
    if not changed or not _convolving_is_faster(*max(map(_shape, changed), key=math.prod), rows):
        changed = []
    for layer in changed:
        layer.forward = functools.partial(_convolved, layer)
    try:
        yield
    finally:
        for layer in changed:
            del layer.forward


def _layers(module: Any) -> Iterator[Any]:
    import torch

    for layer in module.modules():
        if type(layer) is not torch.nn.Linear or "forward" in layer.__dict__:
            continue
        weight = layer.weight
        plain = weight.device.type == "cpu" and weight.dtype == torch.float32
        if plain and weight.is_contiguous() and weight.numel() >= _WORTH_TRYING:
            yield layer


def _shape(layer: Any) -> tuple[int, int]:
    return layer.out_features, layer.in_features


def _convolved(layer: Any, given: torch.Tensor) -> torch.Tensor:
    """What a linear layer makes of (..., in_features)."""
    import torch

    pixels = given.reshape(1, -1, 1, given.shape[-1]).permute(0, 3, 1, 2)
    found = torch.nn.functional.conv2d(pixels, layer.weight[:, :, None, None], layer.bias)
    return found.permute(0, 2, 3, 1).reshape(*given.shape[:-1], -1)


@functools.lru_cache
def _convolving_is_faster(outputs: int, inputs: int, rows: int) -> bool:
    import torch

    layer = torch.nn.Linear(inputs, outputs, bias=False)
    given = torch.randn(rows, inputs)
    ways: list[Callable[[], Any]] = [lambda: _convolved(layer, given), lambda: layer(given)]
    seconds = []
    with torch.inference_mode():
        for _ in range(_TIMES):
            for way in ways:  # in turn, so that whatever else runs here slows both
                start = time.perf_counter()
                way()
                seconds.append(time.perf_counter() - start)
    return min(seconds[2::2]) < _FASTER * min(seconds[3::2])
