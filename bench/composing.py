"""Making one mail: from a claimed row to the bytes on the wire, signed or not, in processor time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bench.figures import Sheet
from bench.places import Ground, Place, application, environ_for
from mailer import campaigns, organisations
from mailer.campaigns import Campaign, CampaignDraft
from mailer.delivery import Composer, Recipient
from mailer.foundation import schema
from mailer.foundation.database import unit_of_work
from mailer.lists import MailingList
from mailer.organisations import Organisation, get_sender_by_id, signers_for, signing_domain
from mailer.rendering import ED25519, RSA, BodyFormat
from tests.support.factories import make_list, make_organisation

ROUND_SECONDS = 40.0  # no further round is begun after these
SIZES = {"10 KB": 11_400, "30 KB": 34_000}  # octets on the wire, as smtp-source would send for it
KINDS = {"": (), ", Ed25519": (ED25519,), ", RSA-2048": (RSA,), ", both": (RSA, ED25519)}
SIGNATURES = 400
WRITTEN_OUT = 20
_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
_FIRST_NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Gül", "Hana", "Jörg", "Luka", "Mia", "Noé")
_PARAGRAPH = (
    "The shelves by the window are new, and so is almost everything on them. [Number {number}]"
    "(https://harbourbooks.example/books/{number}) is a walk along the coast that turns into a "
    "family history; we could not stop talking about it.\n\n"
)
_MOST_OF_A_PARAGRAPH = 1_000  # octets of it on the wire, in both parts
_GREETING = (
    "# Hello {{ contact.first_name | default('reader') }}\n\n"
    "Dear {{ contact.first_name | default('reader') }}, all well?\n\n"
)
_GREETINGS = {
    "": _GREETING,
    ", no values": "",
    ", values that hardly repeat": _GREETING
    + "{{ contact.first_name }} {{ contact.last_name }}, you are {{ contact.email }}.\n\n",
    ", the slower way": _GREETING + "{{ campaign.preferences_url | truncate(30) }}\n\n",
}


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add what making a mail costs, by size, values and signature."""
    directory = ground.new_directory()
    with Place("SQLite").database(directory) as url:
        environ = environ_for(directory, MAILER_DATABASE_URL=url)
        with application(environ):
            schema.upgrade()
            organisation = make_organisation()
            mailing_list = make_list(organisation)
            cases = _cases(organisation, mailing_list, *ground.sizes.composed)
            for _ in ground.rounds(ROUND_SECONDS):
                for name, (composer, people) in cases.items():
                    sheet.add(f"composing {name}", "CPU µs/mail", _cost(composer, people))
                _bare(organisation, mailing_list, sheet)
    sheet.close_group()
    sheet.notes.append(
        "composing: processor time of one mail from a claimed row to its envelope, tokens, headers, "
        "text and HTML part included; sizes are about the octets on the wire. Where not said otherwise, "
        "a first name stands in the subject, in the heading and in a paragraph. The slower way is that "
        "of a mail which cannot be spliced."
    )


def _cases(
    organisation: Organisation, mailing_list: MailingList, count: int, count_signed: int
) -> dict[str, tuple[Composer, list[Recipient]]]:
    cases = {}
    domain = signing_domain(get_sender_by_id(mailing_list.sender_id))
    for kind, algorithms in KINDS.items():
        if algorithms:
            with unit_of_work():
                organisations.make_domain_keys(organisation, domain, algorithms)
                organisations.begin_signing(organisation, domain)
        people = make_recipients(mailing_list, count_signed if algorithms else count)
        for size, octets in SIZES.items():
            for kind_of_values, greeting in _GREETINGS.items():
                if algorithms and kind_of_values:
                    continue
                campaign = make_campaign(organisation, mailing_list, octets, greeting)
                composer = Composer(campaign)
                some = people[:WRITTEN_OUT] if composer.slow_because else people
                cases[f"{size}{kind_of_values}{kind}"] = composer, some
    return cases


def make_campaign(
    organisation: Organisation,
    mailing_list: MailingList,
    octets: int,
    greeting: str = _GREETING,
    *,
    name: str = "Autumn",
) -> Campaign:
    """A draft whose mails have about `octets` on the wire."""
    [reader] = make_recipients(mailing_list, 1)
    with unit_of_work():
        campaign = campaigns.create_campaign(organisation, None, name)
    number = 0
    missing = octets
    while missing > 0:
        number += max(1, missing // _MOST_OF_A_PARAGRAPH)
        paragraphs = (_PARAGRAPH.replace("{number}", str(one)) for one in range(1, number + 1))
        body = greeting + "".join(paragraphs)
        mail = Composer(_written(campaign, mailing_list, body)).compose(reader)
        missing = octets - len(mail.body)
    return campaign


def make_recipients(mailing_list: MailingList, count: int) -> list[Recipient]:
    """Claimed rows as the database would give them; nobody of them exists."""
    return [
        Recipient(
            delivery_id=number + 1,
            campaign_id=1,
            attempts=0,
            contact_public_id=f"con_{number:022d}",
            address=f"reader.{number}@mail{number % 50}.example",
            name=f"{_FIRST_NAMES[number % 11]} Reader{number % 400}",
            values={
                "first_name": _FIRST_NAMES[number % 11],
                "last_name": f"Reader{number % 400}",
                "email": f"reader.{number}@mail{number % 50}.example",
                "language": "en",
            },
            mailing_list_id=mailing_list.id,
            consented_at=_SINCE + timedelta(hours=number % 5_000),
        )
        for number in range(count)
    ]


def _written(campaign: Campaign, mailing_list: MailingList, body: str) -> Campaign:
    with unit_of_work():
        draft = CampaignDraft(
            name=campaign.name,
            subject="Books for {{ contact.first_name | default('you') }}"
            if "{{" in body
            else "Books",
            preheader="New this week",
            body_format=BodyFormat.MARKDOWN,
            body=body,
            sender=get_sender_by_id(mailing_list.sender_id),
            lists=(mailing_list,),
        )
        return campaigns.change_campaign(campaign, draft, campaign.revision)


def _cost(composer: Composer, people: list[Recipient]) -> float:
    """Microseconds of processor time a mail."""
    compose = composer.compose
    compose(people[0])
    began = time.process_time()
    for one in people:
        compose(one)
    return (time.process_time() - began) / len(people) * 1e6


def _bare(organisation: Organisation, mailing_list: MailingList, sheet: Sheet) -> None:
    """The signatures alone."""
    address = get_sender_by_id(mailing_list.sender_id).from_address
    for signer in signers_for(organisation.id, address):
        name = f"composing: a bare signature, {signer.algorithm}"
        sheet.add(name, "CPU µs/mail", _sign_cost(signer.sign))


def _sign_cost(sign: Callable[[bytes], bytes]) -> float:
    message = b"x" * 1_000
    began = time.process_time()
    for _ in range(SIGNATURES):
        sign(message)
    return (time.process_time() - began) / SIGNATURES * 1e6
