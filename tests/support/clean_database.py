"""One PostgreSQL database for all tests of a process, as good as new for each: emptying costs a hundredth of
making another."""

from __future__ import annotations

import psycopg
import sqlalchemy as sa

from tests.support import postgres

# What a new database holds; everything else was written by a test.
_SEEDED = "provider_domains"
_KEPT = ("alembic_version", _SEEDED)
_LARGE = (
    8 * 1024 * 1024
)  # octets of a table; rows that were deleted take place until somebody tidies up
_EMPTY = f"""
DO $$
DECLARE t text; has_rows boolean; of_sequence text; is_large boolean := false;
BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
  SET LOCAL lock_timeout = '5s';
  SET LOCAL session_replication_role = replica;
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
    AND tablename NOT IN ('{"', '".join(_KEPT)}')
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', t) INTO has_rows;
    IF has_rows THEN EXECUTE format('DELETE FROM %I', t); END IF;
    is_large := is_large OR pg_relation_size(format('%I', t)::regclass) > {_LARGE};
  END LOOP;
  IF is_large THEN
    RAISE EXCEPTION 'the tables have grown';
  END IF;
  FOR of_sequence IN SELECT sequencename FROM pg_sequences
    WHERE schemaname = 'public' AND last_value IS NOT NULL
  LOOP
    EXECUTE format('ALTER SEQUENCE %I RESTART', of_sequence);
  END LOOP;
END $$
"""
# Tables, columns, what is known of their size, indexes, constraints, triggers and whether they are on, functions, settings, and the seeds.
_SHAPE = f"""
SELECT md5(concat(
  (SELECT string_agg(concat(c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull), ',' ORDER BY c.relname, a.attnum)
   FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace),
  (SELECT string_agg(concat(relname, reltuples > 0), ',' ORDER BY relname)
   FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace),
  (SELECT string_agg(concat(tgrelid::regclass, tgname, tgenabled), ',' ORDER BY tgrelid::regclass::text, tgname)
   FROM pg_trigger WHERE NOT tgisinternal),
  (SELECT string_agg(concat(conrelid::regclass, conname), ',' ORDER BY conrelid::regclass::text, conname)
   FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
  (SELECT string_agg(md5(prosrc), ',' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
  (SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting s
   WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())),
  (SELECT string_agg(version_num, ',') FROM alembic_version),
  (SELECT string_agg(concat(domain, provider), ',' ORDER BY domain) FROM {_SEEDED})
))"""


class CleanDatabase:
    """A database like `template`, on the server of `server`; `url` may change with each `clean`."""

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = server, template
        self._make()

    def clean(self) -> str:
        """Empty it, or make it anew where a test has changed more than rows; its address."""
        try:
            with psycopg.connect(_address(self.url), autocommit=True) as connection:
                connection.execute(_EMPTY)
                is_as_it_was = _shape_of(connection) == self._shape
        except psycopg.Error:
            is_as_it_was = False
        if not is_as_it_was:
            self.make_anew()
        return self.url

    def make_anew(self) -> None:
        """Begin with a new one, about which the server has no statistics yet."""
        self.drop()
        self._make()

    def drop(self) -> None:
        postgres.drop_database(self.url)

    def _make(self) -> None:
        self.url = postgres.create_database(self._server, template=self._template)
        with psycopg.connect(_address(self.url), autocommit=True) as connection:
            self._shape = _shape_of(connection)


def _address(url: str) -> str:
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _shape_of(connection: psycopg.Connection[tuple[str]]) -> str:
    row = connection.execute(_SHAPE.encode()).fetchone()
    assert row is not None
    return row[0]
