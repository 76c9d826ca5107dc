"""A restore that would fill the server's disk is refused before it begins."""

import os
from pathlib import Path

import psycopg
import pytest

from console.targets.postgres import own, room
from console.targets.postgres.load import Dump, load
from console.targets.postgres.room import RoomError
from console.targets.postgres.server import Server
from console.targets.sealing import Unsealed
from tests.disks import small_disk
from tests.integration.postgres.dumps import SEEDED, Heard, pg_dump, server_of
from tests.servers import NOBODY, PostgresServer

MB = 1_000_000


async def test_a_database_that_does_not_fit_beside_the_live_one_is_refused(
    postgres: PostgresServer, roomy: Path
) -> None:
    """Where the live one lies, which need not be where the server's data is."""
    with small_disk(roomy, "40m") as disk:
        place = disk / "tablespace"
        place.mkdir()
        if os.geteuid() == 0:
            os.chown(place, NOBODY, NOBODY)
        with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'".encode())
        try:
            postgres.create("room_live", *SEEDED)
            with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
                connection.execute("ALTER DATABASE room_live SET TABLESPACE small")
            server = server_of(postgres, "room_live", roomy)
            dump = Dump(pg_dump(postgres, "room_live", roomy / "dump"), 30 * MB, Unsealed())
            async with own.held(server, "room_copy") as held:
                await own.make(held, "room_copy", "for a test")
                with pytest.raises(
                    RoomError, match=rf"{place} on this machine has .* MB free, and a database"
                ):
                    await load(server, dump, "room_copy", jobs=1, progress=Heard())
                await own.drop(held, "room_copy")
            assert await room.ensure(server, 1 * MB)
        finally:
            postgres.drop("room_live")
            with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
                connection.execute("DROP TABLESPACE small")


async def test_where_a_server_hides_its_data_nobody_can_tell(
    postgres_18: PostgresServer, tmp_path: Path
) -> None:
    """Then nothing is refused: the restore itself finds out."""
    postgres_18.create("room_live")
    with psycopg.connect(postgres_18.dsn()) as connection:
        connection.execute("DROP ROLE IF EXISTS room_reader")
        connection.execute("CREATE ROLE room_reader LOGIN PASSWORD 'room'")
    dsn = f"postgresql://room_reader:room@127.0.0.1:{postgres_18.port}/room_live"
    shell = server_of(postgres_18, "room_live", tmp_path).shell
    assert await room.ensure(Server(lambda: dsn, shell), 10**18) is False
