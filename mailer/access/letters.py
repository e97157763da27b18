"""What is written to team members, in the name of an organisation they work for."""

from __future__ import annotations

from mailer import accounts
from mailer.accounts import Account, Role, TeamMember
from mailer.foundation.addresses import parse_address
from mailer.foundation.context import settings
from mailer.foundation.errors import Invalid, TooMany
from mailer.foundation.throttle import Limit, is_within
from mailer.organisations import Organisation, Sender, imprint_lines, list_senders
from mailer.rendering import Letter
from mailer.transactional import Addressed, MessageKind, plan_letter

MAILS_A_DAY = 6
DAY_SECONDS = 86_400
NO_SENDER = (
    "An invitation goes by mail, and this organisation has no address to send it from. Add a sender in the "
    "settings, then invite again."
)


def invite(
    organisation: Organisation, by: Account, name: str, address: str, role: Role
) -> TeamMember:
    """Invite somebody by mail, or invite them anew, which ends the older link.

    The link is mailed and shown to nobody, or whoever invites could join in another's name. Raises Invalid with
    a message per field (`name`, `address`), TooMany after MAILS_A_DAY.
    """
    sender = find_sender(organisation)
    if sender is None:
        raise Invalid(NO_SENDER, {"address": NO_SENDER})
    invitation = accounts.invite_member(organisation, by, name, address, role)
    member = invitation.member
    digest = parse_address(member.invited_address).digest
    if not is_within([Limit(f"invite:{organisation.id}:{digest}", MAILS_A_DAY, DAY_SECONDS)]):
        raise TooMany(
            "This address was sent several invitations today. The newest one counts; try again tomorrow.",
            retry_after=DAY_SECONDS,
        )
    link = f"{settings().admin_url}/admin/invitation/{invitation.token}"
    letter = Letter(
        subject=f"Join the team of {organisation.name}",
        paragraphs=(
            f"You are invited to work for {organisation.name} as {role.value.replace('_', ' ')}.",
            "Behind the link you choose a password, or give the one you have here already.",
        ),
        action=("Join the team", link),
        after=(
            "The link works once, for 7 days. If you do not know who this is, there is nothing to do.",
        ),
        imprint="\n".join(imprint_lines(organisation)),
        language="en",
    )
    plan_letter(
        organisation,
        Addressed(
            kind=MessageKind.INVITATION,
            reference=member.public_id,
            sender=sender,
            to_address=member.invited_address,
            letter=letter,
            life=accounts.INVITATION_LIFE,
        ),
    )
    return member


def tell_password_changed(account: Account) -> None:
    """Owe the account a mail that says so, for it may not have been its owner (ASVS 6.3.7)."""
    post = find_post(account)
    if post is None:
        return
    organisation, sender = post
    forgotten = f"{settings().admin_url}/admin/forgotten"
    letter = Letter(
        subject="Your password was changed",
        paragraphs=(
            f"The password of your account at {settings().admin_url} was changed, and other sessions ended.",
            "If it was you, there is nothing to do. If not, ask for a new one now, and tell your operator.",
        ),
        action=("Ask for a new password", forgotten),
        imprint="\n".join(imprint_lines(organisation)),
        language="en",
    )
    plan_account_letter(account, organisation, sender, letter)


def plan_account_letter(
    account: Account, organisation: Organisation, sender: Sender, letter: Letter
) -> None:
    """Owe the account a letter that makes sense for an hour."""
    plan_letter(
        organisation,
        Addressed(
            kind=MessageKind.ACCOUNT,
            reference=account.public_id,
            sender=sender,
            to_address=account.address,
            letter=letter,
            life=accounts.RESET_LIFE,
        ),
    )


def find_post(account: Account) -> tuple[Organisation, Sender] | None:
    """Whom a letter to `account` comes from: the first of its organisations that can send; else None."""
    for _member, organisation in accounts.list_memberships(account):
        sender = find_sender(organisation)
        if sender is not None:
            return organisation, sender
    return None


def find_sender(organisation: Organisation) -> Sender | None:
    """Its oldest sender; before there is one, its contact address."""
    senders = list_senders(organisation)
    if senders:
        return senders[0]
    if not organisation.contact_email:
        return None
    return Sender(
        organisation_id=organisation.id,
        from_name=organisation.name,
        from_address=organisation.contact_email,
        reply_to="",
    )
