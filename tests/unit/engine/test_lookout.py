"""What the lookout cannot see or keep, it says."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from console.engine.lookout import Lookout
from console.engine.sampling import Tick


@pytest.mark.parametrize(
    ("dropped", "said"),
    [
        (0, {"metrics": "no answer"}),
        (3, {"metrics": "no answer", "samples": "3 rows not kept, No space left"}),
    ],
)
def test_silent_sources_and_samples_that_were_not_kept_are_told(dropped: int, said: dict[str, str]) -> None:
    """A full disk costs the samples, never the knowledge that they are missing."""
    samples: Any = SimpleNamespace(dropped=dropped, why="No space left")
    nobody = cast("Any", None)
    lookout = Lookout(nobody, nobody, nobody, samples, recorded=lambda _since: ())
    tick = cast("Tick", SimpleNamespace(trouble={"metrics": "no answer"}))
    assert lookout.trouble(tick) == said
