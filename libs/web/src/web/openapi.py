"""Each service commits its OpenAPI document; this writes it and says when it is out of date."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from web.app import declared_scopes

_WORDS = {"title", "default", "deprecated", "examples"}
"""Keywords that say nothing of a value's form."""


def document(app: FastAPI) -> str:
    """The OpenAPI document as committed: sorted, one trailing newline."""
    return json.dumps(app.openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def export(app: FastAPI, path: Path, *, check: bool = False) -> bool:
    """Write the document, or with `check` only compare. True when the file was (or now is) up to date."""
    text = document(app)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return True
    if check:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def unlisted(app: FastAPI) -> list[str]:
    """Routes in code that the document does not have; always empty in a healthy service."""
    paths = app.openapi()["paths"]
    return sorted(f"{method} {path}" for method, path in declared_scopes(app) if method.lower() not in paths.get(path, {}))


def unsaid(document: dict[str, Any]) -> list[str]:
    """Places in answers (2xx) of which an OpenAPI document does not say what is there; always empty in a healthy service.

    A whole answer is said by its fields. Inside one, a value that may be anything needs a description that tells why.
    """
    found = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                if status.startswith("2") and status != "204":
                    place = f"{method.upper()} {path} {status}"
                    contents = answer.get("content") or {"no content": {}}
                    found += [place + where for content in contents.values() for where in _answer(content, document)]
    return sorted(found)


def _answer(content: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    schema = content.get("schema", {})
    if _open(_resolved(schema, document)):
        yield ""
    else:
        yield from _inside(schema, document, "", frozenset())


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _open(schema: dict[str, Any]) -> bool:
    """Any value, or an object of any fields."""
    if schema.get("type") == "object":
        return not schema.get("properties") and schema.get("additionalProperties", True) is True
    return not schema.keys() - _WORDS - {"description"}


def _inside(schema: dict[str, Any], document: dict[str, Any], where: str, seen: frozenset[str]) -> Iterator[str]:
    name = schema.get("$ref")
    if name is not None:
        if name in seen:
            return
        seen |= {name}
    schema = _resolved(schema, document)
    if not schema.keys() - _WORDS:
        yield where
    for field, inner in schema.get("properties", {}).items():
        yield from _inside(inner, document, f"{where} {field}", seen)
    if schema.get("type") == "array" and "prefixItems" not in schema:
        yield from _inside(schema.get("items", {}), document, f"{where}[]", seen)
    more = schema.get("additionalProperties")
    rest = [more] if isinstance(more, dict) else []
    for inner in (*rest, *(one for key in ("anyOf", "oneOf", "allOf", "prefixItems") for one in schema.get(key, ()))):
        yield from _inside(inner, document, where, seen)
