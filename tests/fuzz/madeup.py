"""What people type and what files hold, made up: half of it nearly right, half of it anything.

How much is tried stands at each test, as a number of examples, always the same ones; `make fuzz`
tries so many times `FUZZ`, others every time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

TIMES = int(os.environ.get("FUZZ", "1"))


def tried(examples: int) -> Callable[[Any], Any]:
    """How many examples a test tries."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=examples * TIMES, suppress_health_check=slow)


ODD = [
    "", " ", "-", "--", "-x", "'", '"', "\\", "%", "$x", "{}", "[]", ".", "..", "*", "~", "nan",
    "inf", "-1", "0", "1e309", "9" * 40, "１２", "\x1b[31m", "\x07", "\r\n", "\u2028", "\u202e",
    "\ud7ff", "\udcff", "é", "e\u0301", "ß", "日本", "\U0001f600", "\ufeff", "a" * 3000,
    "None", "null", "; --",
]  # fmt: skip

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
"""Anything that can be typed."""

arguments = (
    st.sampled_from(ODD)
    | texts
    | st.binary(max_size=8).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))
)
"""Anything that can stand in a command, bytes that are no text among it."""

names = arguments.map(lambda text: text.replace("/", ""))
"""The same for what becomes a file: it stays in the folder where it is made."""

SPACES = [
    "embed",
    "unembed",
    "context.0",
    "context.2",
    "neuron.gate",
    "neuron.in",
    "neuron.out",
    "head.value",
]
_TERMS = [
    "large", "dog", "Great Dane", '"dog"', '"Great Dane"', 'token:"dog"', "#12", "#0", "#99999999",
    "L0N1", "L0N1.gate", "L0N1.in", "L0N1.out", "L2N3.up", "L9N9.in", "L0H0D0.value",
    "L1H1D2.output", "L0N1E0.in", "f1", "␣dog", "zebra",
]  # fmt: skip
_BETWEEN = [" ", " + ", " - ", " + - ", "+", "-", "*", " * ", "@", ".", ":", "#", '"', ", ", "  "]

_terms = st.sampled_from(_TERMS) | arguments
_pieces = st.one_of(
    _terms,
    st.builds("{}*{}".format, st.sampled_from(["2", "-0.5", "1e9", "0", "1e-400", "x"]), _terms),
    st.builds("{}@{}".format, _terms, st.sampled_from([*SPACES, "context.99", "none", ""])),
)


def joined(pieces: st.SearchStrategy[str], between: Sequence[str], most: int) -> Any:
    """Pieces in a row, with something between any two."""
    both = st.tuples(st.sampled_from(between), pieces)
    return st.lists(both, min_size=1, max_size=most).map(
        lambda rows: "".join(gap + piece for gap, piece in rows)[len(rows[0][0]) :]
    )


expressions = joined(_pieces, _BETWEEN[:4], 4) | joined(_pieces, _BETWEEN, 5) | arguments
"""Expressions, most of them sound or nearly."""


@st.composite
def broken(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes of a file with a few things wrong: bits turned, bytes exchanged, cut out, doubled."""
    body = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        near = st.integers(0, min(len(body), 200)) | st.integers(0, len(body))
        at, to = sorted((draw(near), draw(near)))
        match draw(st.sampled_from(["bit", "bytes", "insert", "drop", "cut", "twice", "swap"])):
            case "bit" if at < len(body):
                body[at] ^= 1 << draw(st.integers(0, 7))
            case "bytes":
                new = draw(st.binary(min_size=1, max_size=8))
                body[at : at + len(new)] = new
            case "insert":
                body[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "drop":
                del body[at : min(to, at + 40)]
            case "cut":
                del body[to:]
            case "twice":
                body[at:at] = body[at : min(to, at + 40)]
            case "swap":
                other = draw(
                    st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\xff\xff\xff\x7f", b"9" * 9])
                )
                body[at : at + len(other)] = other
    return bytes(body)


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70) | st.sampled_from([0, 1, -1, 2**31, 2**63]),
        st.floats(),
        st.sampled_from(["", "x", "../../x", "/x", "\x1b[31m", "embed", "context.0", "nan"]),
        texts,
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
"""Anything that JSON can say."""


@st.composite
def altered(draw: st.DrawFn, document: Any) -> Any:
    """A JSON document with one to three values exchanged, left out, or added."""
    whole = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        here = whole
        while True:
            inside = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not inside:
                break
            key = draw(st.sampled_from(inside))
            if isinstance(here[key], (dict, list)) and here[key] and draw(st.integers(0, 3)):
                here = here[key]
                continue
            match draw(st.sampled_from(["another", "another", "gone", "more", "other sign"])):
                case "another":
                    here[key] = draw(values)
                case "gone":
                    del here[key]
                case "more" if isinstance(here, dict):
                    here[draw(texts)] = draw(values)
                case "more":
                    here.append(draw(values))
                case "other sign" if isinstance(here[key], int):
                    here[key] = -here[key] or 1
            break
    return whole


def written(document: Any) -> bytes:
    """A document as JSON, whatever is in it."""
    return json.dumps(document).encode()
