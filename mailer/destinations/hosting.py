"""Finding out who hosts the mail of people's domains, so that a provider's pace counts for all of them (E-065).

A walk over the contacts notes their domains; once a day it begins anew, and forgets those that nobody has
any more. Each domain is asked about once a week; one that led to nothing again after a quarter of an hour,
twice as long each further time. Asking DNS is the door's, between `take_domains` and `note_hosts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from mailer.contacts import Contact
from mailer.destinations.models import DomainWalk, MailDomain, ProviderDomain
from mailer.destinations.providers import provider_of, title_of
from mailer.foundation.addresses import ascii_domain
from mailer.foundation.clock import now
from mailer.foundation.context import settings
from mailer.foundation.database import db, serialise_on
from mailer.foundation.driver import is_postgresql
from mailer.foundation.errors import Invalid
from mailer.foundation.mail_hosts import Finding, MailHosts, is_reserved
from mailer.foundation.turns import Turn
from mailer.organisations import Organisation

SLICE = 1_000  # contacts
WALK_AGAIN = timedelta(days=1)
ASK_AGAIN = timedelta(days=7)
FIRST_GAP = timedelta(minutes=15)  # after a look-up that led to nothing
IN_HAND = timedelta(minutes=5)  # then somebody else asks
SILENCE = timedelta(minutes=5)  # how long a DNS that answers nothing at all is left alone
_TURN = "mail-domains"


@dataclass(frozen=True, slots=True)
class Hosting:
    """What is known of who hosts a domain's mail; `provider` is a name for people, None for nobody known."""

    domain: str
    provider: str | None = None
    looked_up_at: datetime | None = None
    finding: Finding | None = None
    hosts: str = ""


def is_on() -> bool:
    """Whether MX records are asked for, and what they say is used (MAILER_MX_LOOKUP)."""
    return settings().mx_lookup == "on"


def has_domains_due() -> bool:
    """Whether there are contacts to walk over or domains to ask about; reads only."""
    moment = now()
    walk = db.session.get(DomainWalk, 1)
    if walk is None or moment - walk.began_at >= WALK_AGAIN:
        return True
    unseen = sa.exists().where(Contact.id > walk.after_contact_id)
    due = sa.exists().where(MailDomain.ask_again_at <= moment)
    return bool(db.session.scalar(sa.select(sa.or_(unseen, due))))


def note_domains(*, size: int = SLICE) -> bool:
    """Note the domains of the next contacts, up to `size` by one statement, for one turn; True when more
    may follow (E-065).

    Domains of a provider by name, and names for examples, are not noted: nobody need be asked about them.
    """
    serialise_on(_TURN)
    turn, moment = Turn(), now()
    walk = _walk(moment, turn)
    if walk is None:
        return True
    has_more = _note_some(walk, moment, size)
    while has_more and not turn.is_over:
        has_more = _note_some(walk, moment, size)
    return has_more


def _note_some(walk: DomainWalk, moment: datetime, size: int) -> bool:
    following = (
        sa.select(Contact.id)
        .where(Contact.id > walk.after_contact_id)
        .order_by(Contact.id)
        .limit(size)
        .subquery()
    )
    through, count = db.session.execute(
        sa.select(sa.func.max(following.c.id), sa.func.count())
    ).one()
    if count:
        _note(_unseen_domains(walk, through), moment)
        walk.after_contact_id = through
    db.session.flush()
    return bool(count == size)


def _walk(moment: datetime, turn: Turn) -> DomainWalk | None:
    """The walk as it stands; begun anew when it came to the end and its day is over.

    None when the turn is over before what the last walk did not meet is forgotten.
    """
    walk = db.session.get(DomainWalk, 1, with_for_update=True)
    if walk is None:
        walk = DomainWalk(id=1, began_at=moment, after_contact_id=0)
        db.session.add(walk)
        return walk
    is_done = not db.session.scalar(
        sa.select(sa.exists().where(Contact.id > walk.after_contact_id))
    )
    if is_done and moment - walk.began_at >= WALK_AGAIN:
        turn.repeat(lambda: _forget_unmet(walk))
        if turn.is_over:
            return None
        walk.began_at, walk.after_contact_id = moment, 0
    return walk


