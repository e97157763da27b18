"""One answer to a form: taken, or shown again with everything kept and the reason."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import request

from mailer import accounts, forms, signup
from mailer.accounts import HELD_BACK
from mailer.forms import Asking, Embed, PublishedForm, Showing, SignupAnswers, Standing
from mailer.foundation import clock
from mailer.foundation.context import settings
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.foundation.gathering import Gathering
from mailer.web.request_log import request_id
from mailer.web.sessions import user_agent

log = logging.getLogger(__name__)

ONE_MORE_STEP = (
    "One more step: please check what will be sent, and press the button. Nothing is stored yet."
)
ONCE_MORE = "That was very quick. Please press the button once more; everything is still filled in."
EXPIRED = "This page had been open for a long time. Please look over it and press the button again."
OUTDATED = "The text of this form has changed meanwhile. Please read it and press the button again."
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


@dataclass(frozen=True, slots=True)
class _Request:
    """One request, as the door knows it."""

    asking: Asking
    submission: signup.Submission


def _write(requests: Sequence[_Request]) -> list[bool]:
    """Write the requests that limits admit; says of each whether they did."""
    answers = forms.admit([one.asking for one in requests])
    admitted = [one for one, is_admitted in zip(requests, answers, strict=True) if is_admitted]
    ready = [signup.prepare(one.submission) for one in admitted]
    if ready:
        with unit_of_work():
            signup.request_many(ready)
    return answers


_ADMITTED = Gathering("signup", _write)


def take(published: PublishedForm, given: Mapping[str, str], *, embed: Embed) -> ShowAgain | None:
    """Take an answer that came through `embed`; None when it was taken, or quietly was not (S-032).

    Raises Unavailable when it could not be written.
    """
    if forms.is_robot(given):
        log.info("a robot filled the hidden field", extra={"form": published.form.public_id})
        return None
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
    if showing.standing is Standing.EARLY:
        return ShowAgain(status=409, message=ONCE_MORE, token=token, values=values, ticked=ticked)
    asking = Asking(published, answers.address, request.remote_addr or "")
    is_admitted = _ADMITTED.do(_Request(asking, _submission(published, answers, showing)))
    if not is_admitted and forms.is_first_alarm(published):
        with unit_of_work():
            accounts.note(published.organisation, None, HELD_BACK, published.form.public_id)
    return None


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
    ticked = _ticked(published, given) if is_ours else frozenset()
    if is_ours:
        token = forms.sign_showing(published, Embed.HTML, origin=origin, page=page)
        try:
            forms.read_answers(published, given)
        except Invalid as error:
            errors = error.fields
    else:
        token = forms.sign_showing(published, Embed.HOSTED)
    return ShowAgain(
        status=422 if errors else 200,
        message=ONE_MORE_STEP,
        token=token,
        values=forms.kept_answers(published, given),
        ticked=ticked,
        errors=errors,
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
    published: PublishedForm, answers: SignupAnswers, showing: Showing
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
        evidence=_evidence(published, showing),
        lists=published.lists,
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
