"""A person's script, as strictly typed as may be; checked by mypy, never run.

The last two lines are wrong on purpose.
"""

import pickle

import numpy as np

import explorer
from explorer.questions import MiddleMan, Neighbor, Neighbors


def nearest(ix: explorer.Explorer, word: str) -> Neighbor:
    return ix.neighbors(word, space="context.15", k=1).rows[0]


def both(ix: explorer.Explorer) -> dict[str, float]:
    first: MiddleMan = ix.middleman("large", "tall", side="out").rows[0]
    return first.scores


def rows(ix: explorer.Explorer) -> list[str]:
    first: Neighbor = ix.neighbors("dog")[0]
    few: tuple[MiddleMan, ...] = ix.middleman(["large", "tall"])[:3]
    each = [row.item for answer in ix.neighbors(["dog", "cat"]) for row in answer]
    pairs: list[tuple[str, float]] = ix.most_similar(["king", "woman"], "man", topn=3)
    try:
        print(len(ix.neuron(29, 112)), ix.logits("L29N112")[0].effect)
    except explorer.errors.UnknownWord as err:
        print(err)
    return [first.item, few[0].neuron, *each, pairs[0][0]]


def size() -> None:
    with explorer.open("smollm2") as ix:
        width: int = ix.manifest.model.d_model
        one: Neighbors = ix.search("embed", ix.vector("dog"))
        listed: Neighbors = ix.search("embed", [0.5] * width)
        several: tuple[Neighbors, ...] = ix.search("embed", ix.vectors("embed", ["dog", "cat"]))
        more: tuple[Neighbors, ...] = ix.search("embed", np.ones((3, 4)))
        names: tuple[str, ...] = ix.items("neuron.out")
        target = ix.analogy("dog + small", "Chihuahua").meta.target
        if target is not None and target.against is None:
            print(target.rank + 1, names[0].upper())
        for row in ix.congruence(group="size").rows:
            print(row.space, row.effect + (row.low or 0.0))
        print(one.to_dicts(), listed.query.k, several[0].meta.calibration, more)
        again: explorer.Explorer = pickle.loads(pickle.dumps(ix))
        print(nearest(again, "dog").score, both(again))
        print(one.row)
        ix.neighbors(5)
