"""What must be true of an environment's data: what is kept where, and that each step has what it works on."""

from collections.abc import Iterator

from console.core.parts import Finding, Part, Rule

_OF_BACKUPS = {
    "backup",
    "base-backup",
    "build-candidate",
    "capture",
    "drop-candidate",
    "judge-loss",
    "loss-receipt",
    "final-receipt",
    "restorable-point",
    "restore-cache",
    "restore-rows",
    "show-rows",
    "swap-back",
    "swap-database",
    "verify-backup",
}
_OF_CACHE = {"flush-cache", "invalidate-cache", "prove-cache", "restore-cache"}


def dump_format(environment: Part) -> Iterator[Finding]:
    """A directory is written file by file: it cannot be encrypted on the way, or streamed anywhere."""
    backups = environment["backups"]
    if backups["format"].text != "directory":
        return
    if backups["recipient"].value is not None:
        yield backups["format"].wrong("a directory cannot be encrypted while it is written: use `custom`")
    if environment["data"]["container"].value is not None:
        yield backups["format"].wrong("a directory cannot be streamed out of a container: use `custom`")


def has_backups(environment: Part) -> Iterator[Finding]:
    """Points in time and restores need a place where copies are kept."""
    if environment["backups"].value is not None:
        return
    for name in ("archive", "recovery"):
        if environment[name].value is not None:
            yield environment[name].wrong(f"`{name}` needs `backups`: name the folder that they are kept in")


def steps(environment: Part) -> Iterator[Finding]:
    """A step that works on backups or on the cache belongs where the environment has them."""
    lacking = {name for name in ("backups", "cache", "recovery") if environment[name].value is None}
    for step in environment["runbook"].each():
        action = step["action"].text
        if action in _OF_BACKUPS and "backups" in lacking:
            yield step["action"].wrong(f"`{action}` needs `backups` in this environment")
        elif action == "build-candidate" and "recovery" in lacking:
            yield step["action"].wrong("`build-candidate` needs `recovery` in this environment")
        elif action in _OF_CACHE and "cache" in lacking:
            yield step["action"].wrong(f"`{action}` needs `cache` in this environment")


def restorable(environment: Part) -> Iterator[Finding]:
    """WAL can only be the restorable point where there is an archive of it."""
    kind = environment["backups"]["restorable"]["kind"]
    if kind.text == "archive" and environment["archive"].value is None:
        yield kind.wrong("`archive` needs an `archive` in this environment")


RULES: tuple[Rule, ...] = (dump_format, has_backups, steps, restorable)
"""Every rule about data."""
