"""`explorer completion`, and what a shell is offered after Tab.

Knows how click asks for completions. They are never wrong and never late with an error: where an
index cannot be read there are none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")

HOW = """
\b
  bash  echo 'eval "$(explorer completion bash)"' >> ~/.bashrc
  zsh   echo 'eval "$(explorer completion zsh)"' >> ~/.zshrc
  fish  explorer completion fish > ~/.config/fish/completions/explorer.fish
Commands, options, and what an index has (spaces, layers, groups, ...) are completed.

\b
Examples:
  explorer completion bash
  explorer completion fish
"""


@click.command(epilog=HOW)
@click.argument("shell", metavar="bash|zsh|fish")
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what a shell needs to complete what is typed after `explorer`."""
    from explorer.errors import QueryError
    from indexer.store.errors import unknown

    kind = get_completion_class(shell) if shell in SHELLS else None
    if kind is None:
        raise QueryError(unknown("shell", shell, SHELLS))
    group = ctx.find_root().command
    click.echo(kind(group, {}, "explorer", "_EXPLORER_COMPLETE").source())


class Listed(click.Option):
    """An option that completes what its metavar lists: `gate|up|in|out`."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The values that begin so."""
        return _that_begin(incomplete, (self.metavar or "").split("|"))


class Renamed(click.Option):
    """An option whose help shows its first spelling alone: the others are what it was called."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """How it is spelled, and what it is."""
        spelled, self.opts = self.opts, self.opts[:1]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = spelled


def indexes(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the indexes there are; folders, where a path is begun."""
    from indexer.store.places import lying

    if "/" in incomplete or incomplete.startswith(("~", ".")):
        return [CompletionItem(incomplete, type="dir")]
    found: list[str] = []
    with contextlib.suppress(Exception):
        found = [one.name for one in lying(ctx.params.get("indexes")) if not one.hidden]
    return _that_begin(incomplete, found)


def spaces(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the spaces of the index that is asked."""
    about: dict[str, str] = {}
    with contextlib.suppress(Exception):
        from indexer.store.items import ITEMS

        spaces = _manifest(ctx).spaces
        about = {one.name: f"{one.rows:,} {ITEMS[one.item].plural}" for one in spaces}
    return _that_begin(incomplete, about, about)


def depths(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of `embed` and the context spaces of the index that is asked."""
    found: list[str] = []
    with contextlib.suppress(Exception):
        found = [one.name for one in _manifest(ctx).depths]
    return _that_begin(incomplete, found)


def sides(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The sides that neurons of the index have."""
    found: list[str] = []
    with contextlib.suppress(Exception):
        found = list(_manifest(ctx).sides)
    return _that_begin(incomplete, found)


def layers(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Numbers of layers that the index has; of a list such as `0-3,2`, those its last may be."""
    found: list[str] = []
    with contextlib.suppress(Exception):
        found = [str(layer) for layer in _manifest(ctx).layers]
    before = incomplete[: max(incomplete.rfind(sign) for sign in ",-") + 1]
    return _that_begin(incomplete, [before + one for one in found])


def heads(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Numbers of the attention heads of a layer."""
    found: list[str] = []
    with contextlib.suppress(Exception):
        found = [str(head) for head in range(_manifest(ctx).model.n_heads)]
    return _that_begin(incomplete, found)


def groups(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the index's groups of words."""
    found: list[str] = []
    with contextlib.suppress(Exception):
        from explorer.words import groups_of
        from indexer.store.read import open_index

        with open_index(ctx.params.get("index"), ctx.params.get("indexes")) as index:
            found = sorted(groups_of(index))
    return _that_begin(incomplete, found)


def tables(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the tables of the catalog and of the functions of SQL."""
    from explorer.sql.functions import NAMES

    asked = "SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY table_oid"
    return _that_begin(incomplete, dict.fromkeys([*_ask(ctx, asked), *NAMES]))


def files(_ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Whatever files the shell itself would offer."""
    return [CompletionItem(incomplete, type="file")]


def _that_begin(
    incomplete: str, names: Iterable[str], about: Mapping[str, str] | None = None
) -> list[CompletionItem]:
    """Those of some names that a shell may be given, with what it says of each.

    bash writes what is chosen into the command line as it is: a name that it would read as more
    than a name, such as `$(reboot)`, is not offered.
    """
    from indexer.store.shown import needs_no_quotes, one_line

    said = {} if about is None else {name: one_line(text) for name, text in about.items()}
    return [
        CompletionItem(name, help=said.get(name))
        for name in names
        if name.startswith(incomplete) and needs_no_quotes(name)
    ]


def _manifest(ctx: click.Context) -> Any:
    from indexer.store.layout import Manifest
    from indexer.store.places import find_index

    return Manifest.load(find_index(ctx.params.get("index"), ctx.params.get("indexes")))


def _ask(ctx: click.Context, query: str) -> list[str]:
    from indexer.store.read import open_index

    with (
        contextlib.suppress(Exception),
        open_index(ctx.params.get("index"), ctx.params.get("indexes")) as index,
    ):
        return [row[0] for row in index.sql(query)]
    return []
