"""The door for operators: `python -m mailer COMMAND`; `--help` says what there is."""

from mailer.cli.commands import main

__all__ = ["main"]
