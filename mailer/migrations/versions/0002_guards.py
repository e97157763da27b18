"""What the database itself refuses: changed records, and memberships without a valid proof.

The ledger's tables and the audit log take inserts only. Personal evidence beside it may go, but only after its person was
marked as erased. A subscription is active only while it cites a consent that was given for that list by
that person and has not ended; a consent cannot end while an active subscription still cites it.
"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

FROZEN = ("consent_records", "consent_texts", "notices", "form_versions", "audit_entries")
ERASABLE = ("consent_payloads", "evidence_blobs")

# Shared by both engines: NEW.… is the subscription to be written.
PROOF_IS_VALID = """
  EXISTS (
    SELECT 1 FROM consent_records r JOIN contacts c ON c.id = NEW.contact_id
    WHERE r.id = NEW.proof_id AND r.state IN ('given', 'renewed') AND r.matter = 'mailing'
      AND r.mailing_list_id = NEW.mailing_list_id AND r.subject_id = c.subject_id
      AND NOT EXISTS (SELECT 1 FROM consent_records e WHERE e.ends_id = r.id)
  )"""
# NEW.… is the record to be written.
ENDS_A_GIVEN_ONE = """
  EXISTS (
    SELECT 1 FROM consent_records r
    WHERE r.id = NEW.ends_id AND r.state IN ('given', 'renewed') AND r.subject_id = NEW.subject_id
      AND r.matter = NEW.matter
      AND COALESCE(r.mailing_list_id, 0) = COALESCE(NEW.mailing_list_id, 0)
  )"""
STILL_CITED = """
  EXISTS (SELECT 1 FROM subscriptions s WHERE s.proof_id = NEW.ends_id AND s.state = 'active')"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in postgresql():
            op.execute(sa.DDL(statement.replace("%", "%%")))
    else:
        for statement in sqlite():
            op.execute(sa.DDL(statement.replace("%", "%%")))


def downgrade() -> None:
    """The guards are not taken away again."""


def sqlite() -> list[str]:
    def refuse(name: str, when: str, condition: str, message: str) -> str:
        guarded = f" WHEN {condition}" if condition else ""
        return (
            f"CREATE TRIGGER {name} {when} FOR EACH ROW{guarded} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )

    statements = []
    for table in FROZEN:
        for act in ("UPDATE", "DELETE"):
            statements.append(
                refuse(f"{table}_no_{act.lower()}", f"BEFORE {act} ON {table}", "", f"{table} is append-only")
            )
    for table in ERASABLE:
        statements.append(
            refuse(f"{table}_no_update", f"BEFORE UPDATE ON {table}", "", f"{table} is append-only")
        )
        statements.append(
            refuse(
                f"{table}_no_delete",
                f"BEFORE DELETE ON {table}",
                "(SELECT erased_at FROM consent_subjects WHERE id = OLD.subject_id) IS NULL",
                f"{table} goes only when its person is erased",
            )
        )
    for act in ("INSERT", "UPDATE"):
        statements.append(
            refuse(
                f"subscriptions_need_proof_on_{act.lower()}",
                f"BEFORE {act} ON subscriptions",
                f"NEW.state = 'active' AND NOT {PROOF_IS_VALID}",
                "an active subscription needs a valid proof",
            )
        )
    statements.append(
        refuse(
            "consent_records_end_given_ones",
            "BEFORE INSERT ON consent_records",
            f"NEW.ends_id IS NOT NULL AND (NOT {ENDS_A_GIVEN_ONE} OR {STILL_CITED})",
            "a record ends a given one of the same person that no active subscription cites",
        )
    )
    statements.append(
        refuse(
            "contacts_keep_subject",
            "BEFORE UPDATE ON contacts",
            "NEW.subject_id <> OLD.subject_id",
            "a contact keeps its subject",
        )
    )
    return statements


def postgresql() -> list[str]:
    statements = [
        """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514';
END $$""",
        """CREATE FUNCTION refuse_early_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT erased_at FROM consent_subjects WHERE id = OLD.subject_id) IS NULL THEN
    RAISE EXCEPTION '% goes only when its person is erased', TG_TABLE_NAME USING ERRCODE = '23514';
  END IF;
  RETURN OLD;
END $$""",
        # The lock makes a withdrawal and an activation that cite the same record wait for each other.
        f"""CREATE FUNCTION refuse_without_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = 'active' THEN
    PERFORM 1 FROM consent_records WHERE id = NEW.proof_id FOR NO KEY UPDATE;
    IF NOT {PROOF_IS_VALID} THEN
      RAISE EXCEPTION 'an active subscription needs a valid proof' USING ERRCODE = '23514';
    END IF;
  END IF;
  RETURN NEW;
END $$""",
        f"""CREATE FUNCTION refuse_wrong_ending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.ends_id IS NOT NULL THEN
    PERFORM 1 FROM consent_records WHERE id = NEW.ends_id FOR NO KEY UPDATE;
    IF NOT {ENDS_A_GIVEN_ONE} OR {STILL_CITED} THEN
      RAISE EXCEPTION 'a record ends a given one of the same person that no active subscription cites'
        USING ERRCODE = '23514';
    END IF;
  END IF;
  RETURN NEW;
END $$""",
        """CREATE FUNCTION refuse_other_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.subject_id <> OLD.subject_id THEN
    RAISE EXCEPTION 'a contact keeps its subject' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$""",
        "CREATE TRIGGER subscriptions_need_proof BEFORE INSERT OR UPDATE ON subscriptions "
        "FOR EACH ROW EXECUTE FUNCTION refuse_without_proof()",
        "CREATE TRIGGER consent_records_end_given_ones BEFORE INSERT ON consent_records "
        "FOR EACH ROW EXECUTE FUNCTION refuse_wrong_ending()",
        "CREATE TRIGGER contacts_keep_subject BEFORE UPDATE ON contacts "
        "FOR EACH ROW EXECUTE FUNCTION refuse_other_subject()",
    ]
    for table in FROZEN:
        statements.append(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table in ERASABLE:
        statements.append(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        statements.append(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_early_erasure()"
        )
    for table in (*FROZEN, *ERASABLE):
        statements.append(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    return statements
