"""Signing up: forms posted to the web server as it is deployed, down to the owed confirmation mail."""

from __future__ import annotations

import itertools
import re
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlencode

import sqlalchemy as sa

from bench.figures import Sheet
from bench.places import HOST, Ground, Place, application, environ_for, free_port, python
from bench.visitors import Visit, visit
from mailer.devkit import EmbeddedRedis, answers_http
from mailer.forms import Form
from mailer.foundation.database import db, unit_of_work
from mailer.jobs.waking import wake_send_due
from mailer.signup import SignupRequest
from mailer.transactional import TransactionalMessage, has_due
from mailer.transparency import has_waiting
from tests.support.factories import make_form, make_list, make_organisation
from tests.support.waiting import wait_for

CONNECTIONS = 16
WARM_SECONDS = 0.5
START_SECONDS = 60.0
REST_SECONDS = 60.0
ROUND_SECONDS = 40.0  # no further round is begun after these
LEAST_RATIO = 0.1875  # 1,200 where the bare page does 6,400; with no mail worker
MOST_PAGE_BYTES = 30_000
ALL_OF_IT, NO_WORKER, NO_LOG = HOW = ("with the mail worker", "no mail worker", "without the log")
LEAST_WITH_LOG = 0.9
# Every limit that a load from one address would meet; none is switched off.
LIMITS = {f"MAILER_SIGNUPS_PER_{name}HOUR": "1000000" for name in ("IP_", "DOMAIN_", "FORM_", "")}
_TOKEN = re.compile(r'name="token" value="([^"]+)"')
_LOADED = re.compile(r'<(?:link rel="stylesheet"|script|img)[^>]+(?:href|src)="(/[^"]+)"')
_numbers = itertools.count()


def measure(ground: Ground, sheet: Sheet) -> None:
    """Add how many forms are taken in a second, and how many bytes a visitor loads before."""
    with ExitStack() as undo:
        served = [
            (
                place,
                {
                    how: undo.enter_context(_service(ground, place, how, made))
                    for how in _ways(ground, place)
                },
            )
            for place in ground.places
            for made in (undo.enter_context(_made(ground, place)),)
        ]
        bare = undo.enter_context(_web(ground, "bench.bare_page:app", {}, free_port()))
        for number in ground.rounds(ROUND_SECONDS):
            forms = _requests(bare, "/f/none", "none", "box")
            # Workers and log keepers that have just been started are still busy with themselves.
            settling = WARM_SECONDS if number else ground.sizes.signup_seconds * 2
            visit(bare, forms, connections=CONNECTIONS, seconds=settling)
            floor = _visit(ground, bare, forms)
            sheet.add("signing up: bare Flask page", "requests/s", floor.rate)
            for place, services in served:
                order = list(services) if number % 2 else list(services)[::-1]
                rates = {
                    how: _sign_up(ground, sheet, (place, how), services[how], floor)
                    for how in order
                }
                if NO_LOG in rates:
                    name = f"signing up, {place.name}: ratio with to without the log"
                    ratio = rates[ALL_OF_IT] / rates[NO_LOG]
                    sheet.add(name, "×", ratio, at_least=LEAST_WITH_LOG)
        sheet.close_group()
        _weigh(sheet, served[0][1][ALL_OF_IT])
    _explain(sheet)


def _ways(ground: Ground, place: Place) -> tuple[str, ...]:
    """How it is measured there; a quick run saves a few starts on PostgreSQL."""
    is_quick = ground.sizes.signup_seconds < 1
    return HOW[:2] if is_quick and place.server is not None else HOW


def _explain(sheet: Sheet) -> None:
    sheet.notes.append(
        f"signing up: gunicorn, 2 workers with 8 threads, {CONNECTIONS} connections kept alive; visitors, "
        "workers and the log keeper run on the same cores meanwhile."
    )
    sheet.notes.append(
        f"signing up {ALL_OF_IT}: its process sends the confirmation mails at the same time. "
        f"{NO_WORKER.capitalize()}: they are written and wait; the target is for this. "
        f"{NO_LOG.capitalize()}: with the mail worker, but without the trigger that queues leaves and the "
        "log keeper."
    )
    sheet.notes.append(
        "signing up: limits raised by settings, not switched off; the bare page reads the same form."
    )


