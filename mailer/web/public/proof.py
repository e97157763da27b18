"""One's own proof by mailed link, and the page on which anybody checks a bundle."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from mailer import accounts, proofs, verifier
from mailer.foundation.addresses import mask_address
from mailer.foundation.database import unit_of_work
from mailer.organisations import get_organisation_by_id
from mailer.web.public.letterhead import letterhead
from mailer.web.public.mailed_link import mailed
from mailer.web.security_headers import CSP

bp = Blueprint("proof", __name__)

HANDED_OUT = "handed a person their own proof"


@bp.post("/p/<token>/proof")
def ask(token: str) -> str:
    """Mail the link behind which the proof is."""
    return mailed(token, proofs.mail_proof_link, "public/proof_asked.html")


@bp.get("/proof/<token>")
def show(token: str) -> str:
    """What can be had, list by list and about measuring; opening the page hands out nothing (L-001)."""
    contact = proofs.read_proof_token(token)
    organisation = get_organisation_by_id(contact.organisation_id)
    return render_template(
        "public/proof.html",
        token=token,
        masked_address=mask_address(contact.address or ""),
        provable=proofs.list_provable(contact),
        **letterhead(organisation),
    )


@bp.post("/proof/<token>")
def take(token: str) -> Response:
    """The bundle of one list, or of measuring, as a file."""
    with unit_of_work():
        contact = proofs.read_proof_token(token)
        organisation = get_organisation_by_id(contact.organisation_id)
        mailing_list = proofs.read_topic(organisation, request.form.get("list", ""))
        bundle = proofs.build_bundle(contact, mailing_list)
        accounts.note(
            organisation,
            None,
            HANDED_OUT,
            contact.public_id,
            mailing_list=proofs.topic_of(mailing_list),
        )
    return _as_file(bundle.body, "application/zip", bundle.filename)


@bp.get("/verify")
def verify() -> ResponseReturnValue:
    """The verifier as a page: nothing that is chosen there leaves the browser (T-045)."""
    page = verifier.read_page()
    response = make_response(page)
    response.headers[CSP] = verifier.page_policy(page)
    return response


@bp.get("/verify/verify.html")
def verify_page() -> Response:
    """The same page as a file, to be kept and used without us."""
    return _as_file(verifier.read_page(), "text/html", verifier.PAGE)


@bp.get("/verify/verify.py")
def verify_program() -> Response:
    """The verifier for a terminal, as a file."""
    return _as_file(verifier.read_program(), "text/x-python", verifier.PROGRAM)


def _as_file(body: bytes, media_type: str, filename: str) -> Response:
    response = make_response(body)
    response.mimetype = media_type
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
