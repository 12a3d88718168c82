"""Another policy, given as whole policy files or as parts of them, laid over the files in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import yaml

from referrals.policy_files import build_all, read_files
from referrals.policy_schema import MISSING, PolicyWrong

Span = tuple[date, date]
"""First and last day of a figure; `date.max` until further notice."""
_SHOWN = 6
_WHOLE = " (a top-level entry replaces the one in force as a whole: give all that is in it)"


class PolicyInvalid(ValueError):
    """The policy cannot be used; the text says where and what is wrong, and repeats keys and days but no value."""


def other_files(given: Any, in_force: Mapping[str, str] | None = None, since: date = date.min) -> dict[str, str]:
    """All policy files as text: those in force (default: the shipped ones) with the given ones over them. Raises PolicyInvalid.

    given: one file's content, or file name → its content; as YAML text or as the object itself. A content replaces the top-level
    entries that it names, each as a whole, and keeps the file's others. No day from `since` on that has a figure in force may be
    left without one.
    """
    base = read_files() if in_force is None else in_force
    return checked(overlaid(base, given), base, since)


def overlaid(base: Mapping[str, str], given: Any) -> dict[str, str]:
    """The files with the given ones over them, not checked yet, so that several can be laid over. Raises PolicyInvalid."""
    files = dict(base)
    for name, content in _named(_parsed(given), files).items():
        part = _parsed(content)
        if not isinstance(part, Mapping):
            raise PolicyInvalid(f"{name}: an object is wanted")
        files[name] = yaml.safe_dump(_plain({**_parsed(files[name]), **part}), allow_unicode=True)
    return files


def checked(files: dict[str, str], in_force: Mapping[str, str], since: date) -> dict[str, str]:
    """The files, if they make rule sets and keep every figure in force from that day on. Raises PolicyInvalid."""
    try:
        build_all(files)
    except PolicyWrong as wrong:
        partly = any(fault.what == MISSING and ".values." not in fault.place for fault in wrong.faults)
        raise PolicyInvalid(wrong.told(given=False) + (_WHOLE if partly else "")) from None
    if gone := list(_gone(in_force, files, since)):
        more = f"; and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else ""
        raise PolicyInvalid(f"{'; '.join(gone[:_SHOWN])}{more}{_WHOLE}")
    return files


def _gone(in_force: Mapping[str, str], files: Mapping[str, str], since: date) -> Iterator[str]:
    """What is in force and would be no more, and from which day on."""
    for name, text in in_force.items():
        if text == files[name]:
            continue
        before, after = (dict(_figures(name, yaml.safe_load(content))) for content in (text, files[name]))
        for place, spans in before.items():
            wanted = [(max(first, since), last) for first, last in spans if last >= since]
            day = first_bare(wanted, after.get(place, []))
            if day is not None:
                yield f"{place} has no figure on {day}, where the policy in force has one"
            elif place not in after:
                yield f"{place} is missing, which the policy in force has"


def first_bare(before: list[Span], after: list[Span]) -> date | None:
    """The first day that a figure covered before and none covers now."""
    for first, last in before:
        day = first
        for begins, ends in after:
            if begins <= day <= ends:
                if ends >= last:
                    break
                day = ends + timedelta(days=1)
        else:
            return day
    return None


def _figures(place: str, content: Any) -> Iterator[tuple[str, list[Span]]]:
    """Place of every dated list and of everything with an id, with the days that have a figure, in order."""
    if isinstance(content, Mapping):
        for key, part in content.items():
            spans = _spans(part)
            if spans:
                yield (place if key == "values" else f"{place}.{key}"), spans
            else:
                yield from _figures(f"{place}.{key}", part)
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, Mapping) and "id" in part:
                yield f"{place}.{part['id']}", []
                yield from _figures(f"{place}.{part['id']}", part)


def _spans(content: Any) -> list[Span]:
    """The days of a dated list, in order; empty when it is something else."""
    entries = content if isinstance(content, list) else []
    if not all(isinstance(entry, Mapping) and {"from", "value"} <= entry.keys() for entry in entries):
        return []
    try:
        days = sorted((_day(entry["from"]), _day(entry.get("until") or date.max)) for entry in entries)
    except ValueError:
        return []
    ends = [first - timedelta(days=1) for first, _ in days[1:]] + [date.max] * bool(days)
    spans = [(first, min(last, end)) for (first, last), end in zip(days, ends, strict=True)]
    return [(first, last) for first, last in spans if first <= last]


def _day(given: Any) -> date:
    return given if isinstance(given, date) else date.fromisoformat(str(given))


def _parsed(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return yaml.safe_load(given)
    except yaml.YAMLError:
        raise PolicyInvalid("not YAML") from None


def _named(given: Any, files: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not given:
        raise PolicyInvalid("an object of policy files is wanted")
    if "schema" in given:
        return {_name_of(given, files): given}
    unknown = sorted(set(map(str, given)) - files.keys())
    if unknown:
        raise PolicyInvalid(
            f"there are policy files named {', '.join(sorted(files))}: name the file so, or copy `schema` and `topic` from it"
        )
    return {str(name): content for name, content in given.items()}


def _name_of(content: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """The file that this content is one of, by its own words."""
    for name, text in files.items():
        own = _parsed(text)
        if (own.get("schema"), own.get("topic")) == (content["schema"], content.get("topic")):
            return name
    raise PolicyInvalid("the file does not say which policy file it is: copy `schema` and `topic` from the one in force")


def _plain(value: Any) -> Any:
    """JSON-like values only, so that a text and the object it describes make the same rule set."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
