"""Logs as JSON, one object a line: when, how grave, who says what, and the fields that a monitor can search; no secret among them."""

import logging
from datetime import UTC, datetime
from typing import Any

import orjson

from publisher.errors import masked

FORMS = ("text", "json")
TEXT, JSON = FORMS


class Lines(logging.Formatter):
    """Formats a record as a JSON object: time (RFC 3339, UTC), level, logger, message, then what `extra={"fields": ...}` holds."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(_without_secrets(line), default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value).encode("utf-8", "replace").decode()  # an address may hold half a surrogate pair, JSON may not
    if isinstance(value, dict):
        return {key: _without_secrets(one) for key, one in value.items()}
    return [_without_secrets(one) for one in value] if isinstance(value, list | tuple) else value


class Unmeant(logging.Filter):
    """Drops granian's warning of many threads: it counts cores, ours wait for slow clients and for query processes."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Configuration allows spawning up to")


def of_server(form: str) -> dict[str, Any]:
    """Return what the WSGI server and its processes log, as `logging.config.dictConfig` takes it; in JSON what our rooms say, too."""
    console = {"handlers": ["console"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"unmeant": {"()": Unmeant}},
        "formatters": {TEXT: {"format": "[%(levelname)s] %(message)s"}, JSON: {"()": Lines}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["unmeant"],
                "stream": f"ext://sys.{'stderr' if form == JSON else 'stdout'}",
            }
        },
        "loggers": {"_granian": console, **({"publisher": console, "py.warnings": console} if form == JSON else {})},
    }
