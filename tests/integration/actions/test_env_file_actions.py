"""The environment file with real files: saved, swapped, put back, and cut off in the middle of it."""

import signal
import subprocess
import sys
from dataclasses import replace as with_changes
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from actions.action import ActionError
from actions.env_file import SwapEnv, UndoSwapEnv
from actions.registry import ACTIONS
from console.core.env_backups import EnvManifest
from console.core.env_rules import EnvironmentFile
from console.core.releases import OnRecord
from console.targets.env_file import MANIFEST, EnvError, EnvFiles, digest
from tests.integration.actions.kit import TOKEN, Place, Said

CANARY = "canary-5ecret"
BAD = f"# of v1.5.3\nRPC_URL=https://rpc.example/{CANARY}\nJWT_SECRET='{CANARY}-new'\nGAS_LIMIT=9\n"
GOOD = f"# of v1.5.0\nRPC_URL=https://rpc.example/old-{CANARY}\nJWT_SECRET='{CANARY}-old'\nGAS_LIMIT=21000\n"
KILLED = """
import os, signal, sys
from pathlib import Path
from console.core.env_rules import EnvironmentFile
from console.targets import env_file
where, content = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes()
files = env_file.EnvFiles(EnvironmentFile(path=".env.staging", backups="b-*/env"), where, lambda k, v: None)
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
files.swap(content, files.current().sha256, where / "kept")
"""


class Office:
    """A world with an environment file, and everything that was said about it."""

    def __init__(self, place: Place, folder: Path, **rules: Any) -> None:
        self.place, self.folder = place, folder
        self.path = folder / ".env.staging"
        self.path.write_text(BAD)
        self.path.chmod(0o640)
        self.known: dict[str, str] = {}
        rule = {"path": ".env.staging", "backups": "backups/env-*/env.backup", **rules}
        self.rules = EnvironmentFile.model_validate(rule)
        self.files = EnvFiles(self.rules, folder, self.known.__setitem__)
        place.world = with_changes(
            place.world,
            env_files=self.files,
            releases=lambda: OnRecord((), "ledger", "the release ledger"),
            environment=place.world.environment.model_copy(update={"environment_file": self.rules}),
        )
        place.inputs = replace(place.inputs, onset=2_000_000)

    def back_up(self, name: str = "good", content: str = GOOD, **changes: Any) -> Path:
        """A backup as somebody's pipeline takes it, before the onset unless it says otherwise."""
        raw = content.encode()
        told: dict[str, Any] = {
            "environment": "testnet",
            "sha256": digest(raw),
            "bytes": len(raw),
            "mode": "0600",
            "taken": 1_000_000,
            "keys": ("GAS_LIMIT", "JWT_SECRET", "RPC_URL"),
            "release": "v1.5.0",
            **changes,
        }
        return self.files.save(name, EnvManifest(**told), raw)

    async def do(self, name: str) -> str:
        """That step, performed and proven; what was said and proven of it."""
        action, said = self.place.action(name), Said()
        await action.perform(said)
        proof = await action.verify()
        return "\n".join([*said.words, *said.lines, proof.words, *proof.facts.values()])

    def plan(self, name: str) -> str:
        """Everything that a plan says of that step."""
        preview = ACTIONS[name].preview(self.place.inputs, self.place.world)
        return "\n".join([preview.words, *preview.effects, *preview.params.values()])

    @property
    def kept(self) -> Path:
        return self.path.with_name(".env.staging_before_INC-7QK2")

    @property
    def left(self) -> list[str]:
        """Names of what lies beside the file and is like it."""
        return sorted(path.name for path in self.folder.glob(".env*"))


@pytest.fixture
def office(place: Place, tmp_path: Path) -> Office:
    return Office(place, tmp_path)


class TestSaving:
    """The file as it is, with a manifest that has no value in it."""

    async def test_it_is_saved_as_it_is(self, office: Office) -> None:
        action = office.place.action("save-env")
        assert (await action.probe()).found == "not done"
        await office.do("save-env")
        assert (await action.probe()).found == "done"
        (backup,) = office.files.backups()
        path = Path(backup.path)
        assert path.read_text() == BAD
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert backup.manifest is not None
        assert backup.manifest.release == office.place.inputs.code.running.tag
        assert (backup.manifest.keys, backup.manifest.mode) == (
            ("GAS_LIMIT", "JWT_SECRET", "RPC_URL"),
            "0640",
        )

    async def test_once_is_enough_also_when_the_file_has_been_swapped_since(self, office: Office) -> None:
        await office.do("save-env")
        office.path.write_text(GOOD)
        await office.do("save-env")
        assert [Path(one.path).read_text() for one in office.files.backups()] == [BAD]

    async def test_a_copy_without_its_manifest_is_made_again(self, office: Office) -> None:
        await office.do("save-env")
        (backup,) = office.files.backups()
        Path(backup.path).with_name(MANIFEST).unlink()
        assert (await office.place.action("save-env").probe()).found == "not done"
        await office.do("save-env")
        assert office.files.backups()[0].manifest is not None

    async def test_a_copy_that_was_damaged_is_found(self, office: Office) -> None:
        await office.do("save-env")
        Path(office.files.backups()[0].path).write_text(GOOD)
        with pytest.raises(EnvError, match="is not what its manifest says"):
            await office.place.action("save-env").verify()

    async def test_a_file_that_is_not_there_is_one_line(self, office: Office) -> None:
        office.path.unlink()
        with pytest.raises(EnvError, match=r"\.env\.staging cannot be read: No such file") as refused:
            await office.do("save-env")
        assert "\n" not in str(refused.value)


