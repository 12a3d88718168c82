"""Bodies of answers, for the API documents: the base of their models, pages of lists, and how a route names its model.

Views build the answers; the models only describe them, and tests hold real answers against the documents.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from web import headers

T = TypeVar("T")


class Answered(BaseModel):
    """Nothing beyond what is documented. A field with a default may be absent."""

    model_config = ConfigDict(extra="forbid")


class Page(Answered, Generic[T]):
    """A page of a list; `next` is the cursor of the following page."""

    items: list[T]
    next: str | None


def described(model: Any, status: int = 200, *, tagged: bool = False) -> dict[int | str, dict[str, Any]]:
    """For `responses`: what a route answers with this status. tagged: with an ETag, though it asks for none.

    It describes and does nothing else; `response_model` would check and filter whatever a route returns as a dict.
    """
    return {status: {"model": model, **(headers.tagged(status)[status] if tagged else {})}}
