"""Mistakes in `webhook`, `on_call` and `impact`, each with its place; and the bundled examples."""

import re
from pathlib import Path

import pytest

from actions.registry import ACTIONS
from console.config.check import check_files, summary
from console.config.loader import load_strategy
from console.config.paths import BUNDLED
from console.store.clock import SystemClock

SMALL = (Path(__file__).parent / "strategies" / "small.yaml").read_text()
IMPACT = "    impact: {metric: error_rate, words: use it, failures: failed requests}\n"
LINE = SMALL[: SMALL.index(IMPACT)].count("\n") + 2


def said(folder: Path, text: str, impact: str = IMPACT) -> list[str]:
    """What is said of the small strategy with some lines more."""
    path = folder / "s.yaml"
    path.write_text(SMALL.replace(IMPACT, impact + text))
    return [
        str(mistake).removeprefix(f"{folder}/")
        for mistake in check_files(path, None, ["fetch", "deploy", "run-command"])
    ]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (
            '    webhook: {listen: "9911", secret: "env:S"}\n',
            "23",
            "expected an address with a port, such as `127.0.0.1:9911` or `[::1]:9911`, found `9911`",
        ),
        (
            '    webhook: {listen: "127.0.0.1:99110", secret: "env:S"}\n',
            "23",
            "a port is a number from 1 to 65535",
        ),
        (
            '    webhook: {listen: "127.0.0.1:0", secret: "env:S"}\n',
            "23",
            "a port is a number from 1 to 65535",
        ),
        (
            '    webhook: {listen: "127.0.0.1:1", secret: hunter2}\n',
            "46",
            "expected a reference to the secret (`env:NAME` or `file:PATH`), never the secret itself",
        ),
        (
            '    webhook: {listen: "127.0.0.1:1", secret: "env:S", alerts: {Down: eror_rate}}\n',
            "70",
            "unknown metric or trigger `eror_rate`: did you mean `error_rate`?",
        ),
        (
            '    webhook: {listen: "127.0.0.1:1", secret: "env:S", proof: basic}\n',
            "62",
            "unknown proof `basic`: expected one of `bearer`, `hmac`",
        ),
        ("    on_call: {kind: calendar}\n", "5", "`file` or `url` is missing: expected one of the two"),
        (
            '    on_call: {kind: calendar, file: a.ics, url: "https://x"}\n',
            "31",
            "`file` and `url` exclude each other: leave one out",
        ),
        (
            '    on_call: {kind: calendar, file: a.ics, token: "env:T"}\n',
            "44",
            "it is sent with the question to `url`, and there is none",
        ),
        (
            "    on_call: {kind: calendar, file: a.ics, zone: Europe/Atlantis}\n",
            "50",
            "there is no time zone `Europe/Atlantis`: write one such as `Europe/Berlin`",
        ),
        ("    on_call: {kind: oracle}\n", "21", "unknown kind `oracle`"),
        ("    on_call: {kind: http, url: 'https://x'}\n", "5", "`field` is missing: expected text"),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, text: str, place: str, words: str) -> None:
    (mistake,) = said(tmp_path, text)
    assert mistake.startswith(f"s.yaml:{LINE}:{place}: ")
    assert words in mistake


@pytest.mark.parametrize(
    ("users", "words"),
    [
        ("sufering", "unknown metric `sufering`"),
        (
            "response_time_p99",
            "`response_time_p99` is no number (`count`) and no share (`%`)",
        ),
    ],
)
def test_users_who_suffer_are_a_number_or_a_share(tmp_path: Path, users: str, words: str) -> None:
    (mistake,) = said(tmp_path, "", IMPACT.replace("}", f", users: {users}}}"))
    assert words in mistake
    assert said(tmp_path, "", IMPACT.replace("}", ", users: health_check_failures}")) == []


def test_the_impact_may_be_told_from_a_metric_that_nobody_measures_yet(tmp_path: Path) -> None:
    blind = "      signing: {title: signing, unit: '%', rungs: {}}\n    triggers:\n"
    path = tmp_path / "s.yaml"
    text = SMALL.replace("    triggers:\n", blind).replace(
        "impact: {metric: error_rate", "impact: {metric: signing"
    )
    path.write_text(text)
    assert check_files(path, None, ["fetch", "deploy", "run-command"]) == []


OTHERS = ", which others than this machine can reach"
CLEAR = ", and where the secret can be read on the way"


@pytest.mark.parametrize(
    ("listen", "proof", "reach"),
    [
        ("127.0.0.1:9911", "bearer", ""),
        ("[::1]:9911", "bearer", ""),
        ("localhost:9911", "bearer", ""),
        ("0.0.0.0:9911", "bearer", f"{OTHERS}{CLEAR}"),
        ("127.evil.example:9911", "hmac", OTHERS),
    ],
)
def test_check_says_who_can_reach_the_webhook(tmp_path: Path, listen: str, proof: str, reach: str) -> None:
    told = (
        f'    webhook: {{listen: "{listen}", secret: "env:S", proof: {proof}, alerts: {{A: error_rate}}}}\n'
    )
    assert said(tmp_path, told) == []
    words = f"testnet: alerts are heard at {listen}{reach}; 1 alert mapped"
    assert words in summary(load_strategy(tmp_path / "s.yaml"), SystemClock().now())


def test_the_examples_in_the_bundled_file_are_right(tmp_path: Path) -> None:
    """Each environment shows its own kind of source, and ports do not meet."""
    text = (BUNDLED / "strategy.yaml").read_text()
    block = r"^    # (?:webhook|on_call):.*\n(?:    #   .*\n)*"
    begun = re.sub(block, lambda found: re.sub(r"(?m)^    # ", "    ", found[0]), text, flags=re.MULTILINE)
    path = tmp_path / "strategy.yaml"
    path.write_text(begun)
    (tmp_path / "roster.yaml").write_bytes((BUNDLED / "roster.yaml").read_bytes())
    (tmp_path / "revoked_keys").write_bytes((BUNDLED / "revoked_keys").read_bytes())
    environments = load_strategy(path, ACTIONS).strategy.environments.values()
    webhooks = [environment.webhook for environment in environments]
    assert len({webhook.port for webhook in webhooks if webhook}) == len(environments)
    assert [environment.on_call.kind for environment in environments if environment.on_call] == [
        "command",
        "calendar",
        "http",
    ]
