"""What can go wrong with an index, each error one line for a person.

Knows the exit code an error stands for; knows nothing of screens. Every error of this project
descends from `SemanticError`, so that an edge (the command line, a screen) catches one thing.
"""

from __future__ import annotations

import linecache
import re
import traceback
from collections.abc import Callable, Iterable
from typing import Self

from indexer.store.shown import lines, one_line

Spelling = Callable[[str, str | None], str]
"""How a face writes an option: of its name, and a value where one was given."""

_OPENS, _CLOSES = "\ue000", "\ue001"
"""Around an option in a message: characters that stand nowhere else in one, as they never print."""

_OPTION = re.compile(f"{_OPENS}([a-z_]+)(?:=(.*?))?{_CLOSES}", re.DOTALL)


def option_named(name: str, value: object = None) -> str:
    """An option in a message: each face writes it in its own way."""
    return f"{_OPENS}{name}{'' if value is None else f'={value}'}{_CLOSES}"


def on_command_line(name: str, value: str | None) -> str:
    """`--per-layer 3`, `-k 3`."""
    dashed = f"--{name.replace('_', '-')}" if len(name) > 1 else f"-{name}"
    return dashed if value is None else f"{dashed} {value}"


def in_python(name: str, value: str | None) -> str:
    """`per_layer=3`; so the terminal UI has it too, whose pickers have the names of fields."""
    return name if value is None else f"{name}={value}"


def in_sql(name: str, value: str | None) -> str:
    """`per_layer := 3`."""
    return name if value is None else f"{name} := {value}"


def _spelled(text: str, spelling: Spelling) -> str:
    return _OPTION.sub(lambda found: spelling(found[1], found[2]), text) if _OPENS in text else text


class SemanticError(Exception):
    """Something that was asked cannot be had; the message is one line and complete.

    Names out of files stand in it, and a traceback is shown as well: as text it is what may be.
    """

    exit_code = 2
    several_lines = False
    asked = ""
    """The text at fault, as it was asked, where `instead` says what to ask in its place."""
    instead: tuple[str, ...] = ()
    """What may be asked in place of `asked`, the likeliest first, each a whole expression."""

    def offering(self, asked: str, instead: Iterable[str]) -> Self:
        """The same error, with what may be asked in place of a text."""
        self.asked, self.instead = asked, tuple(dict.fromkeys(instead))
        return self

    def __str__(self) -> str:
        return self.line(in_python)

    def line(self, spelling: Spelling) -> str:
        """The message, its options as a face writes them."""
        return lines(_spelled(super().__str__(), spelling))

    def _render_traceback_(self) -> list[str]:
        """In a notebook: the line of the person's own code, and what is wrong with it."""
        return [*_own_lines(self), f"{type(self).__name__}: {self}"]


class MachineError(SemanticError):
    """The machine failed, not the question: a full disk, a failed check, a lost process."""

    exit_code = 1


class IndexNotFound(SemanticError):
    """No index of that name where indexes are looked for."""


class DamagedIndex(SemanticError):
    """A file of the index is missing, cut short, changed, or not what it should be."""


class ForeignIndex(SemanticError):
    """A folder that is no index of this project, or one of a format this version can't read."""


class UnreadTokenizer(SemanticError):
    """A tokenizer marks where words begin in a way that is not read, or is read wrongly."""


class UnknownSpace(SemanticError):
    """The index has no space of that name."""


class NoModel(SemanticError):
    """A model or its tokenizer is needed, and the index was made of imported vectors."""


class NoLogits(SemanticError):
    """Logits were asked of an index that has no way from a stream to them."""


class ClosedIndex(SemanticError):
    """A question was asked of an index that has been closed."""


class EmptyPopulation(SemanticError):
    """A z or a mean was asked for over a population that holds nothing, or does not vary."""


class UnknownName(SemanticError):
    """A neuron, layer or option that does not exist."""


