"""The archive: how far back data can go, how old the end of that is, and what to do about it."""

import asyncio
from collections.abc import Iterator, Sequence

from console.core.checked import Remark, good, lack, note
from console.engine.checks.case import Case
from console.targets.postgres.archive_words import NEEDED, describe

TARGET = "archive"
LIMIT_S = 13.5
"""So long the archive with its server may take to answer."""


async def archive(case: Case) -> list[Remark]:
    """What it reaches, and what is wrong with it; nothing where the strategy names none."""
    stores = case.maker().make(case.environment)
    if stores is None or stores.archive is None:
        return []
    asked = stores.archive
    try:
        async with asyncio.timeout(LIMIT_S):
            told = await describe(asked, case.means.clock.now().utc_us)
    except TimeoutError:
        words = f"{asked.words} and its server did not answer within {LIMIT_S:g} s"
        return [lack(TARGET, words, "look whether both are well")]
    remarks = [*(good(TARGET, line) for line in told.reached), *_lacks(told.trouble)]
    if not (missing := case.lacking(case.environment.data)):
        return remarks
    # What is said of the secret has been said where secrets are.
    rest = [each for each in remarks if not any(reference in each.words for reference in missing)]
    return [*rest, note(TARGET, f"whether archiving works waits for {', '.join(missing)}")]


def _lacks(trouble: Sequence[str]) -> Iterator[Remark]:
    """A lack for each line; what to put into a file is what to do about the line before."""
    lines = list(trouble)
    while lines:
        words = lines.pop(0)
        advice: list[str] = []
        while lines and (lines[0] == NEEDED or lines[0].startswith(" ")):
            advice.append(lines.pop(0))
        yield lack(TARGET, words, "\n".join(advice))
