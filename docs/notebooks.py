"""Run the notebooks of `examples` anew, and write what their cells show below them.

    python docs/notebooks.py [NOTEBOOK...]

Each is run in a kernel of its own, in the folder it lies in, so on `indexes/smollm2` beside it.
Nothing of the machine or the hour is kept.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def executed(path: Path, folder: Path | None = None) -> Any:
    """A notebook with what its cells show now, run in its own folder unless another is given."""
    import nbclient
    import nbformat

    book = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        book,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # or it would depend on the moment how a cell's prints are parted
        resources={"metadata": {"path": str(folder or path.parent)}},
    )
    client.execute()
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return book


def main() -> None:
    """Write the notebooks named, or all of them."""
    import nbformat

    for path in map(Path, sys.argv[1:] or sorted((ROOT / "examples").glob("*.ipynb"))):
        nbformat.write(executed(path), path)
        print(f"notebooks: written: {path}")


if __name__ == "__main__":
    main()
