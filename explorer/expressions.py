"""`king - man + woman`: what a person writes, as signed, weighted terms.

Knows the grammar and nothing of any index: whether a word, neuron or space exists is for
`explorer.resolve` to find out.

    expression  [+|-] term, then any number of: + term or - term; operators stand between blanks
    term        [weight*] item [@space]
    item        large             a word; several in a row are one phrase
                "Great Dane"      a text, taken as it is
                token:"large"     exactly this token, its leading space written out
                ␣large            the same, as answers print it
                #1507             the token of that id
                L29N112.out       one side of a neuron: gate, up or out where MLPs are
                                  gated, else in or out; L3E5N112.out of expert 5
                L3H5D7.value      what dimension 7 of head 5 of layer 3 reads; .output: writes
    text        an expression, or several between commas: large, tall

One text is what stands in one argument, one string or the terminal UI's bar. A comma in double
quotes, or between two digits, parts nothing. Signs that a keyboard or a word processor puts in the
place of others are read as those: dashes where an operator stands, quotes around a text, fullwidth
signs. Letters and their marks are composed (Unicode's NFC). In ASCII quotes nothing but that is
changed, and behind `token:` nothing at all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from explorer.errors import BadExpression
from indexer.store.errors import SemanticError
from indexer.store.letters import DASHES, composed

_Error = TypeVar("_Error", bound=SemanticError)


class Kind(Enum):
    """What a term names."""

    WORD = "word"
    TEXT = "text"
    TOKEN = "token"
    TOKEN_ID = "token id"
    NEURON = "neuron"
    HEAD = "head dimension"


@dataclass(frozen=True)
class Term:
    """One signed, weighted item.

    `text` is the word, text or token; `number` a token id; `layer`, `expert`, `unit` and `side` a
    neuron; `layer`, `head`, `unit` and `side` a head dimension; `space` the space its vector is
    taken from, where the term says so.
    """

    kind: Kind
    weight: float = 1.0
    text: str = ""
    number: int = 0
    layer: int = 0
    expert: int | None = None
    head: int = 0
    unit: int = 0
    side: str = ""
    space: str | None = None

    @property
    def written(self) -> str:
        """The term without its sign."""
        weight = "" if abs(self.weight) == 1 else f"{abs(self.weight)!r}*"
        return f"{weight}{self.name}{f'@{self.space}' if self.space else ''}"

    @property
    def name(self) -> str:
        """The item as it is written, without weight and space."""
        if self.kind is Kind.TOKEN_ID:
            return f"#{self.number}"
        if self.kind is Kind.NEURON:
            expert = "" if self.expert is None else f"E{self.expert}"
            return f"L{self.layer}{expert}N{self.unit}.{self.side}"
        if self.kind is Kind.HEAD:
            return f"L{self.layer}H{self.head}D{self.unit}.{self.side}"
        if self.kind is Kind.TOKEN:
            return f"token:{_quoted(self.text)}"
        if self.kind is Kind.TEXT:
            return _quoted(self.text)
        return self.text


@dataclass(frozen=True)
class Expression:
    """A sum of terms, and the text it was read from."""

    text: str
    terms: tuple[Term, ...]

    @property
    def written(self) -> str:
        """It as its terms have it, to be read again."""
        first, *others = self.terms
        sign = "- " if first.weight < 0 else ""
        rest = (f" {'-' if t.weight < 0 else '+'} {t.written}" for t in others)
        return f"{sign}{first.written}{''.join(rest)}"

    def with_term(self, at: int, other: Term) -> str:
        """It with another item in the place of the term at a position, which keeps its weight."""
        terms = list(self.terms)
        terms[at] = replace(other, weight=terms[at].weight)
        return Expression("", tuple(terms)).written

    @property
    def single(self) -> Term | None:
        """The one item it names as it is, or None where it is a sum or weighted."""
        alone = len(self.terms) == 1 and self.terms[0].weight == 1.0
        return self.terms[0] if alone else None


_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TIMES = "\N{MULTIPLICATION SIGN}\N{ASTERISK OPERATOR}\N{FULLWIDTH ASTERISK}"
_PLUS = "\N{FULLWIDTH PLUS SIGN}"
_COMMAS = ",\N{FULLWIDTH COMMA}\N{IDEOGRAPHIC COMMA}"
_QUOTES = {"“": "”“", "”": "”", "„": "“”", "‟": "”", "«": "»", "＂": "＂"}
"""What closes a text that is opened by a quote other than ASCII's."""
_TERM = re.compile(
    rf"(?:(?P<weight>{_NUMBER})\*)?"
    r'(?:(?P<token>token:)?"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^"]+?))'
    r"(?:@(?P<space>[^@\"]*))?",
    re.DOTALL,
)
_NEURON = re.compile(r"L(\d+)(?:E(\d+))?N(\d+)(?:\.([A-Za-z]+))?")
_HEAD = re.compile(r"L(\d+)H(\d+)D(\d+)(?:\.([A-Za-z]+))?")
_SIDES = ("gate", "up", "in", "out")
_HEAD_SIDES = ("value", "output")
_LIGHTEST, _HEAVIEST = 1e-6, 1e6
_DIGITS = 18
"""No id, layer or unit has more; Python itself refuses to read numbers of thousands of digits."""


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        BadExpression: it is no text, it is empty, an operator stands where a term should or
            without its blanks, a quote is left open, a weight is not a number, a neuron's side
            is missing or unknown, or commas part it into several.
    """
    several = _parted(text)
    if len(several) > 1:
        each = tuple(" ".join(chunks) for chunks in several)
        raise BadExpression(
            f"{text!r} holds {len(each)} expressions, parted by commas, and one is asked here, "
            f"such as {each[0]!r}"
        ).offering(text, each)
    return _read(text, several[0] if several else [])


def expressions(text: str) -> tuple[str, ...]:
    """The expressions of a text, which commas part; none of a text that is empty.

    Raises:
        BadExpression: it is no text, or a quote is left open.
    """
    return tuple(" ".join(chunks) for chunks in _parted(text))


def _read(text: str, chunks: list[str]) -> Expression:
    terms: list[Term] = []
    sign, ready, pending_weight = 1.0, True, None
    for at, chunk in enumerate(chunks):
        if chunk in ("+", "-"):
            if (ready and terms) or pending_weight is not None or (ready and at > 0):
                raise BadExpression(f"{text!r}: {chunk!r} follows an operator; a term is missing")
            sign, ready = (1.0 if chunk == "+" else -1.0), True
            continue
        if chunk == "*":
            if pending_weight is None or chunks[at - 1] == "*":
                raise BadExpression(f"{text!r}: '*' follows no weight; write one, such as 0.5*dog")
            continue  # taken with the number before it
        if at + 1 < len(chunks) and chunks[at + 1] == "*":
            if pending_weight is not None:
                raise BadExpression(f"{text!r}: two weights in a row; write their product")
            pending_weight = _weight(chunk, text)
            continue
        term = _term(chunk, text)
        if pending_weight is not None:
            term, pending_weight = replace(term, weight=term.weight * pending_weight), None
        if ready:
            terms.append(replace(term, weight=sign * term.weight))
        else:
            terms[-1] = _joined(terms[-1], term, chunk, text)
        sign, ready = 1.0, False
    if not chunks:
        hint = "write words, such as king - man + woman"
        if any(sign in text for sign in _COMMAS):
            hint = 'a comma parts expressions; the token is written token:","'
        raise BadExpression(f"the expression is empty; {hint}")
    if ready or pending_weight is not None:
        raise BadExpression(f"{text!r} ends with an operator; a term is missing")
    return Expression(" ".join(chunks), tuple(terms))


def single_word(
    text: str, of_sums: str | Callable[[Expression], BadExpression], of_others: str
) -> Term:
    """The one word or token of a text, where words alone are asked.

    A neuron is none, however it is written: of one without its side it is not asked which.

    Args:
        text: as it was written.
        of_sums: what is said of a sum, or the error of one.
        of_others: what is said of a neuron, or of a dimension of a head.

    Raises:
        BadExpression: as `parse`; it is a sum, has a weight, or is none of the two.
    """
    kind = of_weights(text)
    if kind is None:
        asked = parse(text)
        term = asked.single
        if term is None:
            if callable(of_sums):
                raise of_sums(asked)
            raise BadExpression(f"{text!r} is a sum; {of_sums}")
        kind = term.kind
        if kind not in (Kind.NEURON, Kind.HEAD):
            return term
    raise BadExpression(f"{text!r} is a {kind.value}; {of_others}")


def of_weights(text: str) -> Kind | None:
    """Whether a text is written as a neuron or as a dimension of a head, with a side or without."""
    patterns = {Kind.NEURON: _NEURON, Kind.HEAD: _HEAD}
    return next((kind for kind, one in patterns.items() if one.fullmatch(str(text).strip())), None)


def word_written(text: str) -> str:
    """How a word is asked for: as it is, or in double quotes where that would be read otherwise."""
    return text if _reads_as_word(text) else Term(Kind.TEXT, text=text).name


def _reads_as_word(text: str) -> bool:
    try:
        term = parse(text).single
    except BadExpression:
        return False
    return term is not None and (term.kind, term.text, term.space) == (Kind.WORD, text, None)


@dataclass(frozen=True)
class Apart:
    """A phrase that may have been meant as several words.

    Attributes:
        asked: as it was written.
        instead: the words, between commas.
        said: the question whether it was, such as "two words? `large, tall`".
    """

    asked: str
    instead: str
    said: str


_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def apart(text: str) -> Apart | None:
    """The words of a bare phrase, where a text is one: blanks part no words, commas do."""
    try:
        term = parse(text).single
    except BadExpression:
        return None
    if term is None or term.kind is not Kind.WORD or " " not in term.text:
        return None
    words = [replace(term, text=word).written for word in term.text.split()]
    instead = ", ".join(words)
    return Apart(term.written, instead, f"{_COUNTS.get(len(words), len(words))} words? `{instead}`")


def told_apart(error: _Error, phrases: Iterable[Apart | None]) -> _Error:
    """An error where several words are asked, with those of the phrase that was written."""
    found = next((one for one in phrases if one is not None), None)
    if found is None or not error.args or not isinstance(error.args[0], str):
        return error
    error.args = (f"{error.args[0]}; {found.said}", *error.args[1:])
    return error.offering(found.asked, [found.instead])


def neuron_of(name: str) -> tuple[int, int, int | None]:
    """Layer, unit and expert (None where none is named) of `L29N112`; a side is passed over.

    Raises:
        BadExpression: the name is none of a neuron.
    """
    match = re.fullmatch(rf"(?i:{_NEURON.pattern})", name.strip())
    if match is None or (match[4] or _SIDES[0]).lower() not in _SIDES:
        raise BadExpression(f"{name!r} names no neuron; write L29N112 for layer 29, unit 112")
    expert = None if match[2] is None else _integer(match[2], name)
    return _integer(match[1], name), _integer(match[3], name), expert


def _parted(text: str) -> list[list[str]]:
    """The chunks of each expression of a text: terms, operators and `*`, as the grammar has them.

    Raises:
        BadExpression: it is no text, or a quote is left open.
    """
    if not isinstance(text, str):
        raise BadExpression(f"{text!r} is no text; each word is an argument of its own")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise BadExpression(f"{text!r} is not text: it holds bytes that are not UTF-8")
    found: list[list[str]] = [[]]
    for chunk in _chunks(text):
        if chunk == ",":
            found.append([])
            continue
        chunks = found[-1]
        number = bool(chunks) and re.fullmatch(_NUMBER, chunks[-1]) is not None
        chunk = _plain_signs(chunk, number)
        if re.fullmatch(rf"{_NUMBER}\*", chunk):
            chunks += [chunk[:-1], "*"]
        elif chunk[0] == "*" and chunk != "*" and number:
            chunks += ["*", chunk[1:]]
        else:
            chunks.append(chunk)
    return [chunks for chunks in found if chunks]


def _chunks(text: str) -> Iterator[str]:
    """What stands between blanks, outside quotes, and each comma that parts expressions."""
    at, chunk = 0, ""
    while at < len(text):
        char = text[at]
        if char == '"' or (char in _QUOTES and (chunk[-1:] in ("", "*") or chunk == "token:")):
            quoted, at = _in_quotes(text, at)
            chunk += quoted
            continue
        at += 1
        parts = char in _COMMAS and not _belongs(text, at - 1, chunk)
        if not parts and not char.isspace():
            chunk += char
            continue
        if chunk:
            yield chunk
        chunk = ""
        if parts:
            yield ","
    if chunk:
        yield chunk


def _in_quotes(text: str, at: int) -> tuple[str, int]:
    """A text in quotes, in those of ASCII, and where it ends."""
    if text[at] == '"':
        match = _QUOTED.match(text, at)
        if match is None:
            raise BadExpression(f"{text!r}: a quote is left open")
        return match.group(), match.end()
    closing = _QUOTES[text[at]]
    ends = [i for i in range(at + 1, len(text)) if text[i] in closing]
    if not ends:
        sign = text[at]
        raise BadExpression(
            f"{text!r}: a quote is left open; the token is written token:{_quoted(sign)}"
        )
    return _quoted(text[at + 1 : ends[0]]), ends[0] + 1


def _belongs(text: str, at: int, chunk: str) -> bool:
    """Whether a comma is part of what it stands in: a number, or a token as answers print it."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return chunk in ("␣", "token:") or (before.isdigit() and after.isdigit())


