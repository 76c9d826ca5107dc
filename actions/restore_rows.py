"""Restore rows: single rows, by key, out of a copy into the live database; all else stays as it is."""

import csv
from pathlib import Path

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from actions.evidence import path_of
from actions.trial import stores_of
from console.core.beside import beside
from console.core.format import count
from console.targets.postgres.server import Server
from console.targets.postgres.single_rows import LOCKED_S, Versions, put_back, versions


class RestoreRows(Action):
    """Put rows back to what they are in the candidate, or in another copy that stands beside it."""

    repeatable = True
    serves = "asked"

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Options: `table`, `keys` (with commas between, as CSV), `from` (the candidate if none is named)."""
        live = stores_of(world).server.database
        table, keys = inputs.options.get("table", ""), inputs.options.get("keys", "")
        copy = inputs.options.get("from") or beside(live, inputs.incident)
        rows = len(_keys(keys))
        if not table or not rows:
            raise ActionError("restore-rows needs `table`, and `keys` with commas between them")
        kept = path_of(inputs, world, "rows-as-they-were")
        return Preview(
            f"put {count(rows, 'row')} of {table} back to what {copy} has",
            (
                f"SELECT of {table} by key {keys} in {live}, FOR UPDATE, waiting at most {LOCKED_S} s",
                f"COPY of what they are now to {kept}",
                f"INSERT INTO {table} what {copy} has, ON CONFLICT on its key DO UPDATE; one transaction",
            ),
            {"table": table, "keys": keys, "copy": copy, "kept": str(kept)},
        )

    @property
    def _server(self) -> Server:
        return stores_of(self.world).server.named(self.token)

    async def probe(self) -> Finding:
        """Done when every row is in both what it is in the copy."""
        await self._server.end_ours()
        found = await self._versions()
        lacking = len(_keys(self.params["keys"])) - len(found.old)
        if lacking:
            return Finding("not done", f"{self.params['copy']} has no row for {count(lacking, 'key')}")
        if found.are_same:
            return Finding(
                "done", f"{count(len(found.old), 'row')} of {found.table} are what {self.params['copy']} has"
            )
        other = sum(found.present.get(key) != row for key, row in found.old.items())
        return Finding("not done", f"{count(other, 'row')} of {found.table} are not what the copy has")

    async def perform(self, report: Report) -> None:
        """Show both versions of each row, keep the present one, and write the old one."""
        await self._server.end_ours()
        report(f"putting rows of {self.params['table']} back")

        def show(found: Versions) -> None:
            for key, old in found.old.items():
                now = found.present.get(key)
                report.line(f"{found.table} {key} is  {now.words if now else 'not there'}")
                report.line(f"{found.table} {key} was {old.words}")

        kept = Path(self.params["kept"]) / f"{self.token}.csv"
        keys = _keys(self.params["keys"])
        await put_back(self._server, self.params["copy"], self.params["table"], keys, kept, show)

    async def verify(self) -> Proof:
        """Both sides are read once more."""
        finding = await self.probe()
        if finding.found != "done":
            raise ActionError(finding.words)
        rows = len(_keys(self.params["keys"]))
        return Proof(finding.words, {"rows": str(rows), "kept": self.params["kept"]})

    async def _versions(self) -> Versions:
        keys = _keys(self.params["keys"])
        return await versions(self._server, self.params["copy"], self.params["table"], keys)


def _keys(text: str) -> list[str]:
    """The keys, each once."""
    return list(dict.fromkeys(key for key in next(csv.reader([text], skipinitialspace=True), []) if key))
