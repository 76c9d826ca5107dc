"""`warroom init` and `warroom check`, as far as they need no target."""

import os
import resource
import signal
from pathlib import Path

import pytest

from actions.registry import ACTIONS
from console.config.check import InitError, check_files, init, summary
from console.config.loader import load_strategy
from console.config.mistakes import ConfigError
from console.config.paths import BUNDLED
from console.config.roster import load_roster
from console.core.clock import Stamp

STRATEGY, ROSTER = BUNDLED / "strategy.yaml", BUNDLED / "roster.yaml"


class TestInit:
    """Files to start from."""

    def test_writes_both(self, tmp_path: Path) -> None:
        """The bundled files, into a folder that is made where it is missing; they are right."""
        written = init(tmp_path / "new" / "folder")
        names = ("strategy.yaml", "roster.yaml", "revoked_keys")
        assert written == [tmp_path / "new" / "folder" / name for name in names]
        assert written[0].read_bytes() == STRATEGY.read_bytes()
        assert check_files(written[0], written[1], ACTIONS) == []

    @pytest.mark.parametrize("name", ["strategy.yaml", "roster.yaml", "revoked_keys"])
    def test_never_over_a_file(self, tmp_path: Path, name: str) -> None:
        """Nor over a dangling link; and the other file is not written either."""
        (tmp_path / name).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(InitError, match=f"{name} exists already: nothing was written"):
            init(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [name]
        assert not (tmp_path / "elsewhere").exists()

    def test_into_a_file(self, tmp_path: Path) -> None:
        """One line."""
        (tmp_path / "file").touch()
        with pytest.raises(InitError, match="cannot be written: .*; nothing was written"):
            init(tmp_path / "file")

    def test_a_file_that_comes_in_between(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """After the look and before the writing: it is kept, and what was written before is taken back."""
        (tmp_path / "roster.yaml").write_text("somebody else's")
        monkeypatch.setattr(os.path, "lexists", lambda _: False)
        with pytest.raises(InitError, match=r"roster\.yaml: cannot be written: File exists"):
            init(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["roster.yaml"]
        assert (tmp_path / "roster.yaml").read_text() == "somebody else's"

    def test_a_disk_that_is_full(self, tmp_path: Path) -> None:
        """Half a file is worse than none."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (STRATEGY.stat().st_size - 1, before[1]))
        try:
            with pytest.raises(InitError, match="File too large; nothing was written"):
                init(tmp_path / "new")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
        assert list((tmp_path / "new").iterdir()) == []


def roster(tmp_path: Path, text: str) -> Path:
    """A roster with these people."""
    path = tmp_path / "roster.yaml"
    path.write_text(f"schema: warroom.roster/1\npeople:\n{text}")
    return path


@pytest.fixture
def testnet(tmp_path: Path) -> Path:
    """The bundled strategy with the first of its environments alone, which one engineer approves."""
    path = tmp_path / "testnet.yaml"
    path.write_text(STRATEGY.read_text().partition("  production:\n")[0])
    return path


class TestRoster:
    """Mistakes in the roster, and between it and the strategy."""

    def test_mistakes_of_the_file(self, tmp_path: Path) -> None:
        """As for the strategy: all at once, with place and advice."""
        path = roster(
            tmp_path,
            "  - {handle: eng-1, role: [engineer]}\n"
            "  - {handle: eng-1, roles: [engineer]}\n"
            "  - {handle: Eng 3, roles: engineer}\n",
        )
        with pytest.raises(ConfigError) as caught:
            load_roster(path)
        assert [f"{m.line}:{m.column}: {m.message}" for m in caught.value.mistakes] == [
            "3:21: unknown key `role`: did you mean `roles`?",
            "4:14: `eng-1` is the handle of an earlier person: handles are unique",
            "5:14: expected a name in lower case (`error_rate`, `push-branch`), found `Eng 3`",
            "5:28: expected a list, found `engineer`",
        ]

    def test_deputies_hold_the_role_they_stand_in_for(self, tmp_path: Path, testnet: Path) -> None:
        """So that they can approve when nobody else answers."""
        people = load_roster(
            roster(tmp_path, "  - {handle: lead, roles: [team-lead], deputy_for: [engineer, team-lead]}\n")
        )
        assert people.roster.roles_of("lead") == ("team-lead", "engineer")
        assert check_files(testnet, people.path, ACTIONS) == []

    @pytest.mark.parametrize(
        ("people", "message"),
        [
            (
                "  - {handle: e, roles: [enginer]}\n",
                "nobody in the roster has the role `engineer`: is `enginer` meant to be the same?",
            ),
            (
                "  - {handle: e, roles: [security-lead]}\n",
                "1 of role `engineer` must approve, the roster has none: add them to it",
            ),
        ],
    )
    def test_a_role_that_nobody_holds(self, tmp_path: Path, testnet: Path, people: str, message: str) -> None:
        """A gate that could never open is told beforehand, where the strategy asks for the role."""
        (mistake,) = check_files(testnet, roster(tmp_path, people), ACTIONS)
        assert mistake.file == str(testnet)
        assert testnet.read_text().splitlines()[mistake.line - 1].strip() == "- role: engineer"
        assert mistake.message == message

    def test_too_few(self, tmp_path: Path, testnet: Path) -> None:
        """Distinct people are counted."""
        testnet.write_text(testnet.read_text().replace("count: 1", "count: 2"))
        found = check_files(
            testnet, roster(tmp_path, "  - {handle: e, roles: [engineer, engineer]}\n"), ACTIONS
        )
        assert [mistake.message for mistake in found] == [
            "2 of role `engineer` must approve, the roster has 1: add them to it"
        ]

    def test_both_files_at_once(self, tmp_path: Path) -> None:
        """A strategy that is no YAML does not hide what is wrong with the roster, nor the other way round."""
        path = tmp_path / "a.yaml"
        path.write_text("a: [")
        found = check_files(path, tmp_path / "none.yaml", ACTIONS)
        assert [(Path(mistake.file).name, mistake.line) for mistake in found] == [
            ("a.yaml", 1),
            ("none.yaml", 1),
        ]


def test_summary() -> None:
    """What the file holds, what has no source, what is not acted on yet, and how old all of it is."""
    day = 86400 * 1_000_000
    new_year = Stamp(utc_us=20089 * day, boot_id="", boot_us=0)  # 2025-01-01
    lines = summary(load_strategy(STRATEGY, ACTIONS), new_year)
    assert lines[0].startswith(f"{STRATEGY}: no mistake, 2 environments, SHA-256 ")
    origin, size, blind, idle, *others = lines[1:]
    assert all(line.startswith("production: ") for line in others)
    assert "to approve: 2 engineer, 1 security-lead, 1 operations-lead, 1 executive" in others[0]
    assert origin == (
        "from WalletConnect Rollback Strategy, version 1.0.0 of 2024-12-23 (9 days old), Active,"
        " reviewed by Security & Engineering Leadership"
    )
    assert size == (
        "testnet: 13 metrics, 12 declared triggers, 10 steps; to approve: 1 engineer, by claim;"
        " recovered within 15:00"
    )
    assert blind == "testnet: NO SOURCE for security_audit_failed, memory_usage, cpu_usage, disk_usage"
    assert idle == (
        "testnet: in the file, not acted on yet: automatic rollback; communication clock (6 messages);"
        " watch of 4:00:00 after the rollback; critical values of memory_usage, disk_usage;"
        " commands that no step runs: integration, end-to-end, performance, audit, security"
    )
