"""Logs: one JSON object a line, dotted event names, ids as fields, never values."""

from __future__ import annotations

import logging
import sys

import structlog

LIBRARY_FORMAT = '{"logger": "%(name)s", "level": "%(levelname)s", "event": "%(message)s"}'


def configure(service: str, process: str) -> None:
    """Once, at the start of a process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, process=process)
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format=LIBRARY_FORMAT)
