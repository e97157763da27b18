"""A progress bar on standard error: one line that fills on a terminal, a line each tenth elsewhere."""

from __future__ import annotations

import sys
import time

WIDTH = 30
REDRAW_SECONDS = 0.1


class ProgressBar:
    """How far something has come, with the rate it goes at."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._began = time.monotonic()
        self._drawn_at = 0.0
        self._tenth = -1
        self._is_terminal = sys.stderr.isatty()

    def show(self, done: int, total: int, what: str = "") -> None:
        """Show `done` of `total`; cheap to call often."""
        share = done / total if total else 1.0
        if not self._is_terminal:
            if int(share * 10) != self._tenth:
                self._tenth = int(share * 10)
                sys.stderr.write(
                    f"{self.title}: {share:.0%}, {done:,} of {total:,} {what}\n".replace(
                        " \n", "\n"
                    )
                )
            return
        if time.monotonic() - self._drawn_at < REDRAW_SECONDS and done < total:
            return
        self._drawn_at = time.monotonic()
        filled = round(share * WIDTH)
        bar = "#" * filled + "." * (WIDTH - filled)
        rate = done / max(time.monotonic() - self._began, 0.001)
        sys.stderr.write(
            f"\r{self.title} [{bar}] {share:4.0%}  {done:,}/{total:,}  {rate:,.0f}/s {what:<14}"
        )
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            sys.stderr.write("\n")
