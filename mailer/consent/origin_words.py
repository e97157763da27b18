"""What each document says of each origin of a consent: the one table of these words. Pure.

The verifiers, which know nothing of ours, hold a copy of what they say; a test compares them.
"""

from __future__ import annotations

from calendar import month_name
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from mailer.consent.origins import Origin, Provenance
from mailer.foundation.languages import primary_language

LANGUAGES = ("en", "de", "sk", "cs")  # of the first five members; the rest is told in English

Told = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginWords:
    """What is said of one origin. Who is not found in LANGUAGES is told in English.

    `why` stands in the footer of a mail, `event` names a record in a bundle, `told` says how the consent came
    about, `person` and `read` what a bundle does not prove, `standing` is what a verifier says of a consent,
    `basis` is the legal basis as a receipt tells it, `members` counts people on the team's pages, `source`
    tells the privacy notice where data comes from.
    """

    why: Told
    event: Told
    told: Told
    person: Told
    read: Told
    standing: str
    basis: str
    members: str
    source: str


_DAYS: Told = (
    "{day} {month_name} {year}",
    "{day}.{month}.{year}",
    "{day}. {month}. {year}",
    "{day}. {month}. {year}",
)
_ON: Told = ("on {day}", "am {day}", "{day}", "{day}")
# Where day or source are not at hand, as the record may still tell them.
_UNDATED: Told = ("on an earlier day", "an einem früheren Tag", "v skorší deň", "v dřívější den")
_NO_SOURCE: Told = ("another place", "ein anderer Ort", "iné miesto", "jiné místo")
_SHOWN: Told = (
    "That the texts were read. They were shown.",
    "Dass die Texte gelesen wurden. Sie wurden gezeigt.",
    "Že texty niekto čítal. Boli zobrazené.",
    "Že texty někdo četl. Byly zobrazeny.",
)
_OWN_ACT = "Your consent (GDPR Art. 6(1)(a)), given freely and by an act of your own."
_NO_BASIS = "None: no consent is proven, so nothing of this is sent."
_FROM_YOU = (
    "The data comes from you, if you filled in a form of ours: from it and from what you do later."
)
_FROM_ELSEWHERE = (
    "If {organisation} brought your address here from another system, your data comes from there: from "
    "{sources}. Our mails to you say at their foot what is recorded of it."
)

