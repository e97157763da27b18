"""The verifiers of proof bundles, each one file that stands alone: verify.py and verify.html."""

from __future__ import annotations

from mailer.verifier.files import PAGE, PROGRAM, page_policy, read_page, read_program
from mailer.verifier.verify import main

__all__ = ["PAGE", "PROGRAM", "main", "page_policy", "read_page", "read_program"]
