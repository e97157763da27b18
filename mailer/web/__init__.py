"""The door for people: visitors and subscribers (`public`), marketers (`admin`)."""

from mailer.web.pages import register

__all__ = ["register"]
