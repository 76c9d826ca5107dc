"""The database: whether it answers, has the tables of the strategy, and lets us do what the runbook does."""

from collections.abc import Iterator, Mapping

from console.core.checked import Remark, good, lack, note, warn
from console.core.data import ArchivePoint, Backups, Data, DumpPoint, FilesArchive
from console.core.errors import StatedError
from console.core.naming import listed, nearest, quoted
from console.core.strategy import Environment
from console.engine.checks.case import Case
from console.targets.postgres import survey
from console.targets.postgres.programs import NoProgramError
from console.targets.postgres.server import Server

TARGET = "database"
CREATING = ("build-candidate", "verify-backup", "restore-rows")
"""Steps that make a database of their own."""
SWAPPING = ("swap-database",)
"""Steps that rename the database, and end whoever is connected to it."""
DUMPING = ("backup",)


async def database(case: Case) -> list[Remark]:
    """What the service's data is read with, and what the steps of the runbook need beside it."""
    data = case.environment.data
    missing = case.lacking(data)
    if data.dsn in missing:
        return [note(TARGET, f"waits for {data.dsn}")]
    docker = case.docker if data.container else None
    reader = case.maker().server(data, data.dsn, docker)
    try:
        version, tables = await survey.tables(reader, {**data.tables, **_chain_only(data)})
    except StatedError as error:
        return [lack(TARGET, str(error), "look whether it runs and takes the credentials in `data.dsn`")]
    remarks = [good(TARGET, f"{reader.database} answers, PostgreSQL {version.words}")]
    for name, table in tables.items():
        remarks += _table(name, data.tables.get(name) or data.chain[name], table)
    if data.admin in missing:
        return [*remarks, note(TARGET, f"what the runbook does with it waits for {data.admin}")]
    admin = case.maker().server(data, data.admin or data.dsn, docker)
    return [*remarks, *await _work(case, admin, version)]


def _chain_only(data: Data) -> dict[str, str]:
    """Tables that are named for their ids on the chain alone."""
    return {table: column for table, column in data.chain.items() if table not in data.tables}


def _table(name: str, key: str, table: survey.Table) -> Iterator[Remark]:
    if not table.there:
        close = nearest(name, table.near)
        near = f": did you mean {quoted(close)}?" if close else ""
        yield lack(TARGET, f"no table {quoted(name)}{near}", "name the right one in `data.tables`")
    elif not table.readable:
        yield lack(TARGET, f"table {quoted(name)} is not ours to read", f"GRANT SELECT ON {name} to its role")
    elif not table.has_key:
        close = nearest(key, table.near)
        near = f": did you mean {quoted(close)}?" if close else ""
        yield lack(
            TARGET, f"table {quoted(name)} has no column {quoted(key)}{near}", "name its key in `data.tables`"
        )
    elif not table.unique:
        yield warn(
            TARGET,
            f"column {quoted(key)} of table {quoted(name)} is not unique, so rows cannot be told apart by it",
            "name its key in `data.tables`",
        )
    else:
        yield good(TARGET, f"table {name}, by {key}")


async def _work(case: Case, admin: Server, version: survey.Version) -> list[Remark]:
    """Rights and programs, where the strategy has backups or moves data."""
    environment = case.environment
    actions = {step.action for step in environment.runbook}
    if environment.backups is None and not actions & {*CREATING, *SWAPPING, *DUMPING}:
        return []
    try:
        rights = await survey.rights(admin)
    except StatedError as error:
        return [lack(TARGET, str(error), "look whether it takes the credentials in `data.admin`")]
    lacks = list(_rights(rights, environment, actions))
    remarks = lacks or [good(TARGET, f"{rights.role} may do what the runbook does")]
    return [*remarks, *await _programs(environment, admin, version.major)]


def _rights(rights: survey.Rights, environment: Environment, actions: set[str]) -> Iterator[Remark]:
    if rights.superuser:
        return
    who, role = "name whoever may in `data.admin`, or", rights.role
    if actions & {*CREATING, *SWAPPING} and not rights.creates:
        yield lack(TARGET, f"{role} may not create or rename databases", f"{who} ALTER ROLE {role} CREATEDB")
    if actions & {*SWAPPING} and not rights.owns:
        yield lack(
            TARGET, f"{role} does not own the database, so it may not rename it", f"{who} make it the owner"
        )
    if actions & {*SWAPPING} and not rights.signals:
        yield lack(
            TARGET,
            f"{role} may not end the connections of others (pg_terminate_backend)",
            f"{who} GRANT pg_signal_backend TO {role}",
        )
    if rights.unreadable and (actions & {*DUMPING} or _dumps(environment.backups)):
        yield lack(
            TARGET,
            f"{role} may not read {listed(rights.unreadable)}, so nothing can be dumped",
            f"{who} GRANT pg_read_all_data TO {role}",
        )


def _dumps(backups: Backups | None) -> bool:
    return backups is not None and isinstance(backups.restorable, DumpPoint)


def _wanted(environment: Environment) -> Iterator[str]:
    """PostgreSQL's own programs that the runbook needs."""
    backups = environment.backups
    if backups is None:
        return
    yield from ("pg_dump", "pg_restore", "pg_amcheck")
    if isinstance(environment.archive, FilesArchive):
        yield from ("pg_basebackup", "pg_verifybackup", "pg_waldump")
    elif isinstance(backups.restorable, ArchivePoint):
        yield "pg_waldump"


async def _programs(environment: Environment, admin: Server, major: int) -> list[Remark]:
    """Those programs, of the server's major version."""
    found: dict[str, str] = {}
    lacks: list[Remark] = []
    for name in _wanted(environment):
        try:
            found[name] = await admin.programs.find(name, major)
        except NoProgramError as error:
            words, _, advice = str(error).partition("; ")
            lacks.append(lack(TARGET, words, advice or "put them there, or leave `data.programs` out"))
    return [*lacks, *_there(found, admin, major)]


def _there(found: Mapping[str, str], admin: Server, major: int) -> Iterator[Remark]:
    if found:
        yield good(TARGET, f"{', '.join(found)} of PostgreSQL {major} on {admin.shell.words}")


async def size_of(case: Case) -> int | None:
    """Bytes of the database; None where nobody can say."""
    data = case.environment.data
    if case.lacking(data):
        return None
    server = case.maker().server(data, data.admin or data.dsn, case.docker if data.container else None)
    try:
        return (await server.facts()).bytes
    except StatedError:
        return None
