"""The production gate by commands: signed in every way there is, refused, taken back, and opened."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.authority.ssh import NAMESPACE
from console.core.exits import Exit
from console.core.policy import missing, refused, said_yes
from console.core.protocols import Snapshot
from console.core.statement import parse
from console.drill.keyring import Keyring
from console.drill.pager import PAGES
from console.drill.world import stop_world
from tests.conftest import require_program
from tests.faults import world
from tests.integration.cli.commands import LIMIT_S, CommandLine, healthy, planned


@pytest.fixture(scope="module")
def warroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a production that asks for signatures."""
    folder = tmp_path_factory.mktemp("signing").resolve()
    try:
        asyncio.run(healthy(folder, prerequisites=True, proof="signature"))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


@pytest.fixture(scope="module")
def keys(warroom: CommandLine) -> Keyring:
    """Everybody's key in that world."""
    return Keyring(warroom.folder)


@pytest.fixture(scope="module")
def incident(warroom: CommandLine) -> str:
    """Id of an incident with a plan that keeps the data, which waits at its gate."""
    assert warroom("declare", "signing fails").returncode == Exit.DONE
    warroom.wait_for(planned)
    return str(warroom.json("status")["incident"]["id"])


def said(warroom: CommandLine) -> set[str]:
    """Whose yes counts now."""
    snapshot = warroom.wait_for(lambda _: True)
    found = snapshot.state.open_incident
    assert found is not None
    return {yes.person for yes in said_yes(found, snapshot.at)}


def closed(snapshot: Snapshot) -> bool:
    """Whether nothing behind the gate has begun."""
    found = snapshot.state.open_incident
    return found is not None and found.gate_opened is None


def one_line(done: subprocess.CompletedProcess[str], code: Exit, words: str) -> None:
    """It ends with that code, a line on stderr that says why, and nothing on stdout."""
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_before_there_is_a_plan_there_is_nothing_to_sign(warroom: CommandLine) -> None:
    for words in (("request",), ("sign", "--yes"), ("page",)):
        one_line(warroom(*words), Exit.FAILED, "there is no plan in production to say yes or no to")


def test_the_text_that_is_asked_for_says_what_it_is_about(warroom: CommandLine, incident: str) -> None:
    """On stdout alone, so that it can be piped."""
    done = warroom("request", "sec-1")
    assert done.returncode == Exit.DONE
    assert done.stderr == ""
    asked = parse(done.stdout)
    assert (asked.incident, asked.environment, asked.person) == (incident, "production", "sec-1")
    assert (asked.roles, asked.decision) == ("security-lead", "yes")
    assert parse(warroom("request", actor="pm-1").stdout).person == "pm-1", "you, if nobody is named"


def test_nobody_is_asked_who_is_not_in_the_roster(warroom: CommandLine, incident: str) -> None:
    one_line(warroom("request", "sec-9"), Exit.UNAUTHORISED, "sec-9 is not in the roster; there are eng-1")


def test_who_was_asked_and_what_came_of_it(warroom: CommandLine, incident: str) -> None:
    """In a drill a stand-in is paged, with a message on its standard input; pm-1 has fetched the text."""

    def told(snapshot: Snapshot) -> bool:
        found = snapshot.state.open_incident
        asked = found.asked if found else {}
        return (
            {"pm-1", "sec-1"} <= asked.keys()
            and asked["sec-1"].delivered is not None
            and bool(asked["pm-1"].seen)
        )

    warroom.wait_for(told)
    found = warroom.json("page")
    assert (found["schema"], found["incident"]) == ("warroom.page/1", incident)
    people = {row["person"]: row for row in found["people"]}
    assert list(people)[:7] == ["eng-1", "eng-2", "lead-1", "sec-1", "ops-1", "exec-1", "pm-1"]
    sec = people["sec-1"]
    assert (sec["roles"], sec["said"], sec["delivered"], sec["seen"]) == (
        ["security-lead"],
        "nothing",
        True,
        None,
    )
    assert sec["asked"] >= 1
    assert sec["silent_s"] > 0
    assert people["pm-1"]["seen"] is not None
    lines = (warroom.folder / PAGES).read_text().splitlines()
    page = next(page for page in map(json.loads, lines) if page["handle"] == "sec-1")
    assert page["contact"] == "sec-1 in this drill"
    assert f"PRODUCTION: SEV-2 {incident}" in page["message"]
    table = warroom("page").stdout
    assert "sec-1      security-lead                asked " in table
    assert ", reading " in next(line for line in table.splitlines() if line.startswith("pm-1"))


