"""Rendering: content and values go in, texts and wire bytes come out.

What enters: an author's subject, preheader and body with placeholders, and one person's values.
What leaves: a subject, an HTML part and an equivalent text part, and a mail as bytes.
What always holds: the same input gives the same bytes; no template of an author runs anything; no
value becomes markup, a header, a link's target or a template; a missing value is an error.
"""

from __future__ import annotations

from mailer.rendering.campaign import (
    CompiledContent,
    compile_content,
    find_problems,
    list_targets,
    personal_names,
    uses_imprint,
    uses_unsubscribe_link,
)
from mailer.rendering.clicks import Counted
from mailer.rendering.content import BodyFormat, CampaignContent, Problem, Rendered, Values
from mailer.rendering.dkim import ED25519, RSA, Sealer, Signer
from mailer.rendering.expressions import OWN_NAMES
from mailer.rendering.headers import ascii_domain
from mailer.rendering.letters import Letter, render_letter
from mailer.rendering.mime import Attachment, Mail, compose, needs_smtputf8
from mailer.rendering.shape import why_slow
from mailer.rendering.splicing import Addressee, Frame, Skeleton
from mailer.rendering.stencil import Stencil

__all__ = [
    "ED25519",
    "OWN_NAMES",
    "RSA",
    "Addressee",
    "Attachment",
    "BodyFormat",
    "CampaignContent",
    "CompiledContent",
    "Counted",
    "Frame",
    "Letter",
    "Mail",
    "Problem",
    "Rendered",
    "Sealer",
    "Signer",
    "Skeleton",
    "Stencil",
    "Values",
    "ascii_domain",
    "compile_content",
    "compose",
    "find_problems",
    "list_targets",
    "needs_smtputf8",
    "personal_names",
    "render_letter",
    "uses_imprint",
    "uses_unsubscribe_link",
    "why_slow",
]
