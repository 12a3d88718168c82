"""Each question of the checker says what is wrong with a made-up history, and is silent about a sound one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.faults import telling
from tests.faults.checker import effect_once, in_order
from tests.faults.privacy import Logs
from tests.faults.reading import Event
from tests.faults.report import RECOVERY_S, Book, Cell
from tests.faults.summary import plot, text

from streaming.records import Record


def event(type: str, **body: Any) -> Event:
    record = Record("t", 0, 0, 0, b"k", b"{}", (("ce_correlationid", b"c"), ("ce_causationid", b"a")))
    return Event("t", 0, 0, "k", type, "id", "service", body, False, record)


def message(state: str) -> dict[tuple[str, str], Any]:
    return {("claim", "c"): SimpleNamespace(messages={"m": SimpleNamespace(state=state)}, appointments={})}


REQUESTED, SENT = event("MessageRequested", message_id="m"), event("MessageSent", message_id="m")


@pytest.mark.parametrize(
    ("state", "told", "taken", "says"),
    [
        ("sent", [REQUESTED, SENT], ["m"], ""),
        ("requested", [REQUESTED], [], ""),
        ("sent", [REQUESTED], [], "message m is sent, published: MessageRequested"),
        ("requested", [REQUESTED, SENT], ["m"], "message m is requested, published"),
        ("requested", [], [], "never published as requested"),
        ("requested", [REQUESTED], ["m"], "taken by the provider and never published as sent"),
        ("sent", [REQUESTED, SENT], [], "the provider never took it"),
    ],
)
def test_messages_are_told_as_they_are_kept(state: str, told: list[Event], taken: list[str], says: str) -> None:
    found = "; ".join(telling.messages(message(state), told, taken))
    assert says in found if says else not found, found


@pytest.mark.parametrize(
    ("state", "last", "sound"),
    [("booked", "AppointmentBooked", True), ("booked", "AppointmentDeclined", False), ("declined", "AppointmentDeclined", True)],
)
def test_appointments_are_told_as_they_are_kept(state: str, last: str, sound: bool) -> None:
    docs = {("claim", "c"): SimpleNamespace(appointments={"a": SimpleNamespace(state=state)})}
    told = [event("AppointmentOffered", appointment_id="a"), event(last, appointment_id="a")]
    assert (list(telling.appointments(docs, told)) == []) is sound


@pytest.mark.parametrize(
    ("consent", "engagement", "types", "wrong"),
    [
        ("live", "draft", ["ConsentGiven", "EngagementOpened"], 0),
        ("withdrawn", "closed", ["ConsentGiven", "ConsentWithdrawn", "EngagementOpened", "EngagementClosed"], 0),
        ("withdrawn", "draft", ["ConsentGiven", "EngagementOpened"], 1),
        ("live", "closed", ["ConsentGiven", "EngagementOpened"], 1),
        ("live", "draft", [], 2),
    ],
)
def test_consents_and_engagements_are_told_as_they_are_kept(consent: str, engagement: str, types: list[str], wrong: int) -> None:
    kept = SimpleNamespace(consents={"c": SimpleNamespace(state=consent)}, engagements={"e": SimpleNamespace(state=engagement)})
    told = [event(name, **({"consent_id": "c"} if name.startswith("Consent") else {"engagement_id": "e"})) for name in types]
    assert len(list(telling.engagements({("claim", "x"): kept}, told))) == wrong


def test_an_effect_that_is_there_twice_is_told() -> None:
    raised, withdrawn = event("FlagRaised", flag_id="f"), event("FlagWithdrawn", flag_id="f")
    assert list(effect_once([raised, withdrawn, raised])) == []
    assert list(effect_once([raised, raised])) == ["flag f raised 2 times"]
    assert len(list(effect_once([event("CaseOpened", case_id="c")] * 2))) == 1


def test_a_version_that_falls_is_told() -> None:
    one, two = (event("PeriodAssessed", period_id="p", version=version) for version in (1, 2))
    assert list(in_order([one, two])) == []
    assert list(in_order([two, one])) == ["PeriodAssessed p: version 1 after 2"]


@pytest.mark.parametrize(
    ("line", "sound"),
    [
        ("claim 3f0f applied", True),
        ("person QQ123456C", False),
        ("to ann@example.org", False),
        ("Ann Example called", False),
    ],
)
def test_people_in_a_log_are_told_without_their_data(tmp_path: Path, line: str, sound: bool) -> None:
    world: Any = SimpleNamespace(persons={"p": SimpleNamespace(first_name="Ann", last_name="Example")})
    (tmp_path / "worker.log").write_text(f"before\n{line}\n")
    found = Logs(tmp_path, world).personal()
    assert (found == []) is sound
    assert not any(word in one for one in found for word in ("QQ123456C", "ann@", "Ann"))


def test_a_recovery_that_takes_too_long_fails_its_cell() -> None:
    cell = Cell("slow", 1, faults=["one"], recoveries=[RECOVERY_S + 1])
    with pytest.raises(AssertionError, match="I7 recovery: recovered after 61"):
        cell.verify()
    with pytest.raises(AssertionError, match="no fault was fired"):
        Cell("idle", 1).verify()


def test_the_book_becomes_a_table_with_a_bound_and_a_plot(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    book = Book(path)
    book.add(Cell("f1", 7, events=300, faults=["killed"], recoveries=[1.5], latencies_s=[0.1, 0.2], took_s=9))
    book.caught("no_inbox", {"I2"})
    report = msgspec.json.decode(path.read_bytes())
    said = text(report)
    assert "| f1 | 7 | 300 | 0 | 1.5 | 200 / 200 / 200 | 9 |" in said
    assert "at most 1.000% of events at 95 %" in said
    assert "| no_inbox | I2 |" in said
    plot(report, tmp_path / "plot.svg")
    assert b"<svg" in (tmp_path / "plot.svg").read_bytes()
