"""`warroom card`: one page, and what it says to type does what it says, in a shell, on real servers."""

import os
import subprocess
from pathlib import Path

import msgspec
import psycopg
import pytest

from console.cli import main
from console.config.loader import load_strategy
from console.core.card import HEIGHT, WIDTH, Section, Subject, card, lines
from tests.integration.postgres.dumps import SEEDED, pg_dump
from tests.servers import PostgresServer

LIVE = "card_live"
BUNDLED = Path("console/config/bundled/strategy.yaml")
BY = {"GIT_AUTHOR_NAME": "eng-1", "GIT_AUTHOR_EMAIL": "eng-1@x.invalid"}
BY |= {"GIT_COMMITTER_NAME": "eng-1", "GIT_COMMITTER_EMAIL": "eng-1@x.invalid"}


def git(folder: Path, *words: str) -> str:
    """What git prints in that folder."""
    done = subprocess.run(
        ["git", "-C", folder, *words], check=True, capture_output=True, text=True, env=os.environ | BY
    )
    return done.stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository whose main has a good release, tagged, and a bad one after it."""
    work, bare = tmp_path / "work", tmp_path / "the remote.git"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    for release, files in (("v1", {"a": "1", "b": "1"}), ("v2", {"a": "2", "c": "new"})):
        git(work, "rm", "-rq", "--ignore-unmatch", ".")
        for name, text in files.items():
            (work / name).write_text(text)
        git(work, "add", "--all")
        git(work, "commit", "-qm", release)
        git(work, "tag", release)
    git(work, "clone", "-q", "--bare", str(work), str(bare))
    return bare


def subject(remote: Path) -> Subject:
    """The bundled production."""
    loaded = load_strategy(BUNDLED)
    return Subject("production", loaded.strategy, loaded.sha256, None, str(remote))


def typed(
    folder: Path, sections: tuple[Section, ...], **environment: str
) -> "subprocess.CompletedProcess[str]":
    """What a shell makes of the lines of these sections, typed one after the other until one fails."""
    script = "\n".join(line for section in sections for line in section.shell)
    return subprocess.run(
        ["sh", "-eu", "-c", script],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | BY | environment,
    )


def of(subject: Subject, *titles: str) -> tuple[Section, ...]:
    """These sections of its card."""
    return tuple(section for section in card(subject) if section.title in titles)


def test_code_goes_back_to_the_tree_of_the_good_release_on_top_of_todays_history(
    remote: Path, tmp_path: Path
) -> None:
    before = git(remote, "rev-parse", "main")
    done = typed(tmp_path, of(subject(remote), "CODE"), GOOD="v1")
    assert done.returncode == 0, done.stderr
    assert git(remote, "rev-parse", "main^{tree}") == git(remote, "rev-parse", "v1^{tree}")
    assert git(remote, "rev-parse", "main^") == before
    branches = git(remote, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    assert len([name for name in branches if name.startswith("production-rollback-")]) == 1


def test_code_moves_nothing_where_somebody_has_pushed_meanwhile(remote: Path, tmp_path: Path) -> None:
    section = of(subject(remote), "CODE")[0]
    push = next(at for at, line in enumerate(section.shell) if " push " in line)
    assert typed(tmp_path, (Section("", "", section.shell[:push]),), GOOD="v1").returncode == 0
    raced = git(remote, "commit-tree", "v2^{tree}", "-p", "main", "-m", "raced")
    git(remote, "update-ref", "refs/heads/main", raced)
    again = ["OLD=$(git -C way-back rev-parse main)", 'NEW="$OLD"', *section.shell[push:]]
    done = typed(tmp_path, (Section("", "", tuple(again)),))
    assert done.returncode != 0
    assert "stale info" in done.stderr
    assert git(remote, "rev-parse", "main") == raced
    assert "rollback" not in git(remote, "for-each-ref")


def test_data_goes_back_beside_the_live_database_and_by_two_renames(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    dsn = postgres.create(LIVE, *SEEDED)
    candidate = pg_dump(postgres, LIVE, tmp_path / "candidate.dump")
    with psycopg.connect(dsn) as connection:
        connection.execute("TRUNCATE users, transactions")
    path = f"{postgres.programs}:{os.environ['PATH']}"
    sections = of(subject(tmp_path), "SAVE", "DATA")
    with psycopg.connect(dsn):  # somebody is still there: the session is ended
        done = typed(tmp_path, sections, DSN=dsn, CANDIDATE=str(candidate), PATH=path)
    assert done.returncode == 0, done.stderr
    assert rows(postgres, LIVE) == 2000
    assert rows(postgres, "live_before") == 0
    postgres.drop("live_before")


def rows(postgres: PostgresServer, database: str) -> int:
    """How many users a database has."""
    with psycopg.connect(postgres.dsn(database)) as connection:
        found = connection.execute("SELECT count(*) FROM users").fetchone()
    assert found is not None
    return int(found[0])


def test_a_dump_that_was_cut_off_is_noticed_before_anything_else_is_typed(tmp_path: Path) -> None:
    reading = next(line for line in of(subject(tmp_path), "SAVE")[0].shell if line.startswith("pg_restore"))
    (tmp_path / "before.dump").write_bytes(b"PGDMP\x01\x0f\x00\x04\x08\x01")
    assert typed(tmp_path, (Section("", "", (reading,)),)).returncode != 0


@pytest.mark.parametrize("name", ["testnet", "mainnet-staging", "production"])
def test_the_card_of_every_bundled_environment_is_one_page(name: str, tmp_path: Path) -> None:
    loaded = load_strategy(BUNDLED)
    page = lines(
        Subject(name, loaded.strategy, loaded.sha256, None, "git@git.example.org:wallet/connect.git")
    )
    assert len(page) <= HEIGHT
    assert max(map(len, page)) <= WIDTH


def test_as_json_it_is_one_document(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["warroom", "card", "--json", "--env", "testnet", "--strategy", str(BUNDLED)]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    sections = msgspec.json.decode(capsys.readouterr().out, type=list[Section])
    assert [section.title for section in sections][:4] == ["ASK", "WHEN", "NEVER", "SAVE"]
