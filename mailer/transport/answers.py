"""What a relay's answer is about: the person's address, the mail, the moment, or us (pure; E-082).

Code and words are read together, for many relays say "user unknown" and "daily limit exceeded" with the
same code. The words go first, from what can only be meant one way to what is vague; then the enhanced code
(RFC 3463), then the code alone.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from mailer.transport.outcomes import Outcome


class About(StrEnum):
    """The subject of an answer that is no acceptance."""

    ADDRESS = "address"  # there is no such mailbox
    MAILBOX = "mailbox"  # it is full, or takes nothing just now
    GREYLISTED = "greylisted"  # a first try is put off as a matter of habit
    MESSAGE = "message"  # its size, form or content
    SENDER = "sender"  # we may not send as this address
    RELAYING = "relaying"  # we are not known to the relay, or not signed in
    AUTHENTICATION = "authentication"  # SPF, DKIM or DMARC
    REPUTATION = "reputation"  # blocklists, spam
    ACCOUNT = "account"  # our account there is stopped
    POLICY = "policy"  # an objection without a reason
    QUOTA = "quota"  # as many as we may send for now
    PACE = "pace"  # too fast, or too many at once
    UNKNOWN = "unknown"


class Reading(NamedTuple):
    """What an answer is about; `is_said` unless it follows from a bare code only."""

    about: About
    is_said: bool


# Only our provider can say so, whoever the mail was for.
CERTAIN: Final = frozenset({About.SENDER, About.RELAYING, About.ACCOUNT, About.QUOTA})
ABOUT_US: Final = CERTAIN | {About.AUTHENTICATION, About.REPUTATION, About.POLICY, About.PACE}
FOR_NOW: Final = frozenset({About.QUOTA, About.PACE})

_ENHANCED: Final = re.compile(r"\b([245]\.[0-9]{1,3}\.[0-9]{1,3})\b")
_PERIOD: Final = (
    r"(?:daily|hourly|monthly|weekly|per[ -](?:day|hour|month)|(?:24|twenty.?four)[ -]?(?:h\b|hours?)"
    r"|this (?:hour|day|month)|today|(?:a|each|every|an) (?:day|hour|month)|in one (?:day|hour)|hour|day)"
)
_LONG_PERIOD: Final = re.compile(
    r"\b(?:daily|monthly|weekly|per (?:day|month)|24[ -]?(?:h\b|hours?)|today|credits?|subscription|plan)\b"
)
_OF_THE_READER: Final = (
    r"(?:mailbox|recipient|destinataire|empf.nger|you (?:are trying|tried) to (?:contact|reach)"
    r"|your message to|user'?s?|inbox)"
)
# One alternative a line; a line that is indented goes on with the one before.
_WORDS: Final = tuple(
    (
        about,
        re.compile(
            "|".join(lines.strip().replace("\n  ", "").splitlines())
            .replace("PERIOD", _PERIOD)
            .replace("READER", _OF_THE_READER)
        ),
    )
    for about, lines in (
        (
            About.GREYLISTED,
            r"""
gr[ae]y[ -]?list
postgrey
""",
        ),
        (
            About.MAILBOX,
            r"""
receiving mail (?:at a rate|too)
mailbox (?:is |has )?(?:full|over quota|quota|exceeded|size limit)
recipient (?:has |have )?exceeded (?:their|its|message)
recipient address rejected: unverified address
""",
        ),
        (
            About.PACE,
            r"""
^(?!.*PERIOD).*(?:rate[ -]?limit|(?:connections?|threads?|sessions?) limit|unusual rate|sending rate
  |per (?:second|minute)\b)
""",
        ),
        (
            About.QUOTA,
            r"""
submission ?quota
(?:sending|send|sender|outgoing|outbound|smtp|relay|e?-?mails?|messages?|recipients?|rate|account|plan
  |your|domain|user|PERIOD)[\w' -]{0,40}\b(?:limits?|quota|allowance|maximum|cap)\b[^;.]{0,40}(?:exceed
  |reach|used|hit|over)
(?:exceed|reach|used|hit|over)\w*[^;.]{0,60}\b(?:(?:sending|send|sender|outgoing|outbound|message|mail
  |email|e-mail|recipient|plan|account|PERIOD)[\w ]{0,20}(?:limit|quota|allowance|cap)|max
  (?:imum)?[^;.]{0,40}PERIOD|(?:limit|quota)[^;.]{0,40}PERIOD)\b
