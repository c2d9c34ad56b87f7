"""What a row of a space stands for: a file a kind of item, and by name what each kind is."""

from __future__ import annotations

from indexer.store.items.head import Heads
from indexer.store.items.kind import Kind
from indexer.store.items.label import Labels
from indexer.store.items.neuron import Neurons
from indexer.store.items.token import Tokens
from indexer.store.items.word import Words
from indexer.store.spaces import ItemName

ITEMS: dict[ItemName, type[Kind]] = {
    "token": Tokens,
    "word": Words,
    "neuron": Neurons,
    "head": Heads,
    "label": Labels,
}
"""By what an entry of a space has in `item`: what is known of the kind without an index, and the
class of what can be asked of the items of one."""
