"""A command as a source: its code, its number, and that it ends in time with whatever it has started."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from console.core.measures import NOTHING
from console.core.watched import FailuresInARow, Program, Stat, Unavailable
from console.engine.watchers.readings import ReadingsWatcher
from console.targets.process import orphans
from console.targets.source import Answered, CannotAskError, SourceError
from console.targets.watch.command import CommandStats
from tests.integration.targets.test_sampler import HandClock
from tests.integration.watch.kit import made, programs_of, refused
from tests.servers import wait_until

LIMIT_S = 0.5
GIVEN_UP_S = 5.0
"""After so long nobody waits for what cannot be ended (console.targets.process)."""
NUMBER = Stat(kind="stat", source="audit", stat="number")
EXIT = Stat(kind="stat", source="audit", stat="exit")
DOWN = Unavailable(kind="unavailable", source="audit")
FAILED = FailuresInARow(kind="failures in a row", source="audit")


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., CommandStats]:
    """Makes a source of a command; its strategy lies in the test's folder."""

    def make(*argv: str, limit_s: float = LIMIT_S, numeric: bool = False) -> CommandStats:
        def redact(text: str) -> str:
            return text.replace("CANARY", "***")

        return CommandStats(argv, programs_of(tmp_path), tmp_path, redact, limit_s=limit_s, numeric=numeric)

    return make


def sh(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


Make = Callable[..., CommandStats]


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("3", 3.0),
        ("-0.5", -0.5),
        ("+7", 7.0),
        (".25", 0.25),
        ("12.", 12.0),
        ("1e3", 1000.0),
        ("0", 0.0),
        ("99\\n  42.5  ", 42.5),
        ("checked 12 of 12\\n0\\n\\n", 0.0),
    ],
)
async def test_the_last_line_is_a_number(command: Make, printed: str, number: float) -> None:
    found = (await command(*sh(f"printf -- '{printed}'"), numeric=True).look()).numbers
    assert found == {"exit": 0.0, "number": number}


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "3 %%",
        "3%%",
        "3s",
        "3 ms",
        "ok",
        "1 2",
        "1,5",
        "1_000",
        "0x10",
        "nan",
        "inf",
        "1e999",
        "--1",
        "3\\nok",
        "٣",
    ],
)
async def test_what_is_no_plain_number_is_not_made_one(command: Make, printed: str) -> None:
    """It is told where a number is wanted, and nobody's fault where the code alone is."""
    argv = sh(f"printf -- '{printed}'")
    answered = await command(*argv, numeric=True).look()
    assert answered.numbers == {"exit": 0.0}
    assert answered.failure.startswith("`sh`: the last line that it printed is no number: ")
    assert "\n" not in answered.failure
    assert await command(*argv).look() == Answered({"exit": 0.0})


async def test_a_number_on_standard_error_is_none(command: Make) -> None:
    assert (await command(*sh("echo 3 >&2")).look()).numbers == {"exit": 0.0}


async def test_a_command_that_fails_says_so_by_its_code(command: Make) -> None:
    """What it printed before it failed is no measurement; what it said last is told."""
    answered = await command(*sh("echo 3; echo 2 advisories >&2; exit 7"), numeric=True).look()
    assert answered == Answered({"exit": 1.0}, "`sh` ended with exit code 7: 2 advisories")


async def test_a_command_that_a_signal_ends_has_failed(command: Make) -> None:
    answered = await command(*sh("kill -9 $$")).look()
    assert answered.numbers == {"exit": 1.0}
    assert answered.failure


async def test_measures_follow_the_command(command: Make, tmp_path: Path) -> None:
    """Flag, failures in a row and number; while it cannot be run at all, nothing is known."""
    source = Program(kind="command", argv=["./audit"], every="1s", limit="1s")  # type: ignore[arg-type]
    watcher = ReadingsWatcher(source, command("./audit", numeric=True), HandClock())
    readers = [watcher.reader(measure) for measure in (EXIT, NUMBER, DOWN, FAILED)]

    async def after(script: str) -> list[float | None]:
        (tmp_path / "audit").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "audit").chmod(0o755)
        await watcher.ask()
        return [read().value for read in readers]

    assert await after("echo 4") == [0.0, 4.0, 0.0, 0.0]
    assert await after("exit 1") == [1.0, None, 1.0, 1.0]
    assert await after("exit 2") == [1.0, None, 1.0, 2.0]
    assert await after("echo many") == [0.0, None, 1.0, 3.0]
    assert await after("sleep 60") == [None, None, 1.0, 4.0]
    assert await after("echo 0") == [0.0, 0.0, 0.0, 0.0]
    assert watcher.trouble == ""
    (tmp_path / "audit").unlink()
    await watcher.ask()
    assert [read() for read in readers] == [NOTHING] * 4
    assert watcher.trouble == "`./audit` cannot be run: failed to execute ./audit: No such file or directory"


async def test_it_runs_in_the_folder_of_the_strategy(command: Make, tmp_path: Path) -> None:
    (tmp_path / "value").write_text("17\n")
    assert (await command("cat", "value").look()).numbers["number"] == 17.0


