"""The drill's environment file before anything is broken: what each backup of it is good for."""

import time
from pathlib import Path
from typing import Literal

import pytest

from console.core.env_backups import Rules, choose
from console.core.env_file import parse
from console.core.env_rules import EnvironmentFile
from console.core.plan import Release
from console.drill.env_file import SECRET, VARIABLE, EnvHistory, env_rules
from console.drill.place import Place
from console.drill.story import SCENARIOS
from console.targets.env_file import EnvFiles

STORY = SCENARIOS["env-file"]


def release(tag: str) -> Release:
    return Release(tag, "0" * 40, "1" * 40)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """The folder of a drill, with what the keeper makes first of all."""
    place = Place(tmp_path)
    place.secrets.mkdir()
    return place


def begun(place: Place, older: Literal["refused", "merged"] = "refused") -> tuple[EnvHistory, EnvFiles]:
    """Such a history, and the file as the strategy of the drill names it."""
    now_us = time.time_ns() // 1000
    assert STORY.env is not None
    history = EnvHistory(place, STORY, STORY.env, now_us)
    told = history.begin()
    rule = EnvironmentFile.model_validate({**env_rules(place, STORY, STORY.env, now_us), "older": older})
    files = EnvFiles(rule, place.root, lambda _key, _value: None)
    assert told == {VARIABLE: str(files.path)}
    return history, files


def rules_for(files: EnvFiles, target: str) -> Rules:
    return Rules(
        target=release(target),
        running=release("v1.11.2"),
        onset=time.time_ns() // 1000,
        rotated=files.rules.rotations,
        older=files.rules.older,
    )


def test_the_release_that_starts_runs_with_its_own_file(place: Place) -> None:
    _, files = begun(place)
    chosen, _ = choose(files.backups(), rules_for(files, "v1.11.1"))
    assert chosen is not None
    assert Path(chosen.backup.path).read_bytes() == files.current().raw


def test_one_from_before_the_rotation_is_refused_and_the_next_one_used(place: Place) -> None:
    """Also for the release that it belongs to."""
    _, files = begun(place)
    chosen, judged = choose(files.backups(), rules_for(files, "v1.11.0"))
    assert chosen is not None
    assert chosen.backup.name.endswith("-v1.11.1")
    refused = [one.why for one in judged if not one.fits]
    assert refused == [f"older than the rotation of {SECRET}: it would bring what was rotated back"]


def test_where_the_strategy_says_so_it_is_merged_and_todays_secret_stays(place: Place) -> None:
    _, files = begun(place, older="merged")
    chosen, _ = choose(files.backups(), rules_for(files, "v1.11.0"))
    assert chosen is not None
    assert (chosen.backup.name[-8:], chosen.keeps) == ("-v1.11.0", (SECRET,))
    values = parse(Path(chosen.backup.path).read_text()).values
    assert values[SECRET] != parse(files.path.read_text()).values[SECRET], "it was rotated since"


def test_the_bad_release_brings_a_wrong_setting_and_the_same_secret(place: Place) -> None:
    history, files = begun(place)
    before = parse(files.path.read_text()).values
    history.change("v1.11.2")
    after = parse(files.path.read_text()).values
    assert (before["GAS_MARGIN"], after["GAS_MARGIN"]) == ("1.2", "0.7")
    assert after[SECRET] == before[SECRET]
    assert files.current().mode == 0o600
