"""What a privacy notice says: from an organisation's facts to sections in plain language. Pure.

GDPR Art. 13(1) and (2), in the order a reader asks; C-007 and C-081 say what must be among it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mailer.consent.origin_words import ORIGIN_WORDS
from mailer.consent.origins import Origin


@dataclass(frozen=True, kw_only=True)
class Controller:
    """Who is responsible, as the notice names them; empty where there is none."""

    name: str
    legal_name: str
    address_lines: tuple[str, ...]
    contact_email: str
    phone: str = ""
    dpo: str = ""
    representative: str = ""
    authority_name: str = ""
    authority_url: str = ""
    recipients: str = ""
    transfers: str = ""
    brought_from: tuple[str, ...] | None = (
        None  # sources of imported people; None: nobody was imported
    )


@dataclass(frozen=True, kw_only=True)
class Aim:
    """One purpose with the lists that serve it. `basis` is one of the words of GDPR Art. 6(1)."""

    name: str
    sentence: str
    basis: str
    retention_months: int
    lists: tuple[ListFacts, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ListFacts:
    """What a person should know of a list."""

    name: str
    description: str
    frequency: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, paragraphs, and points."""

    key: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NoticeText:
    """A whole notice, as it is stored and shown."""

    title: str
    language: str
    controller: str
    sections: tuple[Section, ...] = field(default=())

    def to_json(self) -> dict[str, object]:
        """Plain values, ready for canonical JSON."""
        return {
            "kind": "privacy-notice",
            "title": self.title,
            "language": self.language,
            "controller": self.controller,
            "sections": [
                {
                    "key": section.key,
                    "heading": section.heading,
                    "paragraphs": list(section.paragraphs),
                    "points": list(section.points),
                }
                for section in self.sections
            ],
        }


_UNSAID = "This has not been stated yet."  # only in a preview: nothing is published without it
BASES = {
    "consent": "your consent (GDPR Art. 6(1)(a))",
    "contract": "a contract with you (GDPR Art. 6(1)(b))",
    "legal_obligation": "a legal duty of ours (GDPR Art. 6(1)(c))",
    "vital_interests": "protecting somebody’s life (GDPR Art. 6(1)(d))",
    "public_task": "a task in the public interest (GDPR Art. 6(1)(e))",
    "legitimate_interests": "our legitimate interests (GDPR Art. 6(1)(f))",
}


def compose(controller: Controller, aims: Sequence[Aim]) -> NoticeText:
    """The notice of `controller` for `aims`; the same facts give the same text."""
    return NoticeText(
        title="Privacy notice for our e-mails",
        language="en",
        controller=controller.legal_name or controller.name,
        sections=(
            _who(controller),
            _what_for(aims),
            _which_data(controller),
            _sharing(controller),
            _transfers(controller),
            _how_long(controller, aims),
            _after_withdrawal(),
            _withdrawal(controller),
            _rights(controller),
            _objection(),
            _complaint(controller),
            _no_duty(),
            _no_automation(),
        ),
    )


def _who(controller: Controller) -> Section:
    contact = f"You can write to us at {controller.contact_email}"
    contact += f" or call {controller.phone}." if controller.phone else "."
    paragraphs = [
        "The organisation that decides about your data, and answers for it, is: "
        + ", ".join((controller.legal_name or controller.name, *controller.address_lines))
        + ".",
        contact,
    ]
    if controller.dpo:
        paragraphs.append(f"Our data protection officer: {controller.dpo}.")
    if controller.representative:
        paragraphs.append(f"Our representative in the European Union: {controller.representative}")
    return Section(
        key="who", heading="Who we are and how to reach us", paragraphs=tuple(paragraphs)
    )


def _what_for(aims: Sequence[Aim]) -> Section:
    points = []
    for aim in aims:
        basis = BASES.get(aim.basis, aim.basis)
        points.append(f"{aim.name}: {_sentence(aim.sentence)} The legal basis is {basis}.")
        points.extend(
            f"List “{item.name}”"
            + (f": {_sentence(item.description)}" if item.description else ".")
            + (f" How often: {_sentence(item.frequency)}" if item.frequency else "")
            for item in aim.lists
        )
    points.append(
        "Proof: we record how each consent came about, because we must be able to show it (GDPR Art. 7(1)). "
        "The legal basis is a legal duty of ours (GDPR Art. 6(1)(c))."
    )
    return Section(
        key="what-for",
        heading="What we use your data for, and why we may",
        paragraphs=("We use your data only for what is written here.",),
        points=tuple(points),
    )


def _which_data(controller: Controller) -> Section:
    return Section(
        key="which-data",
        heading="Which data we use, and where it comes from",
        paragraphs=tuple(_sources(controller)),
        points=(
            "Your e-mail address, and your name or other answers if you give them.",
            "Which lists you asked for, confirmed and left, and when.",
            (
                "As proof of a consent that you gave here: the form and the texts you saw, the page it stood "
                "on, the time, your IP address and your browser’s name, and the confirmation mail we sent you."
            ),
            *_brought_data(controller),
            "Which mails we sent you, and whether the receiving mail server took them.",
            (
                "Only if you agreed to it separately: whether you open our mails and which of their links "
                "you follow. Without that we do not measure this."
            ),
        ),
    )


