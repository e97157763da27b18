"""The pace of sending: limits of the organisation, its senders and destinations, and who asked us to wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, destinations, organisations
from mailer.accounts import Right
from mailer.destinations import Hosting, LimitDraft, LimitKind, SendingLimit
from mailer.foundation import clock
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.foundation.mail_hosts import Finding
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import see_other

NUMBERS = ("per_minute", "at_once", "warm_up_first_day")
KINDS = {
    LimitKind.ORGANISATION: "Everything we send",
    LimitKind.SENDER: "One sender",
    LimitKind.DESTINATION: "One destination",
}
FOUND = {
    Finding.HOSTS: "Its mail servers belong to no provider we know by name",
    Finding.NO_HOSTS: "It names no mail servers of its own",
    Finding.NO_MAIL: "It says that it takes no mail",
    Finding.NO_DOMAIN: "DNS knows no such domain",
    Finding.FAILED: "DNS had no usable answer; we ask again by ourselves",
    Finding.SILENT: "DNS did not answer; we ask again by ourselves",
}


@bp.get("/settings/pace")
@needs(Right.READ)
def pace() -> ResponseReturnValue:
    """All limits, who asked us to wait, who hosts a domain, and the form for another limit."""
    domain = request.args.get("domain", "").strip()
    if not domain:
        return _page({})
    try:
        hosting = destinations.find_hosting(signed_in().organisation, domain)
    except Invalid as error:
        return _page({"domain": domain}, error.fields), 422
    return _page({"domain": domain}, hosting=_Answer(hosting, _hosted(hosting)))


@bp.post("/settings/pace")
@needs(Right.MANAGE)
def set_pace() -> ResponseReturnValue:
    """Set a limit, or change the one there is."""
    me = signed_in()
    try:
        draft = _draft(request.form)
        with unit_of_work():
            limit = destinations.set_limit(me.organisation, draft)
            accounts.note(
                me.organisation, me.account, "set a sending limit", limit.public_id, kind=limit.kind
            )
    except Invalid as error:
        return _page(request.form, error.fields), 422
    return see_other(url_for(".pace"), "The limit holds from now on, within a few seconds.")


@bp.post("/settings/pace/<public_id>/remove")
@needs(Right.MANAGE)
def remove_pace(public_id: str) -> ResponseReturnValue:
    """Take a limit away."""
    me = signed_in()
    with unit_of_work():
        limit = destinations.remove_limit(me.organisation, public_id)
        accounts.note(
            me.organisation, me.account, "removed a sending limit", public_id, kind=limit.kind
        )
    return see_other(url_for(".pace"), "The limit is gone.")


def _draft(given: Mapping[str, str]) -> LimitDraft:
    errors: dict[str, str] = {}
    kind = given.get("kind", "")
    if kind not in set(LimitKind):
        errors["kind"] = "Please choose what the limit is for."
    numbers = {name: _number(given, name, errors) for name in NUMBERS}
    if errors:
        raise Invalid("Please look at the answers again.", errors)
    subject = given.get("sender" if kind == LimitKind.SENDER else "destination", "")
    return LimitDraft(kind=LimitKind(kind), subject=subject, **numbers)


def _number(given: Mapping[str, str], name: str, errors: dict[str, str]) -> int | None:
    text = "".join(mark for mark in given.get(name, "") if mark not in " ,.'\u00a0\u202f")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        errors[name] = "Please give a whole number, or leave it empty."
        return None
    return int(text)


class _Answer(NamedTuple):
    """What is known of a domain, and the sentence that says so."""

    hosting: Hosting | None
    sentence: str


def _hosted(hosting: Hosting | None) -> str:
    if hosting is None:
        return (
            "None of your people has an address there, so nobody has asked about it. "
            "Once somebody has, it is looked up within some minutes."
        )
    if hosting.provider is None:
        if hosting.finding is None:
            return f"{hosting.domain} was not looked up yet. It is a destination of its own until then."
        return f"{FOUND[hosting.finding]}: {hosting.domain} is a destination of its own."
    if hosting.finding is None:
        return f"{hosting.domain} is one of {hosting.provider}’s own domains."
    if hosting.finding is Finding.HOSTS:
        return f"{hosting.domain} is hosted at {hosting.provider}."
    return f"{hosting.domain} was hosted at {hosting.provider} when it last answered. {FOUND[hosting.finding]}."


def _page(
    given: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    *,
    hosting: _Answer | None = None,
) -> str:
    organisation = signed_in().organisation
    senders = organisations.list_senders(organisation)
    names = {one.public_id: f"{one.from_name} <{one.from_address}>" for one in senders}
    return render_template(
        "admin/settings/pace.html",
        rows=[
            (one, _name(one, names), _rate(one)) for one in destinations.list_limits(organisation)
        ],
        kinds=[(kind.value, word) for kind, word in KINDS.items()],
        senders=list(names.items()),
        providers=[one.title for one in destinations.PROVIDERS],
        blocked=[
            (destinations.provider_title(one), until)
            for one, until in sorted(destinations.list_blocked().items())
        ],
        answer=hosting,
        is_looked_up=destinations.is_mx_lookup_on(),
        given=given,
        errors=errors or {},
    )


def _name(limit: SendingLimit, senders: Mapping[str, str]) -> str:
    if limit.kind is LimitKind.ORGANISATION:
        return KINDS[limit.kind]
    if limit.kind is LimitKind.DESTINATION:
        return destinations.provider_title(limit.subject)
    return senders.get(limit.subject, limit.subject)


def _rate(limit: SendingLimit) -> str:
    """What holds today, in words; a warm-up changes it every day."""
    rate = destinations.rate_of(limit, clock.now())
    if rate is None:
        return "as fast as it is taken"
    per_minute = rate * 60
    return f"{per_minute:,.0f} a minute" if per_minute >= 10 else f"{per_minute * 60:,.0f} an hour"
