"""An OAuth 2 access token in a file that another program keeps fresh."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,16384}")  # RFC 6750 §2.1, with a limit


class TokenMissing(Exception):
    """There is no token to be had; the message says why and never shows the token."""


@dataclass(slots=True)
class TokenFile:
    """Gives the token in a file each time it is called, and reads the file again once it changed."""

    path: Path
    _token: str = field(default="", repr=False)
    _seen: tuple[int, int, int] | None = field(default=None, repr=False)

    def __call__(self) -> str:
        """The token now in the file. Raises TokenMissing."""
        try:
            found = self.path.stat()
            seen = found.st_mtime_ns, found.st_ino, found.st_size
            if seen != self._seen:
                self._token, self._seen = self.path.read_text("ascii").strip(), seen
        except (OSError, ValueError) as error:
            raise TokenMissing(f"{self.path} cannot be read: {error}") from error
        if _TOKEN.fullmatch(self._token) is None:
            raise TokenMissing(f"{self.path} does not hold one access token on one line")
        return self._token