def _sources(controller: Controller) -> list[str]:
    """Where data comes from (GDPR Art. 14(2)(f))."""
    told = [ORIGIN_WORDS[Origin.FORM].source]
    if controller.brought_from is None:
        return told
    sources = "; ".join(
        f"“{source}”" if source else "a source that is told to each person alone"
        for source in sorted(controller.brought_from, reverse=True)
    )
    name = controller.legal_name or controller.name
    return [
        *told,
        ORIGIN_WORDS[Origin.ELSEWHERE].source.format(organisation=name, sources=sources),
    ]


def _brought_data(controller: Controller) -> list[str]:
    if controller.brought_from is None:
        return []
    return [
        (
            "If your address was brought here: what its source says of your consent, such as day, words "
            "and network address, and the fingerprints of the file it came in and of what shows it."
        )
    ]


def _sharing(controller: Controller) -> Section:
    return Section(
        key="sharing",
        heading="Who else receives your data",
        paragraphs=(_sentence(controller.recipients or _UNSAID), "We do not sell your data."),
    )


def _transfers(controller: Controller) -> Section:
    return Section(
        key="transfers",
        heading="Whether your data leaves the country",
        paragraphs=(_sentence(controller.transfers or _UNSAID),),
    )


def _how_long(controller: Controller, aims: Sequence[Aim]) -> Section:
    points = [
        f"{aim.name}: until you withdraw your consent. What proves it we keep for another "
        f"{months(aim.retention_months)}."
        for aim in aims
    ]
    points.append(
        "If you do not confirm your request by the link we mail you, we erase it a few days after that "
        "link has expired."
    )
    if controller.brought_from is not None:
        points.append(
            "If your address was brought here without proof of a consent, we erase it, unless you agree in "
            "answer to the one mail that may ask you."
        )
    return Section(key="how-long", heading="How long we keep your data", points=tuple(points))


def _after_withdrawal() -> Section:
    return Section(
        key="after-withdrawal",
        heading="What we keep after you have left",
        paragraphs=("When you unsubscribe, we stop at once. Two things stay:",),
        points=(
            (
                "The proof of what you had agreed to, and that you withdrew it, for as long as somebody "
                "could make a legal claim about it (GDPR Art. 17(3)(e))."
            ),
            (
                "A suppression entry: a code made from your address with a secret key, so that we do not "
                "write to you again by mistake. It is still your personal data, and we use it for nothing "
                "else."
            ),
        ),
    )


def _withdrawal(controller: Controller) -> Section:
    return Section(
        key="withdrawal",
        heading="How to withdraw your consent",
        paragraphs=(
            (
                "You can withdraw your consent at any time, without a reason and at no cost: press the "
                f"unsubscribe link in any of our mails, or write to {controller.contact_email}. What we "
                "did before you withdrew stays lawful (GDPR Art. 7(3))."
            ),
        ),
    )


def _rights(controller: Controller) -> Section:
    return Section(
        key="rights",
        heading="Your rights",
        paragraphs=(
            (
                f"Write to {controller.contact_email} to use any of them. It costs nothing. We answer "
                "within one month."
            ),
        ),
        points=(
            "Access: you can ask which data we have about you and get a copy (Art. 15).",
            "Correction: you can have wrong data put right (Art. 16).",
            "Erasure: you can have your data erased (Art. 17).",
            "Restriction: you can ask that we keep your data but do not use it (Art. 18).",
            (
                "Being told: if we correct, erase or restrict, we tell those who received your data, and "
                "you who they are, if you ask (Art. 19)."
            ),
            "Taking your data along: you can get your data in a common file format (Art. 20).",
            "Objection: you can say no to a use of your data (Art. 21); see below.",
            "No decision by a machine alone that affects you seriously (Art. 22); see below.",
        ),
    )


def _objection() -> Section:
    return Section(
        key="objection",
        heading="Your right to object",
        paragraphs=(
            (
                "You can object at any time to our using your data for direct marketing. You need no "
                "reason. We then stop, and stop everything that goes with it (GDPR Art. 21(2) and (3))."
            ),
        ),
    )


def _complaint(controller: Controller) -> Section:
    paragraphs = [
        (
            "You can complain to a data protection authority where you live, where you work, or where you "
            "think the law was broken (GDPR Art. 77)."
        )
    ]
    if controller.authority_name:
        url = f", {controller.authority_url}" if controller.authority_url else ""
        paragraphs.append(
            f"The authority that watches over us is: {controller.authority_name}{url}"
        )
    return Section(key="complaint", heading="Where you can complain", paragraphs=tuple(paragraphs))


def _no_duty() -> Section:
    return Section(
        key="no-duty",
        heading="What happens if you do not give your data",
        paragraphs=(
            (
                "Nothing. Neither a law nor a contract asks you to. Without an e-mail address we cannot "
                "send you mail; everything else is up to you."
            ),
        ),
    )


def _no_automation() -> Section:
    return Section(
        key="no-automation",
        heading="Decisions by machines",
        paragraphs=(
            (
                "There are none: no computer decides anything about you that has legal or similarly "
                "serious effects, and we build no profiles for it (GDPR Art. 22)."
            ),
        ),
    )


def months(count: int) -> str:
    """`12` as `12 months`, `1` as `1 month`."""
    return "1 month" if count == 1 else f"{count} months"


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
