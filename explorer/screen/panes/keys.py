"""One line below everything: the keys that do something where the cursor is."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Footer

Shown = tuple[str, str, str, bool, str]


class Keys(Footer):
    """A footer that is made anew only where its keys are others, and lets go of those it had.

    Textual makes its keys anew whenever something may have changed, which is at every key pressed,
    and the footer holds each of them until its `compact` changes, which it never does.
    """

    _shown: list[Shown] | None = None

    def compose(self) -> ComposeResult:
        """A widget a key."""
        if self._bindings_ready:
            self._shown = self._keys()
        yield from super().compose()

    async def recompose(self) -> None:
        """Nothing, where the keys stand there already."""
        if self._shown != self._keys():
            await super().recompose()
            self.mutate_reactive(Footer.compact)

    def _keys(self) -> list[Shown]:
        return [
            (key, binding.description, binding.action, enabled, tooltip)
            for key, (_, binding, enabled, tooltip) in self.screen.active_bindings.items()
            if binding.show
        ]
