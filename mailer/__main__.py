"""`python -m mailer`: the operators' commands."""

import sys

from mailer.cli import main

sys.exit(main())
