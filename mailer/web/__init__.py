"""The door for people: visitors and subscribers (`public`), marketers (`admin`)."""

from __future__ import annotations

from mailer.web.embedding import EmbedCodes, embed_codes
from mailer.web.form_description import describe_published
from mailer.web.link_ends import clean_path
from mailer.web.pages import register

__all__ = ["EmbedCodes", "clean_path", "describe_published", "embed_codes", "register"]