def nearest(asked: str, existing: Iterable[str], limit: int = 3) -> list[str]:
    """The names of `existing` that look most like `asked`, best first, for short lists.

    What was asked is never among them: it is no answer to itself.
    """
    import difflib

    by_fold: dict[str, str] = {}
    for name in existing:
        if name != asked:
            by_fold.setdefault(name.casefold(), name)
    close = difflib.get_close_matches(asked.casefold(), by_fold, n=limit, cutoff=0.5)
    return [by_fold[name] for name in close]


def did_you_mean(asked: str, names: Iterable[str]) -> str:
    """`; did you mean 'large', 'tall'?` of some names; nothing where there is none.

    What was asked is no answer to itself. Where a name looks like it, as *café* with one character
    or two for its last letter, it is said what was asked with.
    """
    others = [name for name in dict.fromkeys(names) if name != asked]
    if not others:
        return ""
    return f"; did you mean {', '.join(map(repr, others))}?{_unlike(asked, others)}"


def _unlike(asked: str, names: Iterable[str]) -> str:
    """The characters of what was asked by which it differs from a name that looks the same."""
    import unicodedata

    def seen(text: str) -> str:
        whole = unicodedata.normalize("NFKC", text).lower()
        kept = (c for c in whole if unicodedata.category(c) not in ("Cc", "Cf"))
        return " ".join("".join(kept).split())

    for name in names:
        odd = [c for c in dict.fromkeys(asked) if c not in name and not c.isascii()]
        if not odd:
            # Then it is the name that holds one: what was asked spells it otherwise.
            odd = [c for c in dict.fromkeys(name) if c not in asked and not c.isascii()]
            if odd and seen(asked) == seen(name):
                return f" (they look alike: that holds {_named(odd)})"
        elif seen(asked) == seen(name) or _of_other_script(odd, asked):
            return f" (they look alike: what was asked holds {_named(odd)})"
    return ""


def _of_other_script(odd: Iterable[str], text: str) -> bool:
    """Whether some characters are letters of another script, in a text with Latin ones."""
    import unicodedata

    def latin(char: str) -> bool:
        return unicodedata.name(char, "").startswith("LATIN")

    return all(c.isalpha() and not latin(c) for c in odd) and any(map(latin, text))


def _named(chars: Iterable[str]) -> str:
    import unicodedata

    return ", ".join(f"U+{ord(c):04X} {unicodedata.name(c, '')}".strip() for c in chars)


def unknown(kind: str, asked: str, existing: Iterable[str]) -> str:
    """One line: what was asked, the nearest match, and what exists."""
    names = list(existing)
    hint = did_you_mean(asked, nearest(asked, names, limit=1))
    shown = ", ".join(names[:12]) + (f", ... ({len(names)} in all)" if len(names) > 12 else "")
    return f"no {kind} {asked!r}{hint} (there are: {shown})" if names else f"no {kind} {asked!r}"


def at_the_edge(error: BaseException, spelling: Spelling = in_python) -> tuple[int, str] | None:
    """Exit code and one line for an error that a person may meet; None for a programming error.

    Options stand in the line as `spelling` writes them.

    2: what was asked for cannot be had. 1: the machine failed. 130: interrupted.
    """
    if isinstance(error, SemanticError):
        text = error.line(spelling)
        return error.exit_code, text if error.several_lines else _one_line(text)
    if isinstance(error, KeyboardInterrupt):
        return 130, "interrupted"
    from indexer.store.limits import want_of_memory

    if line := want_of_memory(error):
        return 1, line
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return 1, one_line(f"{error.strerror or error}{where}")
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split("\n"))


def _own_lines(error: BaseException) -> list[str]:
    """The lines of code that led to an error, as far as they are neither ours nor IPython's."""
    found = []
    for frame, number in traceback.walk_tb(error.__traceback__):
        name = frame.f_globals.get("__name__", "").split(".")[0]
        if name not in ("explorer", "indexer", "IPython"):
            source = linecache.getline(frame.f_code.co_filename, number).strip()
            found.append(lines(f"line {number}: {source}"))
    return found
