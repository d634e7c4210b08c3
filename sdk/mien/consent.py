"""Why a face may be used: what every character, and every avatar of one, has to say."""

from __future__ import annotations

from dataclasses import dataclass

from mien.errors import PackageError

__all__ = ["CONSENT_KINDS", "Consent"]

CONSENT_KINDS = ("synthetic", "self", "given", "public")
"""synthetic: nobody real is shown; self: the author; given: someone else who agreed, as the
statement says; public: a scan or footage published under a licence that covers this."""


@dataclass(frozen=True)
class Consent:
    """Why this face may be used."""

    kind: str
    """One of CONSENT_KINDS."""
    statement: str
    """Who is shown and what they agreed to, in words; for a synthetic person, how it was made."""

    def check(self, where: str) -> None:
        """Raises PackageError, naming the field, for an unknown kind and an empty statement;
        `where` ends in the field's name."""
        if self.kind not in CONSENT_KINDS:
            raise PackageError(
                f"{where}.kind' is {self.kind!r}, expected one of {', '.join(CONSENT_KINDS)}"
            )
        if not self.statement.strip():
            raise PackageError(f"{where}.statement' is empty")
