"""The engine's log: lines that can be read, by people or programs, and that hold no secret."""

import asyncio
import gc
import logging
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog

from console.core.redaction import MASK, Redactor
from console.engine.log import Form, configure

CANARY = 'canary-"7f3a"'


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Whatever a test configures ends with it."""
    before = logging.getLogger().handlers[:]
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = before


def logger(form: Form) -> Any:
    redactor = Redactor()
    redactor.register(CANARY)
    configure(redactor.redact, form)
    return structlog.get_logger()


def fail(log: Any) -> None:
    try:
        int(f"cannot connect with {CANARY}")
    except ValueError:
        log.exception("step.failed", step="deploy")


@pytest.mark.parametrize("form", ["json", "plain"])
def test_no_secret_gets_through(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    """In words, in what holds words, and in a traceback, which shows that there was one."""
    log = logger(form)
    log.warning(f"said {CANARY}", why=f"no {CANARY}", held=[{CANARY: (CANARY,)}])
    fail(log)
    said = capsys.readouterr()
    assert "7f3a" not in said.err
    assert said.err.count(MASK) == 5
    assert said.out == ""


def test_what_asyncio_could_tell_nobody_goes_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    """A task that fails while nobody waits for it is logged by asyncio itself, with all that it knew."""
    logger("json")

    async def forgotten() -> None:
        raise OSError(f"cannot connect with {CANARY}")

    async def forget() -> None:
        task = asyncio.create_task(forgotten())
        await asyncio.wait({task})

    asyncio.run(forget())
    gc.collect()
    (line,) = map(msgspec.json.decode, capsys.readouterr().err.splitlines())
    assert (line["logger"], line["level"]) == ("asyncio", "error")
    assert f"OSError: cannot connect with {MASK}" in line["exception"]
    assert "7f3a" not in str(line)


def test_each_line_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    """Tracebacks too."""
    log = logger("json")
    log.info("metric.rung", metric="errors", value=7.0)
    fail(log)
    first, second = map(msgspec.json.decode, capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["value"]) == ("metric.rung", "info", 7.0)
    assert "Traceback" in second["exception"]


def test_plain_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """One an event, with nothing in it that moves a cursor; a traceback stands below, indented."""
    log = logger("plain")
    log.warning("source.silent", source="database", why="gone\n\x1b[2J")
    fail(log)
    first, second, *below = capsys.readouterr().err.splitlines()
    assert first.endswith(r"Z warning  source.silent source=database why=gone\n\x1b[2J")
    assert second.endswith("Z error    step.failed step=deploy")
    assert below[-1].startswith("    ValueError: invalid literal")
