"""What is committed to has one form only, whichever way it is written down (RFC 8785)."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from mailer.consent import canonical_json

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.requirement("T-001")
@given(st.dictionaries(NAMES, VALUES, max_size=6))
@example({"a": '\x00\x1f\x7f\u2028"\\/\b\f\n\r\t', "B": [], "": {}})
@example({"\U0001f600": 1, "\ufb33": 2})  # sorted by UTF-16, the other way round than by code point
@example({"a": 1.0, "b": 1e21, "c": -0.0, "d": True, "e": 1})
def test_it_is_the_form_of_the_rfc(content: dict[str, object]) -> None:
    assert canonical_json(content) == rfc8785.dumps(content)  # type: ignore[arg-type]  # JSON all through


@pytest.mark.parametrize(
    "wrong",
    [2**53 + 1, -(2**53) - 1, float("nan"), "\ud800", {"\udfff": 1}, [object()], {1: "name"}],
    ids=["large", "small", "nan", "half a character", "half a name", "no JSON", "no name"],
)
def test_what_has_no_such_form_is_refused(wrong: object) -> None:
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)):
        canonical_json({"a": wrong})
