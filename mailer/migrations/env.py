"""Runs the migrations on the connection that `mailer.cli.database` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from mailer.foundation.database import Model, Moment

connection = context.config.attributes["connection"]


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own column type as the plain one, so that migrations import nothing of ours."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=connection,
    target_metadata=Model.metadata,
    render_as_batch=False,
    compare_type=True,
    render_item=render_item,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
