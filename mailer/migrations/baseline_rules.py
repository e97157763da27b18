"""What the database itself keeps, at the first release: views that say what stands, and triggers that refuse.

The ledger's tables, its texts and the audit log take inserts only. Personal evidence beside them may go, but
only after its person was marked as erased. A membership is active only while it cites a consent that was given
for that list by that person and stands; a consent cannot end while an active membership still cites it. A leaf
of the log waits for every record; the log refuses gaps, changes and deletions, and a tile only grows.
"""

from __future__ import annotations

from dataclasses import dataclass

# The one rule of when a consent stands, and of which suppression stands against which consent (C-061, C-082).
# Everybody asks these views: an entry for all mail outranks every consent; one for marketing a consent that was
# not given after it, wherever that was; one without a date whatever was not confirmed here. The second pairs
# every entry with every consent: whoever asks names the consent, and the address whose it is.
VIEWS = (
    """CREATE VIEW standing_consents AS
SELECT r.id, r.subject_id, r.matter, r.mailing_list_id, r.recorded_at FROM consent_records r
WHERE r.state IN ('given', 'renewed')
  AND NOT EXISTS (SELECT 1 FROM consent_records e WHERE e.ends_id = r.id)""",
    """CREATE VIEW suppressed_consents AS
SELECT e.organisation_id, e.address_digest, r.id AS consent_id, e.id AS entry_id, e.reason, e.created_at
FROM suppression_entries e CROSS JOIN consent_records r
WHERE e.lifted_at IS NULL AND (
  e.scope = 'all_mail' OR (e.scope = 'marketing' AND CASE
    WHEN e.is_undated THEN r.given_at IS NOT NULL
    ELSE e.created_at >= COALESCE(r.given_at, r.recorded_at) END))""",
)
LEDGER = ("consent_records", "consent_texts", "notices", "form_versions", "audit_entries")
FROZEN = (*LEDGER, "log_entries", "log_checkpoints", "log_cosignatures", "log_timestamps")
ERASABLE = ("consent_payloads", "evidence_blobs")
KEPT = ("log_tiles", "log_keys", "log_queue")
IS_NOT_ERASED = "(SELECT erased_at FROM consent_subjects WHERE id = OLD.subject_id) IS NULL"
CITES_NO_CONSENT = """NEW.state = 'active' AND NOT EXISTS (
    SELECT 1 FROM standing_consents r JOIN contacts c ON c.id = NEW.contact_id
    WHERE r.id = NEW.proof_id AND r.matter = 'mailing' AND r.mailing_list_id = NEW.mailing_list_id
      AND r.subject_id = c.subject_id)"""
ENDS_WRONGLY = """NEW.ends_id IS NOT NULL AND (
    NOT EXISTS (
      SELECT 1 FROM consent_records r
      WHERE r.id = NEW.ends_id AND r.state IN ('given', 'renewed') AND r.subject_id = NEW.subject_id
        AND r.matter = NEW.matter AND COALESCE(r.mailing_list_id, 0) = COALESCE(NEW.mailing_list_id, 0))
    OR EXISTS (SELECT 1 FROM subscriptions s WHERE s.proof_id = NEW.ends_id AND s.state = 'active'))"""


@dataclass(frozen=True, slots=True)
class Guard:
    """Refuses an act on a table with a message, if `condition` holds (always if empty).

    On PostgreSQL the record whose id is `locks` is locked before: a withdrawal and an activation that cite the
    same one wait for each other.
    """

    name: str
    act: str
    table: str
    message: str
    condition: str = ""
    locks: str = ""


def guards(*, is_postgresql: bool) -> list[Guard]:
    """What is refused, and when."""
    return [*_append_only(), *_consents(), *_log(is_postgresql=is_postgresql)]


def _append_only() -> list[Guard]:
    only, early = "{} is append-only", "{} goes only when its person is erased"
    found = [
        Guard(f"{table}_no_update", "UPDATE", table, only.format(table))
        for table in (*FROZEN, *ERASABLE, "log_queue")
    ]
    found += [
        Guard(f"{table}_no_delete", "DELETE", table, only.format(table))
        for table in (*FROZEN, "log_tiles", "log_keys")
    ]
    found += [
        Guard(f"{table}_no_delete", "DELETE", table, early.format(table), IS_NOT_ERASED)
        for table in ERASABLE
    ]
    return found


def _consents() -> list[Guard]:
    message = "an active subscription needs a valid proof"
    ends_one = "a record ends a given one of the same person that no active subscription cites"
    is_other = "NEW.subject_id <> OLD.subject_id"
    return [
        *(
            Guard(
                f"subscriptions_need_proof_on_{act.lower()}",
                act,
                "subscriptions",
                message,
                CITES_NO_CONSENT,
                "NEW.proof_id",
            )
            for act in ("INSERT", "UPDATE")
        ),
        Guard(
            "consent_records_end_given_ones",
            "INSERT",
            "consent_records",
            ends_one,
            ENDS_WRONGLY,
            "NEW.ends_id",
        ),
        Guard(
            "contacts_keep_subject", "UPDATE", "contacts", "a contact keeps its subject", is_other
        ),
    ]