def test_somebody_is_asked_by_hand_and_not_twice_at_once(warroom: CommandLine, incident: str) -> None:
    done = warroom("page", "ceo-1")
    assert done.returncode == Exit.DONE, done.stderr
    assert "asked ceo-1 once more, as ceo" in done.stdout
    one_line(warroom("page", "ceo-1"), Exit.FAILED, "refused: ceo-1 was asked 00:0")
    one_line(warroom("page", "sec-9"), Exit.FAILED, "refused: sec-9 is not in the roster; there are eng-1")


def test_by_a_file(warroom: CommandLine, keys: Keyring, incident: str, tmp_path: Path) -> None:
    text, signed = tmp_path / "text", tmp_path / "signed"
    text.write_text(warroom("request", "eng-2").stdout)
    done = warroom("sign", str(text), "--key", str(keys.private("eng-2")), "--yes")
    assert done.returncode == Exit.DONE, done.stderr
    assert done.stdout.startswith(text.read_text())
    assert "does: " in done.stderr, "what is signed is shown before"
    signed.write_text(done.stdout)
    taken = warroom("approve", str(signed), actor="pm-1")
    assert taken.returncode == Exit.DONE, taken.stderr
    assert "eng-2" in taken.stdout, "it names its signer, whoever hands it in"
    assert said(warroom) == {"eng-2"}


def test_by_standard_input(warroom: CommandLine, keys: Keyring, incident: str) -> None:
    """As it is pasted, with the line ends of another machine and blank lines around it."""
    text = warroom("request", "exec-1").stdout
    done = warroom("sign", "-", "--key", str(keys.private("exec-1")), "--yes", stdin=text)
    assert done.returncode == Exit.DONE, done.stderr
    pasted = "\n\n" + done.stdout.replace("\n", "\r\n") + "\n"
    assert warroom("approve", stdin=pasted).returncode == Exit.DONE
    assert "exec-1" in said(warroom)


def test_by_plain_ssh_keygen(warroom: CommandLine, keys: Keyring, incident: str, tmp_path: Path) -> None:
    """Without Warroom where the key is."""
    text = tmp_path / "text"
    text.write_text(warroom("request", "ops-1").stdout)
    argv = ["ssh-keygen", "-Y", "sign", "-f", str(keys.private("ops-1")), "-n", NAMESPACE, str(text)]
    subprocess.run(argv, check=True, capture_output=True)
    document = text.read_text() + text.with_suffix(".sig").read_text()
    assert warroom("approve", "-", stdin=document).returncode == Exit.DONE
    assert "ops-1" in said(warroom)


def test_through_an_agent_that_holds_the_key(
    warroom: CommandLine, keys: Keyring, incident: str, tmp_path: Path
) -> None:
    """As with `ssh -A`: the roster's public key is enough; signed and handed in at once."""
    require_program("ssh-agent", "openssh-client")
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE)
    try:
        assert agent.stdout is not None
        agent.stdout.readline()
        environ = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        held = warroom("sign", "--yes", "--approve", actor="pm-1", SSH_AUTH_SOCK=str(socket))
        one_reason = held.stderr.splitlines()[-1]
        assert (held.returncode, held.stdout) == (Exit.UNAUTHORISED, "")
        assert "ssh-keygen cannot sign with" in one_reason
        subprocess.run(
            ["ssh-add", "-q", str(keys.private("pm-1"))], check=True, env=environ, stderr=subprocess.DEVNULL
        )
        done = warroom("sign", "--yes", "--approve", actor="pm-1", SSH_AUTH_SOCK=str(socket))
    finally:
        agent.terminate()
        agent.communicate()
    assert done.returncode == Exit.DONE, done.stderr
    assert "pm-1" in said(warroom)


