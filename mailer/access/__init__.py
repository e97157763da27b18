"""Access: the mails that let somebody in, such as invitations and links to a new password.

In: who invites whom, or an address whose owner forgot a password. Out: a mail to that address, and nothing else
that shows its link. Always: what is answered is the same whether there is an account or not (S-032).
"""

from mailer.access.letters import invite, tell_password_changed
from mailer.access.resetting import mail_reset, read_reset, reset_password

__all__ = [
    "invite",
    "mail_reset",
    "read_reset",
    "reset_password",
    "tell_password_changed",
]
