"""Structured logs: one line an event, with the request id, never a secret or a contact."""

import logging

import structlog
from flask import Flask

PROCESSORS = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)


def init_app(app: Flask) -> None:
    """Log as the settings say: JSON for programs, text for people."""
    shown: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if app.config["LOG_FORMAT"] == "text":
        shown = structlog.dev.ConsoleRenderer(colors=False)
    level = logging.getLevelNamesMapping()[app.config["LOG_LEVEL"].upper()]
    structlog.configure(
        processors=[*PROCESSORS, shown],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=False,
    )