def _plain_signs(chunk: str, after_number: bool) -> str:
    """A chunk with the grammar's own signs where others stand for them, its letters composed."""
    if len(chunk) == 1 and chunk in DASHES + _PLUS:
        return "+" if chunk in _PLUS else "-"
    signed = re.fullmatch(rf"([{DASHES}{_PLUS}])({_NUMBER}[*{_TIMES}].*)", chunk, re.DOTALL)
    if signed is not None:
        chunk = ("+" if signed[1] in _PLUS else "-") + signed[2]
    times = re.match(rf"{_NUMBER}([{_TIMES}])", chunk)
    if times is not None:
        chunk = f"{chunk[: times.start(1)]}*{chunk[times.end(1) :]}"
    elif after_number and chunk[0] in _TIMES:
        chunk = f"*{chunk[1:]}"
    if "token:" in chunk or "␣" in chunk:
        return chunk
    if '"' not in chunk:
        chunk = re.sub(r"^＃(?=\d+$)", "#", chunk).replace("＠", "@")
    return composed(chunk)


def _term(chunk: str, text: str) -> Term:
    match = _TERM.fullmatch(chunk)
    if match is None:
        raise BadExpression(f"{text!r}: cannot read {chunk!r}")
    weight = 1.0 if match["weight"] is None else _weight(match["weight"], text)
    space = match["space"]
    if space == "":
        raise BadExpression(f"{text!r}: no space is named after '@' in {chunk!r}")
    if match["quoted"] is not None:
        quoted = re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL)
        if not quoted.strip() and not match["token"]:
            raise BadExpression(f"{text!r}: an empty text in quotes")
        kind = Kind.TOKEN if match["token"] else Kind.TEXT
        return Term(kind, weight, quoted, space=space)
    bare = match["bare"]
    if re.fullmatch(r"#\d+", bare):
        return Term(Kind.TOKEN_ID, weight, number=_integer(bare[1:], text), space=space)
    neuron = _NEURON.fullmatch(bare)
    if neuron:
        side = _side(bare, neuron[4], _SIDES, text)
        layer, unit = _integer(neuron[1], text), _integer(neuron[3], text)
        expert = None if neuron[2] is None else _integer(neuron[2], text)
        return Term(
            Kind.NEURON, weight, layer=layer, expert=expert, unit=unit, side=side, space=space
        )
    head = _HEAD.fullmatch(bare)
    if head:
        side = _side(bare, head[4], _HEAD_SIDES, text)
        layer, at, unit = (_integer(head[i], text) for i in (1, 2, 3))
        return Term(Kind.HEAD, weight, layer=layer, head=at, unit=unit, side=side, space=space)
    if bare.startswith("token:"):
        return Term(Kind.TOKEN, weight, bare[len("token:") :], space=space)
    if "␣" in bare:
        return Term(Kind.TOKEN, weight, bare.replace("␣", " "), space=space)
    return Term(Kind.WORD, weight, bare, space=space)


