"""`python -m indexer.worker`: builds an index, or runs the model of one, for another program.

Talks over `indexer.store.wire`. A frame `build` is answered by one `built`, which names the folder.
A frame `run` names the folder of an index, the same each time, and words; it is answered by one
`states`, a NumPy file of (context spaces, words, d_model) float32. Frames `say` and `bar` come
before, and tell how far it is. An `error` instead is the last frame. The model stays loaded for
the next `run`, and the process ends after `IDLE` seconds in which nothing was asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.progress import JsonNarrator
from indexer.store.limits import BUILDING, require_address_space
from indexer.store.mapped import multiply_apart
from indexer.store.places import name_to_build, place_to_build
from indexer.store.shown import escape_what_libraries_say
from indexer.store.wire import Client, end_process

if TYPE_CHECKING:
    from indexer.encode import Encoder

IDLE = 600.0
"""Seconds that a process stays, with its model, while nobody asks for anything."""


def main() -> None:
    """Answer what is asked on stdin, until it ends or nothing is asked any more."""
    escape_what_libraries_say()
    client = Client()
    narrator = JsonNarrator(tell=client.send)
    encoder: Encoder | None = None
    try:
        for head, _ in client.requests(IDLE):
            if head["kind"] == "build":
                client.send("built", folder=str(_built(narrator, **head)))
                continue
            if encoder is None:
                encoder = _encoder(Path(head["folder"]), narrator)
            client.send("states", encoder.file_of(head["words"]))
    except BrokenPipeError:
        end_process()
    except BaseException as err:
        client.fail(err)


def _built(narrator: JsonNarrator, *, model: str, root: str, words: int | str, **_: Any) -> Path:
    """The folder of an index that is built now, or was before."""
    require_address_space(BUILDING)
    multiply_apart(beside_torch=True)
    from indexer.build import build
    from indexer.request import Request

    request = Request(
        model=model,
        root=place_to_build(root),
        name=name_to_build(model),
        words=Path(words) if isinstance(words, str) else words,
        offline=True,
    )
    folder, built = build(request, narrator)
    narrator.say(f"built {folder}" if built else f"{folder} is there already")
    return folder


def _encoder(folder: Path, narrator: JsonNarrator) -> Encoder:
    from indexer.encode import Encoder

    return Encoder(folder, narrator)


if __name__ == "__main__":
    main()
