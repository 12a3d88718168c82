"""Another policy, given as whole policy files or as parts of them, laid over the files in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from referrals.policy_files import build, read_files


class PolicyInvalid(ValueError):
    """The policy cannot be used; the text says where, and repeats none of its values."""


def other_files(given: Any, in_force: Mapping[str, str] | None = None) -> dict[str, str]:
    """All policy files as text: those in force (default: the shipped ones) with the given ones over them. Raises PolicyInvalid.

    given: one file's content, or file name → its content; as YAML text or as the object itself. A content without `schema`
    replaces the top-level entries that it names and keeps the file's others.
    """
    files = dict(read_files() if in_force is None else in_force)
    parts = _named(_parsed(given), files)
    for name, content in parts.items():
        part = _parsed(content)
        if not isinstance(part, Mapping):
            raise PolicyInvalid(f"{name}: an object is wanted")
        whole = part if "schema" in part else {**yaml.safe_load(files[name]), **part}
        files[name] = yaml.safe_dump(_plain(whole), allow_unicode=True)
    try:
        build(files)
    except ValidationError as error:
        places = sorted({".".join(str(step) for step in one["loc"]) for one in error.errors()})
        raise PolicyInvalid(f"not valid: {', '.join(places)[:400]}") from None
    except (ValueError, KeyError, TypeError, StopIteration, AttributeError, ArithmeticError):
        raise PolicyInvalid("the files do not make a rule set; `policy check` says what is wrong") from None
    return files


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
        raise PolicyInvalid(f"there are policy files named {', '.join(sorted(files))}")
    return {str(name): content for name, content in given.items()}


def _name_of(content: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """The file that this content is one of, by its own words."""
    for name, text in files.items():
        own = yaml.safe_load(text)
        if (own.get("schema"), own.get("topic")) == (content["schema"], content.get("topic")):
            return name
    raise PolicyInvalid("the file does not say which policy file it is: see `schema` and `topic`")


def _plain(value: Any) -> Any:
    """JSON-like values only, so that a text and the object it describes make the same rule set."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
