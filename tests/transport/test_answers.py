"""What relays' answers are about, in the dialects of many of them."""

from __future__ import annotations

import pytest

from mailer.transport import About, lasts_long, pattern_of, read_answer

ANSWERS = {
    About.ADDRESS: """
550 User unknown
550 5.1.1 <reader@example.org>: Recipient address rejected: User unknown in virtual table
550 5.7.1 <reader@example.org>: Recipient address rejected: User unknown
550 5.1.1 The account that you tried to reach does not exist. Please check the recipient's address for spaces
550 5.2.1 The account that you tried to reach is disabled.
550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found
550 5.4.1 Recipient address rejected: Access denied
550 No such user here
551 not our user
553 5.3.0 <reader@example.org>... No such mailbox
554 delivery error: This user doesn't have an example.org account
550 5.1.1 Utilisateur inconnu
550 5.5.0 Requested action not taken: mailbox unavailable
550 5.4.1 All recipient addresses rejected : Access denied
550 #5.1.0 Address rejected.
553 5.3.0 <reader@example.org>... Addressee unknown
525 5.7.13 Disabled recipient address
550 5.2.1 This account has been disabled
554 delivery error: Sorry your message to x cannot be delivered. This account has been disabled or discontinued
554 delivery error: reader@example.org is no longer valid.
554 5.7.1 <reader@example.org>: Recipient address rejected: Not in recipient list
""",
    About.MAILBOX: """
452 4.2.2 Mailbox full
552 5.2.2 The account that you tried to reach is over quota
552 5.7.1 Quota exceeded (mailbox for user is full)
422 The recipient's mailbox has exceeded its storage limit
450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents more
550 Mailbox quota exceeded
550 5.7.1 <reader@example.org>: User temporary locked. Please try again later
450 4.1.1 <reader@example.org>: Recipient address rejected: unverified address: Address verification in progress
451 4.5.1 The recipient <reader@example.org> has exceeded their message rate limit. Try again later.
554 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour
552 5.2.2 Mailbox size limit exceeded
""",
    About.GREYLISTED: """
450 4.2.0 <reader@example.org>: Recipient address rejected: Greylisted
451 4.7.1 Greylisting in action, please come back in 00:04:59
""",
    About.QUOTA: """
550 5.4.5 Daily user sending limit exceeded. See our pages
421 4.5.4 Daily SMTP relay limit exceeded for customer
550 Domain shop.example has exceeded the max emails per hour (201/200 (100%)) allowed.
550 5.1.1 hourly limit exceeded
550 5.1.1 <reader@example.org> - 192.0.2.7 has sent to too many recipients this hour
554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; cannot be sent
550 5.1.90 Your message can't be sent because you've reached your daily limit for recipients
454 Throttling failure: Daily message quota exceeded.
451 Authentication failed: Maximum credits exceeded
550 You have exceeded your messaging limits
450 4.7.1 Error: too many mails today
554 5.7.1 <reader@example.org>: Recipient address rejected: You have exceeded your mail quota
525 5.7.13 Your SMTP account has reached its daily limit
550 Mail quota exceeded: you may send 500 mails per hour
450 4.2.1 Peak SMTP relay limit exceeded for customer. This is a temporary error.
451 4.7.1 <us@shop.example>: Sender address rejected: Sender exceeded quota
450 4.7.1 <END-OF-MESSAGE>: End-of-data rejected: Number messages per hour exceeded. Error:RATE_MSG
450 4.7.1 only 5 recipients per 5 minutes allowed
550 Limite di invio giornaliero superato
""",
    About.PACE: """
454 Throttling failure: Maximum sending rate exceeded.
432 4.3.2 Concurrent connections limit exceeded.
432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded
452 4.5.3 Too many recipients
452 4.3.1 Insufficient system storage
421 4.7.0 Too many connections, try later
421 4.7.28 An unusual rate of mail originating from your SPF domain
421 4.7.0 [TSS04] Messages from 192.0.2.7 temporarily deferred due to user complaints
421 4.4.2 Message submission rate for this client has exceeded the configured limit
450 4.7.1 Error: too much mail from 192.0.2.7
451 Please try again later
550 5.7.1 Rate limit exceeded
550 Ip frequency limited
422 slow down
452 4.4.5 Messages per second limit exceeded
451 4.4.5 System load too high
""",
    About.SENDER: """
554 Message rejected: Email address is not verified. The following identities failed the check
554 5.2.252 SendAsDenied; us@shop.example not allowed to send as them@shop.example
550 5.7.60 SMTP; Client does not have permissions to send as this sender
553 5.7.1 <us@shop.example>: Sender address rejected: not owned by user news
550 5.1.8 <us@shop.example>: Sender address rejected: Domain not found
550 The from address does not match a verified Sender Identity.
550 From header sender domain not verified
501 mail from address must be same as authorization user
421 Domain shop.example is not allowed to send
501 5.1.0 Emetteur invalide. Invalid Sender.
550 not local sender over smtp
550 Unauthorised Envelope Sender. Our addresses may only send via approved services.
""",
    About.RELAYING: """
554 5.7.1 <reader@example.org>: Relay access denied
454 4.7.1 <reader@example.org>: Relay access denied
550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain
530 5.7.57 Client not authenticated to send mail
553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)
550 Unauthenticated senders not allowed
553 Relaying disallowed as us@shop.example
550 Please turn on SMTP Authentication in your mail client
""",
    About.AUTHENTICATION: """
550 5.7.26 This mail is unauthenticated, which poses a security risk
550 5.7.509 Access denied, sending domain does not pass DMARC verification
550 5.7.515 Access denied, sending domain does not meet the required level.
550 5.1.0 192.0.2.7 is not allowed to send from <shop.example> per its SPF Record.
""",
    About.REPUTATION: """
554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org
550 5.7.606 Access denied, banned sending IP
554 5.7.0 Reject, id=20025-09 - SPAM
550 Invalid DNS MX or A/AAAA resource record
550 rejecting spoofed message
""",
    About.ACCOUNT: """
550 5.7.705 Access denied, tenant has exceeded threshold
554 Message rejected: Sending suspended for this account.
525 5.7.1 SMTP account is not yet activated
550 Account suspended
550 Domain shop.example has an outgoing mail suspension. Message discarded.
550 5.4.6 Unusual sending activity detected. Please try after sometime.
550 5.2.1 Your account is disabled for sending
""",
    About.POLICY: """
554 5.7.1 Refused
554 5.7.9 Message not accepted for policy reasons
550 Administrative prohibition
550 5.1.1 Rejected by policy
550 Mail is rejected by recipients
""",
    About.MESSAGE: """
552 5.3.4 Message size exceeds fixed maximum message size
552 5.2.3 Message length exceeds limit set by recipient
554 5.4.6 Too many hops
554 5.6.0 Message contains a virus
""",
    About.UNKNOWN: """
554 Transaction failed
451 4.3.0 come back later
""",
}


