"""The worker's entry: `python worker.py --queue first|bulk|upkeep [--slot N]`, `--clock`, or `--log`."""

from __future__ import annotations

import argparse
import pkgutil
import signal
import sys
from types import FrameType

from mailer import reactions
from mailer.foundation.application import create_plain_app, keep_private
from mailer.foundation.errors import NotAllowed, SettingsInvalid
from mailer.foundation.queue import QUEUES
from mailer.foundation.settings import Settings
from mailer.jobs.working import serve

# Loaded when wanted: each kind of process holds the code it works with, not that of all.
CLOCK = "mailer.jobs.schedule:run_clock"
LOG = "mailer.jobs.log_keeping:keep_log"


def build_parser() -> argparse.ArgumentParser:
    """What this program can be told."""
    parser = argparse.ArgumentParser(description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--queue", choices=QUEUES, help="the one queue this process works on")
    choice.add_argument("--clock", action="store_true", help="ask for the chores, every second")
    choice.add_argument(
        "--log", action="store_true", help="keep the consent log: give positions, sign checkpoints"
    )
    parser.add_argument(
        "--slot", type=int, default=0, help="which of the campaign workers this is, from 0"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one worker, or the clock, until SIGTERM or SIGINT; returns the exit status."""
    chosen = build_parser().parse_args(arguments)
    try:
        settings = Settings.from_environment()
    except SettingsInvalid as error:
        sys.stderr.write(f"{error}\n")
        return 2
    keep_private(settings.data_directory)
    app = create_plain_app(settings)
    reactions.attach()
    if chosen.queue:
        return serve(app, chosen.queue, chosen.slot)
    is_ending = False

    def go_home(_signum: int, _frame: FrameType | None) -> None:
        nonlocal is_ending
        is_ending = True

    signal.signal(signal.SIGINT, go_home)
    signal.signal(signal.SIGTERM, go_home)
    with app.app_context():
        try:
            pkgutil.resolve_name(LOG if chosen.log else CLOCK)(lambda: is_ending)
        except NotAllowed as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
