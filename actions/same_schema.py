"""Same schema: when the switch begins, the live schema is still the one that was judged and rehearsed."""

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from console.core.format import short
from console.core.schema import digest
from console.targets.postgres.schema import read
from console.targets.scratch_release import ScratchReleases


class SameSchema(Action):
    """Read the live schema once more: a migration may have landed while people said yes."""

    repeatable = True
    serves = "keep"

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Reads the catalog, which takes a moment; changes nothing."""
        schema = inputs.code.schema
        if schema is None:
            raise ActionError("this plan has no verdict on the schema: there is nothing to hold it to")
        database = _trial_of(world).server.database
        return Preview(
            f"see that the schema of {database} is still the one that the plan was made on",
            (f"the catalog of {database}, read only: SHA-256 {short(schema.live)}",),
            {"live": schema.live},
        )

    async def probe(self) -> Finding:
        """A look leaves nothing, so a repeat is always right."""
        return Finding("not done", "a look leaves nothing that could be half done")

    async def perform(self, report: Report) -> None:
        """There is nothing to do but to look, which is the proof."""
        report("reading the schema")

    async def verify(self) -> Proof:
        """By its digest."""
        found = digest(await read(_trial_of(self.world).server))
        if found != self.params["live"]:
            raise ActionError("the schema has changed since the target was judged on it: plan again")
        return Proof("the schema is the one that was judged", {"schema": found})


def _trial_of(world: World) -> ScratchReleases:
    if world.trial is None:
        raise ActionError(f"the strategy names no `schema` of {world.name}")
    return world.trial