@pytest.mark.requirement("E-082")
@pytest.mark.requirement("E-083")
@pytest.mark.parametrize(
    ("about", "answer"),
    [(about, one) for about, lines in ANSWERS.items() for one in lines.strip().splitlines()],
)
def test_an_answer_is_read_by_its_code_and_its_words(about: About, answer: str) -> None:
    code, _, text = answer.partition(" ")
    assert read_answer(int(code), text, "rcpt").about is about


def test_a_bare_code_says_less_than_words() -> None:
    assert read_answer(550, "", "rcpt") == (About.ADDRESS, False)
    assert read_answer(550, "", "body") == (About.UNKNOWN, False)
    assert read_answer(550, "no such user", "body") == (About.ADDRESS, True)


def test_an_answer_is_the_same_whoever_it_is_given_to() -> None:
    one = pattern_of(
        554, "5.7.1 <ann@one.test> refused by mx1.one.test [192.0.2.1] at 10:15:02, id=4AF1"
    )
    other = pattern_of(
        554, "5.7.1 <bob@two.test> refused by in.two.test [192.0.2.9] at 10:15:07, id=77C2"
    )
    assert one == other
    assert one != pattern_of(554, "5.7.1 refused for its size")


def test_a_limit_of_a_day_is_told_from_one_that_passes_soon() -> None:
    assert lasts_long("Daily message quota exceeded")
    assert not lasts_long("Maximum sending rate exceeded")


def test_a_long_answer_is_read_in_no_time() -> None:
    """What a hostile relay may say at most, 1,000 characters, holds up no worker."""
    for word in ("sender ", "limit exceeded ", "account ", "max hour ", "<a@b ", "relay "):
        text = (word * 1_000)[:1_000]
        assert read_answer(550, text, "rcpt").about in About
