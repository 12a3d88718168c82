"""What an open hold does to one person's flag, and what its answer does: once, and with nothing left behind."""

from __future__ import annotations

from datetime import timedelta

from referrals_memory import Referrals
from test_flag_life import SPANS, play

from referrals import moves
from referrals.breaker.gate import Allowance
from referrals.desk import KIND
from referrals.model import Flag, OpenHold
from streaming.spec import Due

END = SPANS[1][1]
FALL = [105_000, 84_000]
HOLD = "hold-1"


def day(made: Referrals, number: int) -> None:
    """So many days after the period with the fall ended."""
    made.go_to(END + timedelta(days=number))


def opened(made: Referrals) -> None:
    """From now on mass flags wait."""
    hold = OpenHold(hold_id=HOLD, since=made.now - timedelta(hours=1))
    made.service.glance = lambda: Allowance(hold, 0, hold)


def answered(made: Referrals, answer: str) -> None:
    """What the watch sends to every flag of the hold, now that it is closed."""
    made.service.glance = lambda: None
    flag = the_flag(made)
    payload = {"claimant_id": "P1", "flag_id": flag.flag_id, "answer": answer}
    number = f"sign-off-{len(made.published)}"
    made.service.timers[number] = Due(number, (KIND, "C"), made.now, "sign-off", payload, number, number)
    made.published += made.service.fire(made.now)


def the_flag(made: Referrals) -> Flag:
    [flag] = made.flags("C", "P1").values()
    return flag


def fallen() -> Referrals:
    """The fall is planned, and not due yet."""
    made = play(FALL, until=6)
    assert the_flag(made).state == "planned"
    return made


def test_a_held_flag_is_not_raised_and_not_shown_however_long_it_waits() -> None:
    made = fallen()
    opened(made)
    day(made, 30)
    assert (the_flag(made).state, the_flag(made).held) == ("planned", HOLD)
    assert not {"FlagRaised", "FlagShown", "CaseOpened"} & set(made.types())


def test_a_flag_raised_just_before_the_hold_is_not_shown() -> None:
    made = fallen()
    day(made, 7)
    assert the_flag(made).state == "raised"
    opened(made)
    day(made, 30)
    assert (the_flag(made).state, the_flag(made).held) == ("raised", HOLD)
    assert "FlagShown" not in made.types()


def test_a_released_flag_is_raised_and_shown_once_even_if_the_answer_comes_twice() -> None:
    made = fallen()
    opened(made)
    day(made, 8)
    answered(made, "release")
    answered(made, "release")
    opened(made)  # what was signed off waits for no later hold
    day(made, 30)
    assert (made.types().count("FlagRaised"), made.types().count("FlagShown"), made.types().count("CaseOpened")) == (1, 1, 1)
    assert (the_flag(made).state, the_flag(made).held) == ("shown", None)


def test_a_discarded_flag_leaves_nothing_that_could_still_show_it() -> None:
    made = fallen()
    day(made, 7)
    opened(made)
    day(made, 9)
    answered(made, "discard")
    assert [body["why"] for body in made.bodies("FlagWithdrawn")] == ["discarded"]
    waiting = [due.name for due in made.service.timers.values() if due.payload.get("flag_id") == the_flag(made).flag_id]
    assert waiting == []
    day(made, 60)
    assert not {"FlagShown", "CaseOpened"} & set(made.types())


def test_a_discard_takes_back_what_was_shown_in_the_hour_before_the_hold_unless_somebody_was_contacted() -> None:
    for contacted in (False, True):
        made = fallen()
        day(made, 9)
        [case] = made.cases("C", "P1")
        if contacted:
            made.move("C", case.case_id, moves.record_contact, "phone", "reached")
        answered(made, "discard")
        assert the_flag(made).state == ("shown" if contacted else "withdrawn")
        assert made.cases("C", "P1")[0].open is contacted


def test_outcomes_do_not_wait() -> None:
    made = play([84_000, 105_000], until=1)
    opened(made)
    day(made, 20)
    assert "OutcomeMet" in made.types()
