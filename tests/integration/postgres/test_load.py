"""A dump becomes a database of its own, whole or not at all; a database is copied from server to server."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from console.core.data import Recipient
from console.targets.postgres import own
from console.targets.postgres.load import Dump, LoadError, copy, load
from console.targets.postgres.own import OwnError
from console.targets.process import Programs
from console.targets.sealing import Seal, Unsealed
from tests.integration.postgres.dumps import ROWS, SEEDED, Heard, databases, pg_dump, server_of, tables_of
from tests.servers import PostgresServer

LOCALES = {
    ("libc", 0): "ENCODING 'LATIN1' LOCALE_PROVIDER libc",
    ("of the version", 15): "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'sv-SE'",
    ("of the version", 18): "ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C'",
}


@pytest.mark.parametrize("options", [("-Fc",), ("-Fd", "-j2"), ("-Fd", "-Z0")], ids=" ".join)
async def test_what_is_loaded_is_what_was_dumped(
    postgres: PostgresServer, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Tables, rows, keys and indexes, from each format, and how far it is can be seen."""
    postgres.create("load_live", *SEEDED)
    dump = Dump(pg_dump(postgres, "load_live", tmp_path / "dump", *options), 9_000_000, Unsealed())
    server, heard, lines = server_of(postgres, "load_live", tmp_path), Heard(), list[str]()
    async with own.held(server, "load_copy") as connection:
        await own.make(connection, "load_copy", "for a test")
        await load(server, dump, "load_copy", jobs=2, progress=heard, on_line=lines.append)
        assert await tables_of(server, "load_copy") == await tables_of(server)
        assert await server.value("SELECT count(*) FROM pg_indexes WHERE tablename = 'transactions'") == 2
        assert any("public.transactions" in line for line in lines)
        assert heard.counted[0][2] == "MB"
        await own.drop(connection, "load_copy")


