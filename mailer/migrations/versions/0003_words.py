"""More kinds of service mails; an index by which the requests of one address are found."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

TABLE = "transactional_messages"
KINDS = (
    "confirmation", "invitation", "test", "receipt", "proof_link", "permission", "rights_link", "closing",
)
STATES = ("planned", "claimed", "deferred", "accepted", "refused", "uncertain", "cancelled")


def one_of(column: str, words: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{column} IN ({listed})"


def upgrade() -> None:
    # SQLite makes the table anew, and what is not named here would be lost with the old one.
    with op.batch_alter_table(TABLE, recreate="auto") as table:
        if op.get_bind().dialect.name == "postgresql":
            table.drop_constraint(
                op.f("ck_transactional_messages_message_kind"), type_="check"
            )
        else:
            table.create_check_constraint(
                op.f("ck_transactional_messages_message_state"), sa.text(one_of("state", STATES))
            )
        table.create_check_constraint(
            op.f("ck_transactional_messages_message_kind"), sa.text(one_of("kind", KINDS))
        )


    op.create_index(
        op.f("ix_signup_requests_address_digest"), "signup_requests", ["address_digest"], unique=False
    )


def downgrade() -> None:
    """There is no way back."""
