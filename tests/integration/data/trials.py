"""A world with a real server for the actions that restore backups, and backups made by plain pg_dump."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from actions.action import Action, Inputs, World
from console.core.backups import DatabaseFacts, Manifest
from console.core.data import Backups, Data
from console.core.events import Body
from console.core.plan import DataChange
from console.core.protocols import Head
from console.core.releases import OnRecord
from console.store.clock import SystemClock
from console.targets.deploy import PipelineDeployer
from console.targets.postgres.dump import DUMP
from console.targets.postgres.rows import Rows
from console.targets.process import Programs
from console.targets.stores import Stores
from console.targets.vault import MANIFEST, Vault, facts_of
from tests.integration.postgres.dumps import Heard as Progressed
from tests.integration.postgres.dumps import pg_dump, server_of, tables_of
from tests.servers import Databases
from tests.unit.engine.kit import environment

INCIDENT = "INC-7QK2"
TOKEN = f"INC-7QK2-{secrets.token_hex(4)}-step-1"
"""The name of an attempt, ours alone: programs that carry it are looked for on the whole machine."""
AFTER = 60_000_000
"""A minute, in microseconds."""


class Heard(Progressed):
    """What an action reports; nobody aborts, and nothing gets worse, unless a test says so."""

    def __init__(self, left_s: float = 60.0) -> None:
        super().__init__(left_s)
        self.lines: list[str] = []
        self.stopping = False
        self.worsened = ""
        self.loading = asyncio.Event()
        """Set as soon as a database is being loaded."""

    def __call__(self, words: str, **counted: Any) -> None:
        super().__call__(words, **counted)
        if words.startswith("loading"):
            self.loading.set()

    def line(self, text: str) -> None:
        self.lines.append(text)

    def remember(self, event: Body) -> None:
        raise AssertionError(f"nothing here is remembered before an effect: {event}")


class Trial:
    """An environment `testnet` whose database is `database` of a real server, with backups in a folder."""

    def __init__(self, postgres: Databases, database: str, folder: Path, **data: Any) -> None:
        self.postgres = postgres
        self.database = database
        self.folder = folder
        self.server = server_of(postgres, database, folder)
        self.vault = Vault(folder / "backups")
        self.clock = SystemClock()
        described = {"dsn": "env:DSN", "tables": {"users": "id"}, "may_be_reset": False, **data}
        self.stores = Stores(
            data=Data.model_validate(described),
            server=self.server,
            backups=Backups(folder="backups", jobs=2),
            vault=self.vault,
        )
        self.world = World(
            name="testnet",
            environment=environment(),
            clock=self.clock,
            programs=Programs({"PATH": os.environ["PATH"]}, tag=folder),
            clone=None,  # type: ignore[arg-type]  # nothing here is about code
            deployer=PipelineDeployer(None, self.clock, 1.0),  # type: ignore[arg-type]  # asks nobody here
            health=None,  # type: ignore[arg-type]
            rows=Rows(lambda: "", {}),
            stores=self.stores,
            head=lambda: Head(0, bytes(32)),
            releases=lambda: OnRecord((), "file", "releases.yaml"),
            worktrees=folder / "worktrees",
            evidence=folder / "evidence",
            base=folder,
        )

    async def back_up(self, backup: str = "b1", *words: str, **changes: Any) -> Manifest:
        """A backup of the database as it is now; `words` are pg_dump's, `changes` are of the manifest."""
        kind: Literal["directory", "custom"] = "directory" if "-Fd" in words else "custom"

        async def dumped(folder: Path) -> None:
            pg_dump(self.postgres, self.database, folder / DUMP[kind], *words)

        return await self.keep(backup, dumped, kind, **changes)

    async def keep(
        self,
        backup: str,
        dumped: Callable[[Path], Awaitable[None]],
        kind: Literal["directory", "custom"] = "custom",
        **changes: Any,
    ) -> Manifest:
        """A backup whose files `dumped` has written."""
        folder = self.vault.begin(backup)
        facts, tables = await self.server.facts(), await tables_of(self.server)
        await dumped(folder)
        manifest = Manifest(
            id=backup,
            environment="testnet",
            incident=None,
            began=facts.now,
            ends=facts.now,
            finished=facts.now,
            database=DatabaseFacts(
                name=facts.database,
                system_identifier=facts.system_identifier,
                version=facts.version,
                bytes=facts.bytes,
                format=kind,
                tables=tables,
            ),
            cache=None,
            files=facts_of(folder),
            journal_seq=1,
            journal_head="00" * 32,
        )
        manifest = replace(manifest, **changes)
        self.vault.finish(manifest)
        return manifest

    def rewrite(self, manifest: Manifest) -> None:
        """Give a backup another manifest, as whoever made it could have written it."""
        folder = self.vault.path(manifest.id)
        (folder / MANIFEST).unlink()
        folder.rename(folder.with_name(f"{manifest.id}.partial"))
        self.vault.finish(manifest)

    def inputs(self, candidate: str = "b1", *, onset: int | None = None, **options: str) -> Inputs:
        """What a plan is made from that goes back to that backup."""
        now = self.clock.now().utc_us
        onset = now + AFTER if onset is None else onset
        change = DataChange(candidate, recovery_point=now, onset=onset, loss_at_most=0)
        return Inputs(INCIDENT, "eng-1", now // 1_000_000, now // 1_000_000, restore=change, options=options)

    def action(self, made: type[Action], inputs: Inputs) -> Action:
        """That action of the plan, as the runner makes it: from the params that its preview froze."""
        return made(made.preview(inputs, self.world).params, self.world, TOKEN)
