"""Mistakes in where releases are on record, and in the environment file: told with line and column."""

from pathlib import Path

import pytest

from tests.unit.test_asking_mistakes import at, said

RELEASES = "    releases:\n      file: releases-production.yaml"
DATA = "    data:\n      dsn: env:WARROOM_PRODUCTION_DSN"
ENV = (
    "    environment_file:\n      path: .env\n      backups: backups/env-*/env.backup\n"
    '      rotated: [{key: JWT_SECRET, at: "2026-11-23T14:05:30Z"}]\n'
)


@pytest.mark.parametrize(
    "releases",
    [
        "    releases: {}",
        '    releases: {matching: "^wallet-v"}',
        "    releases: {file: other.yaml, matching: WalletConnect}",
    ],
)
def test_a_file_and_a_pattern_may_be_named_or_not(tmp_path: Path, releases: str) -> None:
    assert said(tmp_path, (RELEASES, releases)) == []


@pytest.mark.parametrize("pattern", ['"v1.("', '""', "[v1]"])
def test_a_pattern_that_is_none_is_refused_where_it_stands(tmp_path: Path, pattern: str) -> None:
    (mistake,) = said(tmp_path, (RELEASES, f"    releases:\n      matching: {pattern}"))
    assert mistake.startswith(f"strategy.yaml:{at(RELEASES, 'file').split(':')[0]}:")
    assert "expected a regular expression such as `^wallet-v`" in mistake


def test_an_environment_file_with_a_rotation_is_right(tmp_path: Path) -> None:
    assert said(tmp_path, (DATA, ENV + DATA)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("backups/env-*/env.backup", "backups/env.backup"), "a path whose folder has one `*` in it"),
        (("backups/env-*/env.backup", "backups/*/*"), "a path whose folder has one `*` in it"),
        (("2026-11-23T14:05:30Z", "-30s"), "expected a moment such as `2026-11-23T14:05:30Z`"),
        (("2026-11-23T14:05:30Z", "soon"), "expected a moment such as"),
        (("JWT_SECRET", '"2 KEYS"'), "the name of a variable such as `JWT_SECRET`"),
        (("path: .env", 'path: ""'), "expected text"),
        (("rotated:", "rotate:"), "did you mean `rotated`?"),
    ],
)
def test_values_that_cannot_be(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    (mistake, *_) = said(tmp_path, (DATA, ENV.replace(*change) + DATA))
    assert mistake.startswith("strategy.yaml:")
    assert words in mistake
