"""A plan in words: what lies between the releases is said when it is known, and only then."""

import pytest
from msgspec.structs import replace

from console.core.plan_words import code_words
from tests.unit.core.kit import CODE

BACK = "v1.5.3 back to v1.5.0, good"


@pytest.mark.parametrize(
    ("migrations", "words"),
    [
        (None, BACK),
        ((), f"{BACK}; no migration lies between them"),
        (("db/0004_drop.sql",), f"{BACK}; 1 migration between them: 0004_drop.sql"),
        (
            tuple(f"db/{n}.sql" for n in range(5)),
            f"{BACK}; 5 migrations between them: 0.sql, 1.sql, 2.sql, 2 more",
        ),
    ],
)
def test_migrations_between_two_releases(migrations: tuple[str, ...] | None, words: str) -> None:
    assert code_words(replace(CODE, migrations=migrations)) == words
