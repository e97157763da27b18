"""Who works here, in which role, and what was done."""

from __future__ import annotations

from collections.abc import Mapping

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import access, accounts, transactional
from mailer.accounts import RIGHTS, Right, Role
from mailer.foundation import clock
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid
from mailer.foundation.paging import Cursor
from mailer.transactional import MessageKind
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import see_other

ROLES: dict[str, str] = {
    "owner": "Owner",
    "editor": "Editor",
    "privacy_officer": "Privacy officer",
    "viewer": "Viewer",
}
RIGHTS_IN_WORDS: dict[Right, str] = {
    Right.READ: "See forms, lists, campaigns and reports",
    Right.READ_PEOPLE: "See people and their consents",
    Right.CHANGE_PEOPLE: "Unsubscribe people who asked, and correct names",
    Right.WRITE: "Write forms, lists and campaigns",
    Right.SEND: "Send campaigns",
    Right.MANAGE: "Change organisation, purposes and team",
    Right.PROVE: "Take out proof bundles, see the log and its audits",
    Right.ERASE: "Erase people",
    Right.IMPORT: "Import people from other systems",
}


@bp.get("/team/")
@needs(Right.READ)
def team() -> ResponseReturnValue:
    """Everybody on the team, and what each role may do."""
    me = signed_in()
    return render_template(
        "admin/team/list.html",
        colleagues=accounts.list_members(me.organisation),
        me=me.member.public_id,
        roles=ROLES,
        rights=[
            (words, [right in RIGHTS[role] for role in Role])
            for right, words in RIGHTS_IN_WORDS.items()
        ],
        role_names=[ROLES[role] for role in Role],
    )


@bp.get("/team/invite")
@needs(Right.MANAGE)
def invite() -> ResponseReturnValue:
    """The form of an invitation."""
    return _invite_page({"role": Role.EDITOR.value})


@bp.post("/team/invite")
@needs(Right.MANAGE)
def create_invitation() -> ResponseReturnValue:
    """Invite somebody; the link goes to their mailbox only."""
    me = signed_in()
    form = request.form
    try:
        with unit_of_work():
            member = access.invite(
                me.organisation,
                me.account,
                form.get("name", ""),
                form.get("address", ""),
                _role(form.get("role", "")),
            )
    except Invalid as error:
        return _invite_page(form, error.fields), 422
    return see_other(
        url_for(".member", public_id=member.public_id),
        f"The invitation is on its way to {member.invited_address}.",
    )


@bp.get("/team/<public_id>")
@needs(Right.MANAGE)
def member(public_id: str) -> ResponseReturnValue:
    """One team member: role, invitation, and how to let them go."""
    me = signed_in()
    colleague = accounts.get_member(me.organisation, public_id)
    mail = transactional.find_newest(public_id, kind=MessageKind.INVITATION)
    return render_template(
        "admin/team/member.html",
        member=colleague.member,
        colleague=colleague,
        invitation=accounts.invitation_of(colleague.member),
        mail_state=mail.state if mail else None,
        now=clock.now(),
        roles=list(ROLES.items()),
        is_me=colleague.member.public_id == me.member.public_id,
    )


@bp.post("/team/<public_id>/role")
@needs(Right.MANAGE)
def change_role(public_id: str) -> ResponseReturnValue:
    """Give a team member another role."""
    me = signed_in()
    colleague = accounts.get_member(me.organisation, public_id)
    with unit_of_work():
        role = _role(request.form.get("role", ""))
        before = colleague.member.role
        accounts.change_role(colleague.member, role)
        accounts.note(
            me.organisation,
            me.account,
            "changed a role",
            public_id,
            before=before.value,
            after=role.value,
        )
    words = f"{colleague.name} is now {ROLES[role].lower()}."
    return see_other(url_for(".team"), words)


@bp.post("/team/<public_id>/invite-again")
@needs(Right.MANAGE)
def invite_again(public_id: str) -> ResponseReturnValue:
    """Mail a new link; the older one stops working."""
    me = signed_in()
    colleague = accounts.get_member(me.organisation, public_id)
    with unit_of_work():
        access.invite(
            me.organisation,
            me.account,
            colleague.name,
            colleague.address,
            colleague.member.role,
        )
    words = f"A new invitation is on its way to {colleague.address}. The older one no longer works."
    return see_other(url_for(".member", public_id=public_id), words)


@bp.post("/team/<public_id>/end")
@needs(Right.MANAGE)
def end_membership(public_id: str) -> ResponseReturnValue:
    """Let a team member go, or withdraw an invitation."""
    me = signed_in()
    colleague = accounts.get_member(me.organisation, public_id)
    with unit_of_work():
        accounts.end_membership(colleague.member)
        accounts.note(me.organisation, me.account, "removed a team member", public_id)
    words = f"{colleague.name} is no longer on the team."
    return see_other(url_for(".team"), words)


@bp.get("/team/history")
@needs(Right.MANAGE)
def history() -> ResponseReturnValue:
    """What was done, newest first."""
    cursor = Cursor(
        older_than=request.args.get("older") or None, newer_than=request.args.get("newer") or None
    )
    page = accounts.list_audit(signed_in().organisation, cursor)
    return render_template(
        "admin/team/history.html",
        lines=page.rows,
        older_url=page.older and url_for(".history", older=page.older),
        newer_url=page.newer and url_for(".history", newer=page.newer),
    )


def _role(given: str) -> Role:
    if given not in ROLES:
        raise Invalid(
            "Please correct the fields marked below.", {"role": "Please choose one of the roles."}
        )
    return Role(given)


def _invite_page(given: Mapping[str, str], errors: Mapping[str, str] | None = None) -> str:
    return render_template(
        "admin/team/invite.html", given=given, errors=errors or {}, roles=list(ROLES.items())
    )
