"""Rehearse: the target release on a scratch copy of today's schema, before anybody stakes users on it."""

import hashlib
import shlex
from pathlib import Path
from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from actions.trial import giving_way
from console.core import beside
from console.core.format import count
from console.core.schema import digest
from console.core.schema_rules import SchemaCommand
from console.core.schema_verdict import TARGET_REHEARSED
from console.core.scratch_variables import DSN, MIGRATIONS
from console.targets.postgres.sample import ROWS, Sampled, sample
from console.targets.postgres.schema import read
from console.targets.process import Finished
from console.targets.scratch_release import ScratchReleases


class Rehearse(Action):
    """Start the target on a copy of the schema that it will find, with sample rows, and have it prove itself.

    What it finds is today's schema; where the data goes back, that of the candidate.
    """

    repeatable = True
    serves = "code"
    fills: ClassVar = {TARGET_REHEARSED: "the target is rehearsed on today's schema"}

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Makes a database beside the live one, of which it reads the schema and a few rows."""
        trial, command = _trial_of(world)
        live, target = trial.server.database, inputs.code.target
        source = beside.beside(live, inputs.incident) if inputs.restore else live
        name = beside.rehearsal(live, inputs.incident)
        schema = inputs.code.schema
        path = str(world.worktree(inputs.code.branch))
        return Preview(
            f"start {target.tag} on a copy of the schema of {source}; a write test decides",
            (
                f"CREATE DATABASE {name}, with locale and owner of {live}",
                f"pg_dump --schema-only {source} | pg_restore into {name}",
                f"the newest {ROWS} rows of each table, with all that they refer to, into {name}",
                f"in {path}, with {MIGRATIONS}=off and {DSN}: {shlex.join(command.argv)}",
                f"DROP DATABASE {name}",
            ),
            {
                "target": target.tag,
                "tree": target.tree,
                "path": path,
                "source": source,
                "scratch": name,
                "live": schema.live if schema else "",
            },
        )

    _sampled: Sampled | None = None
    _schema: str = ""
    """Digest of the schema that it was rehearsed on."""

    async def probe(self) -> Finding:
        """Nothing of it lasts but the proof; what a killed engine left of it is dropped."""
        trial, _ = _trial_of(self.world)
        left = await trial.sweep(self.world.name)
        words = f"{', '.join(left)} was left of it, and is dropped" if left else "nothing is left of it"
        return Finding("not done", f"there is no proof; {words}")

    async def perform(self, report: Report) -> None:
        """Copy, look whether the copy is one, run the release on it, and look what it did to the schema."""
        await giving_way(self._rehearsed(report), report, to_load=False)

    async def _rehearsed(self, report: Report) -> None:
        trial, command = _trial_of(self.world)
        name, source = self.params["scratch"], self.params["source"]
        found = digest(await read(trial.server, source))
        if self.params["live"] not in ("", found):
            raise ActionError("the schema is not the one that the plan was made on any more: plan again")
        async with trial.database(name, self.world.name, f"rehearsal {self.token}"):
            self._sampled = await sample(trial.server, source, name, report)
            report.line(f"{name}: {self._copied}")
            if digest(await read(trial.server, name)) != found:
                raise ActionError(f"{name} is not the schema of {source}: somebody changes it now; retry")
            await self._run(trial, command, name, report)
            if digest(await read(trial.server, name)) != found:
                raise ActionError(
                    f"{self.params['target']} changed the schema when it was started: "
                    f"let it migrate nothing where {MIGRATIONS} is off"
                )
        self._schema = found

    async def _run(
        self, trial: ScratchReleases, command: SchemaCommand, name: str, report: Report
    ) -> Finished:
        def on_line(text: str) -> None:
            report.line(text)
            report(text)

        report(shlex.join(command.argv))
        path = Path(self.params["path"])
        return await trial.run(command, path, name, migrations="off", on_line=on_line)

    @property
    def _copied(self) -> str:
        sampled = self._sampled or Sampled(0, 0)
        return f"{count(sampled.tables, 'table')} with {count(sampled.rows, 'row')}"

    async def verify(self) -> Proof:
        """Only a rehearsal that has just ended well is a proof: it leaves nothing to look at."""
        if not self._schema:
            raise ActionError(f"{self.params['target']} was not rehearsed to its end: retry")
        words = f"{self.params['target']} works on a copy of {self.params['source']}: {self._copied}"
        inputs = hashlib.sha256(f"{self._schema} {self.params['tree']}".encode()).hexdigest()
        facts = {"schema": self._schema, "tree": self.params["tree"]}
        return Proof(words, facts, (Slot(TARGET_REHEARSED, words, inputs),))


def _trial_of(world: World) -> tuple[ScratchReleases, SchemaCommand]:
    """How a release is rehearsed; ActionError where the strategy does not say."""
    trial = world.trial
    if trial is None or trial.rules.rehearse is None:
        raise ActionError(f"the strategy names no `schema` with `rehearse` of {world.name}")
    return trial, trial.rules.rehearse
