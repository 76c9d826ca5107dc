"""An environment with a real cache, backups of it in a vault, and the step that restores it."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from actions.action import Inputs
from actions.restore_cache import RestoreCache
from console.core.backups import Manifest
from console.core.data import Cache
from console.targets.docker.engine import Docker
from console.targets.redis.save import save
from console.targets.redis.server import CacheServer
from console.targets.sealing import Sealing, Unsealed
from console.targets.shell import HostShell, Shell
from console.targets.vault import facts_of
from tests.integration.data.trials import AFTER, INCIDENT, TOKEN, Heard, Trial
from tests.integration.redis.kit import Served, programs_of
from tests.servers import RedisServer

MADE = 1_760_000_400


def environment_of(
    url: Callable[[], str],
    folder: Path,
    shell: Shell | None = None,
    docker: Docker | None = None,
    **rules: Any,
) -> Trial:
    """An environment `testnet` with that cache; nothing here asks its database. `rules` are of the cache."""
    trial = Trial(None, "unasked", folder)  # type: ignore[arg-type]
    cache = CacheServer(url, shell or HostShell(programs_of(folder)))
    asked = Cache.model_validate({"url": "env:CACHE", **rules})
    return equip(trial, cache=cache, cache_rules=asked, docker=docker)


def equip(trial: Trial, **stores: Any) -> Trial:
    """The same environment, and some of its stores are others."""
    trial.stores = dataclasses.replace(trial.stores, **stores)
    trial.world = dataclasses.replace(trial.world, stores=trial.stores)
    return trial


async def backed_up(trial: Trial, backup: str = "good", **changes: Any) -> Manifest:
    """A backup of the cache as it is now, proven; `changes` are of the manifest."""
    assert trial.stores.cache is not None
    sealing: Sealing = trial.stores.sealing
    folder, began = trial.vault.begin(backup), trial.clock.now().utc_us
    facts = await save(trial.stores.cache, folder, Heard(), sealing)
    ended = trial.clock.now().utc_us
    manifest = Manifest(
        id=backup,
        environment="testnet",
        incident=None,
        began=began,
        ends=ended,
        finished=ended,
        database=None,
        cache=facts,
        files=facts_of(folder),
        sealed_for=sealing.words if not isinstance(sealing, Unsealed) else None,
        journal_seq=1,
        journal_head="00" * 32,
    )
    manifest = replace(manifest, **changes)
    trial.vault.finish(manifest)
    trial.vault.prove(backup, ended, "as a test says")
    return manifest


def asked(trial: Trial, backup: str = "good", onset: int | None = None) -> Inputs:
    """What a plan is made from that goes back to the cache of that backup."""
    onset = trial.clock.now().utc_us + AFTER if onset is None else onset
    return Inputs(INCIDENT, "eng-1", MADE, MADE, onset=onset, options={"backup": backup})


def step(trial: Trial, inputs: Inputs) -> RestoreCache:
    """The step of the plan, as the runner makes it."""
    return RestoreCache(RestoreCache.preview(inputs, trial.world).params, trial.world, TOKEN)


def kept(trial: Trial) -> list[str]:
    """Ids of the backups that the step has made, oldest first."""
    return [one.id for one in trial.vault.backups() if one.manifest and one.manifest.incident == INCIDENT]


def spoil(server: Served) -> None:
    """Two hundred and one keys of another kind are there instead of those that were."""
    with server.client() as client:
        client.flushall()
        client.mset({f"wrong:{number}": number for number in range(200)})
        client.select(7)
        client.set("wrong", "too")


def forbid_following(server: Served) -> None:
    """The server's user may not let it follow another."""
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-replicaof", "-slaveof")


class Outsider:
    """Commands that stop and start a server as a service manager does: no child of ours."""

    def __init__(self, server: RedisServer) -> None:
        self._first = server.pid
        self._pid = server.folder / "redis.pid"
        self._pid.write_text(str(server.pid))
        self._stop, self._start = server.folder / "stop", server.folder / "start"
        running = f'grep -q redis.conf "/proc/$(cat {self._pid})/cmdline" 2>/dev/null'
        stop = f'kill "$(cat {self._pid})"'
        self._write(self._stop, f"{stop}; while {running}; do sleep 0.02; done")
        # Starting one that runs does nothing. What is started is none of ours once it has said its id.
        serve = f"cd {server.folder}; echo $$ >{self._pid}; exec {server.program} redis.conf"
        start = f"env -i setsid sh -c '{serve}' </dev/null >>{server.folder}/redis.log 2>&1 &"
        self._write(
            self._start,
            f"{running} && exit 0\n: >{self._pid}\n{start}\nuntil test -s {self._pid}; do :; done",
        )

    def _write(self, path: Path, script: str) -> None:
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    @property
    def rules(self) -> dict[str, Any]:
        """As the strategy names them."""
        return {"restart": {"stop": [str(self._stop)], "start": [str(self._start)]}}

    def end(self) -> None:
        """End what was started last, where that is not the test's own."""
        pid = int(self._pid.read_text())
        if pid != self._first:
            os.kill(pid, 9)