class TestSwapping:
    """The chosen backup takes the file's place in one rename; the old one stays."""

    async def test_the_backup_of_the_good_release_takes_its_place(self, office: Office) -> None:
        office.back_up()
        before = office.path.stat()
        action = office.place.action("swap-env")
        assert (await action.probe()).found == "not done"
        await office.do("swap-env")
        assert (await action.probe()).found == "done"
        assert (office.path.read_text(), office.kept.read_text()) == (GOOD, BAD)
        now = office.path.stat()
        assert (now.st_mode, now.st_uid, now.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
        assert office.left == [".env.staging", office.kept.name]

    async def test_the_plan_names_the_keys_that_change_and_no_value(self, office: Office) -> None:
        office.back_up()
        told = office.plan("swap-env")
        assert "3 changed: GAS_LIMIT, JWT_SECRET, RPC_URL" in told
        assert "it is v1.5.0's" in told
        said = "\n".join(
            [told, office.plan("save-env"), await office.do("save-env"), await office.do("swap-env")]
        )
        assert CANARY not in said
        assert "21000" not in said
        manifests = [path.read_text() for path in office.folder.rglob(MANIFEST)]
        assert len(manifests) == 2
        assert CANARY not in "".join(manifests)

    async def test_every_value_that_was_read_is_known_to_the_redaction(self, office: Office) -> None:
        office.back_up()
        assert office.plan("swap-env")
        assert f"{CANARY}-new" in office.known["JWT_SECRET"] or f"{CANARY}-old" in office.known["JWT_SECRET"]
        seen: list[str] = []
        files = EnvFiles(office.rules, office.folder, lambda _key, value: seen.append(value))
        files.parsed(BAD.encode(), office.path)
        assert seen == [f"https://rpc.example/{CANARY}", f"{CANARY}-new", "9"]

    async def test_again_it_has_no_second_effect(self, office: Office) -> None:
        office.back_up()
        action = office.place.action("swap-env")
        for _ in range(2):
            await action.perform(Said())
        assert (office.path.read_text(), office.kept.read_text()) == (GOOD, BAD)

    async def test_the_bad_releases_own_and_what_nobody_knows_are_not_used(self, office: Office) -> None:
        running = office.place.inputs.code.running
        office.back_up("bad", release=running.tag, commit=running.commit)
        unknown = office.back_up("unknown")
        unknown.with_name(MANIFEST).unlink()
        told = office.plan("swap-env")
        assert told.startswith("leave .env.staging as it is: no backup fits")
        await office.do("swap-env")
        assert office.path.read_text() == BAD
        assert office.left == [".env.staging"]

    async def test_a_damaged_backup_is_found_before_anything_happens(self, office: Office) -> None:
        path = office.back_up()
        action = office.place.action("swap-env")
        path.write_text(GOOD + "X=1\n")
        with pytest.raises(EnvError, match="is not what its manifest says"):
            await action.perform(Said())
        assert office.path.read_text() == BAD

    async def test_a_file_that_somebody_changed_meanwhile_is_left_alone(self, office: Office) -> None:
        office.back_up()
        action = office.place.action("swap-env")
        office.path.write_text(f"{BAD}FLAG=1\n")
        assert (await action.probe()).found == "cannot tell"
        with pytest.raises(ActionError, match="changed by somebody since the plan was made"):
            await action.perform(Said())
        assert office.path.read_text() == f"{BAD}FLAG=1\n"

    async def test_rotated_keys_keep_todays_values(self, place: Place, tmp_path: Path) -> None:
        rotated = [{"key": "JWT_SECRET", "at": "2026-01-01T00:00:00Z"}]
        office = Office(place, tmp_path, rotated=rotated, older="merged")
        office.back_up()
        assert "JWT_SECRET rotated since, today's stay; 2 changed: GAS_LIMIT, RPC_URL" in office.plan(
            "swap-env"
        )
        await office.do("swap-env")
        assert f"JWT_SECRET='{CANARY}-new'" in office.path.read_text()
        assert "GAS_LIMIT=21000" in office.path.read_text()

    async def test_older_than_a_rotation_it_is_refused_unless_told_otherwise(
        self, place: Place, tmp_path: Path
    ) -> None:
        office = Office(place, tmp_path, rotated=[{"key": "JWT_SECRET", "at": "2026-01-01T00:00:00Z"}])
        office.back_up()
        assert "older than the rotation of JWT_SECRET" in office.plan("swap-env")
        await office.do("swap-env")
        assert office.path.read_text() == BAD

    async def test_a_line_that_is_no_setting_is_named_and_the_file_stays(self, office: Office) -> None:
        office.back_up(content=f"A=1\n{CANARY}\n")
        told = office.plan("swap-env")
        assert "line 2: not a setting" in told
        assert CANARY not in told

    async def test_where_the_name_is_a_link_the_file_behind_it_is_swapped(self, office: Office) -> None:
        real = office.folder / "real.env"
        office.path.rename(real)
        office.path.symlink_to(real)
        files = EnvFiles(office.rules, office.folder, lambda _key, _value: None)
        files.swap(GOOD.encode(), files.current().sha256, office.kept)
        assert office.path.is_symlink()
        assert real.read_text() == GOOD


class TestPuttingBack:
    """What the file held is a rename away."""

    async def test_it_holds_what_it_held(self, office: Office) -> None:
        office.back_up()
        await office.do("swap-env")
        assert "changed: GAS_LIMIT, JWT_SECRET, RPC_URL" in office.plan("swap-env-back")
        await office.do("swap-env-back")
        assert office.path.read_text() == BAD
        assert CANARY not in office.plan("swap-env-back")

    async def test_the_way_back_of_the_step_is_in_the_plan_and_twice_does_no_harm(
        self, office: Office
    ) -> None:
        """By names of files alone; where the swap has not happened, there is nothing to do."""
        office.back_up()
        params = office.place.action("swap-env").params
        told = SwapEnv.way_back(params, office.place.world)
        assert told is not None
        assert told.words.startswith(f"put {office.kept.name} back in place of .env.staging")
        assert not told.by_hand
        way_back = UndoSwapEnv(params, office.place.world, TOKEN)
        assert (await way_back.probe()).found == "done"
        await office.do("swap-env")
        assert (await way_back.probe()).found == "not done"
        for _ in range(2):
            await way_back.perform(Said())
        proof = await way_back.verify()
        assert "start it anew" in proof.words
        assert CANARY not in "\n".join([told.words, *told.effects, proof.words, *proof.facts.values()])
        assert office.path.read_text() == BAD

    async def test_a_plan_that_leaves_the_file_has_no_way_back_of_it(self, office: Office) -> None:
        office.back_up()
        await office.do("swap-env")
        params = ACTIONS["swap-env"].preview(office.place.inputs, office.place.world).params
        assert params == {"backup": ""}
        assert SwapEnv.way_back(params, office.place.world) is None

    async def test_a_file_changed_since_the_swap_is_not_put_back_over(self, office: Office) -> None:
        office.back_up()
        action = office.place.action("swap-env")
        await action.perform(Said())
        office.path.write_text(f"{GOOD}FLAG=1\n")
        way_back = UndoSwapEnv(action.params, office.place.world, TOKEN)
        assert (await way_back.probe()).found == "cannot tell"
        with pytest.raises(EnvError, match="changed by somebody"):
            await way_back.perform(Said())
        assert office.path.read_text() == f"{GOOD}FLAG=1\n"

    async def test_where_nothing_was_swapped_there_is_nothing_to_put_back(self, office: Office) -> None:
        with pytest.raises(ActionError, match="was not swapped in that incident"):
            office.plan("swap-env-back")


def test_killed_between_write_and_rename_the_file_is_as_it_was(office: Office, tmp_path: Path) -> None:
    """And the next attempt goes through, whatever the first one has left."""
    wanted = tmp_path / "wanted"
    wanted.write_text(GOOD)
    done = subprocess.run([sys.executable, "-c", KILLED, str(office.folder), str(wanted)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert office.path.read_text() == BAD
    partial = office.path.with_name(".env.staging.warroom-partial")
    assert partial.read_text() == GOOD
    assert partial.stat().st_mode & 0o077 == office.path.stat().st_mode & 0o077
    office.files.swap(GOOD.encode(), digest(BAD.encode()), office.folder / "kept")
    assert (office.path.read_text(), (office.folder / "kept").read_text()) == (GOOD, BAD)
    assert not partial.exists()


def test_where_the_old_one_cannot_be_kept_the_file_stays_as_it_was(office: Office) -> None:
    with pytest.raises(EnvError, match="is as it was: .*No such file"):
        office.files.swap(GOOD.encode(), digest(BAD.encode()), office.folder / "gone" / "kept")
    assert office.path.read_text() == BAD
    assert office.left == [".env.staging"]


def test_a_manifest_that_is_none_is_said_to_be_none(office: Office) -> None:
    path = office.back_up()
    path.with_name(MANIFEST).write_bytes(msgspec.json.encode({"schema": "of another"}))
    assert office.files.backups()[0].trouble == "its manifest is none"
