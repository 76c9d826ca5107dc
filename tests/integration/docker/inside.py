"""An environment whose database and cache run in containers, made from a strategy as the engine does it."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console.config.secrets import Secrets
from console.engine.stores import StoreMaker
from console.targets.docker.engine import Docker
from console.targets.redis.server import CacheServer
from tests.integration.data.trials import Trial
from tests.servers import Databases
from tests.unit.engine.kit import environment


class Inside(Trial):
    """`DSN`, `CACHE_URL` and `DOCKER_HOST` of `environ` say how all is reached."""

    def __init__(
        self,
        postgres: Databases,
        database: str,
        folder: Path,
        environ: Mapping[str, str],
        containers: Mapping[str, str],
        **backups: Any,
    ) -> None:
        """`containers` names that of `data`, and that of `cache` where there is one."""
        super().__init__(postgres, database, folder)
        tables = {"dsn": "env:DSN", "tables": {"users": "id"}, "may_be_reset": False}
        described: dict[str, Any] = {
            "data": {**tables, "container": containers["data"], "chain": {"transactions": "hash"}},
            "backups": {"folder": "backups", **backups},
        }
        if "cache" in containers:
            described["cache"] = {"url": "env:CACHE_URL", "container": containers["cache"]}
        made = environment(**described)
        stores = StoreMaker(self.world.programs, Secrets(environ, folder), folder, folder).make(made)
        assert stores is not None
        # The engine itself is found as `docker` finds it, in our environment.
        assert stores.docker is not None
        assert stores.docker.endpoint.url == Docker(environment=os.environ).endpoint.url
        self.server, self.vault, self.stores = stores.server, stores.vault, stores
        self.world = dataclasses.replace(self.world, environment=made, stores=stores)

    @property
    def cache(self) -> CacheServer:
        """The cache."""
        assert self.stores.cache is not None
        return self.stores.cache
