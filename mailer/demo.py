"""The demo organisation of `run`: made once, in development only, from the same verbs everybody uses."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from mailer import accounts, campaigns, forms, lists, organisations, web
from mailer.accounts import Role
from mailer.campaigns import CampaignDraft
from mailer.forms import Form, FormDraft
from mailer.foundation.database import unit_of_work
from mailer.foundation.settings import Settings
from mailer.lists import ListDraft, MailingList, PurposeDraft
from mailer.organisations import Identity, Organisation, Sender

ADDRESS = "ada@harbourbooks.example"
SITE_TEMPLATES = Path(__file__).parent / "devkit" / "demo_site"
PAGES = ("index.html", "plain.html", "frame.html", "script.html", "style.css")

IDENTITY = Identity(
    name="Harbour Books",
    legal_name="Harbour Books Cooperative Society Ltd",
    street="12 Custom House Quay",
    postcode="D01 KF84",
    city="Dublin",
    country="IE",
    register_entry="Registry of Friendly Societies, no. 4711 R",
    contact_email="hello@harbourbooks.example",
    phone="+353 1 555 0142",
    website="https://harbourbooks.example",
    dpo_name="Maeve Brennan",
    dpo_contact="privacy@harbourbooks.example",
    authority_name="Data Protection Commission, Dublin",
    authority_url="https://www.dataprotection.ie",
    recipients="Our hosting provider in Dublin, which runs this service on our behalf and by our orders.",
    transfers="None. Your data stay in the European Union.",
    time_zone="Europe/Dublin",
)
BODY = """# Hello {{ contact.first_name | default("reader") }},

the shelves by the window are new, and so is almost everything on them. Three books we could not stop
talking about this month:

- **The Salt Road**, a walk along the coast that turns into a family history
- **Small Hours**, eleven stories about people who work at night
- **A Field Guide to Clouds**, which is exactly that, and very funny

On Thursday at seven we read from all three, with soup. [Tell us that you are coming](https://harbourbooks.example/thursday),
so that there is enough.

Until then,
the people at Harbour Books
"""


@dataclass(frozen=True, slots=True)
class SignIn:
    """The way in that `run` prints."""

    address: str
    password: str
    notice_url: str


def prepare(settings: Settings, *, demo_url: str) -> SignIn:
    """Make the demo organisation unless it is there, and write the demo website for `demo_url`."""
    password_file = settings.data_directory / "secrets" / "demo_password"
    with unit_of_work():
        account = accounts.find_account(ADDRESS)
        if account is None:
            organisation = _create(_make_password(password_file))
        else:
            _, organisation = accounts.list_memberships(account)[0]
            if not password_file.exists():  # the database came from another data directory
                accounts.set_password(account, _make_password(password_file))
        form = _form_of(organisation)
        if form is not None and demo_url not in form.allowed_origins:
            form.allowed_origins = [*form.allowed_origins, demo_url]
    if form is not None:
        _write_site(settings, form)
    return SignIn(
        address=ADDRESS,
        password=password_file.read_text(encoding="utf-8"),
        notice_url=f"{settings.public_url}/notice/{organisation.public_id}",
    )


def _make_password(file: Path) -> str:
    password = secrets.token_urlsafe(12)
    file.touch(mode=0o600)
    file.write_text(password, encoding="utf-8")
    return password


def _create(password: str) -> Organisation:
    organisation = organisations.create_organisation(IDENTITY.name)
    organisations.change_organisation(organisation, IDENTITY)
    ada = accounts.create_account("Ada Byrne", ADDRESS, password)
    accounts.add_member(organisation, ada, Role.OWNER)
    sender = organisations.create_sender(
        organisation, "Harbour Books", "letters@harbourbooks.example", "hello@harbourbooks.example"
    )
    mailing_lists = _create_lists(organisation, sender)
    definition = forms.definition_for(organisation, mailing_lists, asks_tracking=True)
    form = forms.create_form(organisation, FormDraft(name="Website", definition=definition))
    forms.publish(form)
    campaign = campaigns.create_campaign(organisation, ada, "November letter")
    draft = CampaignDraft(
        name="November letter",
        subject="Three books, and soup on Thursday",
        preheader="New on the shelves by the window",
        body=BODY,
        sender=sender,
        lists=(mailing_lists[0],),
    )
    campaigns.change_campaign(campaign, draft, campaign.revision)
    return organisation


def _create_lists(organisation: Organisation, sender: Sender) -> list[MailingList]:
    news = lists.create_purpose(
        organisation,
        PurposeDraft(
            name="News",
            sentence="We tell you about new books and about what happens in our shop.",
        ),
    )
    offers = lists.create_purpose(
        organisation,
        PurposeDraft(
            name="Offers", sentence="We tell you about reduced prices and special editions."
        ),
    )
    drafts = (
        ListDraft(
            name="Monthly letter",
            frequency="once a month",
            purpose=news,
            sender=sender,
            description="What we read and what is new on the shelves.",
        ),
        ListDraft(
            name="Evenings with authors",
            frequency="two or three times a month",
            purpose=news,
            sender=sender,
            description="Readings and talks in the shop, with the time and the place.",
        ),
        ListDraft(
            name="Offers",
            frequency="at most once a week",
            purpose=offers,
            sender=sender,
            description="Reduced prices, signed copies, last chances.",
        ),
    )
    return [lists.create_list(organisation, draft) for draft in drafts]


def _form_of(organisation: Organisation) -> Form | None:
    return next(iter(forms.list_forms(organisation)), None)


def _write_site(settings: Settings, form: Form) -> None:
    """The website of somebody who copied the three pieces of code from the form's page."""
    site = settings.data_directory / "demo-site"
    site.mkdir(exist_ok=True)
    published = forms.find_published(form.public_id)
    if published is None:
        return  # somebody closed or archived the demo form: the website stays as it was
    templates = Environment(
        loader=FileSystemLoader(SITE_TEMPLATES),
        autoescape=select_autoescape(),
        keep_trailing_newline=True,
    )
    codes = web.embed_codes(web.describe_published(published))
    for page in PAGES:
        (site / page).write_text(templates.get_template(page).render(codes=codes), encoding="utf-8")
