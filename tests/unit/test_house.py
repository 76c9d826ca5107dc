"""The house itself: what may be loaded when, what is installed, and that the docs say what the code says."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from console import __version__
from console.cli import SUBCOMMANDS
from console.core.commands import EVERYWHERE, key_table

ROOT = Path(__file__).parents[2]
SCREENS = {"textual", "rich"}
DRIVERS = {"httpx", "psycopg", "redis", "docker", "git"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `code`."""
    script = f"{code}\nimport sys; print('\\n'.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd="/")
    return set(done.stdout.splitlines())


def test_the_version_is_told_without_a_screen_or_a_driver() -> None:
    """`warroom --version` is what people try first, on machines that have nothing."""
    code = """
import sys
sys.argv = ["warroom", "--version"]
from console.cli import main
try:
    main()
except SystemExit:
    pass
"""
    assert not loaded_by(code) & (SCREENS | DRIVERS)


@pytest.mark.parametrize(
    "module",
    [
        "console.engine.build",
        "console.drill.headless",
        "console.drill.keeper",
        "console.store.room",
        "actions.registry",
    ],
)
def test_what_needs_no_terminal_loads_no_screen(module: str) -> None:
    """The import contracts say so; this sees what is really loaded."""
    assert "textual" not in loaded_by(f"import {module}")


@pytest.mark.parametrize("module", ["console.app", "console.subcommands.console", "console.subcommands.play"])
def test_an_open_console_has_loaded_no_driver(module: str) -> None:
    """A console looks at the journal; nothing in it could touch a target."""
    assert not loaded_by(f"import {module}") & DRIVERS


def test_the_wheel_holds_the_four_folders_and_what_they_read(tmp_path: Path) -> None:
    """Stylesheets, bundled files and the releases of the drill are no code, and are needed all the same."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {
        *("console", "screens", "actions", "themes"),
        f"warroom-{__version__}.dist-info",
    }
    assert {str(path.relative_to(ROOT)) for path in ROOT.glob("themes/*.tcss")} <= set(names)
    assert "console/config/bundled/strategy.yaml" in names
    assert "console/drill/releases/v1.5.0/VERSION" in names


def test_every_key_names_a_subcommand_that_there_is() -> None:
    """Each key has a subcommand that does the same."""
    named = {
        command.subcommand.split()[1] for command in EVERYWHERE if command.subcommand.startswith("warroom ")
    }
    assert named - {"--help"} <= set(SUBCOMMANDS)


@pytest.mark.parametrize("target", sorted(set(SUBCOMMANDS.values())))
def test_every_subcommand_is_where_the_table_says(target: str) -> None:
    """They are imported only when they are called, so nothing else would notice a wrong name."""
    module, _, function = target.partition(":")
    loaded = __import__(f"console.subcommands.{module}", fromlist=[function])
    assert callable(getattr(loaded, function))


def test_the_key_table_in_the_docs_is_the_registry() -> None:
    """Stale docs are a defect: `warroom keys > docs/keys.md`."""
    assert (ROOT / "docs" / "keys.md").read_text().strip() == key_table().strip()


def test_the_constraints_hold_no_address() -> None:
    """Whose package index it is, is the reader's business."""
    assert "://" not in (ROOT / "constraints.txt").read_text()
