"""The keeper: parent of everything in a rehearsal world.

Started as `python -m console.drill.keeper DIR [ENV BULK SCENARIO [automatic|DOCKER]]`.
It builds the world, tells in words how far it is, hears requests until it is told to stop, and takes
everything with it when it ends, however it ends.
"""

import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from console.config.paths import runtime_dir
from console.core.errors import StatedError
from console.drill.control import Control
from console.drill.house import House
from console.drill.leftovers import end_leftovers
from console.drill.lock import take
from console.drill.moment import now
from console.drill.place import Place, one_line
from console.drill.speaker import Speaker
from console.drill.world import SMALL, WorldWanted
from console.targets.keeper import Refusal


def main() -> None:
    """Keep a world in the folder that the command line names, of that environment, until told to stop.

    Standard output carries progress as JSON lines, then `{"ok": true}` when the world is ready, or
    `{"error": "one line"}`, and ends there.
    """
    if len(sys.argv) not in (2, 5, 6):
        sys.exit("usage: python -m console.drill.keeper DIR [ENVIRONMENT BYTES SCENARIO [automatic|DOCKER]]")
    place = Place(Path(sys.argv[1]))
    wanted = SMALL
    if len(sys.argv) > 2:
        automatic = sys.argv[5:] == ["automatic"]
        docker = "" if automatic else "".join(sys.argv[5:])
        wanted = WorldWanted(sys.argv[2], int(sys.argv[3]), sys.argv[4], automatic=automatic, docker=docker)
    try:
        place.claim()
        take(place.lock)  # never given back: whoever sees it free knows that this process has ended
    except (StatedError, OSError) as error:
        sys.stdout.buffer.write(msgspec.json.encode(Refusal(one_line(error))) + b"\n")
        sys.exit(1)
    speaker = Speaker(place.log, now)
    try:
        left = end_leftovers(place)
        if left:
            speaker.say(f"ended what an earlier keeper had left: {', '.join(left)}")
        place.clear()
        asyncio.run(_keep(place, wanted, speaker))
    except (StatedError, OSError) as error:
        speaker.failed(one_line(error))
        sys.exit(1)


async def _keep(place: Place, wanted: WorldWanted, speaker: Speaker) -> None:
    """From the first part of the world to the last answer."""
    house = House(place, wanted, speaker, now)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, house.stop)
    control = Control(house.answer, speaker)
    socket = runtime_dir(f"drill {place.root}") / "keeper.sock"
    place.note_socket(socket)
    await control.open(socket)
    try:
        await house.live()
    finally:
        await house.end()
        await control.close()


if __name__ == "__main__":
    main()
