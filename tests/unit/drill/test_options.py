"""What can be rehearsed: the options of `warroom drill` that go together, and those that do not."""

from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from console.core.errors import StatedError
from console.core.exits import Exit
from console.drill.story import SCENARIOS, STORIES
from console.drill.world import WorldWanted
from console.subcommands.drill import drill, wanted


@pytest.mark.parametrize(
    ("env", "scenario", "size", "world"),
    [
        (None, None, None, None),
        ("testnet", None, None, WorldWanted("testnet")),
        (None, "bad-config", None, WorldWanted("testnet")),
        (None, "flag", None, WorldWanted("testnet", scenario="flag")),
        ("testnet", "upstream", None, WorldWanted("testnet", scenario="upstream")),
        (None, "tls", None, WorldWanted("testnet", scenario="tls")),
        (None, "skew", None, WorldWanted("testnet", scenario="skew")),
        (None, "racing-deploy", None, WorldWanted("production", scenario="racing-deploy")),
        ("mainnet-staging", None, None, WorldWanted("mainnet-staging")),
        (None, "env-file", None, WorldWanted("mainnet-staging")),
        ("production", None, None, WorldWanted("production")),
        (None, "data-corruption", None, WorldWanted("production")),
        ("production", "data-corruption", "1GB", WorldWanted("production", 1_000_000_000)),
        (None, "data-corruption", "200MB", WorldWanted("production", 200_000_000)),
    ],
)
def test_a_scenario_has_its_environment(
    env: str | None, scenario: str | None, size: str | None, world: WorldWanted | None
) -> None:
    assert wanted(env, scenario, size) == world


@pytest.mark.parametrize(
    ("env", "scenario", "size", "reason"),
    [
        (
            "testnet",
            "data-corruption",
            None,
            (
                "data-corruption is not rehearsed in testnet; there are bad-config, flag, upstream, tls, "
                "schema-contract, skew, sick-target"
            ),
        ),
        (
            "production",
            "bad-config",
            None,
            "bad-config is not rehearsed in production; there are data-corruption, racing-deploy",
        ),
        (
            "mainnet-staging",
            "bad-config",
            None,
            "bad-config is not rehearsed in mainnet-staging; there are env-file",
        ),
        ("testnet", None, "1GB", "--size is for scenarios about data, and bad-config is not"),
        (None, None, "1GB", "--size is for scenarios about data, and bad-config is not"),
        ("production", None, "huge", "--size is a size such as 200MB or 1GB, not 'huge'"),
        ("production", None, "-1GB", "--size is a size such as 200MB or 1GB, not '-1GB'"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(
    env: str | None, scenario: str | None, size: str | None, reason: str
) -> None:
    with pytest.raises(StatedError) as refused:
        wanted(env, scenario, size)
    assert str(refused.value) == reason
    assert refused.value.exit == Exit.USAGE


def test_automatic_rollback_is_rehearsed_in_testnet() -> None:
    assert wanted(None, None, None, automatic=True) == WorldWanted("testnet", automatic=True)
    with pytest.raises(StatedError) as refused:
        wanted("production", None, None, automatic=True)
    assert str(refused.value) == "--automatic is rehearsed in testnet, with bad-config"


def test_every_scenario_can_be_named_and_is_written_about() -> None:
    """By the command's own choice, and in the documents, so that nobody has to read the code to find one."""
    named = get_args(get_args(get_type_hints(drill)["scenario"])[0])
    assert set(named) == set(SCENARIOS)
    root = Path(__file__).parents[3]
    documents = "".join(path.read_text() for path in (root / "README.md", *(root / "docs").glob("*.md")))
    unusual = SCENARIOS.keys() - {story.scenario for story in STORIES.values()}
    assert [name for name in sorted(unusual) if f"--scenario {name}" not in documents] == []