ORIGIN_WORDS: dict[Origin, OriginWords] = {
    Origin.FORM: OriginWords(
        why=(
            "You receive this because you subscribed to {list} on {day}.",
            "Sie erhalten diese Nachricht, weil Sie {list} am {day} abonniert haben.",
            "Túto správu dostávate, pretože ste sa {day} prihlásili na odber {list}.",
            "Tuto zprávu dostáváte, protože jste se {day} přihlásili k odběru {list}.",
        ),
        event=("consent given", "Einwilligung erteilt", "súhlas udelený", "souhlas udělen"),
        told=(
            "Double opt-in: a form was sent here, and the button behind the mailed link was pressed.",
            ("Double-Opt-in: Hier wurde ein Formular gesendet und die Schaltfläche hinter dem zugesandten Link "
            "gedrückt."),
            "Dvojité potvrdenie: tu bol odoslaný formulár a stlačené tlačidlo za odkazom z e-mailu.",
            "Dvojí potvrzení: zde byl odeslán formulář a stisknuto tlačítko za odkazem z e-mailu.",
        ),
        person=(
            "Who sat at the keyboard. Somebody with access to the mailbox pressed the button.",
            "Wer an der Tastatur saß. Jemand mit Zugang zum Postfach hat die Schaltfläche gedrückt.",
            "Kto sedel pri klávesnici. Tlačidlo stlačil niekto s prístupom k schránke.",
            "Kdo seděl u klávesnice. Tlačítko stiskl někdo s přístupem ke schránce.",
        ),
        read=_SHOWN,
        standing="Consent was given at {at}",
        basis=_OWN_ACT,
        members="by form and button here",
        source=_FROM_YOU,
    ),
    Origin.PREFERENCES: OriginWords(
        why=(
            "You receive this because you joined {list} on {day}, on your preference page.",
            "Sie erhalten diese Nachricht, weil Sie {list} am {day} auf Ihrer Einstellungsseite gewählt haben.",
            "Túto správu dostávate, pretože ste si {day} na svojej stránke nastavení vybrali {list}.",
            "Tuto zprávu dostáváte, protože jste si {day} na své stránce nastavení vybrali {list}.",
        ),
        event=(
            "consent given on the preference page", "Einwilligung auf der Einstellungsseite erteilt",
            "súhlas udelený na stránke nastavení", "souhlas udělen na stránce nastavení",
        ),
        told=(
            "Given here on the preference page, which opens by a link from a mail to the address.",
            ("Hier auf der Einstellungsseite erteilt, die sich über einen Link aus einer E-Mail an die Adresse "
            "öffnet."),
            "Udelený tu na stránke nastavení, ktorú otvára odkaz z e-mailu na túto adresu.",
            "Udělen zde na stránce nastavení, kterou otevírá odkaz z e-mailu na tuto adresu.",
        ),
        person=(
            ("Who sat at the keyboard. Somebody with a link from a mail to the address joined on the "
            "preference page."),
            ("Wer an der Tastatur saß. Jemand mit einem Link aus einer E-Mail an die Adresse hat auf der "
            "Einstellungsseite gewählt."),
            "Kto sedel pri klávesnici. Na stránke nastavení vyberal niekto s odkazom z e-mailu na túto adresu.",
            "Kdo seděl u klávesnice. Na stránce nastavení vybíral někdo s odkazem z e-mailu na tuto adresu.",
        ),
        read=_SHOWN,
        standing="Consent was given on the preference page at {at}",
        basis=_OWN_ACT,
        members="joined on their preference page",
        source=_FROM_YOU,
    ),
    Origin.PERMISSION: OriginWords(
        why=(
            ("You receive this because you agreed to {list} on {day} with the button behind our question; "
            "before, "
            "{organisation} brought your address here on {brought} (source: {source})."),
            ("Sie erhalten diese Nachricht, weil Sie {list} am {day} mit der Schaltfläche hinter unserer Frage "
            "zugestimmt haben; zuvor hat {organisation} Ihre Adresse am {brought} hierher übernommen "
            "(Herkunft: "
            "{source})."),
            ("Túto správu dostávate, pretože ste {day} tlačidlom za našou otázkou súhlasili s odberom {list}; "
            "predtým sem {organisation} preniesla vašu adresu {brought} (zdroj: {source})."),
            ("Tuto zprávu dostáváte, protože jste {day} tlačítkem za naší otázkou souhlasili s odběrem {list}; "
            "předtím sem {organisation} přenesla vaši adresu {brought} (zdroj: {source})."),
        ),
        event=(
            "consent given after a permission mail", "Einwilligung nach einer Erlaubnismail erteilt",
            "súhlas udelený po e-maile so žiadosťou", "souhlas udělen po e-mailu se žádostí",
        ),
        told=(
            ("Given here: the button behind a permission mail was pressed. The address was brought here "
            "before, from "
            "elsewhere."),
            ("Hier erteilt: Die Schaltfläche hinter einer Erlaubnismail wurde gedrückt. Die Adresse war "
            "zuvor von "
            "anderswo übernommen worden."),
            ("Udelený tu: bolo stlačené tlačidlo za e-mailom so žiadosťou. Adresa sem bola predtým "
            "prenesená odinakiaľ."),
            ("Udělen zde: bylo stisknuto tlačítko za e-mailem se žádostí. Adresa sem byla předtím "
            "přenesena odjinud."),
        ),
        person=(
            ("Who sat at the keyboard: somebody with access to the mailbox answered the permission mail. "
            "Where the "
            "address came from before is the organisation’s word."),
            ("Wer an der Tastatur saß: Jemand mit Zugang zum Postfach hat auf die Erlaubnismail "
            "geantwortet. Woher "
            "die Adresse zuvor kam, sagt allein die Organisation."),
            ("Kto sedel pri klávesnici: na e-mail so žiadosťou odpovedal niekto s prístupom k schránke. "
            "Odkiaľ adresa "
            "predtým pochádzala, hovorí len organizácia."),
            ("Kdo seděl u klávesnice: na e-mail se žádostí odpověděl někdo s přístupem ke schránce. Odkud "
            "adresa "
            "předtím pocházela, říká jen organizace."),
        ),
        read=_SHOWN,
        standing="Consent was given with the button behind a permission mail at {at}",
        basis=_OWN_ACT,
        members="brought here, and then confirmed here",
        source=_FROM_ELSEWHERE,
    ),
    Origin.ELSEWHERE: OriginWords(
        why=(
            ("You receive {list} because you agreed {agreed} at {source}, and {organisation} brought your "
            "address "
            "here on {brought}."),
            ("Sie erhalten {list}, weil Sie {agreed} zugestimmt haben (Herkunft: {source}) und "
            "{organisation} Ihre "
            "Adresse am {brought} hierher übernommen hat."),
            ("Odber {list} dostávate, pretože ste {agreed} udelili súhlas (zdroj: {source}) a "
            "{organisation} sem "
            "preniesla vašu adresu {brought}."),
            ("Odběr {list} dostáváte, protože jste {agreed} udělili souhlas (zdroj: {source}) a "
            "{organisation} sem "
            "přenesla vaši adresu {brought}."),
        ),
        event=(
            "consent given elsewhere, brought here", "anderswo erteilte Einwilligung, hierher übernommen",
            "súhlas udelený inde, prenesený sem", "souhlas udělen jinde, přenesen sem",
        ),
        told=(
            "Given elsewhere, as the organisation says, and brought here. Nobody confirmed it here.",
            ("Anderswo erteilt, wie die Organisation sagt, und hierher übernommen. Hier hat es niemand "
            "bestätigt."),
            "Udelený inde, ako hovorí organizácia, a prenesený sem. Tu ho nikto nepotvrdil.",
            "Udělen jinde, jak říká organizace, a přenesen sem. Zde ho nikdo nepotvrdil.",
        ),
        person=(
            ("That the consent was given. Nobody confirmed it here: what is shown is the organisation’s "
            "word and the "
            "SHA-256 of a file that is not in the bundle."),
            ("Dass die Einwilligung erteilt wurde. Hier hat sie niemand bestätigt: Gezeigt wird das Wort der "
            "Organisation und der SHA-256 einer Datei, die nicht im Paket liegt."),
            ("Že súhlas bol udelený. Tu ho nikto nepotvrdil: ukázané je slovo organizácie a SHA-256 "
            "súboru, ktorý v "
            "balíku nie je."),
            ("Že souhlas byl udělen. Zde ho nikdo nepotvrdil: ukázáno je slovo organizace a SHA-256 "
            "souboru, který v "
            "balíku není."),
        ),
        read=(
            "That the words agreed to were shown or read. The organisation says what they were.",
            "Dass der Wortlaut gezeigt oder gelesen wurde. Die Organisation sagt, wie er lautete.",
            "Že znenie súhlasu niekto zobrazil alebo čítal. Organizácia hovorí, aké bolo.",
            "Že znění souhlasu někdo zobrazil nebo četl. Organizace říká, jaké bylo.",
        ),
        standing=(
            "Consent was given elsewhere {agreed}, as the organisation says, brought here at {at}, "
            "confirmed by nobody "
            "here,"
        ),
        basis="Your consent (GDPR Art. 6(1)(a)), which the organisation says you gave elsewhere.",
        members="given elsewhere, brought here with evidence",
        source=_FROM_ELSEWHERE,
    ),
    Origin.UNPROVEN: OriginWords(
        why=(
            "{organisation} brought your address here on {brought}. Nothing shows that you agreed to {list}.",
            ("{organisation} hat Ihre Adresse am {brought} hierher übernommen. Nichts zeigt, dass Sie {list} "
            "zugestimmt haben."),
            ("{organisation} sem preniesla vašu adresu {brought}. Nič neukazuje, že ste súhlasili s "
            "odberom {list}."),
            ("{organisation} sem přenesla vaši adresu {brought}. Nic neukazuje, že jste souhlasili s "
            "odběrem {list}."),
        ),
        event=(
            "brought here without proof", "ohne Nachweis übernommen",
            "prenesené bez dokladu", "přeneseno bez dokladu",
        ),
        told=(
            "Brought here without proof of a consent.",
            "Ohne Nachweis einer Einwilligung übernommen.",
            "Prenesené bez dokladu o súhlase.",
            "Přeneseno bez dokladu o souhlasu.",
        ),
        person=(
            "That a consent was given. The organisation brought the address here and shows no proof.",
            "Dass eine Einwilligung erteilt wurde. Die Organisation hat die Adresse ohne Nachweis übernommen.",
            "Že súhlas bol udelený. Organizácia preniesla adresu bez dokladu.",
            "Že souhlas byl udělen. Organizace přenesla adresu bez dokladu.",
        ),
        read=(
            "That any words were shown or read.",
            "Dass irgendein Wortlaut gezeigt oder gelesen wurde.",
            "Že niekto zobrazil alebo čítal akékoľvek znenie.",
            "Že někdo zobrazil nebo četl jakékoli znění.",
        ),
        standing="A consent that nothing proves was brought here at {at}, confirmed by nobody here,",
        basis=_NO_BASIS,
        members="brought here without proof",
        source=_FROM_ELSEWHERE,
    ),
    Origin.NOT_GIVEN: OriginWords(
        why=(
            "{list} is not sent to you: you have not agreed to it.",
            "{list} wird Ihnen nicht gesendet: Sie haben nicht zugestimmt.",
            "{list} vám neposielame: nesúhlasili ste.",
            "{list} vám neposíláme: nesouhlasili jste.",
        ),
        event=("no consent", "keine Einwilligung", "bez súhlasu", "bez souhlasu"),
        told=(
            "No consent was given: a form was sent, and nothing more.",
            "Keine Einwilligung wurde erteilt: Ein Formular wurde gesendet, sonst nichts.",
            "Súhlas nebol udelený: bol len odoslaný formulár.",
            "Souhlas nebyl udělen: byl jen odeslán formulář.",
        ),
        person=(
            "Who sent the form. Anybody can type an address.",
            "Wer das Formular gesendet hat. Jeder kann eine Adresse eintippen.",
            "Kto odoslal formulár. Adresu môže napísať ktokoľvek.",
            "Kdo odeslal formulář. Adresu může napsat kdokoli.",
        ),
        read=_SHOWN,
        standing="No consent was given",
        basis=_NO_BASIS,
        members="asked, not agreed",
        source=_FROM_YOU,
    ),
    Origin.UNRECORDED: OriginWords(
        why=(
            "You receive this because your consent to {list} was recorded on {day}.",
            "Sie erhalten diese Nachricht, weil Ihre Einwilligung zu {list} am {day} aufgezeichnet wurde.",
            "Túto správu dostávate, pretože váš súhlas s odberom {list} bol zaznamenaný {day}.",
            "Tuto zprávu dostáváte, protože váš souhlas s odběrem {list} byl zaznamenán {day}.",
        ),
        event=("consent recorded", "Einwilligung aufgezeichnet", "súhlas zaznamenaný", "souhlas zaznamenán"),
        told=(
            "How it came about is not recorded.",
            "Wie es dazu kam, ist nicht aufgezeichnet.",
            "Ako k tomu došlo, nie je zaznamenané.",
            "Jak k tomu došlo, není zaznamenáno.",
        ),
        person=(
            "Who gave the consent, and how: the records do not say it.",
            "Wer die Einwilligung erteilt hat, und wie: Die Einträge sagen es nicht.",
            "Kto súhlas udelil a ako: záznamy to nehovoria.",
            "Kdo souhlas udělil a jak: záznamy to neříkají.",
        ),
        read=(
            "That any texts were read.",
            "Dass irgendwelche Texte gelesen wurden.",
            "Že niekto čítal akékoľvek texty.",
            "Že někdo četl jakékoli texty.",
        ),
        standing="A consent was recorded at {at}",
        basis="Your consent (GDPR Art. 6(1)(a)), as it is recorded.",
        members="recorded without saying how",
        source=_FROM_YOU,
    ),
}  # fmt: skip


