"""What the bodies of this service's answers share."""

from __future__ import annotations

from pydantic.json_schema import SkipJsonSchema

from web.answers import Answered

Absent = SkipJsonSchema[None]
"""For a field that is left out and never null."""


class Reason(Answered):
    """Why, as a code and in plain words. text_cy: null until there is a Welsh text."""

    code: str
    text: str
    text_cy: str | None
