"""When to stop by ourselves: too many dead addresses, a row of objections, mails that cannot be made. Pure."""

from __future__ import annotations

from mailer.delivery.outcomes import is_about_policy, is_about_the_address
from mailer.transport import Outcome, OutcomeKind

FIRST_LOOK = 100  # answers before the share of dead addresses says anything
MOST_DEAD = 0.05  # E-092
MOST_OBJECTIONS = 20  # 5.7.x in a row
MOST_UNRENDERABLE = 20  # in a row


class Alarm:
    """Counts what one worker sees of one campaign since it began or was resumed."""

    def __init__(self) -> None:
        self._answers = 0
        self._dead = 0
        self._objections = 0
        self._unrenderable = 0

    def hear(self, outcome: Outcome) -> str | None:
        """Count an outcome; the sentence to pause the campaign with, or None."""
        if outcome.kind not in (OutcomeKind.ACCEPTED, OutcomeKind.REFUSED):
            return None
        self._answers += 1
        self._dead += is_about_the_address(outcome)
        self._objections = self._objections + 1 if is_about_policy(outcome) else 0
        if self._answers >= FIRST_LOOK and self._dead > MOST_DEAD * self._answers:
            share = round(100 * self._dead / self._answers)
            return (
                f"Paused: {share} % of the addresses do not exist any more ({self._dead} of "
                f"{self._answers}). Going on would harm your reputation as a sender. "
                "Please check where these addresses come from."
            )
        if self._objections >= MOST_OBJECTIONS:
            return (
                f"Paused: the last {self._objections} mails were refused as a matter of policy. "
                f"The answer was: {outcome.code} {outcome.text}"
            )
        return None

    def rendered(self) -> None:
        """A mail could be made."""
        self._unrenderable = 0

    def not_rendered(self, because: str) -> str | None:
        """A mail could not be made; the sentence to pause the campaign with, or None."""
        self._unrenderable += 1
        if self._unrenderable <= MOST_UNRENDERABLE:
            return None
        return f"Paused: the mail could not be made for {self._unrenderable} people in a row. {because}"