def why(
    language: str,
    list_name: str,
    organisation: str,
    provenance: Provenance,
    days: tuple[date, date],
) -> str:
    """Why a member of a list is written to, in `language` (BCP 47) or else in English.

    `days` are that on which the consent was recorded here, and that on which the address was brought here.
    """
    at = _place(language)
    recorded, brought = days
    agreed = provenance.agreed_on
    return (
        ORIGIN_WORDS[provenance.origin]
        .why[at]
        .format(
            list=list_name,
            organisation=organisation,
            day=_spell(recorded, at),
            brought=_spell(brought, at),
            agreed=_ON[at].format(day=_spell(date.fromisoformat(agreed), at))
            if agreed
            else _UNDATED[at],
            source=provenance.source or _NO_SOURCE[at],
        )
    )


def how(provenance: Provenance, language: str = "en") -> str:
    """How a consent came about, in one or two sentences."""
    return ORIGIN_WORDS[provenance.origin].told[_place(language)]


def event_of(origin: Origin, language: str = "en") -> str:
    """What the record of such a consent is called."""
    return ORIGIN_WORDS[origin].event[_place(language)]


def not_proven(origins: Iterable[Origin], language: str = "en") -> list[str]:
    """What the documents of somebody with these consents do not prove, each sentence once."""
    at, told = _place(language), [ORIGIN_WORDS[origin] for origin in origins]
    return list(dict.fromkeys([*(one.person[at] for one in told), *(one.read[at] for one in told)]))


def _place(language: str) -> int:
    primary = primary_language(language)
    return LANGUAGES.index(primary) if primary in LANGUAGES else 0


def _spell(day: date, at: int) -> str:
    return _DAYS[at].format(
        day=day.day, month=day.month, month_name=month_name[day.month], year=day.year
    )
