"""One answer to a form: taken, or shown again with everything kept and the reason."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import request

from mailer import accounts, forms, signup
from mailer.accounts import HELD_BACK
from mailer.forms import (
    Admission,
    Asking,
    Embed,
    MeantAddress,
    PublishedForm,
    Showing,
    SignupAnswers,
    Standing,
)
from mailer.foundation import clock
from mailer.foundation.context import settings
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.foundation.gathering import Gathering
from mailer.foundation.typed_addresses import Correction, describe_corrections
from mailer.web.request_log import request_id
from mailer.web.sessions import user_agent

log = logging.getLogger(__name__)

ONE_MORE_STEP = (
    "One more step: please check what will be sent, and press the button. Nothing is stored yet."
)
ONCE_MORE = "That was very quick. Please press the button once more; everything is still filled in."
EXPIRED = "This page had been open for a long time. Please look over it and press the button again."
OUTDATED = "The text of this form has changed meanwhile. Please read it and press the button again."
FULL = (
    "So many requests came just now that no more are taken. Nothing was stored. What you typed is kept here; "
    "please press the button again in an hour."
)
LONGEST_PAGE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAgain:
    """The form, to be shown once more. `status` is the HTTP status; `values` is what was typed."""

    status: int
    message: str
    token: str
    values: dict[str, str]
    ticked: frozenset[str]
    errors: dict[str, str] = field(default_factory=dict)
    meant: MeantAddress | None = None  # where the address could be read

    @property
    def suggested(self) -> str:
        """The address the visitor is asked about now, or empty."""
        return self.meant.suggested if self.meant is not None and self.meant.is_open else ""

    @property
    def question(self) -> str:
        """What the visitor is asked about their address, or empty."""
        return f"Did you mean {self.suggested}?" if self.suggested else ""

    @property
    def correction(self) -> str:
        """What was corrected in the address, as a sentence, or empty."""
        return describe_corrections(self.meant.read.corrections) if self.meant is not None else ""


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer that needs nothing more from the visitor; `is_held` when the team looks at it first."""

    is_held: bool = False
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class _Request:
    """One request, as the door knows it."""

    asking: Asking
    submission: signup.Submission


def _write(requests: Sequence[_Request]) -> list[Admission]:
    """Write the requests that limits admit, and those they hold back; says of each what became of it."""
    answers = forms.admit([one.asking for one in requests])
    ready = [
        signup.prepare(replace(one.submission, is_held=answer is Admission.HELD))
        for one, answer in zip(requests, answers, strict=True)
        if answer in (Admission.ADMITTED, Admission.HELD)
    ]
    if ready:
        with unit_of_work():
            signup.request_many(ready)
    return answers


_ADMITTED = Gathering("signup", _write)


def take(published: PublishedForm, given: Mapping[str, str], *, embed: Embed) -> ShowAgain | Taken:
    """Take an answer that came through `embed`; Taken also when it quietly was not (S-032).

    Raises Unavailable when it could not be written.
    """
    if forms.is_robot(given):
        log.info("a robot filled the hidden field", extra={"form": published.form.public_id})
        return Taken()
    token = given.get("token", "")
    showing = _read_showing(published, token, embed)
    if showing.standing is Standing.FOREIGN:
        return _first_of_static_page(published, given)
    if showing.standing in (Standing.EXPIRED, Standing.OUTDATED):
        return _anew(published, given, showing)
    ticked = _ticked(published, given)
    values = forms.kept_answers(published, given)
    try:
        answers = forms.read_answers(published, given)
    except Invalid as error:
        return ShowAgain(
            status=422,
            message=str(error),
            token=token,
            values=values,
            ticked=ticked,
            errors=error.fields,
        )
    again = ShowAgain(
        status=409,
        message="",
        token=token,
        values=_kept(values, answers.meant),
        ticked=ticked,
        meant=answers.meant,
    )
    if answers.meant.is_open:
        return replace(again, message=again.question)
    if showing.standing is Standing.EARLY:
        return replace(again, message=ONCE_MORE)
    asking = Asking(published, answers.address, request.remote_addr or "")
    answer = _ADMITTED.do(_Request(asking, _submission(published, answers, showing, asking)))
    is_over = answer in (Admission.HELD, Admission.FULL)
    if is_over and forms.is_first_alarm(published):
        with unit_of_work():
            accounts.note(published.organisation, None, HELD_BACK, published.form.public_id)
    if answer is Admission.FULL:
        return replace(again, status=429, message=FULL)
    return Taken(answer is Admission.HELD, answers.meant.read.corrections)


