"""Code mounted from the host: an image that is pinned under it rolls nothing back."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from console.targets.compose.resolved import Service
from console.targets.compose.served import Served


def code_mounts(
    services: Mapping[str, Service], ours: Collection[str], kept: Collection[Path], served: Served
) -> Iterator[str]:
    """A sentence for each path of the host in a service of ours of which nobody has said what it holds."""
    for name in ours:
        for bind in services[name].binds if name in services else ():
            is_kept = any(Path(bind.source).is_relative_to(path) for path in kept)
            if not is_kept and served.inside(bind.source) is None:
                yield (
                    f"{bind.source} of the host is mounted into {name} at {bind.target}: what lies there is"
                    " not rolled back by an image; take the mount out of the Compose file, or name the path"
                    " under `deploy.mounts`: `kept` if it holds no code, else `code`"
                )
