"""Can old and new versions of an event's schema live side by side?

Writers are closed (they write the fields they know and no others), readers are open (they ignore what they do not
know). Both directions must hold, because a topic holds old events for months and services are not upgraded together.
"""

from __future__ import annotations

import warnings
from typing import Any, cast

Schema = dict[str, Any]

_NOT_MEANING = ("$defs", "$schema", "$id", "title", "description", "default")


def _inline(node: Any, defs: Schema) -> Any:
    if isinstance(node, list):
        return [_inline(item, defs) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inline(defs[node["$ref"].rsplit("/", 1)[1]], defs)
    plain = {name: _inline(value, defs) for name, value in node.items() if name not in (*_NOT_MEANING, "properties")}
    if "properties" in node:  # a field may be called "title" or "description"
        plain["properties"] = {name: _inline(value, defs) for name, value in node["properties"].items()}
    return plain


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {name: _closed(value) for name, value in node.items()}
    if "properties" in node and isinstance(node["properties"], dict):
        closed["additionalProperties"] = False
    return closed


def _reads(reader: Schema, writer: Schema) -> bool:
    with warnings.catch_warnings():  # the library's own sources and its use of jsonschema warn
        warnings.simplefilter("ignore")
        from jsonsubschema import isSubschema

        return cast(bool, isSubschema(_closed(writer), reader))


def breaks(old: Schema, new: Schema) -> list[str]:
    """What goes wrong when events of the `old` schema are followed by events of the `new` one; empty = nothing."""
    before = _inline(old, old.get("$defs", {}))
    after = _inline(new, new.get("$defs", {}))
    if before == after:
        return []
    found = []
    if not _reads(reader=after, writer=before):
        found.append("new readers cannot read events already written")
    if not _reads(reader=before, writer=after):
        found.append("readers not yet upgraded cannot read new events")
    return found
