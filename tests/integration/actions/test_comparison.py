"""What changed between two releases, read from a real clone; and the remote looked at beside a fetch."""

import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from console.core.changes import Between
from console.core.format import short
from console.core.live import Live, encode
from console.core.plan import CodeChange, Release
from console.core.state import State
from console.engine.comparison import FILES, Comparison
from console.targets.git import Clone, GitError
from tests.integration.actions.comparing import CANARY, VERDICTS, Desk, runs
from tests.integration.actions.kit import NOW, Operator, Recorded
from tests.unit.core import kit


@pytest.fixture
def desk(tmp_path: Path, operator: Operator) -> Desk:
    """With the configuration where the history has it."""
    return Desk(tmp_path, operator, config=["gas.toml"], migrations=["migrations"])


class TestWhichTwo:
    """What runs, and what it is compared with."""

    async def test_what_runs_beside_the_newest_good_release_before_it(self, desk: Desk) -> None:
        found = await desk.between()
        assert (found.newer.tag, found.older.tag) == ("v1.5.3", "v1.5.0")
        assert found.why == "the newest good release before it"

    async def test_the_commit_that_the_service_tells_counts_more_than_its_name(self, desk: Desk) -> None:
        commit = desk.operator.git("rev-parse", "v1.5.2^{commit}")
        found = await desk.between(runs("nightly", commit[:10]))
        assert (found.newer.tag, found.newer.commit) == ("nightly", commit)

    async def test_a_release_that_nobody_recorded_is_found_by_tag_or_commit(self, desk: Desk) -> None:
        commit = desk.release("v1.5.4", {"VERSION": "v1.5.4\n"})
        assert (await desk.between(runs("v1.5.4"))).newer.commit == commit
        assert (await desk.between(runs("x", commit[:8]))).newer.commit == commit

    async def test_what_the_plan_goes_back_to_once_there_is_one(self, desk: Desk) -> None:
        goal = desk.clone.release("v1.5.1")
        found = await desk.between(plan=kit.plan(code=_code(desk, goal)))
        assert (found.older.tag, found.why) == ("v1.5.1", "what the plan goes back to")

    async def test_when_it_has_gone_back_it_is_compared_with_what_ran_before(self, desk: Desk) -> None:
        """Else nothing would have changed, in the minutes in which everybody asks what did."""
        code = _code(desk, desk.clone.release("v1.5.0"))
        for running in (
            runs("v1.5.0"),
            runs("v1.5.0", code.restored),
            runs("v1.5.0", code.target.commit[:9]),
        ):
            found = await desk.between(running, plan=kit.plan(code=code))
            assert (found.newer.tag, found.older.tag) == ("v1.5.3", "v1.5.0")

    async def test_a_service_that_says_nothing_is_taken_for_what_the_branch_builds(self, desk: Desk) -> None:
        await desk.clone.look(30)
        made = desk.made(None)
        assert made.between is not None
        assert made.between.newer.tag == "v1.5.3"

    async def test_without_a_good_release_before_it_that_is_said_and_the_line_of_deploys_stays(
        self, desk: Desk
    ) -> None:
        desk.record({"v1.5.2": "bad", "v1.5.3": "unproven"})
        made = await desk.changes()
        assert made.between is None
        assert made.trouble == ("no release before v1.5.3 was judged good: name one to go back to",)
        assert [entry.tag for entry in made.releases] == ["v1.5.2", "v1.5.3"]
        assert made.releases[0].at == 1_759_996_800_000_000

    async def test_a_list_that_cannot_be_read_is_said(self, desk: Desk) -> None:
        desk.releases.write_text("releases: [")
        made = await desk.changes()
        assert "releases.yaml" in made.trouble[0]


def _code(desk: Desk, goal: Release) -> CodeChange:
    running = desk.clone.release("v1.5.3")
    return CodeChange(running, goal, "good", 3, "restore tree", "rollback/x", "e" * 40)