async def test_a_word_is_a_word(command: Make, tmp_path: Path) -> None:
    """There is no shell between the strategy and the program."""
    await command("echo", "$(touch made)", "; touch made", "| touch made").look()
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("argv", [("no-such-program",), ("/etc/passwd",), ("./missing",), ("/",)])
async def test_a_command_that_cannot_be_run_says_nothing_about_what_it_asks(
    command: Make, argv: tuple[str, ...]
) -> None:
    error = await refused(command(*argv), LIMIT_S)
    assert type(error) is CannotAskError
    assert argv[0] in str(error)


async def test_a_folder_that_is_gone_is_no_fault_of_the_command(tmp_path: Path) -> None:
    stats = CommandStats(
        ("true",), programs_of(tmp_path), tmp_path / "gone", str, limit_s=LIMIT_S, numeric=False
    )
    assert type(await refused(stats, LIMIT_S)) is CannotAskError


async def test_a_command_may_itself_end_with_127(command: Make) -> None:
    """That is its answer, not a lack of it."""
    answered = await command(*sh("no-such-program-inside")).look()
    assert answered.numbers == {"exit": 1.0}
    assert answered.failure


@pytest.mark.parametrize(
    "script",
    [
        "sleep 60",
        "sleep 60 & sleep 60",
        "trap '' TERM INT HUP; sleep 60",
        "setsid sleep 60 & echo 3",
        "setsid sleep 60 & sleep 60",
        "(setsid sh -c 'sleep 60 & sleep 60' &) ; echo 3",
        "for i in 1 2 3 4 5; do sleep 60 & done; wait",
    ],
)
async def test_a_command_over_its_limit_is_ended_with_all_that_it_started(
    command: Make, tmp_path: Path, script: str
) -> None:
    """Also what has made a session of its own, and holds the output that is waited for."""
    stats = command(*sh(script))
    for _ in range(2):
        error = await refused(stats, LIMIT_S)
        assert type(error) is SourceError
        assert str(error) == "`sh` took longer than 0.5 s and was ended"
    assert orphans(tmp_path) == []


async def test_what_cannot_be_found_again_is_given_up(command: Make) -> None:
    """A program that has forgotten its environment holds the output, and is not waited for without end."""
    stats = command(*sh("env -i setsid sleep 30 & echo 3"))
    error = await refused(stats, GIVEN_UP_S)
    assert str(error) == "`sh` took longer than 0.5 s and was ended"


async def test_a_look_that_is_cut_off_ends_the_command(command: Make, tmp_path: Path) -> None:
    """As when the engine stops."""
    looking = asyncio.create_task(command(*sh("echo run >runs; sleep 60"), limit_s=60).look())
    await asyncio.to_thread(wait_until, (tmp_path / "runs").exists, "the command does not begin")
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    await asyncio.to_thread(wait_until, lambda: not orphans(tmp_path), "the command does not end")


async def test_output_without_end_is_bounded(command: Make) -> None:
    """Neither a flood, nor one line that never ends, fills the memory or passes the limit."""
    for flood in ("yes 3", "cat /dev/zero"):
        before = psutil.Process().memory_info().rss
        assert type(await refused(command(*sh(flood)), LIMIT_S)) is SourceError
        assert psutil.Process().memory_info().rss - before < 32 << 20
    long = command(*sh("seq 300000; head -c 300000 /dev/zero | tr '\\0' x; echo; echo 5"), limit_s=10)
    assert (await long.look()).numbers["number"] == 5.0


async def test_no_secret_and_no_flood_in_what_is_told(command: Make) -> None:
    """The last words of a command are shown to people: what we know to be secret is not among them."""
    for argv in (sh("echo password CANARY; exit 1"), sh("echo password CANARY")):
        assert "password ***" in (await command(*argv, numeric=True).look()).failure
    flooded = await command(*sh("head -c 20000 /dev/zero | tr '\\0' x; exit 1")).look()
    assert 0 < len(flooded.failure) < 300


async def test_a_command_sees_no_secret_of_ours(command: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARROOM_DSN", "CANARY")
    assert (await command(*sh('[ -z "$WARROOM_DSN" ]')).look()).numbers == {"exit": 0.0}


async def test_the_engine_makes_it_of_a_strategy(tmp_path: Path) -> None:
    """It knows whether a number is wanted, where the strategy lies, and what is secret."""
    described = {"kind": "command", "argv": ["./audit"], "every": "1s", "limit": "5s"}
    (tmp_path / "audit").write_text("#!/bin/sh\necho CANARY\n")
    (tmp_path / "audit").chmod(0o755)
    for measure, trouble in (
        (EXIT, ""),
        (NUMBER, "`./audit`: the last line that it printed is no number: ***"),
    ):
        async with made(described, measure, tmp_path) as watcher:
            await watcher.ask()
            assert watcher.trouble == trouble
            assert watcher.reader(EXIT)().value == 0
