"""What is shown of a rate change, and what of it breaks a promise."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

FALLS = ("fell-below-aet", "sustained-fall")
REVIEW = "threshold-change-review"
COUNTS = ("opened_at_flags_an_hour", "band", "shown_within_the_band", "shown_while_held", "shown_after_the_answer",
          "withdrawn_by_the_answer")  # fmt: skip
SPREADS = ("by_rule", "by_pay_change")


def show(console: Console, made: dict[str, Any]) -> None:
    """Flags and reviews by rule: as they were, as foreseen, as they then came; and the bad files."""
    title = f"{made['claimants']:,} claimants, threshold raised on {made['rises']} by policy data alone"
    table = Table(title=title, title_justify="left")
    for column in ("rule", "without the rise", "foreseen with it", "then happened", "more", "fewer"):
        table.add_column(column, justify="left" if column == "rule" else "right")
    effect = made["caused_by_the_rise"]
    for rule in sorted({*made["on_record"], *made["foreseen"], *made["happened"]}):
        sides = (made["on_record"], made["foreseen"], made["happened"], effect["more"], effect["fewer"])
        table.add_row(rule, *(f"{side.get(rule, 0):,}" for side in sides))
    console.print(table)
    differences = len(made["not_foreseen"]) + len(made["foreseen_only"])
    console.print(
        f"  differences between what was foreseen and what happened, claimant for claimant: {differences}", soft_wrap=True
    )
    for name in ("not_foreseen", "foreseen_only"):
        for who, rule, period in made[name][:20]:
            console.print(f"    {name.replace('_', ' ')}: {rule} claimant {who} period {period}", highlight=False)
    for answer, one in made["bad_files"].items():
        console.print(f"  a bad file for {one['people']:,} people: {one['held']:,} flags held, then {answer}", highlight=False)
        for name in (*COUNTS, *SPREADS) if one["held"] else ():
            told = one[name] if name in COUNTS else ", ".join(f"{what} {count:,}" for what, count in one[name].items())
            console.print(f"    {name.replace('_', ' ')}: {told}", highlight=False, soft_wrap=True)


def wrong(made: dict[str, Any]) -> list[str]:
    """Every promise that was not kept."""
    found = []
    effect = made["caused_by_the_rise"]
    if not effect["more"].get(REVIEW):
        found.append("the rise raised no threshold-change review")
    found += [f"the rise caused {effect['more'][rule]} flags of {rule}" for rule in FALLS if effect["more"].get(rule)]
    for name in ("not_foreseen", "foreseen_only", "record_differs_from_events"):
        if made[name]:
            found.append(f"{name.replace('_', ' ')}: {len(made[name])}, listed in the report")
    for answer, one in made["bad_files"].items():
        found += [f"bad file, {answer}: {what}" for what in _of_file(answer, one)]
    return found


def _of_file(answer: str, one: dict[str, Any]) -> list[str]:
    if not one["held"]:
        return ["nothing was held"]
    found = []
    if one["shown_while_held"]:
        found.append(f"{one['shown_while_held']} flags were shown while they were held")
    if one["shown_within_the_band"] > max(one["band"], 100):
        found.append(f"{one['shown_within_the_band']} flags were shown before the hold, more than the band allows")
    if answer == "release" and not one["shown_after_the_answer"]:
        found.append("nothing was shown after the release")
    if answer == "discard" and (
        one["shown_after_the_answer"] or one["withdrawn_by_the_answer"] < one["held"] + one["shown_within_the_band"]
    ):
        found.append("not every flag was withdrawn")
    if not one["answered"] or one["audited"] != 1:
        found.append("the answer did not close the hold, or is not in the audit once")
    return found
