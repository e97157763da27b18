from __future__ import annotations

import pytest
from flask import Flask

from mailer import organisations
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import Invalid, NotAllowed, NotFound
from tests.support.factories import DORA, make_organisation
from tests.support.make_lists import make_sender


def test_a_sender_is_kept_with_its_reply_address(app: Flask) -> None:
    ada = make_organisation()
    sender = make_sender(ada, reply_to="desk@harbourbooks.example")
    assert organisations.list_senders(ada) == [sender]
    assert organisations.get_sender(ada, sender.public_id) is sender
    assert organisations.get_sender_by_id(sender.id).reply_to == "desk@harbourbooks.example"


@pytest.mark.parametrize(
    ("name", "address", "reply_to", "field"),
    [
        ("", "a@b.example", "", "from_name"),
        ("Ada\r\nBcc: all@b.example", "a@b.example", "", "from_name"),
        ("Ada", "not an address", "", "from_address"),
        ("Ada", "", "", "from_address"),
        ("Ada", "a@b.example", "nobody@", "reply_to"),
    ],
)
def test_what_cannot_stand_in_a_header_is_refused(
    app: Flask, name: str, address: str, reply_to: str, field: str
) -> None:
    ada = make_organisation()
    with pytest.raises(Invalid) as caught, unit_of_work():
        organisations.create_sender(ada, name, address, reply_to)
    assert list(caught.value.fields) == [field]


def test_a_changed_sender_presents_itself_anew(app: Flask) -> None:
    sender = make_sender(make_organisation())
    with unit_of_work():
        organisations.change_sender(sender, "Harbour", "post@harbourbooks.example")
    assert (sender.from_name, sender.from_address) == ("Harbour", "post@harbourbooks.example")


def test_a_sender_in_use_cannot_be_archived_and_the_lists_are_named(app: Flask) -> None:
    sender = make_sender(make_organisation())
    with pytest.raises(NotAllowed, match="“Monthly letter”"), unit_of_work():
        organisations.archive_sender(sender, used_by=["Monthly letter"])
    assert sender.archived_at is None


def test_an_archived_sender_is_out_of_use_but_on_record(app: Flask) -> None:
    ada = make_organisation()
    sender = make_sender(ada)
    with unit_of_work():
        organisations.archive_sender(sender, used_by=[])
    assert organisations.list_senders(ada) == []
    assert organisations.list_senders(ada, with_archived=True) == [sender]
    with pytest.raises(NotAllowed), unit_of_work():
        organisations.change_sender(sender, "Ada", "a@b.example")


@pytest.mark.requirement("S-009")
def test_a_sender_of_another_organisation_is_not_found(app: Flask) -> None:
    sender = make_sender(make_organisation())
    with pytest.raises(NotFound):
        organisations.get_sender(make_organisation(DORA), sender.public_id)


@pytest.mark.requirement("E-044")
@pytest.mark.parametrize(
    ("domain", "is_freemail"),
    [
        ("gmail.com", True),
        ("GoogleMail.com", True),
        ("yahoo.co.uk", True),
        ("yahoo.fr", True),
        ("gmx.de", True),
        ("gmx.net", True),
        ("web.de", True),
        ("hotmail.com.br", True),
        ("t-online.de", True),
        ("seznam.cz", True),
        ("proton.me", True),
        ("qq.com", True),
        ("news.gmail.com", False),
        ("gmail.com.harbour.example", False),
        ("yahoo-books.example", False),
    ],
)
def test_nobody_sends_from_the_domain_of_a_mailbox_provider(
    app: Flask, domain: str, is_freemail: bool
) -> None:
    ada = make_organisation()
    sender = make_sender(ada)
    for act in (
        lambda: organisations.create_sender(ada, "Ada", f"ada@{domain}"),
        lambda: organisations.change_sender(sender, "Ada", f"ada@{domain}"),
    ):
        if not is_freemail:
            with unit_of_work():
                act()
            continue
        with pytest.raises(Invalid, match="a domain of your own") as caught, unit_of_work():
            act()
        assert list(caught.value.fields) == ["from_address"]
    with unit_of_work():
        organisations.create_sender(ada, "Ada", "news@harbourbooks.example", f"ada@{domain}")


@pytest.mark.requirement("S-009")
@pytest.mark.parametrize(
    ("theirs", "is_taken"),
    [
        ("post@plants.example", True),
        ("post@news.plants.example", True),
        ("post@Plants.example", True),
        ("post@otherplants.example", False),
    ],
)
def test_a_domain_that_another_organisation_uses_is_refused_without_naming_it(
    app: Flask, theirs: str, is_taken: bool
) -> None:
    dora, ada = make_organisation(DORA), make_organisation()
    make_sender(dora, from_name="Dora", from_address="dora@plants.example")
    if not is_taken:
        make_sender(ada, from_address=theirs)
        return
    with pytest.raises(Invalid) as caught:
        make_sender(ada, from_address=theirs)
    assert "in use by somebody else" in str(caught.value)
    assert "Dora" not in str(caught.value)
    mine = make_sender(ada)
    with pytest.raises(Invalid), unit_of_work():
        organisations.change_sender(mine, "Ada", theirs)
    [own] = organisations.list_senders(dora)
    with unit_of_work():
        organisations.change_sender(own, "Dora’s Plants", "dora@plants.example")
