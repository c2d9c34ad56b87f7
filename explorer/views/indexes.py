"""The indexes there are, a line each, and what is wrong with one.

Knows manifests and the sizes of files; opens no index, and knows no screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer.building import MODEL, can_build
from indexer.store.errors import DamagedIndex, SemanticError
from indexer.store.layout import Manifest
from indexer.store.places import lying, name_of, place_to_build, places


@dataclass(frozen=True)
class Known:
    """One index.

    Attributes:
        folder: where it lies; its last part is its name.
        about: its model and how many words and spaces it has; or what is wrong with it.
        sound: whether it could be opened.
        model: what it was made from; empty where it doesn't say.
    """

    folder: Path
    about: str
    sound: bool
    model: str = ""

    @property
    def name(self) -> str:
        """Of the index."""
        return name_of(self.folder)


@dataclass(frozen=True)
class Found:
    """What lies where indexes are looked for.

    Attributes:
        places: where that is, in the order in which they are looked in.
        root: where the demo index would be made.
        indexes: those that are there, sound or not.
        demo: whether there is none to be opened, and room for the demo index.
        cannot_build: None where it can be built here, else a line that says what to install.
    """

    places: tuple[Path, ...]
    root: Path
    indexes: tuple[Known, ...]
    demo: bool
    cannot_build: str | None


def find(root: str | Path | None) -> Found:
    """The indexes of a folder; of every place where they are looked for, where none is given."""
    try:
        looked, target = places(root), place_to_build(root)
    except SemanticError:  # a file; nothing can be built there either
        return Found((Path(root or ""),), Path(root or ""), (), demo=False, cannot_build=None)
    known = tuple(_known(one.folder.absolute()) for one in lying(root))
    demo = not any(one.sound for one in known) and not (target / MODEL).exists()
    where = tuple(place.absolute() for place in looked)
    return Found(where, target.absolute(), known, demo, can_build() if demo else None)


def check(folder: Path) -> Manifest:
    """The manifest of an index whose files are all there, each of the size that was sealed.

    Raises:
        ForeignIndex, DamagedIndex: with one line that says which and why.
    """
    manifest = Manifest.load(folder)
    for name, entry in manifest.files.items():
        try:
            size = (folder / name).stat().st_size
        except OSError as err:
            why = "is missing" if isinstance(err, FileNotFoundError) else f"{err.strerror}"
            raise DamagedIndex(f"index {folder.name!r}: {name} {why}") from None
        if size != entry.bytes:
            raise DamagedIndex(
                f"index {folder.name!r}: {name} has {size:,} bytes where {entry.bytes:,} were "
                "sealed"
            )
    return manifest


def rebuilt(known: Known) -> str:
    """The command that builds an index anew under its name."""
    return f"indexer build {known.model or 'MODEL'} --name {known.name} --force"


def _known(folder: Path) -> Known:
    try:
        manifest = check(folder)
    except SemanticError as err:
        return Known(folder, str(err), sound=False, model=_model(folder))
    words = f"{manifest.words:,} words, " if manifest.words else ""
    spaces = len(manifest.spaces)
    about = f"{manifest.model.source}: {words}{spaces} space{'s' * (spaces != 1)}"
    return Known(folder, about, sound=True, model=manifest.model.source)


def _model(folder: Path) -> str:
    try:
        manifest = Manifest.load(folder)
    except SemanticError:
        return ""
    return manifest.model.source if manifest.has_model else ""
