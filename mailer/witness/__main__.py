"""`python -m mailer.witness`: the witness alone, where the rest of the service is not installed."""

from __future__ import annotations

import argparse
import sys

from mailer.foundation.errors import MailerError
from mailer.witness.starting import add_arguments, run


def main() -> int:
    """Run a witness until it is ended; every failure we know is one clear line."""
    parser = argparse.ArgumentParser(prog="python -m mailer.witness")
    add_arguments(parser)
    try:
        return run(parser.parse_args())
    except MailerError as error:
        sys.stderr.write(f"witness: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
