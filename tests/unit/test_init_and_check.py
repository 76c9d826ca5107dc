"""`warroom init` and `warroom check`, as far as they need no target."""

import os
import resource
import signal
from pathlib import Path
from typing import ClassVar

import pytest

from actions.registry import ACTIONS
from console.config.check import InitError, advice, check_files, init, summary
from console.config.loader import load_strategy
from console.config.mistakes import ConfigError
from console.config.paths import BUNDLED
from console.config.roster import load_roster
from console.core.clock import Stamp
from console.core.roster import HeldKey

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
    path.write_text(STRATEGY.read_text().partition("  mainnet-staging:\n")[0])
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

    def test_what_is_no_plain_handle_is_refused(self, tmp_path: Path) -> None:
        """A wildcard would let a key sign for others; the engine's own name would be taken for it."""
        path = roster(
            tmp_path,
            '  - {handle: "*", roles: [engineer]}\n'
            '  - {handle: "eng-?", roles: [engineer]}\n'
            '  - {handle: "eng-1,eng-2", roles: ["*"]}\n'
            '  - {handle: "!eng-1", roles: [engineer]}\n'
            "  - {handle: engine, roles: [engineer]}\n",
        )
        with pytest.raises(ConfigError) as caught:
            load_roster(path)
        wanted = "expected a name in lower case (`error_rate`, `push-branch`), found"
        assert [f"{m.line}:{m.column}: {m.message}" for m in caught.value.mistakes] == [
            f"3:14: {wanted} `*`",
            f"4:14: {wanted} `eng-?`",
            f"5:14: {wanted} `eng-1,eng-2`",
            f"5:37: {wanted} `*`",
            f"6:14: {wanted} `!eng-1`",
            "7:14: `engine` is what the journal calls the engine: name them otherwise",
        ]

    def test_keys_and_dates(self, tmp_path: Path) -> None:
        """Whose key it is, of what kind, and from when to when."""
        path = roster(
            tmp_path,
            f"  - {{handle: a, roles: [engineer], keys: [{KEY}]}}\n"
            f"  - {{handle: b, roles: [engineer], keys: [{{key: {KEY}, valid_until: 2026-12-31}}]}}\n"
            '  - {handle: c, roles: [engineer], keys: ["cert-authority * ssh-ed25519 AAAA"]}\n'
            "  - {handle: d, roles: [engineer], valid_from: 2026-02-01, valid_until: 2026-01-31}\n"
            "  - {handle: e, roles: [engineer], valid_until: soon}\n"
            "  - {handle: f, roles: [engineer], keys: [7, {kee: x}]}\n",
        )
        with pytest.raises(ConfigError) as caught:
            load_roster(path)
        assert [f"{m.line}:{m.column}: {m.message}" for m in caught.value.mistakes] == [
            "4:49: this key is a's too: everybody signs with a key of their own",
            (
                "5:43: cert-authority is no kind of key that may sign: ed25519, ecdsa, or rsa of 3072 bits,"
                " as `ssh-keygen -y` prints it"
            ),
            "6:73: it ends before it begins, on `2026-02-01`",
            "7:49: expected a day such as `2024-12-23`, found `soon`",
            (
                "8:43: expected a public key, or a mapping with `key`, `valid_from`, `valid_until`,"
                " found the number `7`"
            ),
            "8:47: unknown key `kee`: did you mean `key`?",
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


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHWsWBCLIVcA/HvEmh1yBcDzRcXySjNXSd4WNDxSwy46"
_BLOB = "AAAAC3NzaC1lZDI1NTE5AAAAIHWsWBCLIVcA/HvEmh1yBcDzRcXySjNXSd4WNDxSwy"


class TestMatrix:
    """A matrix that the roster cannot satisfy is told beforehand: by seating people, not by counting."""

    @pytest.fixture
    def staging(self, tmp_path: Path) -> Path:
        """The bundled staging alone: two engineers and a security lead, by signature; a team lead among them.

        Whoever asks for data to be restored does not say yes to it. Nobody is told when the time is over.
        """
        head, _, rest = STRATEGY.read_text().partition("  testnet:\n")
        path = tmp_path / "staging.yaml"
        block = rest.partition("  mainnet-staging:\n")[2].partition("  production:\n")[0]
        before, _, path_and_after = block.partition("      escalation:\n")
        _, blank, after = path_and_after.partition("\n\n")
        path.write_text(f"{head}  mainnet-staging:\n{before}{blank[1:]}{after}")
        return path

    def _said(
        self, strategy: Path, people: dict[str, str], *, keys: str = "", today: str | None = None
    ) -> list[str]:
        """What is wrong, each with its line of the strategy; `keys`: the first letters of who has one."""
        rows = [
            f"  - {{handle: {who}, roles: [{roles}]{self._key(number) if who[0] in keys else ''}}}\n"
            for number, (who, roles) in enumerate(people.items())
        ]
        path = roster(strategy.parent, "".join(rows))
        with path.open("a") as file:
            file.write("revoked: revoked_keys\n")
        (strategy.parent / "revoked_keys").touch()
        lines = strategy.read_text().splitlines()
        return [
            f"{lines[found.line - 1].strip().partition(' #')[0].strip()} | {found.message}"
            for found in check_files(strategy, path, ACTIONS, today)
        ]

    def _key(self, number: int) -> str:
        return f", keys: [ssh-ed25519 {_BLOB}{'ABCDEFGH'[number]}{'ABCDEFGH'[number]}]"

    ENOUGH: ClassVar = {
        "e1": "engineer",
        "e2": "engineer",
        "l1": "team-lead, engineer",
        "s1": "security-lead",
        "s2": "security-lead",
    }

    def test_enough_people(self, staging: Path) -> None:
        """With keys or without any: nobody has one in a roster to start from."""
        assert self._said(staging, self.ENOUGH) == []
        assert self._said(staging, self.ENOUGH, keys="els") == []

    def test_enough_in_each_role_but_not_all_at_once(self, staging: Path) -> None:
        """Somebody would have to say yes in two roles."""
        people = {"e1": "engineer", "l1": "team-lead, engineer, security-lead"}
        assert self._said(staging, people) == [
            (
                "- role: security-lead | nobody is left for `security-lead`: `l1` must say yes in another"
                " role, and everybody counts once"
            )
        ]

    def test_whoever_asks_must_be_one_person_more(self, staging: Path) -> None:
        """Where data can go back, and whoever asks for that does not say yes to it."""
        people = {"e1": "engineer", "l1": "team-lead, engineer", "s1": "security-lead"}
        (said,) = self._said(staging, people)
        assert said == (
            "initiator_may_approve: code only | whoever asks for a rollback of data may not say yes to it,"
            " and everybody is needed: add one person more"
        )
        assert self._said(staging, {**people, "x1": "support"}) == [], "anybody may ask"
        staging.write_text(staging.read_text().replace("may_approve: code only", "may_approve: never"))
        assert "whoever asks for a rollback may not say yes" in self._said(staging, people)[0]
        staging.write_text(staging.read_text().replace("may_approve: never", "may_approve: always"))
        assert self._said(staging, people) == []

    def test_a_roster_with_keys_but_too_few(self, staging: Path) -> None:
        """Where only signatures count, whoever has no key is no help."""
        assert self._said(staging, self.ENOUGH, keys="el") == [
            (
                "- role: security-lead | too few of role `security-lead` have a key, and only signatures"
                " count here: add their `keys`"
            )
        ]

    def test_people_who_do_not_count_any_more_are_no_help(self, staging: Path) -> None:
        """On the day that it is checked."""
        people = {**self.ENOUGH, "s1": "security-lead], valid_until: 2026-01-31, deputy_for: [support"}
        del people["s2"]
        people["x1"] = "support"
        assert self._said(staging, people, today="2026-01-31") == []
        (said,) = self._said(staging, people, today="2026-02-01")
        assert said == (
            "- role: security-lead | 1 of role `security-lead` must approve, the roster has none:"
            " add them to it"
        )

    def test_people_whose_keys_do_not_count_any_more_are_no_help(self, staging: Path) -> None:
        """Not even when no key does: that is no roster to start from."""
        self._said(staging, self.ENOUGH, keys="els")
        path = staging.parent / "roster.yaml"
        text = (
            path.read_text()
            .replace("keys: [", "keys: [{key: ")
            .replace("]}\n", ", valid_until: 2026-01-31}]}\n")
        )
        path.write_text(text)
        assert check_files(staging, path, ACTIONS, "2026-01-31") == []
        found = [mistake.message for mistake in check_files(staging, path, ACTIONS, "2026-02-01")]
        assert found[0].startswith("too few of role `engineer` have a key")
        assert "nobody in the roster has the role `team-lead` and a key" in found

    def test_a_prerequisite_that_nobody_can_meet(self, staging: Path) -> None:
        """The role that it names is nobody's."""
        people = {**self.ENOUGH, "l1": "engineer"}
        assert self._said(staging, people) == [
            "role: team-lead | nobody in the roster has the role `team-lead`"
        ]

    @pytest.mark.parametrize(
        ("written", "said"),
        [
            (
                "",
                "1:1: `revoked` is missing: mainnet-staging asks for signatures, and without it none counts",
            ),
            (
                "revoked: gone\n",
                (
                    "8:10: no such file, and without it no signature counts in mainnet-staging:"
                    " make it, if empty"
                ),
            ),
        ],
    )
    def test_without_a_revocation_file(self, staging: Path, written: str, said: str) -> None:
        """Nothing that anybody signs would count: one line, in the roster."""
        self._said(staging, self.ENOUGH, keys="els")
        path = staging.parent / "roster.yaml"
        path.write_text(path.read_text().replace("revoked: revoked_keys\n", written))
        (mistake,) = check_files(staging, path, ACTIONS)
        assert str(mistake) == f"{path}:{said}"

    def test_a_roster_without_any_key_is_told_once(self) -> None:
        """The bundled one: no mistake, and yet no gate of these opens before there are keys."""
        loaded, people = load_strategy(STRATEGY, ACTIONS).strategy, load_roster(ROSTER).roster
        assert advice(loaded, people) == [
            (
                "mainnet-staging, production: signatures open the gate, and nobody in the roster has a key"
                " yet: add `keys`"
            )
        ]
        keyed = people.people[0].model_copy(update={"keys": [HeldKey(key=KEY)]})
        assert advice(loaded, people.model_copy(update={"people": [keyed]})) == []


def test_summary() -> None:
    """What the file holds, what is not acted on yet, and how old all of it is."""
    day = 86400 * 1_000_000
    new_year = Stamp(utc_us=20089 * day, boot_id="", boot_us=0)  # 2025-01-01
    lines = summary(load_strategy(STRATEGY, ACTIONS), new_year)
    assert lines[0].startswith(f"{STRATEGY}: no mistake, 3 environments, SHA-256 ")
    origin, size, idle, *others = lines[1:]
    staging, production = others[:2], others[2:]
    assert all(line.startswith("mainnet-staging: ") for line in staging)
    assert "to approve: 2 engineer, 1 security-lead, by signature; recovered within 30:00" in staging[0]
    assert all(line.startswith("production: ") for line in production)
    assert "to approve: 2 engineer, 1 security-lead, 1 operations-lead, 1 executive" in production[0]
    assert origin == (
        "from WalletConnect Rollback Strategy, version 1.0.0 of 2024-12-23 (9 days old), Active,"
        " reviewed by Security & Engineering Leadership"
    )
    assert size == (
        "testnet: 14 metrics, 12 declared triggers, 12 steps; to approve: 1 engineer, by claim;"
        " recovered within 15:00"
    )
    assert idle == (
        "testnet: in the file, not acted on yet: communication clock (6 messages);"
        " watch of 4:00:00 after the rollback; critical values of memory_usage, disk_usage;"
        " commands that no step runs: integration, end-to-end, performance, audit, security"
    )