def _kept(values: Mapping[str, str], meant: MeantAddress) -> dict[str, str]:
    """What was typed, with the address as it was read; what was typed at first goes along with it."""
    typed = meant.read.typed[: forms.LONGEST_KEPT].replace("\x00", "")
    kept = {**values, "address": meant.address.given, "typed": ""}
    return {**kept, "typed": typed} if typed != meant.address.given else kept


def _read_showing(published: PublishedForm, token: str, embed: Embed) -> Showing:
    showing = forms.read_showing(published, token)
    through = {Embed.HTML: Embed.HOSTED}.get(showing.embed, showing.embed)
    is_elsewhere = embed is Embed.SCRIPT and showing.origin != request.headers.get("Origin")
    if through is not embed or is_elsewhere:
        return Showing(standing=Standing.FOREIGN)
    return showing


def _first_of_static_page(published: PublishedForm, given: Mapping[str, str]) -> ShowAgain:
    # A static page cannot carry a fresh token. Ticks are believed only where the operator's own pages
    # set them, for any other page could have sent them ticked (C-002).
    origin = forms.origin_of(request.headers.get("Origin"))
    page = _page_of(origin, request.headers.get("Referer", ""))
    is_ours = forms.is_allowed(origin, published.form.allowed_origins)
    errors: dict[str, str] = {}
    meant: MeantAddress | None = None
    values = forms.kept_answers(published, given)
    ticked = _ticked(published, given) if is_ours else frozenset()
    if is_ours:
        token = forms.sign_showing(published, Embed.HTML, origin=origin, page=page)
        try:
            meant = forms.read_answers(published, given).meant
            values = _kept(values, meant)
        except Invalid as error:
            errors = error.fields
    else:
        token = forms.sign_showing(published, Embed.HOSTED)
    return ShowAgain(
        status=422 if errors else 200,
        message=ONE_MORE_STEP,
        token=token,
        values=values,
        ticked=ticked,
        errors=errors,
        meant=meant,
    )


def _anew(published: PublishedForm, given: Mapping[str, str], showing: Showing) -> ShowAgain:
    is_outdated = showing.version != published.version.number
    ticked = _ticked(published, given)
    if is_outdated:
        # A tick counts for the words beside it: it stays only where they did.
        old = forms.read_version(forms.get_version(published.form, showing.version))
        words = {(item.key, item.label) for item in old.controls}
        ticked = frozenset(
            item.key
            for item in published.controls
            if item.key in ticked and (item.key, item.label) in words
        )
    return ShowAgain(
        status=409,
        message=OUTDATED if is_outdated else EXPIRED,
        token=forms.sign_showing(
            published, showing.embed, origin=showing.origin, page=showing.page
        ),
        values=forms.kept_answers(published, given),
        ticked=ticked,
    )


def _ticked(published: PublishedForm, given: Mapping[str, str]) -> frozenset[str]:
    return frozenset(item.key for item in published.controls if given.get(item.key))


def _page_of(origin: str, url: str) -> str:
    # Without query and fragment, which may hold anything.
    if not origin or not url.startswith(f"{origin}/"):
        return ""
    return url.partition("#")[0].partition("?")[0][:LONGEST_PAGE]


def _submission(
    published: PublishedForm, answers: SignupAnswers, showing: Showing, asking: Asking
) -> signup.Submission:
    return signup.Submission(
        organisation=published.organisation,
        version=published.version,
        address=answers.address,
        first_name=answers.first_name,
        last_name=answers.last_name,
        fields=answers.fields,
        language=published.definition.language,
        controls=tuple(
            signup.Control(
                matter=item.matter,
                mailing_list_id=item.mailing_list_id,
                label=item.label,
                is_ticked=item.key in answers.ticked,
            )
            for item in published.controls
        ),
        evidence={**_evidence(published, showing), **answers.meant.evidence},
        lists=published.lists,
        network=asking.used.network,
    )


def _evidence(published: PublishedForm, showing: Showing) -> dict[str, Any]:
    """Leg (a) of the proof, as far as the door knows it (C-041, S-054)."""
    return {
        "form_url": showing.page or f"{settings().public_url}/f/{published.form.public_id}",
        "embedding_origin": showing.origin,
        "embed": str(showing.embed),
        "form_id": published.form.public_id,
        "form_version": published.version.number,
        "definition_sha256": published.version.definition_sha256,
        "notice_sha256": published.notice.text_sha256,
        "notice_number": published.notice.number,
        "locale": published.definition.language,
        "ip": request.remote_addr or "",
        "user_agent": user_agent(),
        "request_id": request_id(),
        "shown_at": clock.iso(showing.shown_at) if showing.shown_at else "",
        "submitted_at": clock.iso(clock.now()),
    }
