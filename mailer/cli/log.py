"""Commands about the consent log, and the audit of everything."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from mailer import selfaudit, transparency
from mailer.app import create_app
from mailer.cli.progress import ProgressBar
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid
from mailer.foundation.settings import Settings
from mailer.transparency import LogDirectory, Repair

SHOWN_FINDINGS = 50


def run(given: argparse.Namespace) -> int:
    """`log status`, `log repair` or `log rotate-key`."""
    acts: dict[str, Callable[[Settings, argparse.Namespace], int]] = {
        "status": _status,
        "repair": _repair,
        "rotate-key": _rotate_key,
    }
    settings = Settings.from_environment()
    with create_app(settings).app_context():
        return acts[given.act](settings, given)


def audit(_given: argparse.Namespace) -> int:
    """Audit everything now; 1 when something was found."""
    with create_app(Settings.from_environment()).app_context():
        with unit_of_work():
            audit_id = selfaudit.begin(selfaudit.BY_HAND)
        state, bar = selfaudit.get_state(audit_id), ProgressBar("audit")
        while state.stage is not selfaudit.Stage.DONE:
            bar.show(state.done, state.total, state.stage)
            seen = selfaudit.examine(state)
            with unit_of_work():
                state = selfaudit.note(state, seen) or selfaudit.get_state(audit_id)
        bar.show(state.total, state.total, "done")
        bar.end()
        if not selfaudit.get_audit(audit_id).sees_signer:
            print("The log keeper's directory cannot be read from here, so it was not compared.")
        for found in selfaudit.list_findings(audit_id, limit=SHOWN_FINDINGS):
            print(f"{found.kind}  {found.place}: {found.message}")
        if state.findings_count > SHOWN_FINDINGS:
            print(f"… and {state.findings_count - SHOWN_FINDINGS} more.")
        print(
            f"{state.findings_count} findings in {state.total:,} rows."
            if state.findings_count
            else f"Nothing contradicts anything, in {state.total:,} rows."
        )
        return 1 if state.findings_count else 0


def _status(settings: Settings, _given: argparse.Namespace) -> int:
    newest, waiting = transparency.find_latest_checkpoint(), transparency.count_waiting()
    print(f"origin       {settings.log_origin}")
    for key in transparency.list_keys():
        ended = f", until {key.until:%Y-%m-%d}" if key.until else ""
        print(f"key          {key.vkey} (since {key.since:%Y-%m-%d}{ended})")
    print(f"leaves       {transparency.count_entries():,}")
    print(f"waiting      {waiting.count:,}")
    if newest is None:
        print("checkpoint   none yet")
    else:
        print(f"checkpoint   {newest.size:,} leaves, {newest.signed_at:%Y-%m-%d %H:%M:%S} UTC")
    print(
        f"anchored     {'yes' if transparency.is_anchored_outside() else 'no: operator-asserted only'}"
    )
    alarms = transparency.list_alarms()
    for alarm in alarms:
        print(f"ALARM        {alarm.message}")
    return 1 if alarms else 0


def _repair(settings: Settings, given: argparse.Namespace) -> int:
    note = ""
    if given.checkpoint is not None:
        try:
            note = given.checkpoint.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise Invalid(f"{given.checkpoint} cannot be read: {error}") from None
    work, bar = Repair(settings.log_directory, settings.log_origin), ProgressBar("check")
    found = work.diagnose(bar.show, note)
    db.session.rollback()
    bar.end()
    if not found.missing:
        print(f"The database holds the {found.signed.size:,} leaves that were signed.")
        return 0
    bar, done = ProgressBar("repair"), 0
    while done < found.missing:
        with unit_of_work():
            done += work.step()
        bar.show(done, found.missing)
    bar.end()
    print(
        f"{done:,} leaves were put back; the log keeper goes on by itself. Records that came after the backup "
        "are lost all the same: `python -m mailer audit` names their leaves."
    )
    return 0


def _rotate_key(settings: Settings, given: argparse.Namespace) -> int:
    directory = LogDirectory(settings.log_directory)
    if given.finish:
        stays = transparency.finish_rotation(directory, settings.log_origin)
        print(f"The old key is forgotten. From now on only this one signs:\n{stays.public}")
        return 0
    fresh = transparency.begin_rotation(directory, settings.log_origin)
    print(
        f"From now on both keys sign. The new one:\n{fresh.public}\n"
        "Publish it where you publish the policy, give everybody time to take it up, then run\n"
        "python -m mailer log rotate-key --finish"
    )
    return 0
