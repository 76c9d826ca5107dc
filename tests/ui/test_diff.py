"""What changed, on the screen: what landed before the onset, what lies between, and the onset moved."""

import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core import requests as rq
from console.core.changes import Branch
from console.core.config_keys import KeyChange
from screens.diff import DiffDialog
from screens.lines import text
from screens.views.diff import diff_view
from tests.ui import changes_place as cp
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat
from tests.ui.test_pictures import contains

SIZES = pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])


def words(room: FakeRoom, width: int = 90) -> list[str]:
    return [text(row).rstrip() for row in diff_view(room.snapshot(), room.environment, width)]


def position(lines: list[str], said: str) -> int:
    (found,) = [n for n, row in enumerate(lines) if said in row]
    return found


class TestTheLineOfDeploys:
    """What landed before the onset is right below it."""

    @SIZES
    async def test_the_onset_stands_between_what_landed_after_it_and_before_it(
        self, width: int, height: int
    ) -> None:
        async with seat(cp.landed(), width, height) as here:
            lines = (await here.press("d")).splitlines()
        onset = position(lines, "onset 14:10:24Z, 00:07 after v1.5.3")
        contains(lines[onset + 1], "14:10:17Z", "00:49", "v1.5.3", "unproven, by eng-2", "seen to land")
        contains(lines[onset + 2], "✗ 02-24 14:11Z", "1 d 0 h", "v1.5.2", "bad, by eng-1", "as recorded")

    def test_when_the_onset_is_moved_it_moves_on_the_line(self) -> None:
        """And what that says, at once."""
        room = cp.landed()
        assert "v1.5.3 landed 00:07 before the onset" in words(room)
        earlier = replace(
            room.incident.onset, utc_us=room.now.utc_us - cp.DAY // 2, boot_us=room.now.boot_us - cp.DAY // 2
        )
        room.say(ev.OnsetMoved(earlier, "the first complaint"), actor="eng-1")
        lines = words(room)
        assert "v1.5.2 landed 12:00:00 before the onset" in lines
        assert position(lines, "seen to land") < position(lines, "─ onset 02:11:06Z, 12:00:00 after v1.5.2 ─")

    def test_nothing_landed_in_time(self) -> None:
        room = cp.landed(automatic={"unsigned": "runs", "release_within": "5s", "stages": cp.STAGES})
        assert "nothing landed within 00:05 before the onset: a rollback may not help" in words(room)

    def test_without_an_incident_there_is_no_onset(self) -> None:
        room = FakeRoom(cp.environment())
        room.runs("v1.5.3")
        cp.show(room)
        assert not any("onset" in row for row in words(room))
        assert any("v1.5.0" in row and "✓" in row for row in words(room))

    def test_what_landed_long_ago_is_counted_but_never_the_onset(self) -> None:
        room = cp.landed()
        for number in range(20):
            room.wait(60)
            room.runs(f"v2.0.{number}")
        lines = words(room)
        assert "and 3 before" in lines
        assert lines[position(lines, "─ onset 14:10:24Z") + 1].split()[3] == "v1.5.3"

    def test_a_release_that_nobody_recorded(self) -> None:
        room = cp.landed()
        room.runs("nightly")
        assert any("nightly" in row and "nobody has recorded it" in row for row in words(room))

    def test_what_the_way_back_has_put_there_is_told_from_a_commit_that_nobody_knows(self) -> None:
        """Both answer the name of a release that is recorded, and are not the commit that is."""
        room = cp.landed()
        assert room.incident.plan is not None
        assert room.incident.plan.code is not None
        room.say(ev.ReleaseSeen("v1.5.0", room.incident.plan.code.restored))
        assert any("v1.5.0    put there by this way back" in row for row in words(room))
        room.say(ev.ReleaseSeen("v1.5.3", "f" * 40))
        assert any("v1.5.3    commit ffffffff: nobody has recorded it" in row for row in words(room))