def test_on_another_machine(warroom: CommandLine, keys: Keyring, incident: str, tmp_path: Path) -> None:
    """No strategy, no roster, no state: a text and a key are enough; and nothing is left behind."""
    text = tmp_path / "text"
    text.write_text(warroom("request", "lead-1").stdout)
    home = tmp_path / "home"
    home.mkdir()
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(home)}
    argv = [sys.executable, "-m", "console", "sign", str(text)]
    signing = [*argv, "--key", str(keys.private("lead-1")), "--yes"]
    done = subprocess.run(signing, env=environ, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.DONE, done.stderr
    assert list(home.iterdir()) == []
    bare = subprocess.run(
        [*argv, "--yes"], env=environ, cwd=home, capture_output=True, text=True, check=False
    )
    assert bare.returncode == Exit.UNAUTHORISED
    assert bare.stderr.splitlines()[-1] == "name the key to sign with: --key ~/.ssh/id_ed25519"
    assert warroom("approve", stdin=done.stdout).returncode == Exit.DONE
    assert "lead-1" in said(warroom)


def test_without_a_terminal_nothing_is_signed_unless_yes_is_said(
    warroom: CommandLine, keys: Keyring, incident: str
) -> None:
    done = warroom("sign", "--key", str(keys.private("sec-1")), actor="sec-1")
    assert (done.returncode, done.stdout) == (Exit.UNAUTHORISED, "")
    assert done.stderr.splitlines()[-1].startswith("nobody is there to be asked")
    assert "does: " in done.stderr


def at_terminal(typed: str, argv: list[str]) -> tuple[int, str]:
    """Run it with a terminal for its standard input, at which somebody types; code and standard output."""
    leader, follower = pty.openpty()
    try:
        process = subprocess.Popen(
            argv, stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        os.write(leader, f"{typed}\n".encode())
        out, _ = process.communicate(timeout=LIMIT_S)
        return process.returncode, out
    finally:
        os.close(leader)
        os.close(follower)


def test_at_a_terminal_it_is_signed_when_the_decision_is_typed(
    warroom: CommandLine, keys: Keyring, incident: str
) -> None:
    """Not with Enter, nor with y: who signs has read whether it is a yes or a no."""
    argv = warroom.argv("sign", "--key", str(keys.private("sec-1")), actor="sec-1")
    for typed in ("", "y", "no"):
        assert at_terminal(typed, argv) == (Exit.UNAUTHORISED, "")
    code, out = at_terminal("yes", argv)
    assert code == Exit.DONE
    assert "-----BEGIN SSH SIGNATURE-----" in out


BAD: list[tuple[tuple[str, ...], str, Exit, str]] = [
    (("approve",), "", Exit.UNAUTHORISED, "there is no signature in it"),
    (("approve",), "yes, do it\n", Exit.UNAUTHORISED, "there is no signature in it"),
    (("approve",), "\x00\x1b[2J\n", Exit.UNAUTHORISED, "there is no signature in it"),
    (("approve", "/nowhere/signed"), "", Exit.FAILED, "cannot read /nowhere/signed"),
    (("approve", "/dev"), "", Exit.FAILED, "cannot read /dev"),
    (("sign", "/nowhere/text", "--yes"), "", Exit.FAILED, "cannot read /nowhere/text"),
    (("sign", "-", "--yes"), "", Exit.UNAUTHORISED, "a statement begins with `warroom approval 1`"),
    (("sign", "-", "--yes"), "warroom approval 1\nx\n", Exit.UNAUTHORISED, "is not `name: value`"),
    (("sign", "-", "--yes"), "warroom approval 1\n", Exit.UNAUTHORISED, "the statement lacks its line"),
    (("sign", "--no", " ", "--yes"), "", Exit.FAILED, "a no says why"),
    (("request", "--no", ""), "", Exit.FAILED, "a no says why"),
]


@pytest.mark.parametrize(("words", "stdin", "code", "why"), BAD)
def test_bad_input_is_one_line(
    warroom: CommandLine, incident: str, words: tuple[str, ...], stdin: str, code: Exit, why: str
) -> None:
    one_line(warroom(*words, stdin=stdin), code, why)


def test_bytes_that_are_no_text_are_one_line(warroom: CommandLine, incident: str, tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(256)))
    for words in (("approve", str(path)), ("sign", str(path), "--yes")):
        one_line(warroom(*words), Exit.FAILED, f"cannot read {path}")


def test_a_key_that_does_not_sign_is_one_line(warroom: CommandLine, incident: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("no key\n")
    for key in (path, tmp_path / "none"):
        done = warroom("sign", "--key", str(key), "--yes", actor="sec-1")
        assert (done.returncode, done.stdout) == (Exit.UNAUTHORISED, "")
        assert done.stderr.splitlines()[-1].startswith(f"ssh-keygen cannot sign with {key}: ")


def test_what_does_not_count_is_refused_with_code_3(
    warroom: CommandLine, keys: Keyring, incident: str
) -> None:
    """Somebody else's key; and what somebody has said already."""
    foreign = warroom("sign", "--yes", "--key", str(keys.private("pm-1")), actor="sec-1").stdout
    one_line(warroom("approve", stdin=foreign), Exit.UNAUTHORISED, "which the roster does not have for sec-1")
    again = warroom("sign", "--yes", "--key", str(keys.private("pm-1")), actor="pm-1").stdout
    one_line(warroom("approve", stdin=again), Exit.UNAUTHORISED, "pm-1 has said yes to this plan already")
    broken = again.replace("decision: yes", "decision: maybe")
    one_line(warroom("approve", stdin=broken), Exit.UNAUTHORISED, "neither yes nor no")


def test_a_no_stops_the_gate_until_it_is_taken_back(
    warroom: CommandLine, keys: Keyring, incident: str
) -> None:
    """Also of a text that was sent as a yes: what is signed is what was said here."""
    text = warroom("request", "sec-1").stdout
    key = ("--key", str(keys.private("sec-1")), "--yes")
    signed = warroom("sign", "-", "--no", "the audit has not passed", *key, stdin=text)
    assert signed.returncode == Exit.DONE, signed.stderr
    assert "decision: no\nbecause: the audit has not passed\n" in signed.stdout
    assert warroom("approve", stdin=signed.stdout).returncode == Exit.DONE
    snapshot = warroom.wait_for(lambda _: True)
    assert snapshot.state.open_incident is not None
    assert [no.because for no in refused(snapshot.state.open_incident)] == ["the audit has not passed"]
    assert closed(snapshot)
    done = warroom("request", "sec-1")
    assert parse(done.stdout).decision == "yes", "they can change their mind"


def test_a_yes_is_taken_back_and_does_not_come_back(
    warroom: CommandLine, keys: Keyring, incident: str
) -> None:
    kept = warroom("sign", "--yes", "--key", str(keys.private("lead-1")), actor="lead-1").stdout
    done = warroom("revoke", "I looked at the wrong release", actor="lead-1")
    assert done.returncode == Exit.DONE, done.stderr
    assert "I looked at the wrong release" in done.stdout
    assert "lead-1" not in said(warroom)
    refusal = "lead-1 has said something else since it was made"
    one_line(warroom("approve", stdin=kept), Exit.UNAUTHORISED, refusal)
    again = warroom("revoke", "again", actor="lead-1")
    one_line(again, Exit.FAILED, "lead-1 has not said yes")


def test_the_last_of_them_opens_the_gate(warroom: CommandLine, keys: Keyring, incident: str) -> None:
    """Signed and handed in at once, from the text that was sent."""
    warroom.prepare()
    warroom.tick_by_hand()
    text = warroom("request", "lead-1").stdout
    key = ("--key", str(keys.private("lead-1")), "--yes", "--approve")
    done = warroom("sign", "-", *key, stdin=text)
    assert done.returncode == Exit.DONE, done.stderr
    snapshot = warroom.wait_for(lambda s: s.live is not None and s.live.gate != "")
    assert snapshot.state.open_incident is not None
    assert missing(snapshot.state.open_incident, snapshot.at) == ("security-lead",)
    assert closed(snapshot), "the security lead has said no"
    key = ("--key", str(keys.private("sec-1")), "--yes", "--approve")
    done = warroom("sign", *key, actor="sec-1")
    assert done.returncode == Exit.DONE, done.stderr
    warroom.wait_for(lambda s: not closed(s))
