"""What is told about an answer of the relay that is about us, and what to do. Pure."""

from __future__ import annotations

import re

from mailer.transport import ABOUT_US, About, read_answer

LONGEST_ANSWER = 300
_ANSWER = re.compile(r"\b([45][0-9][0-9]) (.+)$")
_VAGUE = (
    "the mail server gives the same answer to everybody",
    "Ask your provider what it means, put that right, then resume.",
)
# What is wrong, and what to do about it.
_ABOUT: dict[About, tuple[str, str]] = {
    About.QUOTA: (
        "your provider's limit is used up",
        "Resume tomorrow, or when the limit is renewed; a limit under Settings, Pace keeps you below it.",
    ),
    About.PACE: (
        "the mail server wants less mail, and takes none for minutes",
        "Set a limit under Settings, Pace that your provider allows, then resume.",
    ),
    About.SENDER: (
        "the mail server refuses the sender",
        "Verify this sender address or its domain at your provider, or choose another sender, then resume.",
    ),
    About.RELAYING: (
        "the mail server refuses to pass mail on for us",
        "Check user name and password, and that it takes mail from this machine, then resume.",
    ),
    About.AUTHENTICATION: (
        "the mail is refused because SPF, DKIM or DMARC do not vouch for it",
        "Publish these DNS records for the domain of your sender (see its page), then resume.",
    ),
    About.REPUTATION: (
        "the mail is taken for spam, or the mail server is on a blocklist",
        "Ask your provider about its reputation and check what the mail says, then resume.",
    ),
    About.ACCOUNT: (
        "your account at the mail server may not send",
        "Sign in at your provider and see what it asks for, then resume.",
    ),
    About.POLICY: (
        "the mail is refused as a matter of policy",
        "Ask your provider for the reason, put that right, then resume.",
    ),
    About.MESSAGE: (
        "the mail server does not take this mail as it is",
        "Cancel this campaign, copy it, and make the mail smaller or simpler.",
    ),
}


def why_paused(about: About, answer: str) -> str:
    """The sentences a campaign is paused with when the relay answered so to everybody."""
    what, advice = _ABOUT.get(about, _VAGUE)
    return (
        f"Paused: {what}. The mail server said: “{shorten(answer)}” "
        f"Nobody is lost: whoever was refused so waits and gets the mail once you resume. {advice}"
    )


def why_stuck(count: int, code: int | None, text: str) -> str:
    """What is said where service mails wait because the relay does not take them."""
    mails = "1 service mail waits" if count == 1 else f"{count:,} service mails wait"
    answer = shorten(f"{code or ''} {text}".strip())
    said = f" It said: “{answer}”" if text else ""
    about = About.UNKNOWN if code is None else read_answer(code, text).about
    what, advice = _ABOUT.get(about, ("the mail server does not take them", ""))
    advice = advice.replace(", then resume", "")
    return (
        f"{mails}, such as confirmations: {what}.{said} They are tried again by themselves until their "
        f"links expire. {advice}"
    ).rstrip()


def advise(sentence: str) -> str:
    """What to do about an answer of the relay that is quoted at the end of `sentence`; empty if unknown."""
    quoted = _ANSWER.search(sentence)
    if quoted is None:
        return ""
    about = read_answer(int(quoted[1]), quoted[2]).about
    return _ABOUT[about][1] if about in ABOUT_US - {About.PACE} else ""


def why_slow(answer: str) -> str:
    """The sentence that is shown while the relay takes nothing and wants less."""
    return (
        f"The mail server wants less mail just now. It said: “{shorten(answer)}” "
        "Nothing is lost; we go on by ourselves as fast as it allows."
    )


def shorten(answer: str) -> str:
    """An answer of the relay as it is quoted."""
    return answer if len(answer) <= LONGEST_ANSWER else f"{answer[:LONGEST_ANSWER]} …"
