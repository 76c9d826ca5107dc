"""A snapshot of the cache, taken over the wire as a replica takes it, with a record to prove it by."""

from pathlib import Path

from console.core.backups import CacheFacts
from console.targets.progress import Progress
from console.targets.redis.server import CacheServer


async def save(server: CacheServer, folder: Path, report: Progress) -> CacheFacts:
    """Write `cache.rdb` and `cache.json` (the record, see record.py) into an existing folder.

    Both appear under these names only when they are whole; before that they end in `.partial`. Progress is
    in bytes. The server's AOF setting does not matter. `report.left_s` bounds the whole.
    Raises CacheError when the server is lost, stops answering or refuses, or the disk is full.
    """
    raise NotImplementedError
