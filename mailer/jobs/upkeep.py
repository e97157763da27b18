"""Jobs of the queue `upkeep`: what the clock asks for, so that nothing stays asleep."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from mailer import (
    campaigns,
    consent,
    delivery,
    destinations,
    erasures,
    imports,
    organisations,
    rights,
    selfaudit,
    signup,
    transactional,
)
from mailer.foundation import dns_lookup, queue
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.jobs import importing, recovery, waking
from mailer.jobs.delivery import close_campaigns
from mailer.jobs.patience import in_turns
from mailer.jobs.runner import job
from mailer.jobs.transactional import MessageSettler
from mailer.organisations import DomainDns

log = logging.getLogger(__name__)

REAPPLY_BATCH = 100
AUDIT_HOUR = 2  # UTC
AUDIT_SECONDS = 3.0
DOMAINS_AT_ONCE = 40
DOMAINS_SECONDS = 1.0  # no further questions are begun after these
SETTLERS = (delivery, MessageSettler())  # every kind of mail there is


@job
def wake() -> Mapping[str, object] | None:
    """Every second: start what is scheduled, finish what is done, wake workers where rows are due."""
    with unit_of_work():
        due = campaigns.list_due(now())
    started = 0
    for campaign_id in due:
        domain_dns = _ask_dns(campaign_id)
        # Counted before anything is locked.
        audience = campaigns.audience_preview(campaigns.get_campaign_by_id(campaign_id))
        with unit_of_work():
            campaign = campaigns.get_campaign_by_id(campaign_id)
            started += campaigns.start_scheduled(campaign, domain_dns, audience)
    finished = close_campaigns()
    with unit_of_work():
        has_bulk, has_first = delivery.has_due(), transactional.has_due()
    if (has_bulk or has_first) and queue.is_up():
        if has_first:
            waking.wake_send_due()
        if has_bulk:
            waking.wake_drains()
    if not due and not finished:
        return None
    return {"started": started, "held_back": len(due) - started, "finished": finished}


def _ask_dns(campaign_id: int) -> DomainDns | None:
    """What DNS says of the domain that a campaign is sent from, asked with no transaction open."""
    with unit_of_work():
        sender_id = campaigns.get_campaign_by_id(campaign_id).sender_id
        sender = None if sender_id is None else organisations.get_sender_by_id(sender_id)
        question = None if sender is None else organisations.dns_question(sender)
    if question is None:
        return None
    return organisations.read_dns(question, dns_lookup.look_up_texts(question.names))


@job
def recover() -> Mapping[str, object] | None:
    """Every ten seconds: settle what dead workers left."""
    count = recovery.recover(SETTLERS)
    return {"recovered": count} if count else None


@job
def expire() -> Mapping[str, object] | None:
    """Every minute: erase what was never confirmed (C-028)."""
    total = in_turns(signup.expire_unconfirmed)
    rows = importing.expire_imports()
    return {"expired": total, "import_rows": rows} if total or rows else None


@job
def audit() -> Mapping[str, object] | None:
    """Every ten seconds, from two o'clock UTC: go on with the audit of the night, a few slices at a time.

    It shares this worker with chores that are due each second, so it takes a part of the time only.
    """
    state = _audit_of_the_night(now())
    if state is None:
        return None
    until = time.monotonic() + AUDIT_SECONDS
    while state.stage is not selfaudit.Stage.DONE and time.monotonic() < until:
        seen = selfaudit.examine(state)
        with unit_of_work():
            following = selfaudit.note(state, seen)
        if following is None:
            return None
        state = following
    if state.stage is not selfaudit.Stage.DONE:
        return None
    if state.findings_count:
        log.error("the self-audit found contradictions", extra={"findings": state.findings_count})
    return {"audited": state.total, "findings": state.findings_count}


@job
def look_up_domains() -> Mapping[str, object] | None:
    """Every ten seconds: ask DNS who hosts the mail of domains nobody asked about this week (E-065).

    No transaction is open while DNS is asked; a DNS that is down costs two seconds in five minutes.
    """
    if not destinations.is_mx_lookup_on() or not destinations.has_domains_due():
        return None
    until = time.monotonic() + DOMAINS_SECONDS
    has_more, asked, found = True, 0, 0
    while has_more and time.monotonic() < until:
        with unit_of_work():
            has_more = destinations.note_domains()
    while time.monotonic() < until:
        with unit_of_work():
            domains = destinations.take_domains(limit=DOMAINS_AT_ONCE)
        if not domains:
            break
        answers = dns_lookup.look_up(domains.values())
        with unit_of_work():
            found += destinations.note_hosts(
                {domain: answers[name] for domain, name in domains.items()}
            )
        asked += len(domains)
    return {"asked": asked, "found": found} if asked else None


def _audit_of_the_night(moment: datetime) -> selfaudit.AuditState | None:
    night = moment.replace(hour=AUDIT_HOUR, minute=0, second=0, microsecond=0)
    if moment < night:
        night -= timedelta(days=1)
    if not selfaudit.was_begun(selfaudit.BY_CLOCK, since=night):
        with unit_of_work():
            selfaudit.begin(selfaudit.BY_CLOCK)
    return selfaudit.find_unfinished(selfaudit.BY_CLOCK, since=night)


@job
def advance_imports() -> Mapping[str, object] | None:
    """Every second: read, bring in or take back rows of imports, and plan their permission mails."""
    return importing.advance_imports()


@job
def reapply_erasures() -> Mapping[str, object] | None:
    """Every hour, and when a worker starts: erase again whoever a restored backup brought back (C-092)."""
    count = 0
    while entries := erasures.list_unapplied(limit=REAPPLY_BATCH):
        with unit_of_work():
            count += rights.reapply(entries)
    return {"erased_again": count} if count else None


@job
def tidy_keys() -> Mapping[str, object] | None:
    """Every day: destroy keys and files that belong to nothing (T-006)."""
    swept = consent.sweep_keys()
    files = imports.sweep_files()
    return {"swept": swept, "files": files} if swept or files else None
