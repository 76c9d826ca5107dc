"""kill -9 of the keeper: the drill is over, everything of it ends, and the journal holds."""

import asyncio
import subprocess
from pathlib import Path

from console.store.verify import verify
from tests.faults import world


async def test_everything_of_the_drill_ends_with_its_keeper(tmp_path: Path) -> None:
    """The engine too: it has nothing left that it could bring back."""
    argv = [*world.WARROOM, "drill", "--headless", "--dir", str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as drill:
        assert drill.stdout is not None
        for line in drill.stdout:
            if "declared" in line:
                break
        world.kill(world.world(tmp_path).keeper_pid)
        said = await asyncio.to_thread(drill.stdout.read)
        assert await asyncio.to_thread(drill.wait, 60) != 0
    assert "Traceback" not in said
    assert "recovered" not in said.splitlines()[-1]
    assert world.left_running(tmp_path) == []
    assert verify(tmp_path / "state" / "journal.db").ok
