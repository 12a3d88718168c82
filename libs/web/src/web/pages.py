"""Lists a page at a time: `{"items": […], "next": cursor|null}`.

A cursor is the sort key of the last item, encoded. It selects nothing by itself: each page's query is limited to what
its caller may see, and the values reach SQL as parameters only.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query

from streaming.errors import Refused

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_MAX_CURSOR = 2048

T = TypeVar("T")


def encode(key: Sequence[Any]) -> str:
    """A cursor for a sort key of JSON-like values, dates and instants."""
    return base64.urlsafe_b64encode(msgspec.json.encode(list(key))).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Page:
    """What a caller asked for. Query for `fetch` rows: one more than `limit` tells whether there is a next page."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    @property
    def fetch(self) -> int:
        """Rows to ask the database for."""
        return self.limit + 1

    def after(self, *types: Any) -> tuple[Any, ...] | None:
        """The sort key to go on after, one value per type (`date`, `int`, `str`, …); None on the first page.

        Raises Refused (422) for a cursor that is not one of ours.
        """
        if self.cursor is None:
            return None
        try:
            raw = base64.b64decode(self.cursor + "=" * (-len(self.cursor) % 4), altchars=b"-_", validate=True)
            values = msgspec.json.decode(raw, type=GenericAlias(tuple, types))
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            raise Refused(422, "cursor-invalid", "Use the cursor of the previous page, or none.") from None
        if any(isinstance(value, str) and "\x00" in value for value in values):
            raise Refused(422, "cursor-invalid", "Use the cursor of the previous page, or none.")
        return tuple(values)

    def body(
        self, rows: Iterable[T], key: Callable[[T], Sequence[Any]], item: Callable[[T], Any] = lambda row: row
    ) -> dict[str, Any]:
        """The page's body from up to `fetch` rows. key: sort key of a row; item: what the caller sees of it."""
        found = list(rows)
        shown = found[: self.limit]
        following = encode(key(shown[-1])) if len(found) > self.limit else None
        return {"items": [item(row) for row in shown], "next": following}


def page(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on a page")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=_MAX_CURSOR, description="`next` of the previous page")] = None,
) -> Page:
    """Dependency for list endpoints: `page: Annotated[Page, Depends(pages.page)]`."""
    return Page(limit, cursor)
