"""Consent says why and in words, or is refused by field."""

import pytest

from mien.consent import CONSENT_KINDS, Consent
from mien.errors import PackageError


@pytest.mark.parametrize("kind", CONSENT_KINDS)
def test_kinds(kind):
    Consent(kind, "Because.").check("here: field 'consent")


@pytest.mark.parametrize(
    ("kind", "statement", "match"),
    [("", "x", r"^here: field 'consent\.kind' is ''"), ("Self", "x", "'Self', expected one of"),
     ("self", " ", r"^here: field 'consent\.statement' is empty")],
)  # fmt: skip
def test_refusals(kind, statement, match):
    with pytest.raises(PackageError, match=match):
        Consent(kind, statement).check("here: field 'consent")
