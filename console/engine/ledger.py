"""Where releases are on record: the one place that decides between the journal, a file, and git's tags."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from console.config.releases import load_releases
from console.core.ledger import contracted, on_record
from console.core.moments import written
from console.core.releases import Known, OnRecord
from console.core.state import State
from console.core.strategy import Releases
from console.targets.git import Clone

TAGS = 200
"""Tags that are looked at where nothing else is on record, the newest."""
NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The releases of one environment."""

    rules: Releases
    base: Path
    """What the file is relative to."""
    clone: Clone
    state: Callable[[], State]

    def read(self) -> OnRecord:
        """What is on record now; reads files, and belongs in a thread.

        The journal's ledger counts from its first release on; before, the file that the strategy names; where
        it names none, the tags that were fetched. Raises StatedError where that cannot be read.
        """
        state = self.state()
        return replace(self._read(state), matching=self.rules.matching or "", contracted=contracted(state))

    def _read(self, state: State) -> OnRecord:
        if state.ledger:
            return OnRecord(on_record(state), "ledger", "the release ledger")
        if self.rules.file is not None:
            path = self.base / self.rules.file
            return OnRecord(load_releases(path), "file", path.name)
        return OnRecord(self._tags(), "git", "git tags, which nobody has judged")

    def _tags(self) -> tuple[Known, ...]:
        return tuple(
            Known(
                tag=tagged.tag,
                commit=tagged.commit,
                verdict="unproven",
                said_by=NOBODY,
                deployed=written(tagged.at),
            )
            for tagged in self.clone.tagged(TAGS)
        )
