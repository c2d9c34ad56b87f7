"""`indexer`: one thin command a task, each in the file of its name.

Knows exit codes; each command imports what it needs when it runs. stdout is data, stderr is
narration.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from indexer.cli.build import build
from indexer.cli.completion import completion
from indexer.cli.export import export
from indexer.cli.import_ import import_
from indexer.cli.list_ import list_
from indexer.cli.options import EXIT_CODES, examples
from indexer.cli.show import show
from indexer.cli.verify import verify
from indexer.store.colour import failing
from indexer.store.errors import at_the_edge
from indexer.store.shown import escape_what_libraries_say, lines
from indexer.store.streams import ReaderLeft, let_go_of_stdout, prepare


@click.group(
    epilog=EXIT_CODES + examples("indexer build smollm2", "indexer list"),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="semantic-explorer")
def cli() -> None:
    """Turn a language model into an index: vectors in FAISS files, metadata in DuckDB."""


for _command in (build, list_, show, verify, export, import_, completion):
    cli.add_command(_command)


def main() -> NoReturn:
    """Run a command; every error a person may meet is one line on stderr."""
    prepare()
    escape_what_libraries_say()
    try:
        cli.main(standalone_mode=False)
        sys.stdout.flush()  # what fails at exit could not be told any more
    except ReaderLeft:  # it has what it wanted
        let_go_of_stdout()
        sys.exit(0)
    except click.exceptions.NoArgsIsHelpError as err:
        err.show()
        sys.exit(2)
    except click.exceptions.Abort:
        _fail(130, "interrupted")
    except click.ClickException as err:
        _fail(err.exit_code, " ".join(err.format_message().split()))
    except BaseException as err:
        edge = at_the_edge(err)
        if edge is None:
            raise
        _fail(*edge)
    sys.exit(0)


def _fail(code: int, line: str) -> NoReturn:
    print(f"{failing('indexer')} {lines(line)}", file=sys.stderr)
    let_go_of_stdout()
    sys.exit(code)
