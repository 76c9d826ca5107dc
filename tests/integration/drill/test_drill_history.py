"""The drill's git remote tells the story that a commander has to read."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from console.drill.children import environment
from console.drill.history import RELEASES, build_history
from console.drill.place import Place
from console.drill.story import STORIES
from console.targets.process import Programs

DAY = 86_400
NOW = 1_800_000_000
TAGS = ("v1.5.0", "v1.5.1", "v1.5.2", "v1.5.3")
LAYERS = {tag: TAGS[: TAGS.index(tag) + 1] for tag in TAGS} | {"v1.6.0": ("v1.5.0", "v1.6.0")}
REMOVED = {"v1.6.0": {"walletconnect/contacts.py"}}


async def built(tmp_path: Path, environment_name: str) -> Place:
    """The remote of that environment's world."""
    place = Place(tmp_path / "drill")
    place.claim()
    programs = Programs(environment(place), tag=place.root / "keeper")
    await build_history(place, programs, STORIES[environment_name], NOW)
    return place


@pytest.fixture
async def production(tmp_path: Path) -> Place:
    """The history of the world in which a release is bad for data."""
    return await built(tmp_path, "production")


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A history made while the user's own git settings are hostile."""
    settings = tmp_path / "gitconfig"
    settings.write_text("[user]\nname = somebody\n[core]\nhooksPath = /nowhere\n[init]\nbroken")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    return await built(tmp_path, "testnet")


def git(place: Place, *words: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    argv = ["git", "--git-dir", str(place.remote), *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=clean).stdout.strip()


def shipped(tag: str) -> dict[str, str]:
    """Every file of a release as it is shipped: the layers up to its own, one over the other."""
    files = {}
    for layer in LAYERS[tag]:
        for path in (RELEASES / layer).rglob("*"):
            if path.is_file() and not {"__pycache__", ".mypy_cache"} & set(path.parts):
                files[str(path.relative_to(RELEASES / layer))] = path.read_text()
    return {name: content for name, content in files.items() if name not in REMOVED.get(tag, ())}


@pytest.mark.parametrize("tag", TAGS)
async def test_a_tag_holds_exactly_the_files_of_its_release(place: Place, tag: str) -> None:
    names = git(place, "ls-tree", "-r", "--name-only", tag).splitlines()
    assert sorted(names) == sorted(shipped(tag))
    for name, content in shipped(tag).items():
        assert git(place, "show", f"{tag}:{name}") == content.strip()


@pytest.mark.parametrize("tag", LAYERS)
async def test_so_does_a_tag_in_production(production: Place, tag: str) -> None:
    names = git(production, "ls-tree", "-r", "--name-only", tag).splitlines()
    assert sorted(names) == sorted(shipped(tag))
    for name, content in shipped(tag).items():
        assert git(production, "show", f"{tag}:{name}") == content.strip()


async def test_production_runs_main_which_a_release_bad_for_data_has_reached(production: Place) -> None:
    """The rest of the repository is as testnet's, and each commit on main changes what it says."""
    refs = git(production, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
    assert dict(line.split() for line in refs.splitlines()) == {
        "main": git(production, "rev-parse", "v1.6.0^{commit}"),
        "develop": git(production, "rev-parse", "v1.5.3^{commit}"),
    }
    subjects = git(production, "log", "--format=%s", "v1.5.0..main").splitlines()
    assert subjects == [
        "Release v1.6.0",
        "Keep addresses without 0x, as the indexer does",
        "Drop the address book, wallets resolve names themselves",
    ]
    assert "D\twalletconnect/contacts.py" in git(production, "diff", "--name-status", "v1.5.0", "main~2")
    assert "DROP TABLE contacts" in git(production, "show", "main~2:migrations/0004_drop_contacts.sql")
    listed = YAML(typ="safe").load(production.releases)["releases"]
    assert [(one["tag"], one["verdict"]) for one in listed] == [("v1.5.0", "good"), ("v1.6.0", "unproven")]
    assert listed[1]["commit"] == git(production, "rev-parse", "v1.6.0^{commit}")


async def test_staging_runs_a_release_whose_code_is_innocent(tmp_path: Path) -> None:
    """Nothing that runs differs from the good one: what is wrong is not in the repository."""
    staging = await built(tmp_path, "mainnet-staging")
    differ = git(staging, "diff", "--name-only", "v1.11.1", "develop").splitlines()
    assert differ == ["CHANGELOG.md", "README.md", "VERSION"]
    dates = [int(line) for line in git(staging, "log", "--format=%ct", "develop").splitlines()]
    assert dates == sorted(dates, reverse=True)
    assert NOW - dates[0] == 3600


async def test_branches_are_main_at_the_good_release_and_develop_at_the_worst(place: Place) -> None:
    refs = git(place, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").splitlines()
    heads = dict(line.split() for line in refs)
    assert heads == {
        "main": git(place, "rev-parse", "v1.5.0^{commit}"),
        "develop": git(place, "rev-parse", "v1.5.3^{commit}"),
    }
    assert git(place, "symbolic-ref", "HEAD") == "refs/heads/develop"


async def test_a_real_merge_brought_the_gas_cap_in(place: Place) -> None:
    merges = git(place, "rev-list", "--merges", "v1.5.1..v1.5.2").splitlines()
    assert len(merges) == 1
    assert git(place, "diff", "--name-only", f"{merges[0]}^1", merges[0]).splitlines() == [
        "CHANGELOG.md",
        "config/gas.toml",
    ]
    assert git(place, "rev-list", "--count", f"{merges[0]}^2..{merges[0]}^1") != "0"


async def test_ten_commits_can_be_listed_before_the_good_release(place: Place) -> None:
    assert int(git(place, "rev-list", "--count", "v1.5.0")) > 10


async def test_authors_are_handles_and_dates_count_back_from_the_build(place: Place) -> None:
    authors = set(git(place, "log", "--all", "--format=%an <%ae>").splitlines())
    assert authors == {f"eng-{n} <eng-{n}@drill.invalid>" for n in (1, 2, 3, 4)}
    ages = {tag: NOW - int(git(place, "log", "-1", "--format=%ct", tag)) for tag in TAGS}
    assert ages == {"v1.5.0": 6 * DAY, "v1.5.1": 2 * DAY, "v1.5.2": DAY, "v1.5.3": 3600}


async def test_the_list_of_releases_names_full_commits_and_verdicts(place: Place) -> None:
    listed = YAML(typ="safe").load(place.releases)["releases"]
    assert [(entry["tag"], entry["verdict"]) for entry in listed] == [
        ("v1.5.0", "good"),
        ("v1.5.1", "unproven"),
        ("v1.5.2", "bad"),
        ("v1.5.3", "unproven"),
    ]
    for entry in listed:
        assert entry["commit"] == git(place, "rev-parse", f"{entry['tag']}^{{commit}}")
        assert entry["said_by"]
    deployed = listed[0]["deployed"]
    expected = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(NOW - 6 * DAY))
    assert (deployed if isinstance(deployed, str) else deployed.isoformat()).startswith(expected)
