"""Alembic migrations: numbered, forwards only in production, the newest named in current_head.txt."""
