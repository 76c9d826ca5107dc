"""What no release of the drill changes: the chain's RPC, the https endpoint, the service's flags."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx

from console.drill import flags
from console.drill.certificates import EXPIRED, VALID, Certificates
from console.drill.children import Children, python
from console.drill.place import DrillError, Place, one_line
from console.drill.ports import LOOPBACK, on_free_port
from console.drill.story import Story

PARTS = ("front", "upstream")
"""Names of the processes."""
_START_LIMIT_S = 15


class Outside:
    """As much of it as a story needs."""

    def __init__(self, place: Place, story: Story, children: Children) -> None:
        self._place = place
        self._story = story
        self._children = children
        self._certificates = Certificates(place.certificates)
        self._upstream: int | None = None
        self._edge: int | None = None

    @property
    def rpc_url(self) -> str | None:
        """Of the chain's RPC, once it has begun; None where there is none."""
        return f"http://{LOOPBACK}:{self._upstream}" if self._upstream else None

    @property
    def edge_url(self) -> str | None:
        """Of the https endpoint, once it is open; None where there is none."""
        return f"https://{LOOPBACK}:{self._edge}" if self._edge else None

    async def begin(self) -> dict[str, str]:
        """Start what must be there before the service; what the service is told of it."""
        told = {}
        if self._story.flags:
            flags.write(self._place.flags, dict.fromkeys(self._story.flags, True))
            told["WALLETCONNECT_FLAGS_FILE"] = str(self._place.flags)
        if self._story.needs_rpc:
            self._upstream = await on_free_port(self._start_upstream)
            told["WALLETCONNECT_RPC_URL"] = str(self.rpc_url)
        return told

    async def open_edge(self, service_port: int) -> None:
        """Open the https endpoint before the service, where the story is about one."""
        if self._story.breaks != "certificate":
            return
        await asyncio.to_thread(self._certificates.begin)

        async def start(port: int) -> int:
            words = (str(port), str(service_port), str(self._place.certificates))
            await self._start("front", words, f"https://{LOOPBACK}:{port}/health", port)
            return port

        self._edge = await on_free_port(start)

    async def fail(self, note: Callable[[], None], say: Callable[[str], None]) -> None:
        """Have it go wrong; `note` is called when users may notice."""
        note()
        if self._story.breaks == "upstream":
            say("the chain's RPC goes down")
            await self._children.stop("upstream")
        else:
            say("the certificate of the https endpoint expires")
            await asyncio.to_thread(self._certificates.issue, *EXPIRED)

    async def end_rpc(self, say: Callable[[str], None]) -> None:
        """The chain's RPC goes away, and nobody brings it back."""
        say("the chain's RPC goes down for good")
        await self._children.stop("upstream")

    async def mend(self, say: Callable[[str], None]) -> None:
        """What whoever it belongs to does at last; DrillError where it is nobody else's."""
        if self._story.breaks == "release" or self._upstream is None:
            raise DrillError("what goes wrong in this world is ours to mend")
        if self._story.breaks == "certificate":
            await asyncio.to_thread(self._certificates.issue, *VALID)
        elif self._children.parts()["upstream"].pid is None:
            await self._start_upstream(self._upstream)
        say("it is mended by whoever it belongs to")

    async def _start_upstream(self, port: int) -> int:
        await self._start("upstream", (str(port),), f"http://{LOOPBACK}:{port}/health", port)
        return port

    async def _start(self, name: str, words: tuple[str, ...], url: str, port: int) -> None:
        """Start a process, and see it answer."""
        argv = python(f"console.drill.{name}", *words)
        child = await self._children.start(name, argv, cwd=Path("/"))
        child.port = port
        trusted = self._certificates.authority
        verify = ssl.create_default_context(cafile=trusted) if trusted.exists() else True
        async with httpx.AsyncClient(trust_env=False, timeout=2, verify=verify) as http:

            async def lacks() -> str:
                try:
                    answer = await http.get(url)
                except httpx.HTTPError as error:
                    return f"no answer to {url}: {one_line(error)}"
                return "" if answer.is_success else f"{url} answers {answer.status_code}"

            await child.until_ready(lacks, _START_LIMIT_S)
