"""What this machine can do with Mailer: starting, sending, planning, signing up, and the size of pages.

Everything goes the way users go: real processes, real SMTP, real HTTP, on SQLite and on PostgreSQL.
All of it stays on loopback, and whatever takes part shares the machine with everything else on it, so the
figures that travel are the ratios.
"""
