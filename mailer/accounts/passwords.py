"""Passwords: length instead of composition rules, argon2id, the commonest refused (S-004)."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mailer.foundation.errors import Invalid

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 128

# 19 MiB and one lane keep several sign-ins at once from exhausting a small machine (RFC 9106).
_hasher = PasswordHasher(time_cost=3, memory_cost=19_456, parallelism=1)

# Common ones of at least the shortest length, and what people add up to reach it.
_COMMON_WORDS = """
123456789012 1234567890123 12345678901234 123456789123 123123123123 111111111111 000000000000
1q2w3e4r5t6y 1qaz2wsx3edc 1q2w3e4r5t6y7u qwertyuiop12 qwertyuiop123 qwertyuiopas qwertyuiopasdf
qwertyuiop[] qwerty123456 qwerty1234567 qwerty12345678 qwertzuiop12 qwertzuiop123 qwertzuiopue
azertyuiop12 azertyuiop123 asdfghjklzxc asdfghjkl123 zxcvbnm12345 zaq12wsxcde3 abcdefghijkl
abcdefghijklm abcd12345678 abc123456789 abcdef123456 a12345678910 password1234 password12345
password123456 passwordpassword password2024 password2025 password2026 p@ssword1234 p@ssw0rd1234
passw0rd1234 mypassword123 mypassword12 thepassword1 newpassword1 newpassword123 adminadmin12
adminadminadmin administrator administrator1 admin1234567 admin12345678 welcome12345 welcome123456
welcome2024! welcome2025! welcome2026! letmeinletmein letmein12345 letmein123456 iloveyou1234
iloveyou12345 iloveyouforever changeme1234 changeme12345 changemenow1 changemeplease default12345
superman1234 batman123456 football1234 baseball1234 dragon123456 monkey123456 princess1234 sunshine1234
trustno1trustno1 master123456 shadow123456 michael12345 jennifer1234 computer1234 internet1234
secret123456 secretsecret secretpassword testtesttest test12345678 testpassword testing12345
hallohallo12 hallo1234567 passwort1234 passwort12345 passwort123456 meinpasswort geheim123456
motdepasse12 motdepasse123 contrasena12 contrasena123 contraseña123 heslo1234567 heslo12345678
correcthorsebatterystaple newsletter12 newsletter123 newsletter1234
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def check_new_password(password: str) -> None:
    """Raise Invalid, with the field `password`, unless it can serve."""
    problem = _problem_with(_plain(password))
    if problem:
        raise Invalid("Please choose another password.", {"password": problem})


def hash_password(password: str) -> str:
    """The argon2id hash of `password`, with salt and parameters."""
    return _hasher.hash(_plain(password))


def is_right(password: str, password_hash: str | None) -> bool:
    """Whether `password` belongs to `password_hash`; takes as long when there is no hash at all (S-032)."""
    try:
        fits = _hasher.verify(password_hash or _nobodys_hash(), _plain(password)[:1024])
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def _plain(password: str) -> str:
    # The same password typed on another keyboard may arrive in another Unicode form (RFC 8265 section 4.2).
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace").decode()


def _problem_with(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        return f"Please use at least {SHORTEST_PASSWORD} characters; a few words in a row do well."
    if len(password) > LONGEST_PASSWORD:
        return f"Please use at most {LONGEST_PASSWORD} characters."
    if password.casefold() in _COMMON or len(set(password.casefold())) < 4:
        return "This password is among the first that others would try. Please choose another."
    return ""


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher.hash("the password of nobody at all")
