"""How a number is written for people."""

from __future__ import annotations


def percent(share: float | None) -> str:
    """A share in whole percents; nothing where there is none."""
    return "" if share is None else f"{share:z.0%}"


def figure(value: float) -> str:
    """Four decimals of a cosine, fewer of a number that is large."""
    return f"{value:z.4f}" if abs(value) < 100 else f"{value:,.0f}"
