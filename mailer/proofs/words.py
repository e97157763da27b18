"""The words of the readable part of a bundle, in the languages people are written to. Pure.

German, Slovak and Czech use the polite form. A language that is not here is told in English.
"""

from __future__ import annotations

from mailer.foundation.languages import primary_language

LANGUAGES = ("en", "de", "sk", "cs")

_WORDS: dict[str, tuple[str, str, str, str]] = {
    "title": ("Proof of consent", "Nachweis der Einwilligung", "Doklad o súhlase", "Doklad o souhlasu"),
    "title_no_consent": (
        "What is recorded, without a proof of consent",
        "Was aufgezeichnet ist, ohne Nachweis einer Einwilligung",
        "Čo je zaznamenané, bez dokladu o súhlase", "Co je zaznamenáno, bez dokladu o souhlasu",
    ),
    "lead": (
        "What {organisation} recorded about your mail of “{list}”, and what came of it.",
        "Was {organisation} zu Ihren E-Mails von „{list}“ aufgezeichnet hat und was daraus wurde.",
        "Čo {organisation} zaznamenala o vašich e-mailoch zo zoznamu „{list}“ a čo nasledovalo.",
        "Co {organisation} zaznamenala o vašich e-mailech ze seznamu „{list}“ a co následovalo.",
    ),
    "lead_measuring": (
        ("What {organisation} recorded about measuring whether you open its mails and follow its links: what "
        "you were asked, what you answered, and what came of it."),
        ("Was {organisation} dazu aufgezeichnet hat, ob gemessen werden darf, dass Sie E-Mails öffnen und "
        "Links folgen: was Sie gefragt wurden, was Sie geantwortet haben und was daraus wurde."),
        ("Čo {organisation} zaznamenala o meraní toho, či otvárate jej e-maily a sledujete odkazy: na čo sa "
        "vás pýtala, čo ste odpovedali a čo nasledovalo."),
        ("Co {organisation} zaznamenala o měření toho, zda otevíráte její e-maily a sledujete odkazy: na co se "
        "vás ptala, co jste odpověděli a co následovalo."),
    ),
    "about": ("About", "Worum es geht", "Predmet", "Předmět"),
    "measuring": (
        "Measuring opens and clicks", "Messen von Öffnungen und Klicks",
        "Meranie otvorení a kliknutí", "Měření otevření a kliknutí",
    ),
    "measuring_purpose": (
        "To measure whether mails are opened and which links are followed, to make them better.",
        ("Zu messen, ob E-Mails geöffnet werden und welchen Links gefolgt wird, um sie zu verbessern."),
        "Merať, či sa e-maily otvárajú a ktoré odkazy sa sledujú, aby boli lepšie.",
        "Měřit, zda se e-maily otevírají a které odkazy se sledují, aby byly lepší.",
    ),
    "blotted": (
        "The secrets of the links in the mail are blotted out, for they would act in the person’s name.",
        "Die Geheimnisse der Links in der E-Mail sind geschwärzt, denn sie würden im Namen der Person handeln.",
        "Tajné časti odkazov v e-maile sú začiernené, lebo by konali v mene danej osoby.",
        "Tajné části odkazů v e-mailu jsou začerněny, protože by jednaly jménem dané osoby.",
    ),
    "organisation": ("Organisation", "Organisation", "Organizácia", "Organizace"),
    "address": ("Address", "Adresse", "Adresa", "Adresa"),
    "mailing_list": ("Mailing list", "Verteiler", "Zoznam", "Seznam"),
    "purpose": ("Purpose", "Zweck", "Účel", "Účel"),
    "made_at": ("Put together", "Zusammengestellt", "Zostavené", "Sestaveno"),
    "log": ("In the log", "Im Protokoll", "V protokole", "V protokolu"),
    "checkpoint": (
        "{origin}, checkpoint of {size} entries",
        "{origin}, Prüfpunkt mit {size} Einträgen",
        "{origin}, kontrolný bod s {size} záznamami",
        "{origin}, kontrolní bod s {size} záznamy",
    ),
    "waiting": (
        "Not yet anchored: the log has not signed all of these records yet. Please ask again in a minute.",
        ("Noch nicht verankert: Das Protokoll hat noch nicht alle diese Einträge unterschrieben. Bitte fragen "
        "Sie in einer Minute noch einmal."),
        "Zatiaľ neukotvené: protokol ešte nepodpísal všetky tieto záznamy. Skúste to, prosím, o minútu znova.",
        "Zatím neukotveno: protokol ještě nepodepsal všechny tyto záznamy. Zkuste to prosím za minutu znovu.",
    ),
    "outside": (
        "Confirmed from outside by: {names}",
        "Von außen bestätigt durch: {names}",
        "Zvonka potvrdili: {names}",
        "Zvenčí potvrdili: {names}",
    ),
    "alone": (
        "Asserted by the operator only: nobody outside has confirmed this log.",
        "Nur vom Betreiber behauptet: Niemand von außen hat dieses Protokoll bestätigt.",
        "Tvrdí len prevádzkovateľ: nikto zvonka tento protokol nepotvrdil.",
        "Tvrdí jen provozovatel: nikdo zvenčí tento protokol nepotvrdil.",
    ),
    "events": ("What happened", "Was geschah", "Čo sa stalo", "Co se stalo"),
    "when": ("When (UTC)", "Wann (UTC)", "Kedy (UTC)", "Kdy (UTC)"),
    "what": ("What", "Was", "Čo", "Co"),
    "record": ("Record", "Eintrag", "Záznam", "Záznam"),
    "position": ("Position in the log", "Stelle im Protokoll", "Miesto v protokole", "Místo v protokolu"),
    "not_yet": ("not yet", "noch nicht", "zatiaľ nie", "zatím ne"),
    "requested": ("asked for", "angefragt", "požiadané", "požádáno"),
    "given": ("consent given", "Einwilligung erteilt", "súhlas udelený", "souhlas udělen"),
    "renewed": ("consent given again", "erneut eingewilligt", "súhlas obnovený", "souhlas obnoven"),
    "refused": ("box left empty", "Kästchen leer gelassen", "políčko neoznačené", "políčko neoznačeno"),
    "withdrawn": ("consent withdrawn", "Einwilligung widerrufen", "súhlas odvolaný", "souhlas odvolán"),
    "expired": ("consent expired", "Einwilligung abgelaufen", "súhlas vypršal", "souhlas vypršel"),
    "terminated": (
        "ended by the organisation", "von der Organisation beendet",
        "ukončené organizáciou", "ukončeno organizací",
    ),
    "invalidated": ("declared not theirs", "als fremd gemeldet", "označené za cudzie", "označeno za cizí"),
    "unknown": ("unknown", "unbekannt", "neznáme", "neznámé"),
    "boxes": (
        "The boxes as they stood", "Die Kästchen, wie sie standen",
        "Políčka v pôvodnom stave", "Políčka v původním stavu",
    ),
    "words": ("Words beside the box", "Text neben dem Kästchen", "Text pri políčku", "Text u políčka"),
    "state": ("State", "Zustand", "Stav", "Stav"),
    "ticked": ("ticked", "angekreuzt", "označené", "označeno"),
    "unticked": ("left empty", "leer gelassen", "neoznačené", "neoznačeno"),
    "submission": (
        "The form was sent", "Das Formular wurde gesendet",
        "Formulár bol odoslaný", "Formulář byl odeslán",
    ),
    "confirmation_mail": (
        "The confirmation mail", "Die Bestätigungsmail",
        "Potvrdzujúci e-mail", "Potvrzovací e-mail",
    ),
    "permission_mail": (
        "The permission mail", "Die Erlaubnismail",
        "E-mail so žiadosťou o súhlas", "E-mail se žádostí o souhlas",
    ),
    "confirmation": ("The confirming act", "Die Bestätigung", "Potvrdenie", "Potvrzení"),
    "act": ("How it came about", "Wie es dazu kam", "Ako k tomu došlo", "Jak k tomu došlo"),
    "texts": ("As it read then", "Wie es damals lautete", "Vtedajšie znenie", "Tehdejší znění"),
    "form": ("The form", "Das Formular", "Formulár", "Formulář"),
    "page": (
        "The page with the button", "Die Seite mit der Schaltfläche",
        "Stránka s tlačidlom", "Stránka s tlačítkem",
    ),
    "wording": (
        "The words agreed to, as the source says", "Der Wortlaut laut Quelle",
        "Znenie súhlasu podľa zdroja", "Znění souhlasu podle zdroje",
    ),
    "imported": ("Brought in by an import", "Durch einen Import", "Prenesené importom", "Přeneseno importem"),
    "source": ("Source", "Herkunft", "Zdroj", "Zdroj"),
    "consented_at": (
        "Agreed, as the source says", "Laut Quelle eingewilligt",
        "Súhlas podľa zdroja", "Souhlas podle zdroje",
    ),
    "signed_up_at": (
        "Signed up, as the source says", "Laut Quelle angemeldet",
        "Prihlásenie podľa zdroja", "Přihlášení podle zdroje",
    ),
    "signup_ip": (
        "Network of the sign-up, shortened", "Netz der Anmeldung, gekürzt",
        "Sieť prihlásenia, skrátená", "Síť přihlášení, zkrácená",
    ),
    "imported_at": ("Imported", "Importiert", "Importované", "Importováno"),
    "file_name": ("File", "Datei", "Súbor", "Soubor"),
    "evidence_name": ("Attached evidence", "Beigefügter Beleg", "Priložený doklad", "Přiložený doklad"),
    "seal": ("Sealed with", "Versiegelt mit", "Zapečatené", "Zapečetěno"),
    "check": ("How to check it", "So prüfen Sie es", "Ako to overiť", "Jak to ověřit"),
    "check_text": (
        ("This page is for reading. What proves it lies beside it in the same ZIP file; README.txt says how to "
        "check every part without the service that made it."),
        ("Diese Seite ist zum Lesen. Was sie beweist, liegt daneben in derselben ZIP-Datei; README.txt sagt, "
        "wie Sie jeden Teil ohne den Dienst prüfen, der ihn erstellt hat."),
        ("Táto stránka slúži na čítanie. Dôkazy sú vedľa nej v tom istom súbore ZIP; README.txt hovorí, ako "
        "každú časť overíte bez služby, ktorá ju vytvorila."),
        ("Tato stránka slouží ke čtení. Důkazy leží vedle ní ve stejném souboru ZIP; README.txt říká, jak "
        "každou část ověříte bez služby, která ji vytvořila."),
    ),
    "limits": ("What is not proven", "Was nicht bewiesen ist", "Čo nie je dokázané", "Co není dokázáno"),
    "limit_else": (
        "That nothing else happened, or that nothing came later.",
        "Dass sonst nichts geschah oder später nichts hinzukam.",
        "Že sa nestalo nič iné alebo nič neskôr nepribudlo.",
        "Že se nestalo nic jiného nebo nic později nepřibylo.",
    ),
    "address_typed": (
        "Address as typed", "Adresse wie eingegeben", "Adresa, ako bola napísaná", "Adresa, jak byla napsána",
    ),
    "address_corrections": (
        "Corrections to it", "Berichtigungen daran", "Jej opravy", "Její opravy",
    ),
    "address_suggested": (
        "Asked whether this address was meant", "Gefragt, ob diese Adresse gemeint war",
        "Otázka, či bola myslená táto adresa", "Dotaz, zda byla míněna tato adresa",
    ),
    "address_suggestion": ("Answer", "Antwort", "Odpoveď", "Odpověď"),
    "answered_at": (
        "Answered by the mail server", "Antwort des Mailservers",
        "Odpoveď servera", "Odpověď serveru",
    ),
    "at": ("When", "Wann", "Kedy", "Kdy"),
    "confirmed_at": ("Confirmed", "Bestätigt", "Potvrdené", "Potvrzeno"),
    "embedding_origin": (
        "Website around the form", "Website um das Formular",
        "Web okolo formulára", "Web kolem formuláře",
    ),
    "envelope_from": ("Sent from", "Gesendet von", "Odoslané z", "Odesláno z"),
    "envelope_to": ("Sent to", "Gesendet an", "Odoslané na", "Odesláno na"),
    "form_url": ("Address of the form", "Adresse des Formulars", "Adresa formulára", "Adresa formuláře"),
    "form_version": ("Version of the form", "Fassung des Formulars", "Verzia formulára", "Verze formuláře"),
    "ip": ("Network, shortened", "Netz, gekürzt", "Sieť, skrátená", "Síť, zkrácená"),
    "locale": ("Language", "Sprache", "Jazyk", "Jazyk"),
    "message_id": ("Message-ID", "Message-ID", "Message-ID", "Message-ID"),
    "method": ("How", "Wie", "Ako", "Jak"),
    "notice_number": ("Version of the notice", "Fassung der Hinweise", "Verzia informácií", "Verze informací"),
    "outcome": ("What became of it", "Ergebnis", "Výsledok", "Výsledek"),
    "page_shown_at": ("Page shown", "Seite gezeigt", "Stránka zobrazená", "Stránka zobrazena"),
    "relay": ("Mail server", "Mailserver", "Poštový server", "Poštovní server"),
    "reply_code": ("Reply code", "Antwortcode", "Kód odpovede", "Kód odpovědi"),
    "reply_text": ("Reply", "Antwort", "Odpoveď", "Odpověď"),
    "shown_at": ("Form shown", "Formular gezeigt", "Formulár zobrazený", "Formulář zobrazen"),
    "submitted_at": ("Sent", "Gesendet", "Odoslané", "Odesláno"),
    "user_agent": ("Browser", "Browser", "Prehliadač", "Prohlížeč"),
}  # fmt: skip

# What the person reads of each part of the evidence, in this order; the rest stands in payload.json.
FACTS = (
    "method", "at", "source", "signed_up_at", "signup_ip", "consented_at",
    "imported_at", "file_name", "evidence_name", "submitted_at", "shown_at",
    "address", "address_typed", "address_corrections", "address_suggested", "address_suggestion",
    "form_url", "embedding_origin", "form_version", "notice_number", "outcome",
    "envelope_from", "envelope_to", "answered_at", "reply_code", "reply_text", "relay", "message_id",
    "confirmed_at", "page_shown_at", "ip", "locale", "user_agent",
)  # fmt: skip


def language_of(wanted: str) -> str:
    """The language in which somebody who is written to in `wanted` is told: that, or English."""
    short = primary_language(wanted)
    return short if short in LANGUAGES else "en"


def say(key: str, language: str, **values: object) -> str:
    """The words under `key` in one of LANGUAGES, with `values` put in."""
    text = _WORDS[key][LANGUAGES.index(language)]
    return text.format(**values) if values else text