def _log(*, is_postgresql: bool) -> list[Guard]:
    begins = "substring({} FROM 1 FOR {})" if is_postgresql else "substr({}, 1, {})"
    has_no_entry = "NOT EXISTS (SELECT 1 FROM log_entries WHERE public_id = OLD.public_id)"
    is_not_next = "NEW.position <> (SELECT COALESCE(MAX(position), -1) + 1 FROM log_entries)"
    is_smaller = "NEW.size < (SELECT COALESCE(MAX(size), 0) FROM log_checkpoints)"
    is_changed = (
        "NEW.name <> OLD.name OR NEW.vkey <> OLD.vkey OR NEW.since <> OLD.since"
        " OR OLD.until IS NOT NULL"
    )
    is_no_longer = (
        "NEW.level <> OLD.level OR NEW.number <> OLD.number OR length(NEW.hashes) > 8192"
        f" OR {begins.format('NEW.hashes', 'length(OLD.hashes)')} <> OLD.hashes"
    )
    return [
        Guard(f"{table}_{end}", act, table, message, condition)
        for table, end, act, condition, message in (
            (
                "log_queue",
                "no_delete",
                "DELETE",
                has_no_entry,
                "a waiting leaf goes only into the log",
            ),
            (
                "log_entries",
                "next",
                "INSERT",
                is_not_next,
                "log_entries takes the next position only",
            ),
            (
                "log_checkpoints",
                "grow",
                "INSERT",
                is_smaller,
                "a checkpoint is never smaller than one before",
            ),
            ("log_keys", "stay", "UPDATE", is_changed, "a key of the log stays as it is"),
            ("log_tiles", "grow", "UPDATE", is_no_longer, "a tile of the log only grows"),
        )
    ]


CONSENT_LEAF = """
  INSERT INTO log_queue (kind, public_id, organisation_id, algorithm, commitment, happened_at)
  VALUES ('consent', NEW.public_id, NEW.organisation_id, NEW.algorithm, NEW.commitment, NEW.recorded_at);"""
LOCK = "PERFORM 1 FROM consent_records WHERE id = {} FOR NO KEY UPDATE;"
KEEP_FIELDS_SQLITE = """
  INSERT OR IGNORE INTO contact_fields (organisation_id, name)
  SELECT NEW.organisation_id, key FROM json_each(NEW.fields);"""
# A new name is written under a lock of the organisation's: two who bring several never wait for each other.
KEEP_FIELDS_POSTGRESQL = """
  IF EXISTS (
    SELECT 1 FROM json_object_keys(NEW.fields) AS name WHERE NOT EXISTS (
      SELECT 1 FROM contact_fields f WHERE f.organisation_id = NEW.organisation_id AND f.name = name
    )
  ) THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('contact-fields:' || NEW.organisation_id, 0));
    INSERT INTO contact_fields (organisation_id, name)
    SELECT NEW.organisation_id, name FROM json_object_keys(NEW.fields) AS name
    ON CONFLICT DO NOTHING;
  END IF;"""
FIELDS_CHANGE = {
    "INSERT": "CAST(NEW.fields AS text) <> '{}'",
    "UPDATE OF fields": "CAST(NEW.fields AS text) <> CAST(OLD.fields AS text)",
}


def statements(engine: str) -> list[str]:
    """Views and triggers, in the words of this engine."""
    return [*VIEWS, *(_postgresql() if engine == "postgresql" else _sqlite())]


def _sqlite() -> list[str]:
    def trigger(name: str, when: str, table: str, condition: str, body: str) -> str:
        guarded = f" WHEN {condition}" if condition else ""
        return f"CREATE TRIGGER {name} {when} ON {table} FOR EACH ROW{guarded} BEGIN {body} END"

    refusals = []
    for one in guards(is_postgresql=False):
        refuse = f"SELECT RAISE(ABORT, '{one.message}');"
        refusals.append(trigger(one.name, f"BEFORE {one.act}", one.table, one.condition, refuse))
    keeping = [
        trigger(_keeps_fields(act), f"AFTER {act}", "contacts", changed, KEEP_FIELDS_SQLITE)
        for act, changed in FIELDS_CHANGE.items()
    ]
    leaf = trigger(
        "consent_records_queue_leaf", "AFTER INSERT", "consent_records", "", CONSENT_LEAF
    )
    return [*refusals, *keeping, leaf]


def _postgresql() -> list[str]:
    def function(name: str, body: str) -> str:
        return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n{body}\nEND $$"

    def trigger(name: str, when: str, table: str, each: str, runs: str) -> str:
        return f"CREATE TRIGGER {name} {when} ON {table} FOR EACH {each} EXECUTE FUNCTION {runs}()"

    def refusing(message: str) -> str:
        return f"RAISE EXCEPTION '{message}' USING ERRCODE = '23514';"

    found = [
        function(
            "refuse_truncation",
            "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514';",
        ),
        function("queue_consent_leaf", f"{CONSENT_LEAF}\nRETURN NULL;"),
        function("keep_contact_fields", f"{KEEP_FIELDS_POSTGRESQL}\nRETURN NULL;"),
        trigger(
            "consent_records_queue_leaf",
            "AFTER INSERT",
            "consent_records",
            "ROW",
            "queue_consent_leaf",
        ),
    ]
    for one in guards(is_postgresql=True):
        back = "OLD" if one.act == "DELETE" else "NEW"
        lock = f"{LOCK.format(one.locks)}\n" if one.locks else ""
        refuse = f"{lock}IF {one.condition or 'true'} THEN {refusing(one.message)} END IF;"
        found += [
            function(f"guard_{one.name}", f"{refuse}\nRETURN {back};"),
            trigger(one.name, f"BEFORE {one.act}", one.table, "ROW", f"guard_{one.name}"),
        ]
    found += [
        trigger(f"{table}_no_truncate", "BEFORE TRUNCATE", table, "STATEMENT", "refuse_truncation")
        for table in (*FROZEN, *ERASABLE, *KEPT)
    ]
    found += [
        trigger(
            _keeps_fields(act),
            f"AFTER {act}",
            "contacts",
            f"ROW WHEN ({changed})",
            "keep_contact_fields",
        )
        for act, changed in FIELDS_CHANGE.items()
    ]
    return found


def _keeps_fields(act: str) -> str:
    return f"contacts_keep_fields_on_{act[:6].lower()}"
