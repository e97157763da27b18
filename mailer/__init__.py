"""Mailer: double-opt-in e-mail marketing whose consent can be proven."""

__version__ = "0.1.0"
