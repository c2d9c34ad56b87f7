"""What is saved between two runs: the index, the trail of places, the theme, the statements of SQL.

A file of JSON in the user's state folder. One that cannot be read, or written, is passed over: it
is a comfort, not data.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from explorer.outfile import write_text
from explorer.views import VIEWS
from explorer.views.place import Place, RowMark, Trail
from indexer.store.errors import MachineError
from indexer.store.whole_file import read_whole

FORMAT = 1
MOST_STATEMENTS = 200


def state_file() -> Path:
    """Where it is kept: `EXPLORER_STATE`, or in the user's state folder."""
    if asked := os.environ.get("EXPLORER_STATE"):
        return Path(asked)
    from platformdirs import user_state_path

    return user_state_path("semantic-explorer", appauthor=False) / "screen.json"


@dataclass
class SavedState:
    """What is saved."""

    index: str = ""
    theme: str = ""
    trail: Trail = field(default_factory=Trail)
    statements: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> SavedState:
        """What was kept; nothing where there is none, or it isn't what it should be."""
        try:
            kept = json.loads(read_whole(path))
            if kept["format"] != FORMAT:
                return cls()
            every = [(Place.from_dict(one), one.get("row")) for one in kept["trail"]]
            places = [one for one, _ in every if one.view in VIEWS] or [Place()]
            rows = {one: RowMark.from_dict(row) for one, row in every if row is not None}
            at = min(max(int(kept["at"]), 0), len(places) - 1)
            return cls(
                str(kept["index"]),
                str(kept["theme"]),
                Trail(places, at, rows=rows),
                [str(one) for one in kept["statements"]],
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def write(self, path: Path) -> None:
        """Keep it, whole or not at all."""
        kept = {
            "format": FORMAT,
            "index": self.index,
            "theme": self.theme,
            "trail": [_kept(place, self.trail.rows.get(place)) for place in self.trail.places],
            "at": self.trail.at,
            "statements": self.statements[-MOST_STATEMENTS:],
        }
        with contextlib.suppress(OSError, MachineError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(str(path), json.dumps(kept, ensure_ascii=False))


def _kept(place: Place, row: RowMark | None) -> dict[str, Any]:
    """A place, and the row that one stood on there."""
    return place.to_dict() | ({} if row is None else {"row": asdict(row)})