PERIOD[\w ]{0,20}(?:limit|quota)
(?:limit|quota) (?:of|for)[^;.]{0,30}PERIOD
\b(?:limit|quota|max(?:imum)?)\b[^;.]{0,30}per (?:hour|day|month)\b
limit on the number of
too many[^;.]{0,60}(?:per (?:hour|day|month)|this hour|today|24)
(?:out of|no more|maximum|not enough|insufficient|exceeded)[\w ]{0,12}credits?
credits? (?:are )?(?:exceeded|exhausted)
(?:sending|send|versand|outmail|mail) ?(?:limit|quota|kontingent)
limite? (?:d'envoi|de env[ií]o|di invio)
quota (?:d'envoi|de env[ií]o)
reached your (?:limit|quota)
exceeded your [\w ]{0,20}(?:limit|quota)
sender (?:has )?exceeded[\w ]{0,20}(?:limit|quota)
per (?:hour|day|month) exceeded
only \d+ \w+ per \d+
""",
        ),
        (
            About.MAILBOX,
            r"""
(?:mailbox|inbox|user|recipient|account|bo[iî]te)[^;]{0,60}(?:full|over ?quota|quota|storage|\bspace\b)
over ?quota
quota (?:exceeded|full)
exceeded[\w ]{0,20}(?:storage|quota)
(?:mailbox|inbox)[\w ]{0,20}(?:frozen|locked|disabled for)
storage (?:limit|quota)
postfach[^;]{0,30}voll
(?:recipient|destinataire|mailbox|user)\b[\w @.]{0,40}(?:(?:temporar\w+ )?locked|blocked|bloqu|frozen
  |suspended)
""",
        ),
        (
            About.RELAYING,
            r"""
relay\w*[\w ]{0,20}(?:denied|not (?:permitted|allowed|authori[sz]ed)|prohibited|forbidden|refused
  |disabled|disallowed|rejected)
(?:unable|not (?:permitted|allowed|authori[sz]ed)|no permission|denied|cannot|do(?:es)? not|don't
  |will not) (?:to )?relay
rcpthosts
authentication (?:is )?(?:required|failed|needed|unsuccessful|credentials)
(?:must|please|should|need to|have to) (?:first )?(?:be )?(?:smtp )?(?:authenticat|log ?in|sign in
  |use smtp.?auth|issue an? auth)
client (?:was |is )?not authenticated
not (?:logged|signed) in
unauthenticated senders? not
smtp auth\w* (?:is )?(?:required|needed|first)
(?:turn on|enable) smtp.?auth
(?:invalid|incorrect|bad) (?:login|credentials|username|password|authentication)
credentials (?:are )?(?:invalid|rejected|not)
anmeldung erforderlich
authentifizierung (?:erforderlich|fehl)
""",
        ),
        (
            About.AUTHENTICATION,
            r"""
\bspf\b
sender policy framework
\bdkim\b
\bdmarc\b
\bdomainkeys\b
unauthenticated (?:e-?mail|mail|message)
is unauthenticated
sender ?id\b
(?:does not have|no|lacks?|without) authentication information
authentication checks?
not pass(?:ed)? authentication
""",
        ),
        (
            About.SENDER,
            r"""
send ?as ?denied
permissions? to send (?:as|on behalf)
send (?:as|on behalf of) this
\bsend as\b
(?:sender|from|mail from|return.path|envelope.from|identity|identities|from header)\b[^;]{0,80}(?:not[ ]
  (?:been )?(?:verified|validated|confirmed|authori[sz]ed|allowed|permitted|owned|registered|accepted
  |valid|found|match\w*|in the list)|unverified|must (?:be (?:the )?same|match|equal|belong)|mismatch
  |does(?: not|n't) (?:match|exist|belong)|do not match|sender verify failed|failed the check)
(?:sender|mail from|from)(?: e?-?mail)?(?: address| domain)?(?: is| was| has been)? ?(?:rejected|denied
  |refused|invalid|unknown|blocked|blacklisted|banned|not verified)
sender verify (?:failed|fail)
(?:address|domain|e-?mail)(?: is| has| was)? (?:not (?:been )?(?:verified|validated|confirmed)|unverified)
not owned by (?:user|the)
not (?:been |yet )?verified
(?:not|un)[ -]?(?:authori[sz]ed|permitted|allowed|entitled) to (?:send|use)(?! to)
(?:may|can|could)(?:not| not) send (?:as|from|mails? (?:as|from)|using)
verify (?:failed for|your) (?:sender|domain|from)
domain of sender
sender domain
unverified (?:sender|domain|address|identity)
(?:invalid|not local|unauthori[sz]ed(?: envelope)?) sender
absender\w*[^;]{0,40}(?:nicht|ung.ltig|abgelehnt)
exp[ée]diteur[^;]{0,40}(?:non|refus|invalid)
bad outbound sender
sender signature
not one of your addresses
authori[sz]ed to perform
""",
        ),
        (
            About.ACCOUNT,
            r"""
^(?!.*READER)(?=.*(?:your|sending|sender|smtp|tenant|organi[sz]ation|this|customer|subaccount|domain
  |api)\b).*\b(?:account|user|tenant|sending|organi[sz]ation|subscription|customer|domain
  |key)\b[^;]{0,50}(?:suspend|disabl|deactivat|block|lock|inactive|under review|paused|restricted
  |terminated|not (?:yet )?(?:activ|approv|enabl)|expired)
^(?!.*READER).*account (?:is |has been |was )?(?:temporarily )?(?:suspended|terminated|not[ ]
  (?:yet )?activated|under review)
(?:sending|outgoing mail|outbound mail)[\w ]{0,20}(?:suspen|disabled|paused|blocked)
unusual sending activity
exceeded threshold
spam abuse detected
(?:suspended|blocked|restricted|banned) from sending
activate your (?:smtp |\w+ )?account
storedrv\.(?:submission|clientsubmit).{0,60}quota
invalid license
is in sandbox
""",
        ),
        (
            About.MESSAGE,
            r"""
too many (?:hops|received)
octets, the relay takes
mail loop
loop detected
duplicate header
(?:message|mail|file|length|size)\b[\w ]{0,20}(?:exceeds?|too (?:big|large|long)|limit exceeded)
""",
        ),
        (
            About.PACE,
            r"""
throttl
rate[ -]?limit
rate (?:is )?(?:too|exceed)
(?:sending|mail|message|submission|connection|maximum|unusual|high|excessive)[\w ]{0,12} rate\b
rate (?:of|exceeded|control)
too (?:fast|quickly|frequent)
slow (?:it )?down
frequency
concurren
simultaneous
too many (?!invalid|unknown|bad)
too much mail
(?:connections?|sessions?|threads?)[\w ]{0,12} (?:limit|exceed)
(?:max\w*|limit)[\w ]{0,20} (?:connections?|sessions?)
unexpected volume
temporarily deferred
\[?tss0\d
exceeds? (?:the )?(?:configured )?(?:limit|rate)
exceeded (?:the )?(?:configured )?(?:limit|rate)
per (?:second|minute)\b
zu viele
trop de
demasiad[oa]s
insufficient (?:system )?(?:resources|storage)
""",
        ),
        (
            About.ADDRESS,
            r"""
user unknown
is not a mail address
has no ascii form
unknown (?:user|recipient|mailbox|address|local)
no such (?:user|recipient|mailbox|person|address|account|domain|local|customer|e-?mail)
(?:user|mailbox|recipient|address(?:ee)?|account|adresse?|empf.nger|domain|host)\b[^;]{0,70}(?:not found|unknown
  |does(?: not|n't) exist|do(?: not|n't) exist|invalid|no longer|not known|not listed|not exist|isn't
  |disabled|inactive|discontinued|deactivated|closed)
(?:invalid|disabled) (?:recipient|mailbox|address|user|final delivery)
is no longer valid
not in (?:the |our )?recipient list
no mailbox
recipnotfound
nobody here
not (?:our|a known|a valid|a local) (?:user|mailbox|customer|recipient)
not (?:a )?valid (?:user|mailbox|recipient)
unroutable
unrouteable
does(?: not|n't) have (?:an? )?[\w .-]{0,40}account
inconnue?
unbekannt
existiert nicht
nicht gefunden
invalide
neexistuje
no existe
inesistente
sconosciuto
recipient address(?:es)? rejected ?: access denied
address rejected\W*$
""",
        ),
        (
            About.MESSAGE,
            r"""
too (?:big|large|long)
virus
malware
malformed
rfc ?(?:5322|2822|822)
attachment
(?:message|mail) content
content (?:rejected|presents)
8-bit
multiple addresses in from
bare (?:lf|cr)
line length
""",
        ),
        (
            About.REPUTATION,
            r"""
spamhaus
block ?list
black ?list
\bdnsbl\b
\brbl\b
\blisted\b
reputation
banned
\bspam
unsolicited
\bbulk\b
\babuse
barracuda
sorbs
blocked
client host rejected
reverse (?:dns|lookup)
\bptr\b
\brdns\b
helo
resource record
spoof
suspicious
too many (?:invalid|unknown|bad)
complaints
""",
        ),
        (
            About.POLICY,
            r"""
policy
policies
security
not allowed
access denied
prohibit
(?:message|mail) (?:is |was )?rejected
""",
        ),
    )
)
_LATER: Final = re.compile(
    r"(?:try|retry|resend|attempt|again|submit)[\w ]{0,20} (?:later|in (?:a|some|\d+))"
    r"|later\b[\w ]{0,10}(?:try|retry)"
    r"|(?:server|system|service)[\w ]{0,12} (?:too )?busy|plus tard|sp.ter (?:erneut|noch)"
)
_NOT_NOW: Final = re.compile(r"mailbox[\w ]{0,20} (?:unavailable|busy)")
_CODES: Final = {
    About.ADDRESS: "5.1.1 5.1.2 5.1.3 5.1.6 5.1.10 5.2.1",
    About.MAILBOX: "4.2.0 4.2.1 4.2.2 5.2.2",
    About.MESSAGE: "5.2.3 5.3.4 4.3.4 5.4.6",
    About.SENDER: "5.1.7 5.1.8 4.1.7 4.1.8 5.7.60",
    About.RELAYING: "5.7.3 5.7.8 5.7.54 5.7.57 5.7.64 5.7.11",
    About.AUTHENTICATION: "5.7.20 5.7.21 5.7.22 5.7.23 5.7.24 5.7.25 5.7.26 5.7.27 5.7.30 5.7.509 5.7.515",
    About.ACCOUNT: "5.2.251 5.2.252 5.2.253",
    About.QUOTA: "5.4.5 5.1.90 5.2.254 5.2.255",
    About.PACE: "4.3.1 4.3.2 4.4.5 4.5.3 5.5.3 4.7.28 5.7.28",
}
_BY_ENHANCED: Final = {one: about for about, codes in _CODES.items() for one in codes.split()}
# Said with these, the words speak of the reader whatever else they might be taken for.
_OF_A_MAILBOX: Final = frozenset({"4.2.2", "5.2.2", "4.2.1"})
_BY_CODE: Final = {
    450: About.PACE,
    421: About.PACE, 422: About.PACE, 432: About.PACE, 452: About.PACE, 454: About.PACE,
    530: About.RELAYING, 534: About.RELAYING, 535: About.RELAYING, 538: About.RELAYING,
}  # fmt: skip
_OF_THE_RELAY: Final = re.compile(
    r"throttl|concurren|simultaneous|connections?|sessions?|threads?|sending rate"
    r"|insufficient (?:system )?(?:resources|storage)"
)
_AT_ONCE: Final = re.compile(
    r"concurren|simultaneous|connections?\b|sessions?\b|threads?\b|at once|parallel"
)


def read_outcome(outcome: Outcome) -> Reading:
    """What the answer behind an outcome is about; UNKNOWN where nobody answered."""
    if outcome.code is None or outcome.stage == "local":
        return Reading(About.UNKNOWN, is_said=False)
    return read_answer(outcome.code, outcome.text, outcome.stage, outcome.enhanced)


@lru_cache(maxsize=4_096)
def read_answer(code: int, text: str, stage: str = "", enhanced: str | None = None) -> Reading:
    """What an answer is about, by its code, its words and the stage it came at, as far as known."""
    enhanced = enhanced or enhanced_in(code, text)
    said = _said(text)
    about = _by_words_and_code(code, said, enhanced)
    if about is not None:
        return Reading(about, is_said=True)
    if enhanced is not None and enhanced.startswith("5.7."):
        return Reading(_of_microsoft(enhanced) or About.POLICY, is_said=True)
    if enhanced is not None and enhanced.startswith("5.6."):
        return Reading(About.MESSAGE, is_said=True)
    if enhanced is None and code == 550 and stage == "rcpt":
        return Reading(About.ADDRESS, is_said=False)  # E-083
    if _NOT_NOW.search(said):
        return Reading(About.MAILBOX if code < 500 else About.ADDRESS, is_said=True)
    if code < 500 and _LATER.search(said):
        return Reading(About.PACE, is_said=False)
    if code == 450 and enhanced is not None:
        return Reading(About.UNKNOWN, is_said=False)
    return Reading(_BY_CODE.get(code, About.UNKNOWN), is_said=False)


def is_of_the_relay(outcome: Outcome) -> bool:
    """Whether an answer about the pace can only come from the relay itself, not from a destination."""
    said = _said(outcome.text)
    if outcome.code == 421:  # said to whatever came next, and to all that was on the connection
        return _OF_THE_RELAY.search(said) is not None
    if outcome.stage == "mail":
        return True
    is_by_code = outcome.code in (422, 432, 452, 454) or outcome.enhanced in (
        "4.3.1", "4.3.2", "4.5.3",
    )  # fmt: skip
    return is_by_code or _OF_THE_RELAY.search(said) is not None


def is_about_connections(outcome: Outcome) -> bool:
    """Whether the relay minds how many mails come at once, rather than how fast they follow each other."""
    return outcome.code == 432 or _AT_ONCE.search(_said(outcome.text)) is not None


def lasts_long(text: str) -> bool:
    """Whether the limit an answer tells of is one of a day or longer, which no waiting in line helps."""
    return _LONG_PERIOD.search(_said(text)) is not None


def enhanced_in(code: int, text: str) -> str | None:
    """The enhanced status code (RFC 3463) that an answer's words begin with or name, of the class of `code`."""
    found = _ENHANCED.search(text)
    return found[1] if found is not None and int(found[1][0]) == code // 100 else None


def pattern_of(code: int, text: str) -> str:
    """What is the same in an answer whoever it is given to: without addresses, hosts, numbers and ids."""
    said = _said(text)
    words = [one for one in re.split(r"[^a-z0-9.'-]+", said) if one.replace("'", "").isalpha()]
    return f"{code} {enhanced_in(code, text) or ''} {' '.join(words)}"[:240]


def _said(text: str) -> str:
    """The words in small letters, without addresses, links and what stands in brackets."""
    plain = re.sub(r"<[^<>]*>|\S+@\S+|https?:/\S*|\[[^\]]*\]", " ", text.lower())
    return re.sub(r"\s+", " ", plain)


def _by_words_and_code(code: int, said: str, enhanced: str | None) -> About | None:
    """The words hold, unless they are vague beside the enhanced code."""
    about, by_code = _by_words(said, enhanced), _BY_ENHANCED.get(enhanced or "")
    if about is None:
        return by_code
    if about is About.POLICY and by_code not in (None, About.ADDRESS):
        return by_code
    if about is About.ACCOUNT and by_code is About.ADDRESS and "send" not in said:
        return About.ADDRESS  # the reader's account
    if about is About.ADDRESS and code < 500 and enhanced in _OF_A_MAILBOX:
        return About.MAILBOX
    return about


def _by_words(said: str, enhanced: str | None) -> About | None:
    is_ours = any(word in said for word in ("submission", "send", "relay"))
    is_of_a_mailbox = enhanced in _OF_A_MAILBOX and not is_ours
    for about, pattern in _WORDS:
        if about in ABOUT_US and is_of_a_mailbox:
            continue
        if pattern.search(said):
            return about
    return None


def _of_microsoft(enhanced: str) -> About | None:
    detail = int(enhanced.rpartition(".")[2])
    if 700 <= detail <= 749:
        return About.ACCOUNT
    return About.REPUTATION if 501 <= detail <= 513 or 600 <= detail <= 699 else None
