"""The life of a campaign: which input leads from which state to which. Pure."""

from __future__ import annotations

from enum import StrEnum

from mailer.foundation.errors import NotAllowed


class CampaignState(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


class Against(StrEnum):
    """What speaks against a mail to somebody of the audience when their turn has come."""

    ERASED = "erased"
    RESTRICTED = "restricted"
    WITHDRAWN = "withdrawn"
    SUPPRESSED = "suppressed"
    PAUSED = "paused"
    TOO_OFTEN = "too_often"


class Step(StrEnum):
    """What may be done to a campaign."""

    SCHEDULE = "schedule"
    UNSCHEDULE = "unschedule"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    FINISH = "finish"
    REOPEN = "reopen"


_S = CampaignState
TRANSITIONS: dict[tuple[CampaignState, Step], CampaignState] = {
    (_S.DRAFT, Step.SCHEDULE): _S.SCHEDULED,
    (_S.SCHEDULED, Step.UNSCHEDULE): _S.DRAFT,
    (_S.DRAFT, Step.START): _S.SENDING,
    (_S.SCHEDULED, Step.START): _S.SENDING,
    (_S.SENDING, Step.PAUSE): _S.PAUSED,
    (_S.PAUSED, Step.RESUME): _S.SENDING,
    (_S.SENDING, Step.CANCEL): _S.CANCELLED,
    (_S.PAUSED, Step.CANCEL): _S.CANCELLED,
    (_S.SCHEDULED, Step.CANCEL): _S.CANCELLED,
    (_S.SENDING, Step.FINISH): _S.SENT,
    (_S.SENT, Step.REOPEN): _S.SENDING,
}


def move(state: CampaignState, step: Step) -> CampaignState:
    """The state that `step` leads to. Raises NotAllowed."""
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise NotAllowed(f"A campaign that is {state} cannot {step}.") from None