def _side(bare: str, side: str | None, sides: tuple[str, ...], text: str) -> str:
    """The side that was named.

    Raises:
        BadExpression: none was, or another; lists them.
    """
    if side in sides:
        return side
    name = bare.split(".")[0]
    said = f"no side {side!r}" if side else "which side"
    options = ", ".join(f"{name}.{s}" for s in sides)
    error = BadExpression(f"{text!r}: {said} of {name}? Write {options}")
    raise error.offering(bare, [f"{name}.{one}" for one in sides])


def _joined(before: Term, term: Term, chunk: str, text: str) -> Term:
    """Two words without an operator between them are one phrase."""
    for sign, side in ((chunk[:1], "after"), (before.text[-1:], "before")):
        signs = ("+", "-", *DASHES, *_PLUS)
        if before.kind is Kind.WORD and term.kind is Kind.WORD and sign in signs:
            raise BadExpression(
                f"{text!r}: no blank {side} {sign!r}; an operator stands between blanks "
                "(or put the phrase in double quotes)"
            )
    plain = before.kind is Kind.WORD and term.kind is Kind.WORD and before.space is None
    if not plain or term.weight != 1.0:
        raise BadExpression(f"{text!r}: no operator before {chunk!r}; write + or - between blanks")
    return replace(before, text=f"{before.text} {term.text}", space=term.space)


def _weight(number: str, text: str) -> float:
    try:
        weight = float(number)
    except ValueError:
        raise BadExpression(f"{text!r}: {number!r} before '*' is not a number") from None
    if not math.isfinite(weight) or weight == 0:
        raise BadExpression(f"{text!r}: a weight must be finite and not zero, not {number!r}")
    if not _LIGHTEST <= abs(weight) <= _HEAVIEST:
        raise BadExpression(
            f"{text!r}: a weight must lie between {_LIGHTEST:g} and {_HEAVIEST:g}, not {number!r}"
        )
    return weight


def _integer(digits: str, text: str) -> int:
    if len(digits) > _DIGITS:
        raise BadExpression(f"{text[:40]!r}...: a number of {len(digits)} digits")
    return int(digits)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