def _forget_unmet(walk: DomainWalk) -> int:
    """Forget some of the domains that the walk did not meet; how many."""
    unmet = sa.select(MailDomain.domain).where(MailDomain.seen_at < walk.began_at).limit(SLICE)
    gone = db.session.execute(
        sa.delete(MailDomain)
        .where(MailDomain.domain.in_(unmet))
        .returning(MailDomain.domain)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def domain_of(
    address: sa.SQLColumnExpression[str] | sa.SQLColumnExpression[str | None],
) -> sa.ColumnElement[str]:
    """SQL: the domain of an address, in small letters; no address of ours has a second at sign (E-008)."""
    if is_postgresql():
        return sa.func.lower(sa.func.split_part(address, "@", 2))
    return sa.func.lower(sa.func.substr(address, sa.func.instr(address, "@") + 1))


def _unseen_domains(walk: DomainWalk, through: int) -> list[str]:
    """Domains of the contacts up to `through` that this walk has not met yet."""
    met = sa.select(domain_of(Contact.address).label("domain")).where(
        Contact.id > walk.after_contact_id, Contact.id <= through, Contact.address.is_not(None)
    )
    each = met.distinct().subquery()
    query = (
        sa.select(each.c.domain)
        .outerjoin(ProviderDomain, ProviderDomain.domain == each.c.domain)
        .outerjoin(MailDomain, MailDomain.domain == each.c.domain)
        .where(
            ProviderDomain.domain.is_(None),
            sa.or_(MailDomain.domain.is_(None), MailDomain.seen_at < walk.began_at),
        )
    )
    return [domain for domain in db.session.scalars(query) if not is_reserved(domain)]


def _note(domains: list[str], moment: datetime) -> None:
    known = {
        row.domain: row
        for row in db.session.scalars(sa.select(MailDomain).where(MailDomain.domain.in_(domains)))
    }
    for domain in domains:
        if domain in known:
            known[domain].seen_at = moment
        else:
            db.session.add(
                MailDomain(
                    domain=domain, asked=ascii_domain(domain), ask_again_at=moment, seen_at=moment
                )
            )


def take_domains(*, limit: int) -> Mapping[str, str]:
    """The next domains to ask about, as addresses have them, each with its A-labels; nobody else gets them
    for five minutes.
    """
    serialise_on(_TURN)
    moment = now()
    rows = db.session.scalars(
        sa.select(MailDomain)
        .where(MailDomain.ask_again_at <= moment)
        .order_by(MailDomain.ask_again_at, MailDomain.domain)
        .limit(limit)
    ).all()
    for row in rows:
        row.ask_again_at = moment + IN_HAND
    db.session.flush()
    return {row.domain: row.asked for row in rows}


def note_hosts(answers: Mapping[str, MailHosts]) -> int:
    """Write down what was found of each domain, and when to ask again; how many have a provider now (E-065).

    A look-up that failed changes nothing of what was known. When nothing at all was answered, all that is
    due waits for some minutes, for DNS is down.
    """
    moment = now()
    found = 0
    rows = db.session.scalars(sa.select(MailDomain).where(MailDomain.domain.in_(answers))).all()
    for row in rows:
        answer = answers[row.domain]
        row.finding, row.looked_up_at = answer.finding, moment
        if answer.finding.is_answer:
            row.mx_group = provider_of(answer.best)
            row.hosts = ", ".join(f"{preference} {host}" for preference, host in answer.hosts)
        if answer.finding in (Finding.HOSTS, Finding.NO_HOSTS):
            row.failures, gap = 0, ASK_AGAIN
        else:
            gap = min(ASK_AGAIN, FIRST_GAP * (1 << min(row.failures, 20)))
            row.failures += 1
        row.ask_again_at = moment + gap
        found += row.mx_group is not None
    db.session.flush()
    if all(answer.finding is Finding.SILENT for answer in answers.values()):
        db.session.execute(
            sa.update(MailDomain)
            .where(MailDomain.ask_again_at < moment + SILENCE)
            .values(ask_again_at=moment + SILENCE)
            .execution_options(synchronize_session=False)
        )
    return found


def find_hosting(organisation: Organisation, given: str) -> Hosting | None:
    """Who hosts a domain's mail, as far as it is known; None when none of the organisation's people has it.

    Asks nobody: the look-ups are the upkeep's. Raises Invalid when it is no domain.
    """
    domain = read_domain(given)
    by_name = db.session.get(ProviderDomain, domain)
    if by_name is not None:
        return Hosting(domain, title_of(by_name.provider))
    rows = db.session.scalars(sa.select(MailDomain).where(MailDomain.asked == domain)).all()
    for row in rows:
        # What other organisations on this service have is not told.
        has_people = sa.exists().where(
            Contact.organisation_id == organisation.id, domain_of(Contact.address) == row.domain
        )
        if db.session.scalar(sa.select(has_people)):
            provider = None if row.mx_group is None else title_of(row.mx_group)
            return Hosting(domain, provider, row.looked_up_at, row.finding, row.hosts)
    return None


def read_domain(given: str) -> str:
    """A domain that somebody typed, as A-labels in small letters. Raises Invalid."""
    domain = ascii_domain(given.strip().rpartition("@")[2].removesuffix("."))
    labels = domain.split(".")
    is_domain = len(domain) <= 253 and len(labels) > 1
    if not is_domain or not all(_is_label(label) for label in labels):
        sentence = "Please give a domain such as example.org."
        raise Invalid(sentence, {"domain": sentence})
    return domain


def _is_label(label: str) -> bool:
    marks = label.replace("-", "a").replace("_", "a")
    is_plain = marks.isascii() and marks.isalnum() and len(label) <= 63
    return is_plain and not label.startswith("-") and not label.endswith("-")
