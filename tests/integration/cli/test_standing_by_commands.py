"""Standing authorisations by commands: made, signed in every way, verified, edited away, taken back."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.authority.ssh import STANDING
from console.core.exits import Exit
from console.core.standing_authorisation import parse
from console.drill.keyring import Keyring
from console.drill.place import VARIABLE
from console.drill.world import stop_world
from console.engine.spawn import EngineWanted, spawn_detached
from tests.faults import world
from tests.integration.cli.commands import LIMIT_S, CommandLine, healthy

NAME = "production"
EVERYBODY = ("eng-1", "eng-2", "sec-1", "ops-1", "exec-1", "pm-1")
NOBODY = "standing none in force: nobody has signed a standing authorisation"


@pytest.fixture(scope="module")
def warroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a production whose engine watches."""
    folder = tmp_path_factory.mktemp("standing").resolve()
    try:
        asyncio.run(healthy(folder, proof="signature"))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


@pytest.fixture(scope="module")
def keys(warroom: CommandLine) -> Keyring:
    """Everybody's key in that world."""
    return Keyring(warroom.folder)


@pytest.fixture(scope="module")
def text(warroom: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is to be signed, in a file."""
    path = tmp_path_factory.mktemp("text") / "standing.txt"
    done = warroom("standing", "make", "--for", "7d")
    assert done.returncode == Exit.DONE, done.stderr
    path.write_text(done.stdout)
    return path


def one_line(done: subprocess.CompletedProcess[str], code: Exit, words: str) -> None:
    """It ends with that code, a line on stderr that says why, and nothing on stdout."""
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def listed(warroom: CommandLine) -> list[dict[str, Any]]:
    """All of them, as `--json` tells them."""
    told = warroom.json("standing")
    assert (told["schema"], told["environment"]) == ("warroom.standing/1", NAME)
    return list(told["authorisations"])


def status_line(warroom: CommandLine) -> str:
    """What `warroom status` says of it."""
    return next(line for line in warroom("status").stdout.splitlines() if line.startswith("standing "))


def standing_lines(warroom: CommandLine) -> list[str]:
    """What the timeline says of it."""
    return [line for line in warroom("timeline").stdout.splitlines() if "standing authorisation" in line]


def test_before_anybody_has_signed(warroom: CommandLine) -> None:
    assert warroom("standing").stdout == "nobody has signed a standing authorisation of production\n"
    assert listed(warroom) == []
    assert status_line(warroom) == NOBODY
    assert warroom.json("status")["standing"] == {
        "in_force": None,
        "until": None,
        "why": "nobody has signed a standing authorisation",
    }


def test_the_text_is_made_of_what_is_loaded_and_asks_nobody(warroom: CommandLine, text: Path) -> None:
    """On stdout alone, and with nothing in the journal."""
    made = parse(text.read_text())
    assert made.environment == NAME
    assert made.expires - made.issued == 7 * 86_400 * 1_000_000
    assert "error_rate: error_rate > 10% for 5s" in made.triggers
    one = warroom("standing", "make", "--trigger", "error_rate")
    assert (parse(one.stdout).metrics, one.stderr) == (("error_rate",), "")
    assert status_line(warroom) == NOBODY


BAD: list[tuple[tuple[str, ...], str, Exit, str]] = [
    (("make", "--for", "31d"), "", Exit.UNAUTHORISED, "for 30 d 0 h at most"),
    (("make", "--for", "soon"), "", Exit.UNAUTHORISED, "'soon' is no length of time: write 7d or 12h"),
    (("make", "--trigger", "cpu_usage"), "", Exit.UNAUTHORISED, "cpu_usage has no automatic rung"),
    (("sign", "--yes"), "", Exit.FAILED, "none waits for signatures"),
    (("sign", "-", "--yes"), "warroom approval 1\n", Exit.UNAUTHORISED, "begins with `warroom standing 1`"),
    (("sign", "/nowhere/text", "--yes"), "", Exit.FAILED, "cannot read /nowhere/text"),
    (("approve",), "yes\n", Exit.UNAUTHORISED, "there is no signature in it"),
    (("approve", "/nowhere/signed"), "", Exit.FAILED, "cannot read /nowhere/signed"),
    (("verify", "0" * 12), "", Exit.FAILED, f"no standing authorisation {'0' * 12}; there are none"),
    (("revoke", "0" * 12, "--reason", "x"), "", Exit.UNAUTHORISED, f"no standing authorisation {'0' * 12}"),
]


@pytest.mark.parametrize(("words", "stdin", "code", "why"), BAD)
def test_bad_input_is_one_line(
    warroom: CommandLine, words: tuple[str, ...], stdin: str, code: Exit, why: str
) -> None:
    one_line(warroom("standing", *words, stdin=stdin), code, why)


def test_on_another_machine(warroom: CommandLine, keys: Keyring, text: Path, tmp_path: Path) -> None:
    """No strategy, no roster, no state: a text and a key are enough; whoever hands it in, it is theirs."""
    home = tmp_path / "home"
    home.mkdir()
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(home)}
    argv = [sys.executable, "-m", "console", "standing", "sign", str(text), "--yes"]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*argv, *words], env=environ, cwd=home, capture_output=True, text=True, check=False
        )

    done = run("--key", str(keys.private("eng-2")))
    assert done.returncode == Exit.DONE, done.stderr
    assert "does: code only: data is kept, and never restored" in done.stderr, "it is shown before"
    assert done.stdout.startswith(text.read_text())
    assert list(home.iterdir()) == []
    bare = run()
    assert bare.returncode == Exit.UNAUTHORISED
    assert bare.stderr.splitlines()[-1] == "name the key to sign with: --key ~/.ssh/id_ed25519"
    taken = warroom("standing", "approve", actor="pm-1", stdin="\n" + done.stdout.replace("\n", "\r\n"))
    assert taken.returncode == Exit.DONE, taken.stderr
    assert "eng-2 signed standing authorisation " in taken.stdout
    assert "handed in by pm-1" in taken.stdout
    (item,) = listed(warroom)
    assert (item["state"], [one["person"] for one in item["signers"]]) == ("short", ["eng-2"])


def test_by_plain_ssh_keygen(warroom: CommandLine, keys: Keyring, text: Path, tmp_path: Path) -> None:
    """Without Warroom where the key is; and never by a signature that was made for a gate."""
    copy = tmp_path / "text"
    for namespace, code in (("warroom-approval", Exit.UNAUTHORISED), (STANDING, Exit.DONE)):
        copy.write_text(text.read_text())
        argv = ["ssh-keygen", "-Y", "sign", "-f", str(keys.private("ops-1")), "-n", namespace, str(copy)]
        subprocess.run(argv, check=True, capture_output=True)
        signature = copy.with_suffix(".sig")
        done = warroom("standing", "approve", "-", stdin=copy.read_text() + signature.read_text())
        assert done.returncode == code, done.stderr
        signature.unlink()


def test_at_a_terminal_it_is_signed_when_the_environment_is_typed(
    warroom: CommandLine, keys: Keyring, text: Path
) -> None:
    argv = warroom.argv("standing", "sign", str(text), "--key", str(keys.private("sec-1")))
    for typed, code in (("", Exit.UNAUTHORISED), ("yes", Exit.UNAUTHORISED), (NAME, Exit.DONE)):
        leader, follower = pty.openpty()
        try:
            process = subprocess.Popen(
                argv, stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            os.write(leader, f"{typed}\n".encode())
            out, _ = process.communicate(timeout=LIMIT_S)
        finally:
            os.close(leader)
            os.close(follower)
        assert process.returncode == code
        assert ("-----BEGIN SSH SIGNATURE-----" in out) is (code is Exit.DONE)


def test_without_a_terminal_nothing_is_signed_unless_yes_is_said(
    warroom: CommandLine, keys: Keyring, text: Path
) -> None:
    done = warroom("standing", "sign", str(text), "--key", str(keys.private("sec-1")))
    assert (done.returncode, done.stdout) == (Exit.UNAUTHORISED, "")
    assert done.stderr.splitlines()[-1].startswith("nobody is there to be asked")


def test_what_does_not_count_is_refused_with_code_3(warroom: CommandLine, keys: Keyring, text: Path) -> None:
    """A key that nobody has, an edited text, and what somebody has signed already."""
    stranger = warroom.folder / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    foreign = warroom("standing", "sign", str(text), "--yes", "--key", str(stranger)).stdout
    one_line(warroom("standing", "approve", stdin=foreign), Exit.UNAUTHORISED, "nobody in the roster has")
    key = ("--yes", "--key", str(keys.private("sec-1")))
    signed = warroom("standing", "sign", str(text), *key).stdout
    edited = signed.replace("> 10% for", "> 1% for")
    assert edited != signed
    done = warroom("standing", "approve", stdin=edited)
    one_line(done, Exit.UNAUTHORISED, "the signature of sec-1 does not hold")
    again = warroom("standing", "sign", str(text), "--yes", "--key", str(keys.private("eng-2"))).stdout
    one_line(warroom("standing", "approve", stdin=again), Exit.UNAUTHORISED, "eng-2 has signed ")


def test_the_last_of_them_brings_it_into_force(warroom: CommandLine, keys: Keyring, text: Path) -> None:
    """Without a file: the one that waits. Handed in at once."""
    missing = [who for who in EVERYBODY if who not in ("eng-2", "ops-1")]
    (known,) = listed(warroom)
    assert known["why"].startswith("short of 1 ")
    assert status_line(warroom) == f"standing none in force: {known['id']} {known['why']}"
    for who in missing:
        key = ("--yes", "--approve", "--key", str(keys.private(who)))
        done = warroom("standing", "sign", *key, actor=who)
        assert done.returncode == Exit.DONE, done.stderr
    (item,) = listed(warroom)
    made = parse(text.read_text())
    assert (item["id"], item["state"], item["why"]) == (made.id, "in force", "")
    assert item["triggers"] == list(made.triggers)
    assert {one["person"] for one in item["signers"]} == set(EVERYBODY)
    assert all(one["key"].startswith("SHA256:") for one in item["signers"])
    assert status_line(warroom) == f"standing {made.id} in force until {item['expires']}"
    assert warroom.json("status")["standing"]["in_force"] == made.id
    lines = warroom("standing").stdout.splitlines()
    assert lines[:2] == [
        f"{made.id} in force until {item['expires']}",
        f"  issued  {item['issued']}, expires {item['expires']}",
    ]
    assert lines[2:6] == [f"  trigger {trigger}" for trigger in made.triggers]
    sec = next(one for one in item["signers"] if one["person"] == "sec-1")
    assert f"  signed  {sec['at']} sec-1    security-lead ({sec['key']})" in lines
    assert len(lines) == 6 + len(EVERYBODY)
    told = [line for line in standing_lines(warroom) if " signed standing authorisation " in line]
    assert len(told) == len(EVERYBODY)


def test_every_signature_is_verified_again_here(warroom: CommandLine, text: Path) -> None:
    made = parse(text.read_text()).id
    done = warroom("standing", "verify", made)
    assert done.returncode == Exit.DONE, done.stderr
    assert sorted(done.stdout.split()) == sorted([*EVERYBODY, *["good"] * len(EVERYBODY)])


def test_by_the_files_that_lie_here_a_revoked_key_is_named(
    warroom: CommandLine, keys: Keyring, text: Path, tmp_path: Path
) -> None:
    """In a copy of the roster with a list of its own: the engine's stays as it is."""
    made = parse(text.read_text()).id
    (tmp_path / "roster.yaml").write_bytes((warroom.folder / "roster.yaml").read_bytes())
    (tmp_path / "revoked_keys").write_text(f"{keys.public('pm-1')}\n")
    done = warroom("standing", "verify", made, "--roster", str(tmp_path / "roster.yaml"))
    assert done.returncode == Exit.UNAUTHORISED, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if not line.endswith(" good")] == [
        line for line in lines if line.startswith("pm-1 ")
    ]
    assert "the signature of pm-1 does not hold" in done.stdout