class TestWhatLiesBetween:
    """Commits, files, migrations, settings, the branch."""

    async def test_commits_with_authors_tags_and_merges(self, desk: Desk) -> None:
        found = await desk.between()
        assert {(commit.summary, commit.author, commit.tags) for commit in found.commits} == {
            ("Release v1.5.3", "eng-2", ("v1.5.3",)),
            ("Merge the cap", "eng-2", ("v1.5.2",)),
            ("Say more", "eng-2", ()),
            ("Cap the gas", "eng-2", ()),
            ("Release v1.5.1", "eng-2", ("v1.5.1",)),
        }
        assert found.commits[0].summary == "Release v1.5.3"
        assert (found.more_commits, found.apart) == (0, 0)

    async def test_many_commits_are_counted(self, desk: Desk) -> None:
        for number in range(40):
            desk.operator.commit(f"Change {number}")
        desk.release("v1.6.0", {"VERSION": "v1.6.0\n"})
        found = await desk.between(runs("v1.6.0"))
        assert (len(found.commits), found.more_commits) == (30, 16)
        assert found.commits[0].summary == "Release v1.6.0"

    async def test_files_by_folder_and_migrations(self, desk: Desk) -> None:
        desk.release("v1.6.0", {"migrations/0002.sql": "x", "app/a.py": "x", "app/b.py": "x"})
        found = await desk.between(runs("v1.6.0"))
        assert found.migrations == ("migrations/0002.sql",)
        assert [(folder.name, folder.files) for folder in found.folders] == [
            (".", 4),
            ("app", 2),
            ("migrations", 1),
        ]
        assert found.files == 7

    async def test_settings_by_name(self, desk: Desk) -> None:
        found = await desk.between()
        assert [(key.file, key.key, key.what) for key in found.keys or ()] == [("gas.toml", "cap", "changed")]
        assert found.unread == ()

    async def test_where_nobody_has_said_where_they_lie_that_is_not_nothing(
        self, tmp_path: Path, operator: Operator
    ) -> None:
        found = await Desk(tmp_path, operator).between()
        assert (found.keys, found.migrations) == (None, None)

    async def test_releases_that_have_gone_apart(self, desk: Desk) -> None:
        desk.operator.git("checkout", "--quiet", "-b", "hotfix", "v1.5.0")
        desk.operator.commit("Fix it here alone")
        desk.operator.git("tag", "v1.5.0-1")
        desk.operator.git("push", "--quiet", "--tags", "origin", "hotfix")
        desk.record({"v1.5.0": "good", "v1.5.0-1": "good", "v1.5.3": "unproven"})
        found = await desk.between()
        assert (found.older.tag, found.apart) == ("v1.5.0-1", 1)

    async def test_a_branch_that_has_moved_on(self, desk: Desk) -> None:
        found = await desk.between()
        assert found.branch is not None
        assert (found.branch.ahead, found.branch.behind) == (0, 0)
        head = desk.operator.push("Race it")
        found = await desk.between()
        assert found.branch is not None
        assert (found.branch.commit, found.branch.ahead, found.branch.behind) == (head, 1, 0)


class TestSettingsInFilesOfAllKinds:
    """What cannot be compared is named; no value leaves the comparison."""

    async def _settings(self, folder: Path, operator: Operator, files: dict[str, str]) -> Between:
        desk = Desk(folder, operator, config=["conf", "gone"])
        before = {name: text.replace(CANARY, "other") for name, text in files.items()}
        desk.release("v1.6.0", before)
        desk.release("v1.6.1", files)
        desk.record({"v1.6.0": "good", "v1.6.1": "unproven"})
        made = await desk.changes(runs("v1.6.1"))
        assert made.between is not None
        assert CANARY not in encode(Live(1, 1, NOW, changes=made)).decode()
        assert CANARY not in msgspec.json.encode(made).decode()
        return made.between

    async def test_no_value_leaves_it(self, tmp_path: Path, operator: Operator) -> None:
        found = await self._settings(
            tmp_path,
            operator,
            {
                "conf/a.toml": f'password = "{CANARY}"\n',
                "conf/b.yaml": f"db: {{password: {CANARY}}}\n",
                "conf/c.json": f'{{"token": "{CANARY}"}}',
                "conf/d.ini": f"[db]\npassword = {CANARY}\n",
                "conf/.env": f"TOKEN={CANARY}\n",
                "conf/broken.toml": f"password = {CANARY}\n",
                "conf/notes.txt": f"the password is {CANARY}\n",
            },
        )
        assert [(key.file, key.key) for key in found.keys or ()] == [
            ("conf/.env", "TOKEN"),
            ("conf/a.toml", "password"),
            ("conf/b.yaml", "db.password"),
            ("conf/c.json", "token"),
            ("conf/d.ini", "db.password"),
        ]
        assert found.unread == (
            "gone is in neither release: the strategy's `config` names it",
            "conf/broken.toml cannot be read as TOML",
            "conf/notes.txt changed; its keys cannot be told: it is no TOML, YAML, JSON, INI or .env file",
        )

    async def test_what_is_no_text_or_too_large(self, tmp_path: Path, operator: Operator) -> None:
        long = f'"{CANARY}", ' * 9_000
        files = {"conf/a.toml": f"a = '{CANARY}'\0", "conf/b.json": f"[{long}1]"}
        found = await self._settings(tmp_path, operator, files)
        assert found.unread[1:] == (
            "conf/a.toml is no text",
            "conf/b.json is too large to be compared: 153 kB",
        )

    async def test_a_link_or_a_folder_is_no_file_to_read(self, desk: Desk) -> None:
        """A link leads wherever somebody wants it to."""
        (desk.operator.work / "link.toml").symlink_to("/etc/passwd")
        desk.operator.git("add", "link.toml")
        commit = desk.release("v1.6.0", {"conf/a.toml": "a = 1\n"})
        await desk.clone.look(30)
        for path in ("link.toml", "conf"):
            with pytest.raises(GitError, match="^is no file of its own$"):
                desk.clone.content(commit, path, 99)
        assert desk.clone.content(commit, "conf/a.toml", 99) == b"a = 1\n"
        assert desk.clone.content(commit, "none", 99) is None

    async def test_a_commit_that_is_not_here_is_named(self, desk: Desk) -> None:
        """Recorded and running, and the remote cannot be asked for it."""
        desk.operator.commit("Release v1.6.0")
        desk.operator.git("tag", "v1.6.0")
        desk.record({**VERDICTS, "v1.6.0": "unproven"})
        made = desk.made(runs("v1.6.0"))
        commit = desk.operator.git("rev-parse", "v1.6.0")
        assert made.trouble == (f"{desk.clone.remote} has no commit {short(commit)}",)

    async def test_very_many_files_are_counted(self, tmp_path: Path, operator: Operator) -> None:
        found = await self._settings(
            tmp_path, operator, {f"conf/{n:03}.toml": f"a = '{CANARY}'\n" for n in range(FILES + 7)}
        )
        assert len(found.keys or ()) == FILES
        assert found.unread[-1] == "7 more files were not compared"

    async def test_what_is_known_to_be_secret_is_taken_out(self, desk: Desk) -> None:
        """Of what people call things, too."""
        desk.operator.commit(f"Set the token to {CANARY}", {"gas.toml": f"cap = 0\n{CANARY} = 1\n"})
        desk.release("v1.6.0", {"VERSION": "v1.6.0\n"})
        found = await desk.between(runs("v1.6.0"))
        assert found.commits[1].summary == "Set the token to ***"
        assert ("gas.toml", "***", "added") in [(key.file, key.key, key.what) for key in found.keys or ()]


