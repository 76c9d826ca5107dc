"""Files of a backup, encrypted while they are written: whole or not at all, and plain text nowhere."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.core.data import Recipient
from console.targets.process import Programs
from console.targets.sealing import Seal, SealError, Sealing, Unsealed
from tests.disks import small_disk
from tests.seals import SEALS, age_seal

PIECES = [b"SECRET" * 20_000, b"rows" * 100_000] * 10
WHOLE = b"".join(PIECES)


@pytest.fixture(params=["age", "gpg"])
def seal(request: pytest.FixtureRequest, roomy: Path) -> Iterator[Seal]:
    """A seal for a new key of each program."""
    with SEALS[request.param](roomy) as made:
        yield made


async def written(sealing: Sealing, folder: Path) -> Path:
    path = folder / sealing.named("dump")
    async with sealing.writing(path, limit_s=20) as sink:
        for piece in PIECES:
            await sink(piece)
    return path


async def read(sealing: Sealing, path: Path) -> bytes:
    return b"".join([piece async for piece in sealing.open(path, limit_s=20)])


async def test_what_is_sealed_is_nowhere_to_be_read_and_opens_to_the_same(seal: Seal, tmp_path: Path) -> None:
    path = await written(seal, tmp_path)
    assert b"SECRET" not in path.read_bytes()
    assert [path] == list(tmp_path.iterdir())
    assert await read(seal, path) == WHOLE


async def test_the_name_says_by_what_it_is_sealed(seal: Seal) -> None:
    program, key = (seal.words or "").split()
    assert seal.named("dump") == f"dump.{program}"
    assert len(key) >= 40


@pytest.mark.parametrize("harm", ["cut", "flipped"])
async def test_a_damaged_file_does_not_open(seal: Seal, tmp_path: Path, harm: str) -> None:
    path = await written(seal, tmp_path)
    raw = bytearray(path.read_bytes())
    if harm == "cut":
        del raw[-1000:]
    else:
        raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(SealError, match=f"cannot decrypt {path}: "):
        await read(seal, path)


async def test_a_full_disk_is_said_while_it_is_written(seal: Seal, tmp_path: Path) -> None:
    """Whoever writes is told at once, and not left waiting for a program that has ended."""
    with (
        small_disk(tmp_path, "1m") as disk,
        pytest.raises(SealError, match="cannot encrypt .*[Nn]o space left"),
    ):
        await written(seal, disk)


async def test_a_key_that_nobody_has_is_named(tmp_path: Path) -> None:
    programs = Programs({"PATH": os.environ["PATH"], "GNUPGHOME": str(tmp_path)}, tag=tmp_path)
    for program, key in (("age", "age1nobody"), ("gpg", "0" * 40)):
        seal = Seal(programs, Recipient.model_validate({"program": program, "key": key}))
        with pytest.raises(SealError, match=f"cannot encrypt .*{key}"):
            await written(seal, tmp_path)


async def test_opening_without_the_private_key_says_where_it_belongs(tmp_path: Path) -> None:
    with age_seal(tmp_path) as seal:
        path = await written(seal, tmp_path)
        blind = Seal(Programs({}, tag=tmp_path), Recipient(program="age", key="age1x"))
        with pytest.raises(SealError, match=r"backups\.recipient\.identity"):
            await read(blind, path)


async def test_the_program_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    seal = Seal(Programs({}, tag=tmp_path), Recipient(program="age", key="age1x"))
    with pytest.raises(SealError, match="encrypted by age, which is not here: install age"):
        await written(seal, tmp_path)


async def test_without_a_recipient_files_are_what_they_are(tmp_path: Path) -> None:
    path = await written(Unsealed(), tmp_path)
    assert path.read_bytes() == WHOLE
    assert await read(Unsealed(), path) == WHOLE


async def test_a_full_disk_is_said_without_a_seal_too(tmp_path: Path) -> None:
    with small_disk(tmp_path, "1m") as disk, pytest.raises(SealError, match="cannot write .*No space left"):
        await written(Unsealed(), disk)
