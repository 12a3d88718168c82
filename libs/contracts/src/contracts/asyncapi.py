"""The platform's topics as an AsyncAPI 3.0 document, made from the registry."""

from __future__ import annotations

from typing import Any

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
    return message


def _ref(*parts: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(parts)}


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "summary": topic.summary,
        "messages": {event_type: _ref("components", "messages", event_type) for event_type in topic.events},
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
        "x-key": topic.key,
        "x-personal-data": topic.personal_data,
    }


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
                event_type: _message(topic, event_type, schema_folder) for topic in TOPICS.values() for event_type in topic.events
            },
        },
    }
