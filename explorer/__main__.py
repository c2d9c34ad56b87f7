"""`python -m explorer`."""

from explorer.cli import program

program()
