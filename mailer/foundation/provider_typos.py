"""Mistyped domains of large mailbox providers: which address was probably meant. The visitor is asked."""

from __future__ import annotations

from functools import lru_cache

from mailer.foundation.addresses import Address

# The endings each provider really has, the commonest first.
_ENDINGS: dict[str, str] = {
    "gmail": "com",
    "googlemail": "com",
    "hotmail": "com de fr it es co.uk nl be se dk no fi gr ca ch com.br com.ar com.tr com.au co.jp",
    "outlook": "com de fr it es at be dk ie pt cz sk hu co.id com.br com.au com.gr com.tr co.th kr jp in my ph "
    "sg lv cl",
    "live": "com de fr it co.uk nl be se dk no at ca ie cl cn in ru com.au com.mx com.ar com.pt jp",
    "yahoo": "com de fr it es co.uk ie ca at be ch gr ro se dk no nl pl fi hu cz in com.br com.ar com.mx "
    "com.au com.tr com.cn com.hk com.sg com.tw com.ph com.vn co.in co.jp co.id co.nz co.kr co.th",
    "icloud": "com",
    "protonmail": "com ch",
    "aol": "com de fr it es co.uk at be nl se pl",
    "msn": "com",
    "gmx": "de net at ch com eu org info biz fr es it co.uk us li lu cc",
    "web": "de",
    "t-online": "de",
    "freenet": "de",
    "arcor": "de",
    "wanadoo": "fr",
    "laposte": "net",
    "libero": "it",
    "bluewin": "ch",
    "seznam": "cz",
    "centrum": "cz sk",
    "azet": "sk",
}
# Names nobody would choose for anything else: one wrong letter in them is a mistake.
_COINED = frozenset(
    (
        *("gmail", "googlemail", "hotmail", "outlook", "yahoo", "icloud", "protonmail"),
        *("t-online", "freenet", "wanadoo", "laposte", "bluewin", "seznam"),
    )
)
_SHORT_SLIPS = {
    "gxm": "gmx",
    "gmxx": "gmx",
    "gmmx": "gmx",
    "ggmx": "gmx",
    "wbe": "web",
    "wweb": "web",
    "aoll": "aol",
}
# Names of others that are one letter away.
_OTHER_NAMES = (
    "mail email ymail cloud grail gmall yahoos wahoo outlooks bluewind bluewine amail bmail cmail "
    "dmail fmail hmail imail jmail kmail lmail nmail pmail qmail rmail smail tmail umail vmail wmail "
    "xmail zmail"
)
# Endings that exist: of countries, and those one letter away from a common one.
_REAL_ENDINGS = (
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt "
    "bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg "
    "er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn "
    "hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li "
    "lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne "
    "nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb "
    "sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr "
    "tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw cam mom bet vet pet new "
    "nec next ong com net org edu gov int mil biz info dev"
)
_OTHERS, _REAL = frozenset(_OTHER_NAMES.split()), frozenset(_REAL_ENDINGS.split())
# Endings one letter short of one that the providers of coined names have; they have none in these countries.
_CUT_OFF = {"c": "com", "co": "com", "cm": "com", "om": "com", "ne": "net", "et": "net"}


def suggest_address(address: Address) -> str:
    """The address that was probably meant, such as `…@gmail.com` for `…@gmial.com`; empty when nothing is odd.

    Only one mistake in the name and one in the ending are looked through. Domains that exist beside a large one
    (gmx.net, ymail.com, hotmail.co.uk) are left alone.
    """
    meant = _domain_meant(address.domain)
    return f"{address.given.rpartition('@')[0]}@{meant}" if meant else ""


@lru_cache(maxsize=1024)
def _domain_meant(domain: str) -> str:
    """The other domain that was probably meant, or empty."""
    label, dot, ending = domain.partition(".")
    name = _name_meant(label)
    meant = _ending_meant(name, ending) if dot and name else ""
    return f"{name}.{meant}" if meant and f"{name}.{meant}" != domain else ""


def _name_meant(label: str) -> str:
    if label in _ENDINGS:
        return label
    if label in _OTHERS:
        return ""
    if label in _SHORT_SLIPS:
        return _SHORT_SLIPS[label]
    return next((name for name in sorted(_COINED) if _is_slip(label, name)), "")


def _ending_meant(name: str, ending: str) -> str:
    """The ending that was meant; empty when the one given may be right, or is too far from any."""
    known = _ENDINGS[name].split()
    if ending in known:
        return ending
    cut_off = _CUT_OFF.get(ending, "")
    if name in _COINED | {"gmx"} and cut_off in known:
        return cut_off
    if ending.rpartition(".")[2] in _REAL:
        return ""
    return next((one for one in known if _is_one_apart(ending, one)), "")


def _is_slip(typed: str, name: str) -> bool:
    """Whether `typed` is `name` with one mistake; a different first letter is another name."""
    return (
        typed[:1] == name[:1] or len(typed) != len(name) or typed[:2] == name[1::-1]
    ) and _is_one_apart(typed, name)


def _is_one_apart(one: str, other: str) -> bool:
    """Whether one letter was left out, added or changed, or two neighbours were swapped."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    at = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    if len(one) != len(other):
        shorter, longer = sorted((one, other), key=len)
        return shorter[at:] == longer[at + 1 :]
    is_swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return is_swapped or one[at + 1 :] == other[at + 1 :]
