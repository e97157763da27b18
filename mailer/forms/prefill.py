"""Words to begin with: a whole form from what the organisation and its lists already say."""

from __future__ import annotations

from collections.abc import Sequence

from mailer.consent import Matter
from mailer.forms.definitions import (
    TRACKING_KEY,
    TRACKING_LABEL,
    Control,
    Disclosure,
    Field,
    FormDefinition,
)
from mailer.lists import MailingList
from mailer.organisations import Organisation

SUCCESS = (
    "Please look for our mail with a link in it. Open it and press the button there. "
    "Until then we send you nothing else."
)


def definition_for(
    organisation: Organisation, chosen: Sequence[MailingList], *, asks_tracking: bool = False
) -> FormDefinition:
    """A form for `chosen` lists that could be published as it is."""
    controls = [control_for(item) for item in chosen]
    if asks_tracking:
        controls.append(tracking_control())
    fields = (Field(key="first_name", label="First name"),)
    return FormDefinition(
        title=f"Mail from {organisation.name}",
        intro="Choose what you would like to receive. You confirm it by a mail we send you.",
        button="Ask for the confirmation mail",
        success=SUCCESS,
        fields=fields,
        controls=tuple(controls),
        disclosure=disclosure_for(organisation, chosen, fields=fields, asks_tracking=asks_tracking),
    )


def control_for(mailing_list: MailingList) -> Control:
    """The box for one list, not ticked (C-002)."""
    return Control(
        key=mailing_list.public_id,
        matter=Matter.MAILING,
        label=f"Yes, please send me “{mailing_list.name}” by e-mail ({_lower(mailing_list.frequency)}).",
        lists=(mailing_list.public_id,),
    )


def tracking_control() -> Control:
    """The box for measuring opens and clicks: its own, never bundled (C-003)."""
    return Control(key=TRACKING_KEY, matter=Matter.TRACKING, label=TRACKING_LABEL)


def disclosure_for(
    organisation: Organisation,
    chosen: Sequence[MailingList],
    *,
    fields: Sequence[Field] = (),
    asks_tracking: bool = False,
) -> Disclosure:
    """All slots of C-006, from the facts."""
    return Disclosure(
        who=_who(organisation),
        what_for=" ".join(
            dict.fromkeys(f"{item.name}: {_sentence(item.purpose.sentence)}" for item in chosen)
        ),
        how_often=" ".join(f"{item.name}: {_sentence(item.frequency)}" for item in chosen),
        which_data=_which_data(fields, asks_tracking=asks_tracking),
        how_long=_how_long(chosen),
        how_to_withdraw=(
            "At any time and at no cost: press the unsubscribe link in any of our mails, or write to "
            f"{organisation.contact_email}. What we did before stays lawful."
        ),
    )


def _who(organisation: Organisation) -> str:
    place = f"{organisation.postcode} {organisation.city}".strip()
    parts = [organisation.legal_name or organisation.name, organisation.street, place]
    return f"{', '.join(part for part in parts if part)}. {organisation.contact_email}"


def _which_data(fields: Sequence[Field], *, asks_tracking: bool) -> str:
    optional = [_lower(item.label) for item in fields if not item.is_required]
    text = "Your e-mail address"
    required = [_lower(item.label) for item in fields if item.is_required]
    text += "".join(f", {name}" for name in required)
    text += f"; if you give it: {', '.join(optional)}." if optional else "."
    text += (
        " As proof of your consent: when, where and to which texts you agreed, your IP address and "
        "your browser’s name."
    )
    if asks_tracking:
        text += " Only if you tick the box for it: whether you open our mails and which links you follow."
    return text


def _how_long(chosen: Sequence[MailingList]) -> str:
    longest = max((item.purpose.retention_months for item in chosen), default=0)
    if not longest:
        return ""
    unit = "month" if longest == 1 else "months"
    return (
        f"Until you unsubscribe. What proves your consent is kept for another {longest} {unit}, and "
        "a note not to write to you again stays."
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."
