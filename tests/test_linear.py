"""Linear layers that multiply as is fastest: the same but for rounding, and left as found."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from indexer.extract import linear
from indexer.extract.linear import fastest_linear


class Two(torch.nn.Module):
    """A large layer with a bias and one without, and one that is too small to be tried."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = torch.nn.Linear(96, 700)
        self.back = torch.nn.Linear(700, 96, bias=False)
        self.small = torch.nn.Linear(96, 3)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return self.small(self.back(torch.nn.functional.silu(self.wide(given))))


def chosen(monkeypatch: pytest.MonkeyPatch, convolving: bool) -> None:
    monkeypatch.setattr(linear, "_convolving_is_faster", lambda *_: convolving)


@pytest.mark.parametrize("shape", [(1, 96), (33, 96), (7, 5, 96)])
def test_both_ways_give_the_same_but_for_rounding(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    module = Two().eval()
    given = torch.randn(shape)
    heard: list[torch.Tensor] = []
    handle = module.back.register_forward_pre_hook(lambda _, args: heard.append(args[0]))
    with torch.inference_mode():
        plain = module(given)
        chosen(monkeypatch, True)
        with fastest_linear(module, 33):
            assert [name for name, m in module.named_modules() if "forward" in vars(m)] == [
                "wide",
                "back",
            ]
            fast = module(given)
    handle.remove()
    exact = Two().eval().double()
    exact.load_state_dict(module.state_dict())
    with torch.inference_mode():
        expected = exact(given.double())
    assert fast.shape == plain.shape
    for found in (plain, fast):
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=5e-6)
    # What a hook is given is what it was, so that whatever is heard of a layer stays as it is.
    assert heard[0].shape == heard[1].shape
    assert heard[1].is_contiguous()
    torch.testing.assert_close(heard[1], heard[0], rtol=0, atol=5e-6)
    assert not any("forward" in vars(m) for m in module.modules())


def test_what_is_no_faster_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    module = Two()
    chosen(monkeypatch, False)
    with fastest_linear(module, 8):
        assert not any("forward" in vars(m) for m in module.modules())


def test_other_precisions_and_other_peoples_layers_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Own(torch.nn.Linear):
        """One that computes something else."""

    module: Any = torch.nn.ModuleList([Own(600, 600), torch.nn.Linear(600, 600).bfloat16()])
    replaced = torch.nn.Linear(600, 600)
    replaced.forward = forward = lambda given: given  # type: ignore[method-assign]
    module.append(replaced)
    chosen(monkeypatch, True)
    with fastest_linear(module, 8):
        assert ["forward" in vars(m) for m in module] == [False, False, True]
    assert replaced.forward is forward


def test_an_error_leaves_layers_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    module = Two()
    chosen(monkeypatch, True)
    with pytest.raises(RuntimeError), fastest_linear(module, 8):
        module(torch.zeros(2, 5))
    assert not any("forward" in vars(m) for m in module.modules())


def test_trying_says_one_or_the_other() -> None:
    assert linear._convolving_is_faster(64, 64, 8) in (True, False)
