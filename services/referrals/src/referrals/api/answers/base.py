"""What the bodies of all answers are made of."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import SkipJsonSchema

T = TypeVar("T")
Absent = SkipJsonSchema[None]
"""For a field that is left out and never null."""


class Answered(BaseModel):
    """Nothing beyond what is documented."""

    model_config = ConfigDict(extra="forbid")


class Page(Answered, Generic[T]):
    """A page of a list; `next` is the cursor of the following page."""

    items: list[T]
    next: str | None


class Reason(Answered):
    """Why, as a code and in plain words. text_cy: null until there is a Welsh text."""

    code: str
    text: str
    text_cy: str | None


def described(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """For `responses` of a route that returns plain values: `response_model` would check and copy each of them."""
    named = {"application/json": {"schema": {"title": model.__name__}}}  # else the framework names it after the route
    return {200: {"model": model, "content": named}}
