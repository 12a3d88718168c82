"""What is made from the registry is committed as made, and committed schemas stay readable by old and new versions."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts import generate
from contracts.compatibility import breaks
from contracts.topics import EVENT_TYPES, TOPICS

STALE = f"run: {generate.COMMAND}"


def test_generated_files_are_up_to_date() -> None:
    assert generate.outdated() == [], STALE


def test_no_event_breaks_its_committed_schema() -> None:
    assert generate.breaking_changes() == {}, "give the event a new name or the topic a new version"


def test_every_event_has_a_committed_schema() -> None:
    assert {path.stem for path in generate.SCHEMAS.glob("*.json")} == set(EVENT_TYPES), STALE


PERSON: dict[str, Any] = {
    "$ref": "#/$defs/Person",
    "$defs": {
        "Person": {
            "type": "object",
            "title": "Person",
            "properties": {
                "id": {"type": "string"},
                "born": {"type": "string", "format": "date"},
                "state": {"enum": ["a", "b"]},
                "pence": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
                "jobs": {"type": "array", "items": {"$ref": "#/$defs/Job"}},
            },
            "required": ["id", "born", "state", "jobs"],
        },
        "Job": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
    },
}


def changed(definition: str, *, add: dict[str, Any] | None = None, drop: str | None = None, require: str | None = None) -> Any:
    schema = copy.deepcopy(PERSON)
    target = schema["$defs"][definition]
    target["properties"].update(add or {})
    if drop is not None:
        del target["properties"][drop]
        target["required"] = [name for name in target["required"] if name != drop]
    if require is not None:
        target["required"].append(require)
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(changed("Person", add={"nick": {"anyOf": [{"type": "string"}, {"type": "null"}]}}), id="optional field"),
        pytest.param(changed("Job", add={"hours": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}), id="optional field deep"),
        pytest.param({**PERSON, "title": "Someone", "description": "reworded"}, id="words only"),
    ],
)
def test_additions_live_beside_the_old_version(schema: dict[str, Any]) -> None:
    assert breaks(PERSON, schema) == []


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(changed("Person", drop="born"), id="required field removed"),
        pytest.param(changed("Person", drop="id", add={"identity": {"type": "string"}}, require="identity"), id="field renamed"),
        pytest.param(changed("Person", require="pence"), id="optional field made required"),
        pytest.param(changed("Person", add={"pence": {"type": "string"}}), id="type changed"),
        pytest.param(changed("Person", add={"pence": {"type": "integer"}}), id="null forbidden"),
        pytest.param(changed("Person", add={"state": {"enum": ["a"]}}), id="word removed"),
        pytest.param(changed("Person", add={"state": {"enum": ["a", "b", "c"]}}), id="word added that old readers refuse"),
        pytest.param(changed("Job", add={"rate": {"type": "integer"}}, require="rate"), id="new required field deep"),
    ],
)
def test_a_change_that_some_version_cannot_read_is_found(schema: dict[str, Any]) -> None:
    assert breaks(PERSON, schema) != []


def test_a_breaking_struct_is_refused_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = generate.committed_schema("ClockAdvanced")
    assert schema is not None
    schema["$defs"]["ClockAdvanced"]["properties"]["reason"] = {"type": "string"}
    schema["$defs"]["ClockAdvanced"]["required"].append("reason")
    for path in generate.SCHEMAS.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "ClockAdvanced.json").write_text(json.dumps(schema))
    monkeypatch.setattr(generate, "SCHEMAS", tmp_path)
    with pytest.raises(generate.BreakingChange, match="ClockAdvanced: readers not yet upgraded cannot read new events"):
        generate.write()


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [ref for item in node for ref in _references(item)]
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [ref for value in node.values() for ref in _references(value)]
    return []


def test_every_reference_in_the_asyncapi_file_leads_somewhere() -> None:
    document = yaml.safe_load(generate.ASYNCAPI.read_text(encoding="utf-8"))
    references = _references(document)
    assert len(references) > len(EVENT_TYPES)
    for reference in references:
        if reference.startswith("#/"):
            node = document
            for part in reference[2:].split("/"):
                node = node[part]
        else:
            assert (generate.ASYNCAPI.parent / reference).is_file(), reference


def test_the_asyncapi_file_lists_every_topic_with_its_writer_and_readers() -> None:
    document = yaml.safe_load(generate.ASYNCAPI.read_text(encoding="utf-8"))
    assert set(document["channels"]) == set(TOPICS)
    expected = {f"{topic.producer}.send.{topic.name}" for topic in TOPICS.values()} | {
        f"{consumer}.receive.{topic.name}" for topic in TOPICS.values() for consumer in topic.consumers
    }
    assert set(document["operations"]) == expected
