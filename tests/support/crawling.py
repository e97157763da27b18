"""Walking the team's side as one of its roles: every page and file that can be reached, read as a person could."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from email import message_from_bytes, policy
from itertools import product
from urllib.parse import unquote, urlsplit

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.make_accounts import TeamClient

PREFIX = "/admin/"
_LINK = re.compile(r"""(?:href|src|action|data-[\w-]*url)=["']([^"'#]+)""")
_PLACE = re.compile(r"(\w+)/<(?:\w+:)?(\w+)>")
_NOT_PEOPLE = frozenset({"auth.invitation"})  # the way in for a team member
_FRAGMENT = {"X-Fragment": "1"}


def crawl(
    app: Flask,
    client: TeamClient,
    ids: Mapping[str, Sequence[str]],
    presses: Sequence[tuple[str, Mapping[str, str]]] = (),
) -> dict[str, str]:
    """Everything that `client` gets by looking, by address, as text; then what `presses` hand out.

    Begins at every address of the team's side, with `ids` (by the part of the path before them) in the places of
    it, and follows each link. A page that this role may not see counts with what it says.
    """
    found: dict[str, str] = {}
    waiting = list(_addresses(app, ids))
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        answer = client.get(path)
        assert answer.status_code < 500, path
        found[path] = "\n".join(read(answer))
        part = client.get(path, headers=_FRAGMENT)
        found[path] += "\n".join(read(part))
        if answer.mimetype == "text/html":
            waiting += [link for link in _links(path, answer.text) if link not in found]
    token = client.csrf_token()
    for path, fields in presses:
        answer = client.send(path, token=token, **fields)
        assert answer.status_code in (200, 303, 403, 404, 422), (path, answer.status_code)
        found[f"POST {path} {sorted(fields.items())}"] = "\n".join(read(answer))
    return found


def read(answer: TestResponse) -> Iterator[str]:
    """The head and body of an answer, with everything inside opened."""
    yield "\n".join(f"{name}: {value}" for name, value in answer.headers)
    yield from _opened(answer.data)


def _opened(body: bytes) -> Iterator[str]:
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                yield name
                yield from _opened(archive.read(name))
        return
    text = body.decode("utf-8", "replace")
    yield text
    if re.match(rb"(?:[A-Za-z-]+: .*\r?\n(?:[ \t].*\r?\n)*)+\r?\n", body):
        message = message_from_bytes(body, policy=policy.default)
        yield from (str(value) for _, value in message.items())
        for part in message.walk():
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                yield from _opened(payload)
    elif text.lstrip()[:1] in ("{", "["):
        yield from _strings(json.loads(text))
    else:
        yield html.unescape(text)
        yield unquote(html.unescape(text))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    else:
        yield str(value)


def _addresses(app: Flask, ids: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(PREFIX) or "GET" not in (rule.methods or ()):
            continue
        if rule.endpoint in _NOT_PEOPLE:
            continue
        places = _PLACE.findall(rule.rule)
        if len(places) < len(rule.arguments) or any(name not in ids for name, _ in places):
            continue  # reached by a link, or by a mailed one alone
        for chosen in product(*(ids[name] for name, _ in places)):
            path = rule.rule
            for (name, place), value in zip(places, chosen, strict=True):
                path = re.sub(rf"{name}/<(?:\w+:)?{place}>", f"{name}/{value}", path, count=1)
            yield path


def _links(path: str, page: str) -> Iterator[str]:
    for target in _LINK.findall(page):
        parts = urlsplit(html.unescape(target))
        place = parts.path or path
        if place.startswith(PREFIX) and not parts.scheme:
            yield f"{place}?{parts.query}" if parts.query else place
