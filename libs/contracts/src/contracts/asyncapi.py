"""The platform's topics as an AsyncAPI 3.0 document, made from the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.feed import CHECK, DEAD_LETTER, FEED, OUTCOMES, PREFERENCES, REASONS, Inbound
from contracts.topics import TOPICS, Topic

_CE_HEADERS = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string"},
        "ce_type": {"type": "string"},
        "ce_source": {"type": "string"},
        "ce_subject": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_partitionkey": {"type": "string"},
        "ce_causationid": {"type": "string"},
        "ce_correlationid": {"type": "string"},
        "ce_dataschema": {"type": "string", "format": "uri"},
        "traceparent": {"type": "string"},
    },
}


SHOWN = {**FEED, PREFERENCES.name: PREFERENCES}
"""Topics that upstream publishes, with examples."""


def _summary(topic: Topic, event_type: str) -> str:
    return " ".join((topic.events[event_type].__doc__ or "").split("\n\n")[0].split())


def _message(topic: Topic, event_type: str, schema_folder: str) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": event_type,
        "summary": _summary(topic, event_type),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
        "payload": {"$ref": f"{schema_folder}/{event_type}.json"},
    }
    if event_type in topic.planned:
        message["x-planned"] = True
    if topic.name in SHOWN:
        message |= _examples(SHOWN[topic.name])
    return message


def _inbound(inbound: Inbound) -> dict[str, Any]:
    """A message whose format belongs to its owner: what is read of it."""
    return {
        "name": inbound.name,
        "summary": inbound.summary,
        "contentType": "application/json",
        "payload": {"type": "object", "description": "Fields that are not named are never looked at."},
        "x-used-fields": dict(inbound.used),
        **_examples(inbound),
    }


def _examples(inbound: Inbound) -> dict[str, Any]:
    """Good ones, and bad ones with the reason of their refusal."""
    good = [example for example in inbound.examples if example.reason is None]
    bad = [example for example in inbound.examples if example.reason is not None]
    found: dict[str, Any] = {"examples": [{"name": example.name, "payload": _plain(example.payload)} for example in good]}
    if inbound.sealed:
        found["x-examples-show"] = "dbObject in clear; encrypt it and add message.encryption before publishing"
    found["x-refused-examples"] = [
        {"name": example.name, "reason": example.reason, "payload": _plain(example.payload)} for example in bad
    ]
    return found


def _plain(value: Any) -> Any:
    """A copy: the YAML file is to hold no references from one example to another."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _ref(*parts: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(parts)}


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "summary": topic.summary,
        "messages": {name: _ref("components", "messages", name) for name in _names(topic)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partition_count(),
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup],
                    "retention.ms": int(topic.config()["retention.ms"]),
                    "max.message.bytes": topic.max_message_bytes,
                },
                "bindingVersion": "0.5.0",
            }
        },
        **({"x-what-becomes-of-a-message": _becomes(topic)} if topic.name in SHOWN else {}),
        "x-key": topic.key,
        "x-personal-data": topic.personal_data,
    }


def _becomes(topic: Topic) -> dict[str, str]:
    return _ref("components", "x-what-becomes-of-a-message") if topic.name in FEED else dict(DEAD_LETTER)


def _names(topic: Topic) -> list[str]:
    """Of the topic's messages."""
    return list(topic.events) or ([FEED[topic.name].name] if topic.name in FEED else [])


def _operations() -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for topic in TOPICS.values():
        roles = [("send", topic.producer)] + [("receive", consumer) for consumer in topic.consumers]
        for action, service in roles:
            operations[f"{service}.{action}.{topic.name}"] = {
                "action": action,
                "channel": {"$ref": "#/channels/" + topic.name},
                "summary": f"{service} {'publishes' if action == 'send' else 'reads'} {topic.name}",
            }
    return operations


def document(schema_folder: str) -> dict[str, Any]:
    """AsyncAPI 3.0.0; payload references point into `schema_folder`, relative to the file."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "In-work progression platform",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 in Kafka's binary mode. Generated from the topic registry; do not edit.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": _operations(),
        "components": {
            "schemas": {"CloudEventHeaders": _CE_HEADERS},
            "messages": {
                **{name: _message(topic, name, schema_folder) for topic in TOPICS.values() for name in topic.events},
                **{inbound.name: _inbound(inbound) for topic, inbound in FEED.items() if not TOPICS[topic].events},
            },
            "x-what-becomes-of-a-message": {
                "description": "Every message of an intake topic has one row in the ledger: GET /v1/intake/messages finds it.",
                "outcomes": dict(OUTCOMES),
                "reasons": dict(REASONS),
                "before-publishing": CHECK,
            },
        },
    }
