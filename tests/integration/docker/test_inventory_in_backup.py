"""The inventory in a backup: listed and hashed with the rest, and no secret of it without a seal."""

import dataclasses
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest
from docker.models.containers import Container
from psycopg import sql
from psycopg.conninfo import make_conninfo

from actions.action import ActionError, Inputs
from actions.backup import Backup
from actions.backup_parts import MEMORY
from console.core.backups import Manifest
from console.core.redaction import MASK
from console.targets.docker.inventory import Inventory
from console.targets.vault import facts_of
from tests.docker_engine import Engine
from tests.docker_servers import PostgresContainer
from tests.integration.data.trials import Heard
from tests.integration.docker.inside import Inside
from tests.seals import age_seal
from tests.servers import wait_until

LIVE = "inventoried"
OURS = "canary-ours"
CANARIES = ("canary-token", "canary-in-url", "canary-in-compose", "canary-in-comment", OURS)
COMPOSE = """services:
  web:
    image: passportx:v1.5.3
    environment:
      SIGNING_KEY: canary-in-compose
    # SIGNING_KEY: canary-in-comment
"""
TALK = f'echo "starting with $API_TOKEN"; echo "no $DATABASE_URL" >&2; echo {OURS}; exec sleep infinity'


_KILLED = """
import os, signal
from actions.backup_parts import MEMORY
from console.targets.own_folder import own_folder

with own_folder(MEMORY) as plain:
    (plain / "log").write_text("canary-token")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def service(docker_engine: Engine, tmp_path: Path) -> Iterator[Container]:
    """A service of Compose that is given secrets, and prints them."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "compose.yml").write_text(COMPOSE)
    compose = "com.docker.compose.project"
    made = docker_engine.run(
        "service",
        ("sh", "-c", TALK),
        environment={"API_TOKEN": "canary-token", "DATABASE_URL": "postgres://app:canary-in-url@db/app"},
        labels={
            compose: "shop",
            f"{compose}.config_files": "compose.yml",
            f"{compose}.working_dir": str(tmp_path / "site"),
        },
    )
    wait_until(lambda: made.logs().count(b"\n") == 3, "it says nothing")
    yield made
    docker_engine.remove(made)


@pytest.fixture
def trial(
    docker_engine: Engine,
    postgres_15_container: PostgresContainer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Inside]:
    """An environment whose administrator has a password that no container is given."""
    monkeypatch.setenv("DOCKER_HOST", docker_engine.url)
    postgres_15_container.create(LIVE, "CREATE TABLE users AS SELECT generate_series(1, 9) AS id")
    role = f"admin_{secrets.token_hex(4)}"
    with psycopg.connect(postgres_15_container.dsn()) as connection:
        statement = sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(role), sql.Literal(OURS)))
    dsn = make_conninfo(postgres_15_container.dsn(LIVE), user=role, password=OURS)
    yield Inside(postgres_15_container, LIVE, tmp_path, {"DSN": dsn}, {"data": postgres_15_container.name})
    with psycopg.connect(postgres_15_container.dsn()) as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


async def backed_up(trial: Inside) -> tuple[Manifest, Path]:
    """The manifest of a backup that was just made and proven, and its folder."""
    now = trial.clock.now().utc_us
    action = trial.action(Backup, Inputs("INC-7QK2", "eng-1", now // 1_000_000, now // 1_000_000, onset=now))
    await action.perform(Heard())
    await action.verify()
    (backup,) = trial.vault.backups()
    assert backup.manifest is not None
    return backup.manifest, trial.vault.path(backup.id)


def files(folder: Path) -> dict[str, bytes]:
    """All that is in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_it_is_in_the_manifest_and_has_no_secret_in_it(trial: Inside, service: Container) -> None:
    manifest, folder = await backed_up(trial)
    assert manifest.inventory
    assert manifest.files == facts_of(folder)
    found = files(folder)
    log = found[f"inventory/logs/{service.name}.log"].decode()
    compose = found["inventory/compose/1-compose.masked.yml"].decode()
    assert (f"starting with {MASK}" in log, log.count("\n")) == (True, 3)
    assert "image: passportx:v1.5.3" in compose
    told = msgspec.json.decode(found["inventory/containers.json"], type=Inventory)
    (one,) = (container for container in told.containers if container.name == service.name)
    assert told.masked
    assert one.image_id.startswith("sha256:")
    assert {"API_TOKEN", "DATABASE_URL"} <= set(one.variables)
    passwords = (trial.server.params()["password"], *CANARIES)
    for name, content in found.items():
        assert not [secret for secret in passwords if str(secret).encode() in content], name


async def test_what_is_sealed_is_whole_and_nowhere_to_be_read(trial: Inside, service: Container) -> None:
    """Whoever must know how a service was started has it all, with the key; after a kill -9, too."""
    subprocess.run([sys.executable, "-c", _KILLED], check=False)
    assert b"canary-token" in files(MEMORY).values()
    with age_seal(trial.folder) as seal:
        trial.stores = dataclasses.replace(trial.stores, sealing=seal)
        trial.world = dataclasses.replace(trial.world, stores=trial.stores)
        manifest, folder = await backed_up(trial)
        assert manifest.files == facts_of(folder)
        for name, content in files(folder).items():
            assert not [canary for canary in CANARIES if canary.encode() in content], name
        opened = ""
        for name in (f"logs/{service.name}.log", "compose/1-compose.yml"):
            pieces = seal.open(folder / "inventory" / seal.named(name), limit_s=10)
            opened += b"".join([piece async for piece in pieces]).decode()
    assert not [canary for canary in CANARIES if canary not in opened]
    assert files(MEMORY) == {}


async def test_an_inventory_that_was_changed_is_no_backup(trial: Inside, service: Container) -> None:
    manifest, folder = await backed_up(trial)
    log = folder / "inventory" / "logs" / f"{service.name}.log"
    log.write_bytes(log.read_bytes().replace(b"starting", b"stopping"))
    now = manifest.began // 1_000_000
    with pytest.raises(ActionError, match=rf"{log.name} has SHA-256 .*: make another one"):
        await trial.action(Backup, Inputs("INC-7QK2", "eng-1", now, now)).verify()
