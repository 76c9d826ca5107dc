"""The engine's own log: a line for each event, without any value of a variable, and without secrets."""

import logging
import sys
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Literal

import structlog

from console.core.format import plain

Form = Literal["json", "plain"]
"""One JSON object a line for programs; or lines for people, with a traceback on lines of its own below."""


def configure(redact: Callable[[str], str], form: Form = "json") -> None:
    """Write to stderr, which is `engine.log` where a console has started the engine.

    What libraries log goes the same way: asyncio says there what it could tell nobody else. Tracebacks carry
    no local variables: one of them may be a secret.
    """

    def masked(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: _masked(value, redact) for key, value in event.items()}

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            masked,
            structlog.processors.JSONRenderer() if form == "json" else _lines,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Foreign()], force=True)


class _Foreign(logging.Handler):
    """Hands on what libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record, as one event of ours."""
        told = {"logger": record.name, "exc_info": record.exc_info}
        structlog.get_logger().log(record.levelno, record.getMessage(), **told)


def _masked(value: Any, redact: Callable[[str], str]) -> Any:
    """The value with every secret masked, also where it holds others."""
    match value:
        case str():
            return redact(value)
        case dict():
            return {_masked(key, redact): _masked(held, redact) for key, held in value.items()}
        case list() | tuple():
            return [_masked(held, redact) for held in value]
        case _:
            return value


def _lines(_logger: object, _name: str, event: MutableMapping[str, Any]) -> str:
    """`2026-03-01T12:00:00Z warning  source.silent source=database why=connection refused`."""
    traceback = str(event.pop("exception", "")).splitlines()
    head = f"{event.pop('timestamp')} {event.pop('level'):8} {event.pop('event')}"
    return "\n".join([" ".join([head, *_words(event)]), *(f"    {plain(line)}" for line in traceback)])


def _words(event: MutableMapping[str, Any]) -> Iterator[str]:
    return (f"{key}={plain(str(value))}" for key, value in event.items())
