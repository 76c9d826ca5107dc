"""Where files are: private folders, short socket paths, and the order in which a strategy is looked for."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.config.paths import (
    BUNDLED,
    SOCKET_NAME_BYTES,
    SOCKET_PATH_BYTES,
    PathError,
    in_state,
    roster_path,
    runtime_dir,
    state_dir,
    strategy_path,
)


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG folders, temporary folder and working directory of this test alone."""
    for name in ("WARROOM_STRATEGY", "WARROOM_ROSTER", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in (("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("TMPDIR", "tmp")):
        (tmp_path / folder).mkdir()
        monkeypatch.setenv(name, str(tmp_path / folder))
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setattr(tempfile, "tempdir", None)  # it remembers the first TMPDIR that it saw


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder with a short path, as people have."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield Path(folder)


class TestRuntimeDir:
    """Folders for sockets."""

    def test_below_the_runtime_folder(self, short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same key gives the same folder, another key another; each is ours alone."""
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
        folder = runtime_dir("/a/drill")
        assert folder.parent == short / "warroom"
        assert folder == runtime_dir("/a/drill") != runtime_dir("/another")
        assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700

    def test_without_a_runtime_folder(self, short: Path) -> None:
        """In the temporary folder, in one of our own."""
        assert runtime_dir("x").parent == short / f"warroom-{os.getuid()}"

    @pytest.mark.parametrize("given", ["relative/path", "/no/such/folder", ""])
    def test_with_a_useless_runtime_folder(
        self, short: Path, monkeypatch: pytest.MonkeyPatch, given: str
    ) -> None:
        """As if it were not set."""
        monkeypatch.setenv("XDG_RUNTIME_DIR", given)
        assert runtime_dir("x").is_relative_to(short)

    def test_a_socket_always_fits(self, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A runtime folder with a long path is passed over, and the key's length does not matter."""
        long = tmp_path / ("l" * 80)
        long.mkdir()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
        folder = runtime_dir("k" * 4096)
        assert folder.is_relative_to(short)
        assert len(os.fsencode(folder)) + 1 + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES

    def test_no_place_is_short_enough(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Said in one line, instead of a socket that cannot be bound."""
        long = tmp_path / ("l" * 80)
        long.mkdir()
        monkeypatch.setenv("TMPDIR", str(long))
        with pytest.raises(PathError, match="XDG_RUNTIME_DIR and TMPDIR are both too long"):
            runtime_dir("x")

    def test_what_lies_in_the_way_is_not_used(self, short: Path) -> None:
        """Neither a file nor a link that somebody put there."""
        (short / f"warroom-{os.getuid()}").symlink_to("/")
        with pytest.raises(PathError, match="not a folder; move it away"):
            runtime_dir("x")

    def test_an_open_folder_is_closed(self, short: Path) -> None:
        """Ours, but for all to see: no longer."""
        base = short / f"warroom-{os.getuid()}"
        base.mkdir(mode=0o777)
        base.chmod(0o777)
        runtime_dir("x")
        assert base.stat().st_mode & 0o777 == 0o700

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
    def test_a_strangers_folder_is_refused(self, short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody else could replace our sockets in it."""
        base = short / f"warroom-{os.getuid()}"
        base.mkdir()
        os.chown(base, 12345, 12345)
        with pytest.raises(PathError, match="belongs to user 12345, not to us"):
            runtime_dir("x")
        given = short / "run"
        given.mkdir()
        os.chown(given, 12345, 12345)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(given))
        os.chown(base, os.getuid(), os.getgid())
        assert runtime_dir("x").is_relative_to(base), (
            "root must not leave folders in a person's runtime folder"
        )


def test_sockets_in_the_state_folder_fit_or_are_refused() -> None:
    """To the byte, before anybody tries to bind one; the folder is not made."""
    fits = Path("/" + "l" * (SOCKET_PATH_BYTES - SOCKET_NAME_BYTES - 2))
    assert in_state(fits) == fits
    with pytest.raises(PathError, match="1 byte too long for sockets in it: shorten `state`"):
        in_state(fits.with_name(f"{fits.name}l"))
    assert not fits.exists()


def test_state_folder(tmp_path: Path) -> None:
    """One for each environment, closed to others."""
    folder = state_dir("testnet")
    assert folder == tmp_path / "state" / "warroom" / "testnet"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_state_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """One line, no traceback."""
    (tmp_path / "state" / "warroom").touch()
    with pytest.raises(PathError, match="cannot be made: "):
        state_dir("testnet")


def test_order_of_the_strategy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flag, variable, working directory, the person's own, the bundled one."""
    assert strategy_path() == BUNDLED / "strategy.yaml"
    own = tmp_path / "config" / "warroom" / "strategy.yaml"
    own.parent.mkdir()
    own.touch()
    assert strategy_path() == own
    Path("strategy.yaml").touch()
    assert strategy_path() == Path("strategy.yaml")
    monkeypatch.setenv("WARROOM_STRATEGY", "/named/by/variable")
    assert strategy_path() == Path("/named/by/variable")
    assert strategy_path(Path("/named/by/flag")) == Path("/named/by/flag")


def test_order_of_the_roster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flag, variable, beside the strategy; nothing else stands in for a missing one."""
    assert roster_path(Path("/s/strategy.yaml")) == Path("/s/roster.yaml")
    assert roster_path(BUNDLED / "strategy.yaml").exists()
    monkeypatch.setenv("WARROOM_ROSTER", "/named/by/variable")
    assert roster_path(Path("/s/strategy.yaml")) == Path("/named/by/variable")
    assert roster_path(Path("/s/strategy.yaml"), Path("/flag")) == Path("/flag")
