"""Lists come a page at a time, each item once, and a made-up cursor is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest
from psycopg import Connection
from sample_service import Case, store_case

from streaming.errors import Refused
from web import etag, pages
from web.pages import Page


@pytest.fixture(scope="module")
def forty(sample_database: str) -> list[str]:
    """Forty cases in a state of their own."""
    ids = [f"paged-{number:02}" for number in range(40)]
    with Connection.connect(sample_database, autocommit=True) as conn:
        for case_id in ids:
            store_case(conn, Case(case_id, "p", "o", state="paged"))
    return ids


@pytest.mark.parametrize("limit", [1, 7, 20, 39, 40, 41, 200])
def test_following_the_cursor_gives_every_item_once(
    limit: int, forty: list[str], sample: httpx.Client, coach: dict[str, str]
) -> None:
    found: list[str] = []
    query: dict[str, str | int] = {"state": "paged", "limit": limit}
    while True:
        body = sample.get("/v1/cases", params=query, headers=coach).json()
        assert len(body["items"]) <= limit
        found += [item["case_id"] for item in body["items"]]
        if body["next"] is None:
            break
        query["cursor"] = body["next"]
    assert found == forty


def test_no_match_is_an_empty_page(sample: httpx.Client, coach: dict[str, str]) -> None:
    answer = sample.get("/v1/cases", params={"state": "'; DROP TABLE sample_case; --"}, headers=coach)
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", ""])
def test_a_page_has_1_to_200_items(limit: str, sample: httpx.Client, coach: dict[str, str]) -> None:
    assert sample.get("/v1/cases", params={"limit": limit}, headers=coach).status_code == 422


@pytest.mark.parametrize(
    "cursor", ["x", "e30", "W10", "WzFd", "WyJhIiwiYiJd", "WyJhXHUwMDAwIl0", "ünicode", "' OR 1=1", "a" * 3000]
)
def test_a_cursor_that_we_did_not_make_is_refused(cursor: str, sample: httpx.Client, coach: dict[str, str]) -> None:
    answer = sample.get("/v1/cases", params={"cursor": cursor}, headers=coach)
    assert answer.status_code == 422
    assert cursor not in answer.text or len(cursor) < 4


def test_a_cursor_keeps_dates_instants_and_numbers() -> None:
    key = (date(2026, 5, 1), datetime(2026, 5, 1, 12, 0, 0, 123456, UTC), 7, "a/b+c", None)
    assert Page(cursor=pages.encode(key)).after(date, datetime, int, str, str | None) == key


def test_the_first_page_has_no_cursor() -> None:
    assert Page().after(str) is None


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Refused, match="cursor-invalid"):
        Page(cursor=pages.encode(["a", 1])).after(str, date)


def test_an_etag_depends_on_what_is_seen_and_on_nothing_else() -> None:
    assert etag.of({"a": 1, "b": [date(2026, 5, 1)]}) == etag.of({"b": ["2026-05-01"], "a": 1})
    assert etag.of({"a": 1}) != etag.of({"a": 2})
    assert etag.of({"a": 1}).startswith('"')
