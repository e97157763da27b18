"""The door for other people's machines: a witness, which cosigns a log only as long as it merely grows.

A witness is worth something because the operator of the log does not run it. So nothing here uses the log's
own code, its settings, its database or its Redis: the standard library, `cryptography`, and our words for
errors and time. It speaks C2SP tlog-witness and tlog-cosignature (T-030).
"""

from mailer.witness.server import Witness
from mailer.witness.starting import add_arguments, run

__all__ = ["Witness", "add_arguments", "run"]
