"""The archives that a strategy names, asked for `warroom check`: what they reach, and what to do about it."""

import asyncio
from pathlib import Path

from console.config.loader import LoadedStrategy
from console.config.secrets import Secrets
from console.core.errors import StatedError
from console.core.format import plain
from console.engine.stores import StoreMaker
from console.targets.postgres.archive import Archive
from console.targets.postgres.archive_words import describe
from console.targets.process import Programs

LIMIT_S = 60.0
"""So long one archive with its server may take to answer."""


async def archives(loaded: LoadedStrategy, secrets: Secrets, programs: Programs, now: int) -> list[str]:
    """What there is to say of every archive at `now` (UTC microseconds), a line each; nothing is changed.

    A server that does not answer, a secret that is not there: one line, and the others are told.
    """
    base = loaded.path.absolute().parent
    # Nothing of this runs inside a container, where programs are told by the state folder.
    maker = StoreMaker(programs, secrets, base, state=Path())
    named = {name: of for name, of in loaded.strategy.environments.items() if of.archive is not None}
    made = {name: stores.archive for name, of in named.items() if (stores := maker.make(of)) is not None}
    asked = {name: archive for name, archive in made.items() if archive is not None}
    told = await asyncio.gather(*(_told(archive, now) for archive in asked.values()))
    return [
        plain(secrets.redact(f"{name}: archive: {line}"))
        for name, lines in zip(asked, told, strict=True)
        for line in lines
    ]


async def _told(archive: Archive, now: int) -> list[str]:
    try:
        async with asyncio.timeout(LIMIT_S):
            return await describe(archive, now)
    except StatedError as error:
        return [str(error)]
    except TimeoutError:
        return [
            f"{archive.words} and its server did not answer within {LIMIT_S:g} s: look whether both are well"
        ]