class TestWhatLiesBetween:
    """Commits, settings, migrations, files; and what is not known."""

    def test_all_of_it(self) -> None:
        lines = words(cp.landed())
        contains(
            "\n".join(lines),
            "v1.5.3 beside v1.5.0, the newest good release before it: 5 commits, 6 files",
            "develop builds v1.5.3 · remote read 00:12 ago",
            "─ SETTINGS 3 ─",
            " ~ changed  ceiling",
            " + added    retries",
            "─ MIGRATIONS 1 ─",
            "migrations/0004_transactions_wallet.sql",
            "─ COMMITS 5 ─",
            "cccccccc  3:00:00  eng-3  Bring estimates closer to the fee",
            ". 3 · config 1 · migrations 1 · walletconnect 1",
        )

    def test_what_nobody_has_said_is_not_taken_for_nothing(self) -> None:
        room = cp.landed()
        cp.show(room, keys=None, migrations=None)
        said = "\n".join(words(room))
        contains(said, "the strategy's `repository` names no `config`", "names no `migrations`")
        cp.show(room, keys=(), migrations=(), commits=(), files=0, folders=())
        said = "\n".join(words(room))
        contains(said, "none differs", "none lies between them", "v1.5.3 has none that v1.5.0 has not")
        cp.show(room, keys=(), unread=("config/a.toml cannot be read as TOML",))
        contains(
            "\n".join(words(room)), "none that could be compared", "config/a.toml cannot be read as TOML"
        )

    def test_what_is_too_much_is_counted(self) -> None:
        room = cp.landed()
        cp.show(room, more_commits=1_200, more_keys=7, more_migrations=3, more_folders=2, apart=2)
        contains(
            "\n".join(words(room)),
            "─ COMMITS 1205 ─",
            "and 1,200 more",
            "─ SETTINGS 10 ─",
            "and 7 more",
            "and 3 more",
            "2 more folders",
            "v1.5.0 has 2 commits that v1.5.3 has not: they have gone apart",
        )

    def test_a_branch_that_somebody_moved_is_told_from_what_we_put_there(self) -> None:
        room = cp.landed()
        cp.show(room, branch=Branch("develop", "f" * 40, 2, 1))
        assert any(
            "develop is at ffffffff: 2 commits beyond v1.5.3, without 1 commit of v1.5.3" in row
            for row in words(room)
        )
        assert room.incident.plan is not None
        assert room.incident.plan.code is not None
        cp.show(room, branch=Branch("develop", room.incident.plan.code.restored, 1, 0))
        assert any("develop is at 9c1f0000, what this way back has put there" in row for row in words(room))

    def test_trouble_stands_beside_what_is_known(self) -> None:
        room = cp.landed()
        cp.show(room, trouble=("the remote gave no answer: git fetch: timed out",))
        contains("\n".join(words(room)), "the remote gave no answer: git fetch: timed out", "─ COMMITS 5 ─")

    def test_without_an_engine_it_says_its_age(self) -> None:
        room = cp.landed()
        room.lose_engine()
        room.wait(60)
        contains("\n".join(words(room)), "no engine looks now: so it was 01:00 ago", "remote read 01:12 ago")

    @pytest.mark.parametrize("width", [40, 76, 120])
    def test_every_line_keeps_to_its_cells(self, width: int) -> None:
        """Whatever it is called."""
        room = cp.landed()
        room.runs("漢字" * 30)
        keys = (KeyChange("config/" + "漢" * 90, "\x1b[31m" + "k" * 200, "removed"),)
        cp.show(room, keys=keys, migrations=("m/" + "x" * 200,), unread=("y" * 200,))
        for row in diff_view(room.snapshot(), room.environment, width):
            assert sum(part.cells for part in row) <= width
            assert "\x1b" not in text(row)


class TestTheKey:
    """How one gets there, and on from there."""

    async def test_before_anybody_has_looked_it_says_so(self) -> None:
        room = FakeRoom()
        async with seat(room) as here:
            assert "d diff: nobody has looked yet what changed: the engine is about to" in await here.press(
                "d"
            )
            room.lose_engine()
            await here.look()
            assert "d diff: no engine has looked what changed: E starts one" in await here.press("d")

    async def test_the_header_has_the_key_where_there_is_room(self) -> None:
        """Once there is something to see; the release to go back to comes first."""
        room = cp.landed()
        async with seat(room, 120, 40) as here:
            line = (await here.look()).splitlines()[1].rstrip()
            assert line.endswith("v1.5.0 good, 3 releases back   d diff")
        async with seat(room) as here:
            line = (await here.look()).splitlines()[1]
            assert "v1.5.0 good" in line
            assert len(line) <= 80

    async def test_d_closes_it_again_and_so_does_escape(self) -> None:
        async with seat(cp.landed()) as here:
            for key in ("d", "escape"):
                await here.press("d")
                assert isinstance(here.app.screen, DiffDialog)
                await here.press(key)
                assert not isinstance(here.app.screen, DiffDialog)

    async def test_it_scrolls(self) -> None:
        async with seat(cp.landed()) as here:
            assert "walletconnect 1" not in await here.press("d")
            assert "walletconnect 1" in await here.press("end")

    async def test_the_onset_is_moved_from_here_by_the_same_request(self) -> None:
        room = cp.landed()
        async with seat(room) as here:
            await here.press("d")
            assert "Move the onset" in await here.press("m")
            await here.press(*"-30s", "tab", *"logs", "enter")
            assert not isinstance(here.app.screen, DiffDialog)
        (asked,) = room.asked
        assert isinstance(asked, rq.MoveOnset)
        assert (asked.utc_us, asked.reason) == (room.incident.onset.utc_us - 30_000_000, "logs")

    async def test_where_the_onset_cannot_be_moved_it_says_why(self) -> None:
        room = FakeRoom(cp.environment())
        room.runs("v1.5.3")
        room.suspect()
        cp.show(room)
        async with seat(room) as here:
            await here.press("d")
            assert "m onset: INC-7QK2 is only suspected: D declares it" in await here.press("m")

    async def test_it_follows_while_it_is_open(self) -> None:
        room = cp.landed()
        async with seat(room) as here:
            await here.press("d")
            room.runs("v1.5.0")
            contains(await here.look(), "v1.5.0", "seen to land")
            cp.show(room, trouble=("the remote gave no answer: timed out",))
            assert "the remote gave no answer: timed out" in await here.look()

    async def test_without_unicode_it_reads_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        async with seat(cp.landed(), 120, 40, ascii_only=True) as here:
            screen = await here.press("d")
            assert screen.isascii()
            contains(screen, "onset 14:10:24Z, 00:07 after v1.5.3", "good, by lead-1", "bad, by eng-1")
            assert here.colours() == set()
