"""Answers held against the API document that a service commits: as a hook of an HTTP client, every answer it gets."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema

SERVICES = Path(__file__).parents[2] / "services"
FORMATS = jsonschema.FormatChecker(formats=())
Place = tuple[str, str, str]
"""Method, path template, status."""


@FORMATS.checks("date", raises=ValueError)
def _is_day(value: object) -> bool:
    return not isinstance(value, str) or (len(value) == 10 and bool(date.fromisoformat(value)))


@FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or ("T" in value and datetime.fromisoformat(value).tzinfo is not None)


class Documented:
    """One service's answers. `seen`: the documented ones that came."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.seen: set[Place] = set()
        self._document = document
        self._checks: dict[tuple[Place, str], jsonschema.Draft202012Validator] = {}
        # The template with the most text of its own is the one meant: /things/count before /things/{id}.
        paths = sorted(document["paths"], key=lambda path: (path.count("{"), -len(re.sub(r"{\w+}", "", path))))
        self._paths = [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path) for path in paths]

    @classmethod
    def of(cls, service: str) -> Documented:
        """By the name of the service's folder."""
        return cls(json.loads((SERVICES / service / "openapi.json").read_text(encoding="utf-8")))

    def __call__(self, response: httpx.Response) -> None:
        """The hook. Fails where the answer is not documented, or not so. Errors of unknown routes are nobody's."""
        path = response.request.url.raw_path.decode().partition("?")[0]
        template = next((template for pattern, template in self._paths if pattern.fullmatch(path)), "")
        operation = self._document["paths"].get(template, {}).get(response.request.method.lower())
        status = str(response.status_code)
        if (operation is None and response.is_error) or response.status_code == 304:
            return
        assert operation is not None, f"{response.request.method} {path} is not documented"
        answers = operation["responses"]
        key = status if status in answers else "default" if response.is_error else ""
        place = (response.request.method, template, key)
        assert key, f"{place}: {status} is not documented"
        response.read()
        self._hold(place, answers[key].get("content", {}), response)
        self.seen.add(place)

    def _hold(self, place: Place, content: dict[str, Any], response: httpx.Response) -> None:
        if not content:
            assert not response.content, f"{place}: a body that is not documented"
            return
        media_type = response.headers["content-type"].partition(";")[0]
        assert media_type in content, f"{place}: {media_type} is not documented"
        if not media_type.endswith("json"):
            return
        check = self._checks.get((place, media_type))
        if check is None:
            schema = content[media_type]["schema"] | {"components": self._document["components"]}
            check = self._checks[place, media_type] = jsonschema.Draft202012Validator(schema, format_checker=FORMATS)
        wrong = [f"{error.json_path}: {error.message}" for error in check.iter_errors(response.json())]
        assert not wrong, f"{place}: {wrong}"

    def unseen(self, under: str = "/") -> set[Place]:
        """Documented successes of these paths that have not come."""
        documented = {
            (method.upper(), path, status)
            for path, operations in self._document["paths"].items()
            for method, operation in operations.items()
            for status in operation["responses"]
            if path.startswith(under) and status.startswith("2")
        }
        return documented - self.seen
