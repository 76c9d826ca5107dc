"""kill -9 of the keeper: the drill is over, everything of it ends, the result says why, the journal holds."""

import asyncio
import subprocess
from pathlib import Path

import msgspec

from console.core.exits import Exit
from console.store.verify import verify
from tests.faults import world


async def test_everything_of_the_drill_ends_with_its_keeper(tmp_path: Path) -> None:
    """The engine too: it has nothing left that it could bring back."""
    argv = [*world.WARROOM, "drill", "--headless", "--json", "--dir", str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as drill:
        assert drill.stderr is not None
        for line in drill.stderr:
            if "declared" in line:
                break
        world.kill(world.world(tmp_path).keeper_pid)
        document, said = await asyncio.to_thread(drill.communicate, timeout=60)
    result = msgspec.json.decode(document)
    assert (drill.returncode, result["outcome"]) == (Exit.INCOMPLETE, "incomplete")
    assert result["reason"] == "the drill's keeper has died, and the drill with it"
    assert "Traceback" not in said
    assert world.left_running(tmp_path) == []
    assert verify(tmp_path / "state" / "journal.db").ok
