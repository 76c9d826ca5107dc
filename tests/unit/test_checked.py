"""Remarks of `warroom check`: their order, what comes first, and how they look in a narrow terminal."""

from console.core.checked import good, lack, note, to_begin_with, warn, worst_first
from console.subcommands.check import told


def test_targets_stay_in_order_and_each_tells_its_worst_first() -> None:
    """What comes first may be the reason of what comes later."""
    remarks = [good("b", "1"), note("a", "2"), lack("b", "3"), warn("a", "4"), warn("b", "5")]
    assert [each.words for each in worst_first(remarks)] == ["3", "5", "1", "4", "2"]


def test_one_begins_with_the_first_lack() -> None:
    """A warning can wait for it; a note is nothing to do."""
    assert to_begin_with([note("a", "1"), warn("a", "2"), lack("b", "3"), lack("b", "4")]) == lack("b", "3")
    assert to_begin_with([note("a", "1"), warn("a", "2")]) == warn("a", "2")
    assert to_begin_with([note("a", "1"), good("a", "2")]) is None


def test_a_narrow_terminal() -> None:
    """Lines are broken between words; what belongs into a file is not broken at all."""
    copied = "    archive_command = 'cp %p /somewhere/far/away/%f'"
    remarks = {
        "testnet": [
            lack("secrets", "env:DSN: the variable is not set, which is a long line", "export it"),
            lack("archive", "it is off", f"postgresql.conf needs:\n{copied}"),
        ]
    }
    assert list(told(remarks, 40)) == [
        "",
        "testnet: 2 lacks, 0 as they should be",
        "  secrets",
        "    ✗ env:DSN: the variable is not set,",
        "      which is a long line",
        "      → export it",
        "  archive",
        "    ✗ it is off",
        "      → postgresql.conf needs:",
        f"      {copied}",
        "",
        "begin with testnet, secrets: env:DSN:",
        "the variable is not set, which is a long",
        "line; export it",
    ]


def test_where_nothing_is_to_be_done() -> None:
    """It says so."""
    lines = list(told({"testnet": [good("secrets", "env:DSN"), note("metrics", "NO SOURCE for a")]}, None))
    assert lines[1] == "testnet: nothing is lacking, 1 as they should be"
    assert lines[-1] == "nothing to do: every target is as the strategy needs it"