async def test_an_encrypted_dump_is_loaded_without_ever_being_a_file(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    postgres.create("load_live", *SEEDED)
    key = subprocess.run(["age-keygen"], check=True, capture_output=True, text=True)
    recipient = Recipient(program="age", key=key.stderr.split()[-1])
    programs = Programs({"PATH": os.environ["PATH"]}, tag=tmp_path)
    seal = Seal(programs, recipient, lambda: key.stdout)
    plain, path = pg_dump(postgres, "load_live", tmp_path / "plain"), tmp_path / "dump.age"
    async with seal.writing(path, limit_s=30) as sink:
        await sink(plain.read_bytes())
    plain.unlink()
    server = server_of(postgres, "load_live", tmp_path)
    async with own.held(server, "load_copy") as connection:
        await own.make(connection, "load_copy", "for a test")
        await load(server, Dump(path, 1, seal), "load_copy", jobs=2, progress=Heard())
        assert await tables_of(server, "load_copy") == await tables_of(server)
        await own.drop(connection, "load_copy")
    assert list(tmp_path.iterdir()) == [path]


async def test_a_broken_dump_is_refused_with_its_reason(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create("load_live", *SEEDED)
    path = pg_dump(postgres, "load_live", tmp_path / "dump")
    path.write_bytes(path.read_bytes()[:-4000])
    server = server_of(postgres, "load_live", tmp_path)
    async with own.held(server, "load_copy") as connection:
        await own.make(connection, "load_copy", "for a test")
        with pytest.raises(LoadError, match=r"^dump cannot be restored into load_copy: pg_restore: error: "):
            await load(server, Dump(path, 1, Unsealed()), "load_copy", jobs=1, progress=Heard())
        await own.drop(connection, "load_copy")


@pytest.mark.parametrize("provider", ["libc", "of the version"])
async def test_a_copy_has_the_locale_owner_and_encoding_of_the_live_database(
    postgres: PostgresServer, tmp_path: Path, provider: str
) -> None:
    """Else it sorts differently after the swap, and its indexes are other indexes."""
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS load_like")
        connection.execute("DROP ROLE IF EXISTS load_owner")
        connection.execute("CREATE ROLE load_owner")
        like = "CREATE DATABASE load_like TEMPLATE template0 OWNER load_owner LC_COLLATE 'POSIX' LC_CTYPE 'C'"
        connection.execute(f"{like} {LOCALES.get((provider, postgres.major), LOCALES['libc', 0])}".encode())
    server = server_of(postgres, "load_like", tmp_path)
    asked = """SELECT (to_jsonb(d) - 'datname' - 'oid' - 'datfrozenxid' - 'datminmxid')::text
               FROM pg_database d WHERE datname = %s"""
    async with own.held(server, "load_copy") as live:
        await own.make(live, "load_copy", "for a test")
        assert await server.value(asked, "load_copy") == await server.value(asked, "load_like")
        await own.drop(live, "load_copy")
    postgres.drop("load_like")


async def test_a_database_without_our_mark_is_never_dropped(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create("load_live")
    postgres.create("load_copy", "CREATE TABLE precious (i int)")
    server = server_of(postgres, "load_live", tmp_path)
    async with own.held(server, "load_copy") as connection:
        with pytest.raises(OwnError, match="load_copy is not marked as Warroom's and is left alone"):
            await own.make(connection, "load_copy", "for a test")
        with pytest.raises(OwnError, match="left alone"):
            await own.drop(connection, "load_copy")
    assert await tables_of(server, "load_copy") == {
        "public.precious": (await tables_of(server, "load_copy"))["public.precious"]
    }
    postgres.drop("load_copy")


async def test_a_marked_database_that_took_the_live_ones_name_is_never_dropped(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """The mark travels with a rename; it must not make the service's database ours to drop."""
    postgres.create("load_live")
    server = server_of(postgres, "load_live", tmp_path)
    async with own.held(server, "load_copy") as connection:
        await own.make(connection, "load_copy", "for a test")
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS load_swapped")
        admin.execute("ALTER DATABASE load_copy RENAME TO load_swapped")
    async with own.held(server, "load_swapped") as connection:
        with pytest.raises(OwnError, match="left alone"):
            await own.drop(connection, "load_swapped")
    assert await own.sweep(server, "for a test") == []
    postgres.drop("load_swapped")


async def test_what_a_killed_engine_left_half_made_is_made_anew(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """Between CREATE DATABASE and its comment nothing but two settings says that it is ours."""
    postgres.create("load_live")
    server = server_of(postgres, "load_live", tmp_path)
    async with own.held(server, "load_copy") as connection:
        await connection.execute(await own._create(connection, "load_copy"))
        assert await own.standing(server, "load_copy") == own.Standing(is_ours=True)
        await own.make(connection, "load_copy", "for a test")
        assert await own.standing(server, "load_copy") == own.Standing(is_ours=True, words="for a test")
        await own.drop(connection, "load_copy")
    assert await own.standing(server, "load_copy") is None


async def test_only_what_nobody_works_on_is_swept(postgres: PostgresServer, tmp_path: Path) -> None:
    """Two steps may verify side by side; a killed one's database is gone with the next."""
    postgres.create("load_live")
    server = server_of(postgres, "load_live", tmp_path)
    async with own.held(server, "load_left") as connection:
        await own.make(connection, "load_left", "verify testnet b1")
    async with own.held(server, "load_other") as connection:
        await own.make(connection, "load_other", "verify production b1")
    async with own.held(server, "load_used") as connection:
        await own.make(connection, "load_used", "verify testnet b2")
        assert await own.sweep(server, "verify testnet ") == ["load_left"]
        assert databases(postgres, "load%") == ["load_live", "load_other", "load_used"]
        await own.drop(connection, "load_used")
    assert await own.sweep(server, "verify production ") == ["load_other"]


async def test_a_database_that_is_worked_on_is_waited_for(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create("load_live")
    server = server_of(postgres, "load_live", tmp_path)
    async with own.held(server, "load_copy"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(own, "_WAIT_S", 1)
            with pytest.raises(OwnError, match="load_copy is being worked on by another step"):
                async with own.held(server, "load_copy"):
                    pass


async def test_a_database_is_copied_from_one_server_to_another(
    postgres_15: PostgresServer, postgres_18: PostgresServer, tmp_path: Path
) -> None:
    """With its keys and indexes; what it must hold is what the source holds."""
    postgres_15.create("load_source", *SEEDED)
    postgres_18.create("load_live")
    source, server = (
        server_of(postgres_15, "load_source", tmp_path),
        server_of(postgres_18, "load_live", tmp_path),
    )
    async with own.held(server, "load_copy") as connection:
        await own.make(connection, "load_copy", "for a test")
        told = await copy(source, server, "load_copy", jobs=2, progress=Heard())
        assert {name: table.rows for name, table in told.items()} == ROWS
        assert await tables_of(server, "load_copy") == told
        indexed = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'"
        assert await server.value(indexed, database="load_copy") == 3
        await own.drop(connection, "load_copy")


async def test_a_copy_that_cannot_be_made_says_why(postgres_18: PostgresServer, tmp_path: Path) -> None:
    """Whichever side it is: a source that cannot be dumped, a database that is not empty."""
    postgres_18.create("load_live", *SEEDED)
    postgres_18.create("load_full", "CREATE TABLE users (id int)")
    server = server_of(postgres_18, "load_live", tmp_path)
    with pytest.raises(LoadError, match='cannot be restored into load_full: .*"users" already exists'):
        await copy(server, server, "load_full", jobs=1, progress=Heard())
    postgres_18.drop("load_full")