class TestLooking:
    """The remote is looked at beside whatever else uses the clone."""

    async def test_it_moves_no_ref_that_plans_are_made_from(self, desk: Desk) -> None:
        before = desk.clone.branch("develop")
        head = desk.operator.push("Newer")
        await desk.clone.look(30)
        assert (desk.clone.branch("develop"), desk.clone.seen_branch("develop")) == (before, head)
        assert short(head) in {short(commit.id) for commit in desk.clone.log(before, head, 9)}

    async def test_looks_and_fetches_at_the_same_time_all_succeed(
        self, tmp_path: Path, operator: Operator
    ) -> None:
        """Also the first, when there is no clone yet; and while branches come and go."""
        clone = Clone(tmp_path / "other.git", str(operator.remote), Recorded(tmp_path))
        for number in range(3):
            operator.git("push", "--quiet", "origin", f"develop:refs/heads/x{number}")
            await asyncio.gather(clone.fetch(lambda _line: None, 30), clone.look(30))
            operator.delete(f"x{number}")
        assert clone.branch("develop") == clone.seen_branch("develop") == operator.on_remote()

    async def test_what_is_known_has_an_age(self, desk: Desk) -> None:
        assert desk.clone.looked() is None
        assert desk.made(runs("v1.5.3")).remote is None
        await desk.clone.look(30)
        os.utime(desk.clone.folder / "warroom-looked", (1_760_000_000, 1_760_000_000))
        assert desk.made(runs("v1.5.3")).remote == 1_760_000_000_000_000

    async def test_without_a_clone_that_is_said_and_the_releases_are_known(
        self, tmp_path: Path, operator: Operator
    ) -> None:
        desk = Desk(tmp_path, operator)
        gone = Clone(tmp_path / "none.git", "somewhere", Recorded(tmp_path))
        comparison = Comparison(gone, desk.comparison.repository, desk.comparison.releases, str)
        made = comparison.made(State("testnet", running=runs("v1.5.3")), NOW)
        assert made.trouble == ("there is no clone of somewhere yet",)
        assert [entry.tag for entry in made.releases] == list(VERDICTS)
        assert [one.tag for one in made.weighed if one.proposed] == ["v1.5.0"]

    async def test_a_clone_that_is_broken_is_one_line(self, desk: Desk) -> None:
        (desk.clone.folder / "HEAD").write_text("nonsense")
        made = desk.made(runs("v1.5.3"))
        assert len(made.trouble) == 1
        assert "\n" not in made.trouble[0]
        assert str(desk.clone.folder) in made.trouble[0]