class _Service:
    """A running web server with one published form."""

    def __init__(self, environ: dict[str, str], port: int, form: Form) -> None:
        self.environ = environ
        self.port = port
        self.path = f"/f/{form.public_id}"
        self.box = form.draft["controls"][0]["key"]

    def read(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://{HOST}:{self.port}{path}", timeout=10) as answer:
            body: bytes = answer.read()
            return body


@contextmanager
def _made(ground: Ground, place: Place) -> Iterator[tuple[str, Form]]:
    """A database to copy from, and the published form in it."""
    forms: list[Form] = []

    def fill() -> None:
        organisation = make_organisation()
        forms.append(make_form(organisation, make_list(organisation)))

    with ground.template(place, fill) as url:
        yield url, forms[0]


@contextmanager
def _service(ground: Ground, place: Place, how: str, made: tuple[str, Form]) -> Iterator[_Service]:
    """A running web server with log keeper and mail worker, or without what `how` says."""
    template, form = made
    directory, port = ground.new_directory(), free_port()
    log = directory / "worker.log"
    with ExitStack() as undo:
        environ = environ_for(
            directory,
            MAILER_DATABASE_URL=undo.enter_context(place.database(directory, template)),
            MAILER_PUBLIC_URL=f"http://{HOST}:{port}",
            MAILER_ADMIN_URL=f"http://localhost:{port}",
            MAILER_SMTP_PORT=str(undo.enter_context(ground.sink())),
            **LIMITS,
        )
        if how == NO_LOG:
            _drop_trigger(environ, place)
        undo.enter_context(EmbeddedRedis(directory / "redis"))
        if how != NO_WORKER:
            words = python("worker.py", "--queue", "first")
            undo.enter_context(ground.program(*words, environ=environ, log=log))
        if how != NO_LOG:
            words = python("worker.py", "--log")
            undo.enter_context(ground.program(*words, environ=environ, log=log))
        undo.enter_context(_web(ground, "wsgi:app", environ, port))
        yield _Service(environ, port, form)


def _drop_trigger(environ: dict[str, str], place: Place) -> None:
    on = "" if place.server is None else " ON consent_records"
    with application(environ), unit_of_work():
        db.session.execute(sa.text(f"DROP TRIGGER consent_records_queue_leaf{on}"))


@contextmanager
def _web(ground: Ground, app: str, environ: dict[str, str], port: int) -> Iterator[int]:
    """gunicorn as `run` starts it; yields its port."""
    words = python("-m", "gunicorn", app, "--bind", f"{HOST}:{port}", "--workers", "2")
    words += ("--threads", "8", "--worker-class", "mailer.web.serving.Worker", "--preload")
    words += ("--no-control-socket", "--log-level", "warning")
    with ground.program(*words, environ=environ, log=ground.new_directory() / "web.log"):
        wait_for(answers_http(HOST, port, "/health"), timeout=START_SECONDS)
        yield port


def _take(ground: Ground, served: _Service) -> Visit:
    found = _TOKEN.search(served.read(served.path).decode())
    assert found is not None
    requests = _requests(served.port, served.path, found[1], served.box)
    visit(served.port, requests, connections=CONNECTIONS, seconds=WARM_SECONDS)
    before = _count(served)
    result = _visit(ground, served.port, requests)
    written = _count(served) - before
    if result.statuses != {303: written}:
        raise RuntimeError(f"{written} written, but answered: {result.statuses}")
    return result


def _sign_up(
    ground: Ground, sheet: Sheet, where: tuple[Place, str], served: _Service, floor: Visit
) -> float:
    """Forms a second; added beside what the bare page does. Returns when all that follows is done."""
    place, how = where
    name = f"signing up, {place.name}, {how}"
    result = _take(ground, served)
    least = LEAST_RATIO if how == NO_WORKER else None
    sheet.add(name, "requests/s", result.rate)
    sheet.add(f"{name}: ratio to the bare page", "×", result.rate / floor.rate, at_least=least)
    sheet.add(f"{name}: usual wait", "ms", result.usual_milliseconds)
    sheet.add(f"{name}: 95 of 100 within", "ms", result.late_milliseconds)
    wait_for(lambda: _is_at_rest(served, how), timeout=REST_SECONDS)
    return result.rate


def _visit(ground: Ground, port: int, requests: Iterator[bytes]) -> Visit:
    seconds = ground.sizes.signup_seconds
    return visit(port, requests, connections=CONNECTIONS, seconds=seconds)


def _requests(port: int, path: str, token: str, box: str) -> Iterator[bytes]:
    """Forms as a browser posts them, each for somebody else."""
    for number in _numbers:
        given = {
            "token": token,
            "address": f"visitor{number}@example.org",
            "first_name": f"Visitor {number}",
            "comments": "",
            box: "yes",
        }
        content = urlencode(given).encode()
        yield (
            f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nUser-Agent: Mozilla/5.0 (bench)\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(content)}\r\n\r\n"
        ).encode() + content


def _is_at_rest(served: _Service, how: str) -> bool:
    """Whether nothing is left to do that would slow down what is measured next."""
    with application(served.environ):
        owes_mail = how != NO_WORKER and has_due()
        if owes_mail:
            wake_send_due()  # as the clock does
        return not owes_mail and (how == NO_LOG or not has_waiting())


def _count(served: _Service) -> int:
    """How many requests are written, each with its confirmation mail."""
    with application(served.environ):
        requests = db.session.scalar(sa.select(sa.func.count()).select_from(SignupRequest))
        mails = db.session.scalar(sa.select(sa.func.count()).select_from(TransactionalMessage))
    if requests != mails:
        raise RuntimeError(f"{requests} requests, but {mails} confirmation mails")
    return requests or 0


def _weigh(sheet: Sheet, served: _Service) -> None:
    """What a visitor loads to see the form; uncompressed, without what browsers keep anyway."""
    page = served.read(served.path)
    loaded = [served.read(path) for path in _LOADED.findall(page.decode())]
    sheet.add("public form page with stylesheet", "bytes", len(page) + sum(map(len, loaded)))
    sheet.close_group(bytes=MOST_PAGE_BYTES)
    sheet.add("embed.js", "bytes", len(served.read(f"{served.path}/embed.js")))
    sheet.close_group()
