"""When a consent was given, opt-outs nobody dated, and the own fields of an organisation.

Of consents imported before this it cannot be told here when they were given elsewhere, for that day lies sealed
in their payloads. They count as given before everything else, so that any opt-out holds against them.
"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
FILL_GIVEN_AT = """
UPDATE consent_records SET given_at = '{moment}'
WHERE state = 'given' AND id IN (SELECT record_id FROM import_rows WHERE record_id IS NOT NULL)
"""
NO_UPDATE = (
    "CREATE TRIGGER consent_records_no_update BEFORE UPDATE ON consent_records FOR EACH ROW "
    "BEGIN SELECT RAISE(ABORT, 'consent_records is append-only'); END"
)
KEEP_FIELDS_SQLITE = """
BEGIN
  INSERT OR IGNORE INTO contact_fields (organisation_id, name, first_seen_at)
  SELECT NEW.organisation_id, key, strftime('%Y-%m-%d %H:%M:%f000', 'now') FROM json_each(NEW.fields);
END"""
# A new name is written under a lock of the organisation's, so that two who bring several do not wait for each other.
KEEP_FIELDS_POSTGRESQL = """
CREATE FUNCTION keep_contact_fields() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT 1 FROM json_object_keys(NEW.fields) AS name WHERE NOT EXISTS (
      SELECT 1 FROM contact_fields f WHERE f.organisation_id = NEW.organisation_id AND f.name = name
    )
  ) THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('contact-fields:' || NEW.organisation_id, 0));
    INSERT INTO contact_fields (organisation_id, name, first_seen_at)
    SELECT NEW.organisation_id, name, now() FROM json_object_keys(NEW.fields) AS name
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$"""


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    add_moments(is_postgresql)
    add_fields(is_postgresql)


def downgrade() -> None:
    """There is no way back."""


def add_moments(is_postgresql: bool) -> None:
    op.add_column('consent_records', sa.Column('given_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        'suppression_entries', sa.Column('is_undated', sa.Boolean(), nullable=False, server_default=sa.false())
    )
    if is_postgresql:
        run("ALTER TABLE consent_records DISABLE TRIGGER consent_records_append_only")
        run(FILL_GIVEN_AT.format(moment="1995-01-01T00:00:00Z"))
        run("ALTER TABLE consent_records ENABLE TRIGGER consent_records_append_only")
    else:
        run("DROP TRIGGER consent_records_no_update")
        run(FILL_GIVEN_AT.format(moment="1995-01-01 00:00:00.000000"))
        run(NO_UPDATE)


def add_fields(is_postgresql: bool) -> None:
    op.create_table('contact_fields',
    sa.Column('organisation_id', ROW_ID, nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(
        ['organisation_id'], ['organisations.id'], name=op.f('fk_contact_fields_organisation_id_organisations')
    ),
    sa.PrimaryKeyConstraint('organisation_id', 'name', name=op.f('pk_contact_fields')),
    )
    each = "json_object_keys(c.fields) AS own(name)" if is_postgresql else "json_each(c.fields) AS own"
    name = "own.name" if is_postgresql else "own.key"
    run(
        "INSERT INTO contact_fields (organisation_id, name, first_seen_at) "
        f"SELECT c.organisation_id, {name}, MIN(c.created_at) FROM contacts c, {each} "
        f"GROUP BY c.organisation_id, {name}"
    )
    if is_postgresql:
        run(KEEP_FIELDS_POSTGRESQL)
    for act, of, changed in (
        ("INSERT", "", "CAST(NEW.fields AS text) <> '{}'"),
        ("UPDATE", " OF fields", "CAST(NEW.fields AS text) <> CAST(OLD.fields AS text)"),
    ):
        begin = f"CREATE TRIGGER contacts_keep_fields_on_{act.lower()} AFTER {act}{of} ON contacts FOR EACH ROW WHEN "
        run(
            f"{begin}({changed}) EXECUTE FUNCTION keep_contact_fields()"
            if is_postgresql
            else f"{begin}{changed} {KEEP_FIELDS_SQLITE}"
        )


def run(statement: str) -> None:
    op.execute(sa.DDL(statement.replace("%", "%%")))