def restart_engine(warroom: CommandLine) -> None:
    """End the engine, and start one that reads its files anew."""
    engine = warroom.wait_for(lambda s: s.state.engine is not None and s.state.engine.stopped is None)
    assert engine.state.engine is not None
    epoch = engine.state.engine.epoch
    os.kill(engine.state.engine.pid, signal.SIGTERM)
    warroom.wait_for(lambda s: s.state.engine is not None and s.state.engine.stopped is not None)
    folder = warroom.folder
    wanted = EngineWanted(
        folder / "strategy.yaml",
        folder / "roster.yaml",
        NAME,
        folder / "state",
        world.world(folder).keeper_pid,
    )
    spawn_detached(wanted, {VARIABLE: str(folder)})
    warroom.wait_for(lambda s: s.state.engine is not None and s.state.engine.epoch > epoch and bool(s.rows))


def test_a_new_engine_verifies_it_and_an_edited_strategy_disarms_it(warroom: CommandLine, text: Path) -> None:
    made = parse(text.read_text()).id
    restart_engine(warroom)
    assert [item["state"] for item in listed(warroom)] == ["in force"]
    strategy = warroom.folder / "strategy.yaml"
    before = strategy.read_bytes()
    strategy.write_bytes(before + b"# one comment more\n")
    (item,) = listed(warroom)
    assert item["state"] == "not in force"
    assert "the strategy was edited: it was signed for " in item["why"]
    assert item["why"].endswith("an engine that has not read the edit counts it until it is started anew")
    restart_engine(warroom)
    (item,) = listed(warroom)
    assert item["state"] == "ended"
    assert item["why"].startswith("disarmed: the strategy was edited: it was signed for ")
    line = standing_lines(warroom)[-1]
    assert f"engine   standing authorisation {made} is disarmed: the strategy was edited" in line
    assert made in status_line(warroom)
    assert "none in force" in status_line(warroom)


def test_one_is_taken_back_for_good(warroom: CommandLine, keys: Keyring) -> None:
    """By somebody who holds a role that is asked, though another one signed."""
    fresh = warroom("standing", "make").stdout
    made = parse(fresh).id
    key = ("--yes", "--key", str(keys.private("sec-1")))
    signed = warroom("standing", "sign", "-", *key, stdin=fresh).stdout
    assert warroom("standing", "approve", stdin=signed).returncode == Exit.DONE
    done = warroom("standing", "revoke", made, "--reason", "the on-call changed", actor="pm-1")
    assert done.returncode == Exit.DONE, done.stderr
    assert f"revoked standing authorisation {made}: the on-call changed" in done.stdout
    assert listed(warroom)[-1]["why"] == "revoked by pm-1: the on-call changed"
    again = warroom("standing", "approve", stdin=signed)
    one_line(again, Exit.UNAUTHORISED, f"{made} has ended, revoked by pm-1: the on-call changed")
