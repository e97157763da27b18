"""A campaign's mail with holes: everything that all people share is on the wire form already.

A mail is a list of pieces. Most of them are made once; what depends on a person's values is grouped
by the values it depends on, and made once for each of them, for names and cities repeat. Links differ
in their token only, and a token has a fixed width, so even lines that were wrapped around one stay.
What comes out, read by a mail program, is what the ordinary way writes; what cannot be written like
this goes that way, and `slow_because` says why.
"""

from __future__ import annotations

from binascii import a2b_qp
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from mailer.foundation.errors import Invalid
from mailer.rendering.campaign import CompiledContent
from mailer.rendering.content import Values
from mailer.rendering.dkim import Sealer
from mailer.rendering.footer import CLICKS, STOP, SUBJECT, WHY
from mailer.rendering.headers import address_header, structured_header, text_header, to_header
from mailer.rendering.mime import (
    ALTERNATIVE,
    PART,
    Mail,
    boundaries_of,
    compose,
    date_line,
    wire_message_id,
)
from mailer.rendering.pieces import Layout, Links, fill_marks
from mailer.rendering.shape import find_shape
from mailer.rendering.tree import Scope

_LONGEST = 1_000_000  # octets; beyond, the ordinary way judges whether a mail is too long


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all mails of one campaign share. `subject` is the template of it.

    `unsubscribe_at` and `preferences_at` are the addresses that a token is put behind;
    `sample_tokens` are tokens as long as everybody's, which nobody has: one for each address. Where
    clicks are counted there is a third; it is put behind both `clicks_at` and `stop_at`.
    """

    from_name: str
    from_address: str
    reply_to: str | None
    domain: str
    subject: str
    organisation: Mapping[str, str]
    unsubscribe_at: str
    preferences_at: str
    boundary_of: str
    clicks_at: str = ""
    stop_at: str = ""
    sample_tokens: tuple[str, ...] = ("", "")
    headers: tuple[tuple[str, str], ...] = ()


class Addressee(NamedTuple):
    """One person, as a mail needs to know them. `message_id` is the part before the @."""

    name: str
    address: str
    contact: Mapping[str, object]
    why: str
    list_id: str
    unsubscribe: str
    preferences: str
    message_id: str
    clicks: str = ""  # nothing is counted


class Skeleton:
    """Writes a campaign's mails; `slow_because` is empty when it does so the quick way."""

    def __init__(
        self, content: CompiledContent, frame: Frame, sealer: Sealer | None = None
    ) -> None:
        self.slow_because = ""
        self._content = content
        self._frame = frame
        self._sealer = sealer
        self._list_ids: dict[str, bytes] = {}
        self._second, self._date = -1, b""
        try:
            self._compile()
        except Invalid as error:
            self.slow_because = str(error)

    def compose(self, who: Addressee, moment: datetime) -> bytes:
        """The mail to one person, signed if there is a key. Raises Invalid when it cannot be made."""
        if not self.slow_because:
            try:
                raw = self._splice(who, moment)
            except Invalid:
                raw = None  # the ordinary way says what is wrong
            if raw is not None:
                return raw
        raw = self.write_out(who, moment)
        return raw if self._sealer is None else self._sealer.seal(raw, int(moment.timestamp()))

    def write_out(self, who: Addressee, moment: datetime) -> bytes:
        """The same mail the ordinary way, part by part, not signed. Raises Invalid."""
        frame = self._frame
        unsubscribe = frame.unsubscribe_at + who.unsubscribe
        rendered = self._content.render(
            Values(
                contact=who.contact,
                campaign={
                    "subject": frame.subject,
                    "unsubscribe_url": unsubscribe,
                    "preferences_url": frame.preferences_at + who.preferences,
                },
                organisation=frame.organisation,
                why=who.why,
                clicks=who.clicks and frame.clicks_at + who.clicks,
                stop=who.clicks and frame.stop_at + who.clicks,
            )
        )
        return compose(
            Mail(
                from_name=frame.from_name,
                from_address=frame.from_address,
                to_address=who.address,
                to_name=who.name or None,
                reply_to=frame.reply_to,
                subject=rendered.subject,
                text=rendered.text,
                html=rendered.html,
                message_id=f"{who.message_id}@{frame.domain}",
                date=moment.astimezone(UTC),
                headers=(
                    ("List-Id", who.list_id),
                    ("List-Unsubscribe", f"<{unsubscribe}>"),
                    *frame.headers,
                ),
                boundary_of=frame.boundary_of,
            )
        )

    def _compile(self) -> None:
        """Lay all pieces. Raises Invalid when the mail cannot be written piece by piece."""
        frame = self._frame
        shape = find_shape(self._content)
        subject, self._subject = shape.subject, shape.subject
        unsubscribe, preferences, clicks = (*frame.sample_tokens, "")[:3]
        self._campaign = {
            "subject": frame.subject,
            "unsubscribe_url": frame.unsubscribe_at + unsubscribe,
            "preferences_url": frame.preferences_at + preferences,
        }
        self._scope: Scope = {
            "organisation": frame.organisation,
            "campaign": self._campaign,
            CLICKS: frame.clicks_at + clicks,
            STOP: frame.stop_at + clicks,
        }
        if not subject.names:
            self._scope = self._with_subject(self._scope)
        self._links = Links(unsubscribe, preferences, clicks)
        layout = Layout(self._links, self._scope)
        self._lay_head(layout)
        boundary = boundaries_of(frame.boundary_of)[0]
        layout.add(b"--" + boundary + b"\r\n" + PART % b"plain")
        begin = len(layout.pieces)
        has_text = layout.add_part(shape.text)
        # Whether a text part that is all somebody's values says anything has to be asked each time.
        self._unsure_text = None if has_text else slice(begin, len(layout.pieces))
        layout.add(b"--" + boundary + b"\r\n" + PART % b"html")
        layout.add_part(shape.html)
        layout.add(b"\r\n--" + boundary + b"--\r\n")
        self._pieces = layout.pieces
        self._groups = layout.groups()
        self._tokens_at = layout.tokens_at
        self._linked = layout.linked
        if self._sealer is not None:
            self._sealer.learn(piece for piece in self._pieces[: self._head_end] if piece)

    def _lay_head(self, layout: Layout) -> None:
        """Lay one piece for each field, then the line that ends the head."""
        frame, subject = self._frame, self._subject
        layout.add(address_header("From", frame.from_name, frame.from_address))
        self._to_at = layout.add(b"")
        if frame.reply_to:
            layout.add(address_header("Reply-To", None, frame.reply_to))
        if subject.names:
            shown = replace(subject, write=lambda scope: str(scope[SUBJECT]), has_subject=True)
            layout.add_unit(shown, lambda text: text_header("Subject", text))
        else:
            layout.add(text_header("Subject", subject.write(self._scope)))
        self._date_at = layout.add(b"")
        wire = wire_message_id(f"x@{frame.domain}").removeprefix("x")
        self._message_id = f"Message-ID: <%b{wire}>\r\n".encode("ascii")
        layout.add(b"")
        layout.add(b"")
        sample = frame.sample_tokens[0]
        field = structured_header("List-Unsubscribe", f"<{frame.unsubscribe_at}{sample}>")
        self._unsubscribe = field.replace(b"%", b"%%").replace(sample.encode(), b"%b")
        layout.add(b"")
        for name, value in frame.headers:
            layout.add(structured_header(name, value))
        layout.add(b"MIME-Version: 1.0\r\n")
        layout.add(ALTERNATIVE % boundaries_of(frame.boundary_of)[0])
        self._head_end = layout.add(b"\r\n")

    def _splice(self, who: Addressee, moment: datetime) -> bytes | None:
        """The mail of all its pieces; None when the ordinary way has to be taken for this person."""
        name, address, _, _, list_id, unsubscribe, preferences, message_id, clicks = who
        links = self._links
        if (len(unsubscribe), len(preferences), len(clicks)) != links.widths:
            return None
        out = self._pieces.copy()
        for group in self._groups:
            for index, piece in group.pieces(who, self._scope_of):
                out[index] = piece
        counted = links.wire(2, clicks) if clicks else b""
        tokens = links.wire(0, unsubscribe), links.wire(1, preferences), counted
        for index, kind in self._tokens_at:
            out[index] = tokens[kind]
        for index in self._linked:
            out[index] = fill_marks(out[index], tokens)
        if self._unsure_text is not None and not _says_anything(out[self._unsure_text]):
            return None
        second = int(moment.timestamp())
        if second != self._second:
            self._date, self._second = date_line(moment.astimezone(UTC)), second
        at = self._date_at
        out[self._to_at] = to_header(name, address)
        out[at] = self._date
        out[at + 1] = self._message_id % message_id.encode()
        out[at + 2] = self._list_ids.get(list_id) or self._list_id(list_id)
        out[at + 3] = self._unsubscribe % unsubscribe.encode()
        raw = b"".join(out) if self._sealer is None else self._seal(self._sealer, out, second)
        return raw if len(raw) <= _LONGEST else None

    def _seal(self, sealer: Sealer, out: list[bytes], second: int) -> bytes:
        """The mail with its signatures on top; its body is in canonical form as it is."""
        end = self._head_end
        head, body = out[:end], b"".join(out[end + 1 :])
        return b"".join([*sealer.signatures(head, body, second), *head, b"\r\n", body])

    def _list_id(self, value: str) -> bytes:
        field = self._list_ids[value] = structured_header("List-Id", value)
        if self._sealer is not None:
            self._sealer.learn([field])
        return field

    def _scope_of(self, who: Addressee, has_subject: bool) -> Scope:
        """The values that pieces are made of, with sample tokens in the links."""
        scope = self._scope.copy()
        scope["contact"] = who.contact
        scope[WHY] = who.why
        return self._with_subject(scope) if has_subject and self._subject.names else scope

    def _with_subject(self, scope: Scope) -> Scope:
        text = self._subject.write(scope)
        return {**scope, "campaign": {**self._campaign, "subject": text}, SUBJECT: text}


def _says_anything(pieces: list[bytes]) -> bool:
    return bool(a2b_qp(b"".join(pieces)).decode().strip())
