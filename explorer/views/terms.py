"""What the query bar holds, for views that ask one expression and for those that ask several words.

`large, tall - red` is the words *large* and *tall* without *red*; where one expression is asked it
is refused, with each of the two in its place. Knows the grammar of expressions; knows no index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from explorer.errors import BadExpression, QueryError
from explorer.expressions import Kind, Term, apart, expressions, parse, told_apart, word_written

_CHUNK = re.compile(r'(?:[^\s",]|"(?:[^"\\]|\\.)*"?)+')


@dataclass(frozen=True)
class TypedWords:
    """Single items, and those that are to be avoided."""

    words: tuple[str, ...]
    avoid: tuple[str, ...]


def alone(text: str) -> str:
    """The one expression of a text, or the one word.

    Raises:
        BadExpression: there is none, or there are several.
    """
    parts = expressions(text)
    if not parts:
        raise BadExpression("nothing is asked yet")
    return parts[0] if len(parts) == 1 else parse(text).text


def several(text: str) -> TypedWords:
    """The single items of a text: between commas, or added; what is taken away is to be avoided.

    Raises:
        BadExpression: it cannot be read, or there is none.
        QueryError: one has a weight.
    """
    words: list[str] = []
    avoid: list[str] = []
    for part in expressions(text):
        try:
            terms = parse(part).terms
        except BadExpression:
            words.append(part)  # what is asked of it says what is wrong
            continue
        for term in terms:
            if abs(term.weight) != 1:
                raise QueryError(f"{part!r}: words are asked one by one here; leave out the weight")
            (words if term.weight > 0 else avoid).append(_written(term))
    if not words:
        raise BadExpression("nothing is asked yet")
    return TypedWords(tuple(dict.fromkeys(words)), tuple(dict.fromkeys(avoid)))


def only_words(text: str, least: int = 1) -> tuple[str, ...]:
    """The same where nothing can be avoided.

    Raises:
        BadExpression, QueryError: as `several`; something is taken away; or they are too few.
    """
    found = several(text)
    if found.avoid:
        raise QueryError(f"{found.avoid[0]!r} is taken away; here words are only asked together")
    if len(found.words) < least:
        said = f"name {least} words or more, such as large, tall, huge"
        raise told_apart(BadExpression(said), [apart(word) for word in found.words])
    return found.words


def item(name: str, kind: str = "word", text: str | None = None) -> str:
    """How a row's item is asked for again in the bar.

    Args:
        name: as the answer shows it.
        kind: what the item is: `token`, `word`, `neuron`, `head` or `label`.
        text: what it says, where the answer has that.
    """
    if kind == "token":
        said = name.replace("␣", " ") if text is None else text
        if name.startswith("␣") and _is_token(name, said):
            return name
        return Term(Kind.TOKEN, text=said).name
    if kind == "head":
        return name if "." in name else f"{name}.value"
    if kind == "neuron":
        return name
    return word_written(name if text is None else text)


def _is_token(written: str, text: str) -> bool:
    try:
        term = parse(written).single
    except BadExpression:
        return False
    return term is not None and (term.kind, term.text, term.space) == (Kind.TOKEN, text, None)


def _written(term: Term) -> str:
    return replace(term, weight=1.0).written


def bad_span(text: str, error: str) -> tuple[int, int]:
    """Where in a text the item stands that an error speaks of; all of it where that isn't said."""
    start = len(text) - len(text.lstrip())
    return named_span(text, error) or (start, max(len(text.rstrip()), start))


def named_span(text: str, error: str) -> tuple[int, int] | None:
    """Where in a text the item stands that an error names; None where it names none of them."""
    said = error.split(";")[0]
    for chunk in _CHUNK.finditer(text):
        item_, _, space = chunk.group().partition("@")
        bare = re.sub(r"^[^*\s]*\*", "", item_).strip('"')
        for part, at in ((bare, chunk.start()), (space, chunk.start() + len(item_) + 1)):
            # Quoted in the error as it stands, or with the space a word has before it.
            if part and re.search(rf"(['\"])[ ␣]?{re.escape(part)}\1|\b{re.escape(part)}:", said):
                return (chunk.start(), chunk.end()) if part == bare else (at, chunk.end())
    whole = text.strip()
    if whole and re.search(rf"(['\"]){re.escape(whole)}\1|\b{re.escape(whole)}:", said):
        start = text.index(whole)
        return start, start + len(whole)
    return None
