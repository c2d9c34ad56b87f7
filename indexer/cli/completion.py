"""`indexer completion`, and what a shell is offered after Tab.

Knows how click asks for completions; where an index cannot be read there are none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem, get_completion_class

from indexer.store.errors import SemanticError, unknown
from indexer.store.layout import Manifest
from indexer.store.places import find_index, lying
from indexer.store.shown import needs_no_quotes

SHELLS = ("bash", "zsh", "fish")

HOW = """
\b
  bash  echo 'eval "$(indexer completion bash)"' >> ~/.bashrc
  zsh   echo 'eval "$(indexer completion zsh)"' >> ~/.zshrc
  fish  indexer completion fish > ~/.config/fish/completions/indexer.fish

\b
Examples:
  indexer completion bash
  indexer completion fish
"""


@click.command(epilog=HOW)
@click.argument("shell", metavar="bash|zsh|fish")
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what a shell needs to complete what is typed after `indexer`."""
    kind = get_completion_class(shell) if shell in SHELLS else None
    if kind is None:
        raise SemanticError(unknown("shell", shell, SHELLS))
    click.echo(kind(ctx.find_root().command, {}, "indexer", "_INDEXER_COMPLETE").source())


def indexes(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the indexes there are."""
    found: list[str] = []
    with contextlib.suppress(Exception):
        found = [one.name for one in lying(ctx.params.get("indexes")) if not one.hidden]
    return _that_begin(incomplete, found)


def spaces(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the spaces of the index that stands before."""
    found: list[str] = []
    with contextlib.suppress(Exception):
        manifest = Manifest.load(find_index(ctx.params.get("name"), ctx.params.get("indexes")))
        found = [entry.name for entry in manifest.spaces]
    return _that_begin(incomplete, found)


def _that_begin(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    """Those of some names that a shell may be given: bash would put quotes around none."""
    return [
        CompletionItem(name)
        for name in names
        if name.startswith(incomplete) and needs_no_quotes(name)
    ]


def files(_ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Whatever files the shell itself would offer."""
    return [CompletionItem(incomplete, type="file")]


class Listed(click.Option):
    """An option that completes what its metavar lists: `npy|parquet`."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The values that begin so."""
        values = (self.metavar or "").split("|")
        return [CompletionItem(value) for value in values if value.startswith(incomplete)]


class Renamed(Listed):
    """An option whose help shows its first spelling alone: the others are what it was called."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """How it is spelled, and what it is."""
        spelled, self.opts = self.opts, self.opts[:1]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = spelled
