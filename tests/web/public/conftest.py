from __future__ import annotations

import pytest

from mailer.forms import Form
from mailer.foundation.database import unit_of_work
from tests.support.factories import make_form, make_list, make_organisation
from tests.support.filling_in import SHOP


@pytest.fixture
def form(app) -> Form:  # noqa: ANN001 - only asked for, so that its context is there
    """A published form with two lists and measuring, allowed on the shop's website."""
    organisation = make_organisation()
    form = make_form(organisation, make_list(organisation), make_list(organisation, name="Offers"))
    with unit_of_work():
        form.allowed_origins = [SHOP]
    return form
