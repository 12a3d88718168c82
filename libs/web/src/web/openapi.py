"""Each service commits its OpenAPI document; this writes it and says when it is out of date."""

from __future__ import annotations

import json
from pathlib import Path

from fastapi import FastAPI

from web.app import declared_scopes


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
