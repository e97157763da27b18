"""The Merkle log: leaves that wait, leaves with positions, tiles, checkpoints, anchors, keys, alarms.

A trigger queues a leaf for every consent record, so that none can exist without one. The database refuses
gaps, changes and deletions; a tile may only grow; a waiting leaf goes only once it stands in the log.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

FROZEN = ("log_entries", "log_checkpoints", "log_cosignatures", "log_timestamps")
UNDELETABLE = ("log_tiles", "log_keys")
CONSENT_LEAF = """
  INSERT INTO log_queue (kind, public_id, organisation_id, algorithm, commitment, happened_at)
  VALUES ('consent', NEW.public_id, NEW.organisation_id, NEW.algorithm, NEW.commitment, NEW.recorded_at);"""
HAS_NO_ENTRY = "NOT EXISTS (SELECT 1 FROM log_entries WHERE public_id = OLD.public_id)"
IS_NOT_NEXT = "NEW.position <> (SELECT COALESCE(MAX(position), -1) + 1 FROM log_entries)"
IS_SMALLER = "NEW.size < (SELECT COALESCE(MAX(size), 0) FROM log_checkpoints)"
DOES_NOT_EXTEND = {
    "sqlite": "NEW.level <> OLD.level OR NEW.number <> OLD.number OR length(NEW.hashes) > 8192 "
    "OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes",
    "postgresql": "NEW.level <> OLD.level OR NEW.number <> OLD.number OR length(NEW.hashes) > 8192 "
    "OR substring(NEW.hashes FROM 1 FOR length(OLD.hashes)) <> OLD.hashes",
}
CHANGES_KEY = "NEW.name <> OLD.name OR NEW.vkey <> OLD.vkey OR NEW.since <> OLD.since OR OLD.until IS NOT NULL"
# Name, when, condition, message: what holds on both engines alike.
GUARDS = (
    ("log_queue_no_update", "UPDATE", "log_queue", "", "log_queue is append-only"),
    ("log_queue_no_delete", "DELETE", "log_queue", HAS_NO_ENTRY, "a waiting leaf goes only into the log"),
    ("log_entries_next", "INSERT", "log_entries", IS_NOT_NEXT, "log_entries takes the next position only"),
    ("log_checkpoints_grow", "INSERT", "log_checkpoints", IS_SMALLER, "a checkpoint is never smaller than one before"),
    ("log_keys_stay", "UPDATE", "log_keys", CHANGES_KEY, "a key of the log stays as it is"),
)


def upgrade() -> None:
    engine = op.get_bind().dialect.name
    add_pseudonyms()
    create_tables()
    create_anchor_tables()
    op.execute(
        "INSERT INTO log_queue (kind, public_id, organisation_id, algorithm, commitment, happened_at) "
        "SELECT 'consent', public_id, organisation_id, algorithm, commitment, recorded_at "
        "FROM consent_records ORDER BY id"
    )
    for statement in postgresql() if engine == "postgresql" else sqlite():
        op.execute(sa.DDL(statement.replace("%", "%%")))


def downgrade() -> None:
    """There is no way back."""


def add_pseudonyms() -> None:
    # A default, for SQLite adds no column that must be filled without making the table anew.
    op.add_column(
        'organisations', sa.Column('log_pseudonym', sa.String(length=40), nullable=False, server_default='')
    )
    rows = sa.table('organisations', sa.column('id'), sa.column('log_pseudonym'))
    for number in op.get_bind().scalars(sa.select(rows.c.id)).all():
        op.execute(
            rows.update().where(rows.c.id == number).values(log_pseudonym=f"lop_{secrets.token_urlsafe(16)}")
        )
    op.create_index(op.f('ix_organisations_log_pseudonym'), 'organisations', ['log_pseudonym'], unique=True)


def row_id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def create_tables() -> None:
    op.create_table('log_queue',
    sa.Column('id', row_id(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', row_id(), nullable=True),
    sa.Column('algorithm', sa.String(length=40), nullable=False),
    sa.Column('commitment', sa.LargeBinary(), nullable=False),
    sa.Column('happened_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_log_queue_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_queue')),
    sa.UniqueConstraint('public_id', name=op.f('uq_log_queue_public_id'))
    )
    op.create_table('log_entries',
    sa.Column('position', row_id(), autoincrement=False, nullable=False),
    sa.Column('public_id', sa.String(length=40), nullable=False),
    sa.Column('leaf', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('position', name=op.f('pk_log_entries')),
    sa.UniqueConstraint('public_id', name=op.f('uq_log_entries_public_id'))
    )
    op.create_table('log_tiles',
    sa.Column('level', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('number', row_id(), autoincrement=False, nullable=False),
    sa.Column('hashes', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('level', 'number', name=op.f('pk_log_tiles'))
    )
    op.create_table('log_checkpoints',
    sa.Column('id', row_id(), nullable=False),
    sa.Column('size', row_id(), nullable=False),
    sa.Column('root', sa.LargeBinary(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_checkpoints'))
    )
    op.create_index(op.f('ix_log_checkpoints_size'), 'log_checkpoints', ['size'], unique=False)
    op.create_table('log_keys',
    sa.Column('id', row_id(), nullable=False),
    sa.Column('name', sa.String(length=300), nullable=False),
    sa.Column('vkey', sa.String(length=500), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_keys')),
    sa.UniqueConstraint('vkey', name=op.f('uq_log_keys_vkey'))
    )
    op.create_table('log_alarms',
    sa.Column('id', row_id(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('raised_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_alarms'))
    )
    op.create_index('ix_log_alarms_open', 'log_alarms', ['kind'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))


def create_anchor_tables() -> None:
    op.create_table('log_cosignatures',
    sa.Column('id', row_id(), nullable=False),
    sa.Column('checkpoint_id', row_id(), nullable=False),
    sa.Column('witness', sa.String(length=200), nullable=False),
    sa.Column('line', sa.Text(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['checkpoint_id'], ['log_checkpoints.id'], name=op.f('fk_log_cosignatures_checkpoint_id_log_checkpoints')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_cosignatures')),
    sa.UniqueConstraint('checkpoint_id', 'witness', name=op.f('uq_log_cosignatures_checkpoint_id_witness'))
    )
    op.create_table('log_timestamps',
    sa.Column('id', row_id(), nullable=False),
    sa.Column('checkpoint_id', row_id(), nullable=False),
    sa.Column('authority', sa.String(length=500), nullable=False),
    sa.Column('token', sa.LargeBinary(), nullable=False),
    sa.Column('chain', sa.LargeBinary(), nullable=False),
    sa.Column('revocation', sa.LargeBinary(), nullable=False),
    sa.Column('gen_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('renews_id', row_id(), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['checkpoint_id'], ['log_checkpoints.id'], name=op.f('fk_log_timestamps_checkpoint_id_log_checkpoints')),
    sa.ForeignKeyConstraint(['renews_id'], ['log_timestamps.id'], name=op.f('fk_log_timestamps_renews_id_log_timestamps')),
    sa.UniqueConstraint('renews_id', name=op.f('uq_log_timestamps_renews_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_timestamps'))
    )
    op.create_index(op.f('ix_log_timestamps_checkpoint_id'), 'log_timestamps', ['checkpoint_id'], unique=False)
    op.create_table('log_anchors',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('known_size', row_id(), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.Text(), nullable=False),
    sa.Column('failures', row_id(), nullable=False),
    sa.Column('next_try_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_log_anchors'))
    )


def guards(engine: str) -> list[tuple[str, str, str, str, str]]:
    extending = ("log_tiles_grow", "UPDATE", "log_tiles", DOES_NOT_EXTEND[engine], "a tile of the log only grows")
    listed = [*GUARDS, extending]
    for table in FROZEN:
        listed += [(f"{table}_no_{act.lower()}", act, table, "", f"{table} is append-only") for act in ("UPDATE", "DELETE")]
    listed += [(f"{table}_no_delete", "DELETE", table, "", f"{table} is append-only") for table in UNDELETABLE]
    return listed


def sqlite() -> list[str]:
    statements = [
        f"CREATE TRIGGER consent_records_queue_leaf AFTER INSERT ON consent_records FOR EACH ROW BEGIN {CONSENT_LEAF} END"
    ]
    for name, act, table, condition, message in guards("sqlite"):
        guarded = f" WHEN {condition}" if condition else ""
        statements.append(
            f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW{guarded} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
    return statements


def postgresql() -> list[str]:
    statements = [
        f"""CREATE FUNCTION queue_consent_leaf() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {CONSENT_LEAF}
  RETURN NULL;
END $$""",
        "CREATE TRIGGER consent_records_queue_leaf AFTER INSERT ON consent_records "
        "FOR EACH ROW EXECUTE FUNCTION queue_consent_leaf()",
    ]
    for name, act, table, condition, message in guards("postgresql"):
        statements.append(
            f"""CREATE FUNCTION guard_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF {condition or 'true'} THEN
    RAISE EXCEPTION '{message}' USING ERRCODE = '23514';
  END IF;
  RETURN {'OLD' if act == 'DELETE' else 'NEW'};
END $$"""
        )
        statements.append(
            f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION guard_{name}()"
        )
    for table in (*FROZEN, *UNDELETABLE, "log_queue"):
        statements.append(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    return statements
