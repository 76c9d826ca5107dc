"""A remote whose releases build schemas, a real server with a service's role, and a world around both."""

import os
import sys
from dataclasses import replace as with_changes
from pathlib import Path
from typing import Any

import psycopg
from msgspec.structs import replace
from psycopg import sql

from actions.action import Action, Inputs
from actions.registry import ACTIONS
from console.config.secrets import Secrets
from console.core.plan import CodeChange, DataChange, Release
from console.core.releases import Known
from console.core.schema_rules import SchemaRules
from console.core.schema_verdict import SchemaVerdict
from console.engine.schema_judge import judge
from console.targets.postgres.rows import Rows
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.scratch_release import ScratchReleases
from console.targets.shell import HostShell
from tests.integration.actions.kit import BRANCH, TOKEN, Operator, Place
from tests.integration.actions.test_planner import line
from tests.integration.postgres.dumps import databases
from tests.servers import LOOPBACK, PostgresServer

DATABASE, ROLE, PASSWORD = "judged", "service", "s3cret-of-the-service"
USERS = (
    "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, address text NOT NULL UNIQUE);"
)
CONTACTS = "CREATE TABLE contacts (id int PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);"
RELEASES = {"v2.0": USERS, "v2.1": USERS + CONTACTS, "v2.2": USERS}
"""What each builds, oldest first; the last one is what runs."""
RUNBOOK = [
    line("fetch", "prepare"),
    line("restore-tree", "prepare", "fetch"),
    line("rehearse", "prepare", "restore-tree"),
    line("same-schema", "switch"),
    line("push-branch", "switch", "same-schema", "restore-tree"),
    line("integrate", "switch", "push-branch"),
    line("deploy", "switch", "integrate"),
]
_CONNECTED = """
import os, pathlib, psycopg, sys
wanted = pathlib.Path("schema.sql").read_text()
try:
    db = psycopg.connect(os.environ["WARROOM_SCRATCH_DSN"], autocommit=True)
    {does}
except psycopg.Error as error:
    sys.exit(str(error).splitlines()[0])
"""
BUILD = _CONNECTED.format(does="db.execute(wanted); print('building')")
WRITES = _CONNECTED.format(
    does="""
    assert os.environ["WARROOM_MIGRATIONS"] == "off"
    db.execute("INSERT INTO users (address) VALUES ('0xnew')")
    if "contacts" in wanted:
        db.execute("SELECT * FROM contacts")
    print("passed: reads and writes")
"""
)


def python(code: str) -> list[str]:
    """The command line that runs it."""
    return [sys.executable, "-c", code]


def rules(**changes: Any) -> SchemaRules:
    """What the strategy says: a release builds what its file says, and writes."""
    said = {
        "build": {"argv": python(BUILD), "limit": "20s"},
        "rehearse": {"argv": python(WRITES), "limit": "20s"},
    }
    return SchemaRules.model_validate({**said, **changes})


