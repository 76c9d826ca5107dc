"""A cache that was saved, went wrong, and was saved again as it is now: ready to be restored."""

import signal
from pathlib import Path

from console.targets.redis.restore import Restored, restore
from console.targets.redis.scratch import OURS
from console.targets.redis.verify import Saved
from tests.integration.postgres.dumps import Heard
from tests.integration.redis.kit import bench_of, cache_of, contents, fill, saved
from tests.servers import RedisServer


class Trial:
    """A cache that was saved, went wrong, and was saved again as it is now."""

    def __init__(self, server: RedisServer, folder: Path) -> None:
        self.redis = server
        self.folder = folder
        self.wanted = self.kept = Saved(folder, None)  # type: ignore[arg-type]  # until `prepare`
        self.good = contents(server)

    async def prepare(self, keys: int = 500) -> None:
        """Two hundred keys of another kind are there instead of the good ones, one in another database."""
        fill(self.redis, keys)
        self.good = contents(self.redis)
        self.wanted = await saved(self.redis, self.folder, "wanted")
        with self.redis.client() as client:
            client.flushall()
            client.mset({f"wrong:{number}": number for number in range(200)})
            client.select(7)
            client.set("wrong", "too")
        self.kept = await saved(self.redis, self.folder, "kept")

    async def restore(self, **options: object) -> Restored:
        """Restore what was saved first."""
        given = {"attempt": "inc-1", **options}
        bench, cache = bench_of(self.folder), cache_of(self.redis, self.folder)
        return await restore(cache, self.wanted, self.kept, bench, Heard(), **given)  # type: ignore[arg-type]

    def assert_untouched(self) -> None:
        """The keys of now are there, and the server leads."""
        with self.redis.client() as client:
            assert client.dbsize() == 200
            assert client.get("wrong:7") == b"7"
            assert client.info("replication")["role"] == "master"
            assert not client.config_get("masterauth")["masterauth"].startswith(OURS)

    @property
    def left(self) -> list[Path]:
        """What of ours is left."""
        return list((self.folder / "work").iterdir())

    def restart(self, number: signal.Signals) -> None:
        """End the server in that way, and start it again with its own files."""
        self.redis.stop(number)
        self.redis.start()
