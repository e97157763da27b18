"""The developers' servers as commands, for the supervisor to run."""

from __future__ import annotations

import argparse

from mailer import devkit


def catch_mail(given: argparse.Namespace) -> int:
    """Take mail over SMTP and keep it as files."""
    devkit.serve_catcher(given.directory, port=given.port)
    return 0


def show_mail(given: argparse.Namespace) -> int:
    """Serve what was caught."""
    devkit.serve_inbox(given.directory, port=given.port)
    return 0


def show_demo(given: argparse.Namespace) -> int:
    """Serve the demo website, which is plain files."""
    devkit.serve_directory(given.directory, port=given.port)
    return 0
