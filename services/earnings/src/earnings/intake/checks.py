"""Checks of single fields. A bad one raises BadField with its name; nothing here ever puts a value into a message."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

MAX_ID = 128
FIRST_YEAR, LAST_YEAR = 2000, 2099
MAX_POUNDS = 1_000_000_000
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_POUNDS = re.compile(r"-?\d{1,9}(\.\d{1,2})?", re.ASCII)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

_fast = msgspec.json.Decoder(float_hook=Decimal)


class BadField(Exception):
    """A used field is missing or wrong. `name` is upstream's own name for it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class BadDocument(Exception):
    """The bytes as a whole cannot be used; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _refuse(_: str) -> NoReturn:
    raise BadDocument("not_json")


def read_json(value: bytes | None) -> dict[str, Any]:
    """The JSON object in these bytes; numbers with a point become Decimal. Raises BadDocument.

    The slower reader lets through what is odd but legal in fields that nobody uses (lone surrogates, endless integers).
    """
    if not value:
        raise BadDocument("empty")
    try:
        found = _fast.decode(value)
    except RecursionError:
        raise BadDocument("too_deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = _read_patiently(value)
    if not isinstance(found, dict):
        raise BadDocument("not_an_object")
    return found


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < 40 else Decimal(digits)


def _read_patiently(value: bytes) -> Any:
    try:
        return json.loads(value.decode(), parse_float=Decimal, parse_int=_integer, parse_constant=_refuse)
    except RecursionError:
        raise BadDocument("too_deep") from None
    except (ValueError, ArithmeticError):
        raise BadDocument("not_json") from None


def is_text(value: object, limit: int) -> bool:
    """A string that every store can hold: not empty, no NUL, no lone surrogate, at most `limit` characters."""
    if not isinstance(value, str) or not 0 < len(value) <= limit or "\x00" in value:
        return False
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def text(source: Mapping[str, Any], name: str, limit: int = MAX_ID) -> str:
    """A required text."""
    value = source.get(name)
    if not is_text(value, limit):
        raise BadField(name)
    return str(value)


def optional_text(source: Mapping[str, Any], name: str, limit: int = MAX_ID) -> str | None:
    """A text, or None when it is absent, null or blank."""
    value = source.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not is_text(value, limit):
        raise BadField(name)
    return str(value)


def identifier(value: object, name: str) -> str:
    """An opaque id: text or integer, up to 128 characters."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not is_text(value, MAX_ID):
        raise BadField(name)
    return str(value)


def mapping(source: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object; absent or null is an empty one."""
    value = source.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadField(name)
    return value


def items(source: Mapping[str, Any], name: str) -> list[Any]:
    """An array; absent or null is an empty one."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadField(name)
    return value


def instant(value: object, name: str) -> datetime | None:
    """A moment in one of upstream's two forms: a string, or an object with `$date`. Without offset it is UTC."""
    if isinstance(value, dict):
        value = value.get("$date")
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _STAMP.fullmatch(value):
        raise BadField(name)
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadField(name) from None
    if not 1970 <= moment.year <= LAST_YEAR:
        raise BadField(name)
    return moment


def _in_range(day: date, name: str) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadField(name)
    return day


def calendar_day(source: Mapping[str, Any], name: str) -> date | None:
    """A calendar date as an integer, 20260430; None when absent or null."""
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 99991231:
        raise BadField(name)
    try:
        return _in_range(date(value // 10000, value // 100 % 100, value % 100), name)
    except ValueError:
        raise BadField(name) from None


def iso_day(source: Mapping[str, Any], name: str) -> date | None:
    """A calendar date as text, 2026-04-30; None when absent."""
    if name not in source:
        return None
    value = source[name]
    if not isinstance(value, str) or not _ISO_DAY.fullmatch(value):
        raise BadField(name)
    try:
        return _in_range(date.fromisoformat(value), name)
    except ValueError:
        raise BadField(name) from None


def pounds_text(source: Mapping[str, Any], name: str) -> int | None:
    """Pence from a text in pounds ("1234.56", "0"); None when absent or null."""
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _POUNDS.fullmatch(value):
        raise BadField(name)
    return int(Decimal(value) * 100)


def pounds_number(source: Mapping[str, Any], name: str, required: bool = False) -> int:
    """Pence from a JSON number with at most two decimals; 0 when absent and not required."""
    if name not in source and not required:
        return 0
    value = source.get(name)
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise BadField(name)
    if not -MAX_POUNDS < value < MAX_POUNDS:  # compared before arithmetic, which overflows on absurd exponents
        raise BadField(name)
    pence = Decimal(value) * 100
    if pence != pence.to_integral_value():
        raise BadField(name)
    return int(pence)


def whole_number(source: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    """An integer within bounds; None when absent or null."""
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadField(name)
    return value
