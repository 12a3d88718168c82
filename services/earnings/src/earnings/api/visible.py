"""Which people of a household a caller may see: everybody, or one person at a time."""

from __future__ import annotations

from collections.abc import Mapping

from earnings.api.parts import subject
from earnings.model import Claimant
from streaming.errors import Refused
from web.access import WHOLE_PLATFORM, may_see
from web.principal import Principal


def one_person(
    principal: Principal, people: Mapping[str, Claimant | None], scopes: tuple[str, ...], wanted: str | None
) -> frozenset[str] | None:
    """None: all, household figures included. Otherwise the one person whose entry may be shown.

    wanted: the caller's choice. Raises Refused: 404 for a person they may not see, 422 when both partners are theirs and
    none was named. Somebody who broke the glass names the person, too.
    """
    if principal.scopes & frozenset(scopes) & frozenset(WHOLE_PLATFORM):
        if wanted is not None and wanted not in people:
            raise Refused(404, "not-found")
        return None if wanted is None else frozenset({wanted})
    theirs = [person for person, claimant in people.items() if may_see(principal, subject({person: claimant}), scopes)] or list(
        people
    )
    if wanted is not None:
        if wanted not in theirs:
            raise Refused(404, "not-found")
        return frozenset({wanted})
    if len(theirs) != 1:
        raise Refused(422, "claimant-required", "Two people are on this claim. Name one with ?claimant=.")
    return frozenset(theirs)
