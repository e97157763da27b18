"""Text from outside → typed values; every field that cannot be used gets its own message."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from mailer.foundation.addresses import LONGEST_ADDRESS, Address
from mailer.foundation.errors import Invalid
from mailer.foundation.typed_addresses import LONGEST_TYPED, TypedAddress, read_typed_address

LONGEST_LINE = 200
LONGEST_TEXT = 20_000
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", re.ASCII)


class Answers:
    """Reads fields one after the other and collects what is wrong; `check()` raises it all at once."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = given
        self.errors: dict[str, str] = {}

    def line(self, name: str, *, required: bool = False, longest: int = LONGEST_LINE) -> str:
        """One line of text, trimmed and NFC-normalised (T-003)."""
        text = self._clean(name, longest)
        # Every control character and line separator: some would start a new header in a mail.
        if not text.isprintable() and any(
            unicodedata.category(mark) in ("Cc", "Zl", "Zp") for mark in text
        ):
            self.errors[name] = "Please use one line only."
        return self._present(name, text, required)

    def text(self, name: str, *, required: bool = False, longest: int = LONGEST_TEXT) -> str:
        """Several lines of text, line ends made plain."""
        return self._present(name, self._clean(name, longest), required)

    def address(self, name: str, *, required: bool = False) -> str:
        """An e-mail address as given, or an empty string."""
        found = self.parsed_address(name, required=required)
        return found.given if found else self._clean(name, LONGEST_ADDRESS)

    def parsed_address(self, name: str, *, required: bool = False) -> Address | None:
        """An e-mail address; None when there is none, or none that can be used."""
        found = self.typed_address(name, required=required)
        return found.address if found else None

    def typed_address(self, name: str, *, required: bool = False) -> TypedAddress | None:
        """The same, with what was corrected to read it."""
        text = self.given.get(name, "")
        if not text.strip():
            self._present(name, "", required)
        elif len(text) > LONGEST_TYPED:
            self.errors[name] = f"Please use at most {LONGEST_ADDRESS} characters."
        else:
            try:
                return read_typed_address(text)
            except Invalid as error:
                self.errors[name] = str(error)
        return None

    def choice(self, name: str, allowed: Collection[str], *, required: bool = True) -> str:
        """One of `allowed`."""
        text = self.given.get(name, "").strip()
        if text not in allowed and (text or required):
            self.errors[name] = "Please choose one of the given values."
        return text

    def whole(self, name: str, *, smallest: int, largest: int) -> int:
        """A whole number within bounds."""
        try:
            number = int(self.given.get(name, "").strip())
        except ValueError:
            number = smallest - 1
        if not smallest <= number <= largest:
            self.errors[name] = f"Please give a whole number from {smallest} to {largest}."
        return number

    def is_ticked(self, name: str) -> bool:
        """Whether a box was ticked."""
        return bool(self.given.get(name))

    def url(self, name: str, *, required: bool = False) -> str:
        """An http or https address."""
        text = self.line(name, required=required, longest=500)
        if text and not _is_web_address(text):
            self.errors[name] = "Please give an address that begins with https://."
        return text

    def local_time(self, name: str, zone: ZoneInfo) -> datetime | None:
        """A `datetime-local` value in `zone`, aware."""
        text = self.given.get(name, "").strip()
        try:
            moment = datetime.fromisoformat(text).replace(tzinfo=zone)
        except ValueError:
            moment = None
        # Browsers send no offset; years at the ends of the calendar cannot be turned into UTC.
        if moment and _LOCAL_TIME.fullmatch(text) and 2000 <= moment.year < 3000:
            return moment
        self.errors[name] = "Please give a date and a time, such as 2026-11-30T09:00."
        return None

    def fail(self, name: str, message: str) -> None:
        """Note what is wrong with a field that only the caller can judge."""
        self.errors.setdefault(name, message)

    def check(self) -> None:
        """Raise Invalid with all messages collected, if any."""
        if self.errors:
            raise Invalid("Please correct the fields marked below.", self.errors)

    def _clean(self, name: str, longest: int) -> str:
        raw = self.given.get(name, "").replace("\r\n", "\n").replace("\r", "\n").strip()
        text = unicodedata.normalize("NFC", raw)
        if len(text) > longest:
            self.errors[name] = f"Please use at most {longest} characters; these are {len(text)}."
        # NUL breaks both databases; lone surrogates cannot be written as UTF-8.
        if "\x00" in text or not is_unicode(text):
            self.errors[name] = "This contains characters that cannot be stored."
            return ""
        return text

    def _present(self, name: str, text: str, required: bool) -> str:
        if required and not text:
            self.errors.setdefault(name, "Please fill this in.")
        return text


def is_unicode(text: str) -> bool:
    """Whether `text` can be written as UTF-8: none of its characters is half of one."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:  # such as a bracket that is never closed
        return False
    has_space = any(mark.isspace() or mark in '\\<>"' for mark in text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not has_space