class House:
    """One world: its live database holds what v2.2 builds, and fifty users."""

    def __init__(self, folder: Path, operator: Operator, postgres: PostgresServer, **changes: Any) -> None:
        self.postgres = postgres
        self.operator = operator
        for tag, schema in RELEASES.items():
            operator.push(f"Release {tag}", {"schema.sql": schema, "VERSION": tag})
            operator.git("tag", tag)
        operator.git("push", "--quiet", "--tags", "origin")
        self._make_live()
        place = Place(
            folder,
            operator,
            Rows(lambda: "", {"users": "id"}),
            runbook=RUNBOOK,
            releases={"file": str(folder / "releases.yaml")},
        )
        self.file = folder / "releases.yaml"
        secrets = Secrets({"SERVICE": self.dsn, "ADMIN": postgres.dsn(DATABASE)})
        programs = Programs({"PATH": os.environ["PATH"]}, tag=folder)
        self.trial = ScratchReleases(
            rules=rules(**changes),
            server=Server(lambda: secrets.resolve("env:ADMIN"), HostShell(programs)),
            service=Server(lambda: secrets.resolve("env:SERVICE"), HostShell(programs)),
            programs=programs,
            redact=secrets.redact,
        )
        self.world = with_changes(place.world, trial=self.trial)
        self.shown: list[str] = []

    @property
    def dsn(self) -> str:
        """How the service connects."""
        return f"postgresql://{ROLE}:{PASSWORD}@{LOOPBACK}:{self.postgres.port}/{DATABASE}"

    def _make_live(self) -> None:
        role = f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'"
        once = f"DO $$ BEGIN {role}; EXCEPTION WHEN duplicate_object THEN END $$"
        self.postgres.create(DATABASE, once)
        with psycopg.connect(self.postgres.dsn(), autocommit=True) as connection:
            owned = sql.SQL("ALTER DATABASE {} OWNER TO {}")
            connection.execute(owned.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))
        rows = "INSERT INTO users (address) SELECT '0x' || n FROM generate_series(1, 50) AS n"
        self.live(f"SET ROLE {ROLE}; {USERS}{rows}")

    def live(self, statement: str) -> None:
        """Somebody changes the live database."""
        with psycopg.connect(self.postgres.dsn(DATABASE), autocommit=True) as connection:
            connection.execute(statement.encode())

    def users(self) -> int:
        """How many users the live database has."""
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("SELECT count(*) FROM users").fetchone()
        assert row is not None
        return int(row[0])

    async def fetched(self) -> "House":
        """Everything is in our own clone."""
        await self.world.clone.fetch(lambda _line: None, limit_s=30)
        return self

    def release(self, tag: str) -> Release:
        """As git knows it."""
        return replace(self.world.clone.release(tag), tag=tag)

    async def verdict(self, tag: str = "v2.0", *others: str, rehearsed: bool = True) -> SchemaVerdict:
        """What is said of going back to that release."""
        known = [
            Known(
                tag=other, commit=self.release(other).commit, verdict="good", said_by="eng-1", deployed="then"
            )
            for other in others
        ]
        return await judge(self.world, self.release(tag), known, self.shown.append, rehearsed=rehearsed)

    def record(self, **verdicts: str) -> None:
        """Write the releases file; `v2_0="good"`."""
        rows = ["releases:"]
        for name, verdict in verdicts.items():
            tag = name.replace("_", ".")
            commit = self.operator.git("rev-parse", f"{tag}^{{commit}}")
            rows.append(f"  - {{tag: {tag}, commit: '{commit}', verdict: {verdict}, said_by: eng-1,")
            rows.append("     deployed: '2026-02-25T14:00:00Z'}")
        self.file.write_text("\n".join(rows))

    async def inputs(self, tag: str, verdict: SchemaVerdict | None, *, data: bool = False) -> Inputs:
        """What a plan is made from that goes back there; the release's worktree is made."""
        goal, running = self.release(tag), self.release("v2.2")
        await self.world.clone.remove_worktree(self.world.worktree(BRANCH))
        await self.world.clone.add_worktree(self.world.worktree(BRANCH), BRANCH, goal.commit)
        change = CodeChange(running, goal, "good", 1, "restore tree", BRANCH, goal.commit, schema=verdict)
        restore = DataChange("b1", 1, 2, 0) if data else None
        return Inputs("INC-7QK2", "eng-1", 1, 1, change=change, restore=restore)

    def action(self, name: str, inputs: Inputs) -> Action:
        """That action of the plan, as the runner makes it."""
        return ACTIONS[name](ACTIONS[name].preview(inputs, self.world).params, self.world, TOKEN)

    def left(self) -> list[str]:
        """What is left of scratch places: databases beside the live one, and worktrees of ours."""
        trees = self.world.worktrees.glob("schema-*") if self.world.worktrees.exists() else ()
        return [*databases(self.postgres, f"{DATABASE}\\_%"), *(path.name for path in trees)]
