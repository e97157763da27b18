"""Log lines: one JSON object each, without addresses or tokens (S-010, L-008)."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

# With the at-sign as it is, or as it stands in URLs.
_ADDRESS = re.compile(r"[^\s@<>\"'(),;:]+(?:@|%40)[^\s@<>\"'(),;:]+", re.IGNORECASE)
SHORTEST_TOKEN = 43  # characters: 32 random bytes in base64
_TOKEN = re.compile(rf"[A-Za-z0-9_\-~.]{{{SHORTEST_TOKEN},}}")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


_encode = json.JSONEncoder(ensure_ascii=False).encode


def redact(text: str) -> str:
    """`text` with addresses and anything that looks like a token blotted out."""
    if "@" in text or "%40" in text:
        text = _ADDRESS.sub("‹address›", text)
    return _TOKEN.sub("‹token›", text) if len(text) >= SHORTEST_TOKEN else text


class JSONLines(logging.Formatter):
    """Time, level, where, a fixed sentence, and whatever stood in `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "said": redact(_said(record)),
        }
        for key, value in vars(record).items():
            if key not in _STANDARD and key[0] != "_":
                line[key] = str(value) if isinstance(value, int | float) else redact(str(value))
        if record.exc_info:
            line["trace"] = redact(self.formatException(record.exc_info))
        return _encode(line)


def _said(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # logging itself would print the bare values
        return str(record.msg)


def configure(level: str) -> None:
    """Send everything to standard error as JSON lines."""
    # No line says it, and it is asked for each of them.
    logging.logThreads = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001  # documented: no caller is looked up for a line
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("rq", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
