"""Which domains an organisation may send from: no mailbox provider's, and none that another uses (E-044)."""

from __future__ import annotations

import re

import sqlalchemy as sa

from mailer.foundation.addresses import parse_address
from mailer.foundation.database import db
from mailer.organisations.models import DomainKey, Sender
from mailer.organisations.states import DomainKeyState
from mailer.rendering import ascii_domain

# Domains where anybody gets a mailbox. Their owners refuse mail that others send in their name (DMARC).
_NAMES = """
126.com 139.com 163.com 189.cn alice.it aliyun.com aol.com aol.de arcor.de atlas.cz att.net azet.sk bell.net
bellsouth.net bigmir.net bigpond.com bk.ru bluewin.ch bol.com.br btinternet.com centrum.cz centrum.sk
comcast.net cox.net daum.net disroot.org dr.com duck.com eclipso.de email.cz email.de emailn.de fastmail.com
fastmail.fm foxmail.com free.fr freemail.hu freenet.de gmail.com gmx.biz gmx.com gmx.info gmx.net gmx.org
googlemail.com hanmail.net hey.com home.nl hushmail.com i.ua icloud.com inbox.com inbox.lv inbox.ru
interia.pl internode.on.net iol.pt juno.com kolabnow.com laposte.net libero.it list.ru live.at live.be
live.ca live.cn live.co.uk live.com live.com.au live.de live.dk live.fr live.ie live.it live.jp live.nl
live.no live.ru live.se mac.com mail.bg mail.com mail.de mail.ee mail.ru mail.ua mailbox.org me.com msn.com
mweb.co.za naver.com neuf.fr ntlworld.com o2.pl onet.eu onet.pl online.de optonline.net orange.fr
outlook.com passport.com pm.me pobox.sk poczta.onet.pl post.cz post.sk posteo.de posteo.eu posteo.net
proton.me protonmail.ch protonmail.com qq.com quickline.ch rambler.ru rediffmail.com riseup.net
rocketmail.com rogers.com runbox.com sapo.pt sbcglobal.net seznam.cz sfr.fr shaw.ca sina.cn sina.com sky.com
skynet.be sohu.com startmail.com sympatico.ca t-online.de talktalk.net telenet.be telus.net terra.com.br
tiscali.it tom.com tuta.com tuta.io tutanota.com tutanota.de ukr.net uol.com.br ureach.com verizon.net
virgilio.it virgin.net virginmedia.com volny.cz wanadoo.fr web.de wp.pl xtra.co.nz yeah.net ymail.com
ziggo.nl zoho.com zohomail.com zoznam.sk
"""
_FREEMAIL = frozenset(_NAMES.split())
_FAMILIES = re.compile(r"(yahoo|hotmail|outlook|gmx|yandex)\.((co|com)\.)?([a-z]{2}|com|net)")
FREEMAIL = (
    "Nobody but {domain} may send mail in its name, so large providers refuse it. Use an address of a domain "
    "of your own, and give this one for replies."
)
TAKEN = "{domain} is in use by somebody else here. Use an address of a domain that is yours alone."


def why_not_from(
    organisation_id: int, from_address: str, *, sender_id: int | None = None
) -> str | None:
    """Why an organisation may not send from an address, as a sentence; None when it may.

    With `sender_id`, of a sender that is kept already, whoever used the domain first may go on. Domains are
    the same for this when one lies within the other.
    """
    domain = ascii_domain("from_address", parse_address(from_address).domain).lower()
    if is_freemail(domain):
        return FREEMAIL.format(domain=domain)
    others = sa.select(Sender.from_address).where(
        Sender.organisation_id != organisation_id, Sender.archived_at.is_(None)
    )
    if sender_id is not None:
        others = others.where(Sender.id < sender_id)
    domains = {one.rpartition("@")[2] for one in db.session.scalars(others)}
    if sender_id is None:
        domains |= set(
            db.session.scalars(
                sa.select(DomainKey.domain).where(
                    DomainKey.organisation_id != organisation_id,
                    DomainKey.state == DomainKeyState.SIGNING,
                )
            )
        )
    used = {ascii_domain("from_address", one).lower() for one in domains}
    if any(_is_within(domain, one) or _is_within(one, domain) for one in used):
        return TAKEN.format(domain=domain)
    return None


def is_freemail(domain: str) -> bool:
    """Whether anybody gets a mailbox at this very domain (A-labels, small letters)."""
    return domain in _FREEMAIL or _FAMILIES.fullmatch(domain) is not None


def _is_within(domain: str, other: str) -> bool:
    return domain == other or ("." in other and domain.endswith(f".{other}"))
