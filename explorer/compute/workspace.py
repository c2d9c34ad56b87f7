"""What answering needs of an open index: each part is made when the first question needs it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from explorer.resolve import Resolver
from explorer.unindexed import Encode, encode
from indexer.store.read import Index

if TYPE_CHECKING:
    from explorer.profiles import Profiles
    from explorer.words import Words


class Workspace:
    """An open index, and what every question asked of it shares.

    Args:
        index: an open index.
        announce: told in one line before something slow is done.
        encode: what runs the model on texts that are not indexed.

    Attributes:
        index: the open index.
        resolver: what finds the vectors of expressions.
        announce: as given.
    """

    def __init__(
        self,
        index: Index,
        announce: Callable[[str], None] = lambda _: None,
        encode: Encode = encode,
    ) -> None:
        self.index = index
        self.announce = announce
        self.resolver = Resolver(index, announce, encode)

    @cached_property
    def words(self) -> Words:
        """The indexed words with what controls are matched on."""
        from explorer.words import Words

        return Words(self.index)

    @cached_property
    def profiles(self) -> Profiles:
        """What every neuron gives a word."""
        from explorer.profiles import Profiles

        return Profiles(self.index)
