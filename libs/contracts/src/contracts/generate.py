"""Everything that is made from the structs and the registry: JSON Schemas, the AsyncAPI file, the README's tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import yaml

from contracts import asyncapi
from contracts.compatibility import breaks
from contracts.envelope import data_schema
from contracts.topics import EVENT_TYPES, TOPICS, Topic

COMMAND = "python -m contracts generate"

_PACKAGE = Path(str(files("contracts")))
_MEMBER = _PACKAGE.parents[1]
SCHEMAS = _PACKAGE / "schemas"
README = _MEMBER / "README.md"
ASYNCAPI = _MEMBER / "asyncapi.yaml"

_BEGIN, _END = "<!-- {0}: made by `python -m contracts generate` -->", "<!-- /{0} -->"


class BreakingChange(Exception):
    """A committed schema would change so that old and new versions cannot live side by side."""


@dataclass(frozen=True, slots=True)
class Output:
    """One generated file as it should be."""

    path: Path
    text: str

    def is_current(self) -> bool:
        """The file on disk says the same."""
        return self.path.exists() and self.path.read_text(encoding="utf-8") == self.text


def schema(event_type: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of an event, as readers see it: unknown fields are allowed."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": data_schema(event_type),
        **msgspec.json.schema(EVENT_TYPES[event_type]),
    }


def committed_schema(event_type: str) -> dict[str, Any] | None:
    """The schema in the repository, None for a new event."""
    path = SCHEMAS / f"{event_type}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def breaking_changes() -> dict[str, list[str]]:
    """Event type → what a struct would break against its committed schema. A schema without a struct breaks too."""
    found = {}
    for event_type in EVENT_TYPES:
        old = committed_schema(event_type)
        if old is not None and (problems := breaks(old, schema(event_type))):
            found[event_type] = problems
    for path in SCHEMAS.glob("*.json"):
        if path.stem not in EVENT_TYPES:
            found[path.stem] = ["the event is gone; topics still hold it"]
    return found


def _retention(topic: Topic) -> str:
    if topic.cleanup == "compact":
        return "last per key"
    return "for ever" if topic.retention_days is None else f"{topic.retention_days} days"


def _topic_table() -> str:
    lines = [
        "| topic | key | partitions | kept | largest | personal data | written by | read by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for topic in TOPICS.values():
        partitions = "platform's" if topic.partitions is None else str(topic.partitions)
        largest = f"{topic.max_message_bytes // (1024 * 1024)} MiB"
        readers = ", ".join(topic.consumers) or "–"
        personal = "yes" if topic.personal_data else "no"
        lines.append(
            f"| `{topic.name}` | {topic.key} | {partitions} | {_retention(topic)} | {largest} | {personal}"
            f" | {topic.producer} | {readers} |"
        )
    return "\n".join(lines)


def _event_table() -> str:
    lines = ["| topic | events |", "|---|---|"]
    for topic in TOPICS.values():
        names = [f"`{name}`" + (" (planned)" if name in topic.planned else "") for name in topic.events]
        lines.append(f"| `{topic.name}` | {', '.join(names) or topic.summary} |")
    return "\n".join(lines)


def _diagram() -> str:
    lines = ["```mermaid", "flowchart LR"]
    for topic in TOPICS.values():
        node = topic.name.replace(".", "_").replace("-", "_")
        lines.append(f'  {node}(["{topic.name}"])')
        lines.append(f"  {topic.producer} --> {node}")
        lines.extend(f"  {node} --> {consumer}" for consumer in topic.consumers)
    return "\n".join([*lines, "```"])


def _with_section(text: str, name: str, body: str) -> str:
    begin, end = _BEGIN.format(name), _END.format(name)
    if begin not in text or end not in text:
        raise ValueError(f"README.md lacks the section markers for {name}")
    before, rest = text.split(begin, 1)
    return f"{before}{begin}\n{body}\n{end}{rest.split(end, 1)[1]}"


def _readme() -> str:
    text = README.read_text(encoding="utf-8")
    for name, body in (("topics", _topic_table()), ("events", _event_table()), ("diagram", _diagram())):
        text = _with_section(text, name, body)
    return text


def outputs() -> Iterator[Output]:
    """Every generated file as it should be."""
    for event_type in EVENT_TYPES:
        yield Output(SCHEMAS / f"{event_type}.json", json.dumps(schema(event_type), indent=1) + "\n")
    folder = SCHEMAS.relative_to(_MEMBER).as_posix()
    yield Output(ASYNCAPI, yaml.safe_dump(asyncapi.document(folder), sort_keys=False, width=120))
    yield Output(README, _readme())


def outdated() -> list[Path]:
    """Generated files that differ from what they should be."""
    return [output.path for output in outputs() if not output.is_current()]


def write(replace: Collection[str] = ()) -> list[Path]:
    """Write what is outdated. `replace` names events whose committed schema may break (never released yet)."""
    broken = {name: problems for name, problems in breaking_changes().items() if name not in replace}
    if broken:
        raise BreakingChange("\n".join(f"{name}: {'; '.join(problems)}" for name, problems in sorted(broken.items())))
    for name in replace:
        if name not in EVENT_TYPES:
            (SCHEMAS / f"{name}.json").unlink(missing_ok=True)
    stale = [output for output in outputs() if not output.is_current()]
    for output in stale:
        output.path.parent.mkdir(exist_ok=True)
        output.path.write_text(output.text, encoding="utf-8")
    return [output.path for output in stale]
