"""Which people of a household a caller may see: everybody, or one person at a time."""

from __future__ import annotations

from collections.abc import Mapping

from earnings.api.parts import subject
from earnings.model import Claimant
from streaming.errors import Refused
from web.access import WHOLE_PLATFORM, may_see
from web.principal import Principal


def one_by_one(
    principal: Principal, people: Mapping[str, Claimant | None], scopes: tuple[str, ...], wanted: str | None
) -> tuple[str, ...] | None:
    """None: everybody at once, household figures included. Otherwise the people to show, each on their own.

    wanted: the caller's choice. Both partners come only if both are the caller's. Somebody who broke the glass sees each
    on their own, too. Raises Refused: 404 for a person they may not see.
    """
    if principal.scopes & frozenset(scopes) & frozenset(WHOLE_PLATFORM):
        if wanted is not None and wanted not in people:
            raise Refused(404, "not-found")
        return None if wanted is None else (wanted,)
    theirs = [person for person, claimant in people.items() if may_see(principal, subject({person: claimant}), scopes)] or list(
        people
    )
    if wanted is not None:
        if wanted not in theirs:
            raise Refused(404, "not-found")
        return (wanted,)
    return tuple(sorted(theirs))
