"""The engine's own log: one JSON object a line, without any value of a variable, and without secrets."""

import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog


def configure(redact: Callable[[str], str]) -> None:
    """Write to stderr, which is `engine.log` where a console has started the engine.

    Tracebacks carry no local variables: one of them may be a secret.
    """

    def masked(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            masked,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
