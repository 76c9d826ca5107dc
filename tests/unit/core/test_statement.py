"""A statement is read back as it was written, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.core.statement import MAX_BYTES, Statement, StatementError, parse, signed_text, split

ONE = Statement(
    environment="production",
    incident="INC-7QK2",
    decision="yes",
    because="",
    person="sec-1",
    roles="security-lead",
    plan="ab" * 32,
    does=("v1.6.0 back to v1.5.0, good", "data kept: no row is touched"),
    before="",
    journal=f"57 {'cd' * 32}",
    roster="ef" * 32,
    issued=1_760_000_000_000_000,
    expires=1_760_001_800_000_000,
)
words = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1)
moments = st.integers(0, 4_000_000_000).map(lambda second: second * 1_000_000)


def test_it_is_a_text_for_people() -> None:
    assert ONE.text.splitlines()[:6] == [
        "warroom approval 1",
        "environment: production",
        "incident: INC-7QK2",
        "decision: yes",
        "person: sec-1",
        "roles: security-lead",
    ]
    assert "signed before: nobody" in ONE.text
    assert "issued: 2025-10-09T08:53:20Z" in ONE.text


@given(words, words, st.lists(words, max_size=5), st.sampled_from(["yes", "no"]), words, moments)
def test_what_was_written_is_read(
    person: str, plan: str, does: list[str], decision: str, because: str, issued: int
) -> None:
    made = replace(ONE, person=person, plan=plan, does=tuple(does), decision=decision, issued=issued)
    made = replace(made, because=because if decision == "no" else "")
    assert parse(made.text) == made


@given(st.integers(0, len(ONE.text) - 1), st.characters(codec="utf-8"))
def test_a_changed_character_is_another_statement_or_none(at: int, character: str) -> None:
    changed = ONE.text[:at] + character + ONE.text[at + 1 :]
    try:
        found = parse(changed)
    except StatementError:
        return
    assert found.text == changed
    assert (found == ONE) is (changed == ONE.text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begins with `warroom approval 1`"),
        (ONE.text.replace("plan: ", "plan "), "line 7 of the statement is not `name: value`"),
        (ONE.text.replace("decision: yes", "decision: maybe"), "neither yes nor no"),
        (ONE.text.replace(f"roster: {'ef' * 32}\n", ""), "lacks its line `roster`"),
        (ONE.text.replace("issued: 2025", "issued: soon, 2025"), "times cannot be read"),
        (ONE.text + "decision: yes\n", "not as Warroom writes it"),
        (ONE.text.rstrip("\n"), "not as Warroom writes it"),
        (ONE.text.replace("\n", "\r\n"), "begins with"),
        (ONE.text.replace("kept", "kept\x1b[2J"), "is not `name: value`"),
        (ONE.text + "x" * MAX_BYTES, "at most 8192 bytes"),
        (ONE.text.replace("decision: yes", "decision: no"), "a no says why"),
        (replace(ONE, decision="no", because=" ").text, "a no says why"),
        (replace(ONE, because="it is fine").text, "a no says why"),
        (ONE.text.replace("kept", "kept\ud800"), "is not `name: value`"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(StatementError, match=why):
        parse(text)


SIGNATURE = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"


@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ("\n\n", "\n \n"), ("oops\n", "\nbest regards\n"), ("hello,\n\n", "")]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_stands_around_it_is_left_out(before: str, after: str, end: str) -> None:
    """As a mail or a terminal adds it, with the line ends of theirs."""
    document = f"{before}{signed_text(ONE.text, SIGNATURE)}{after}"
    assert split(document.replace("\n", end)) == (ONE.text, SIGNATURE)


@pytest.mark.parametrize("document", ["", ONE.text, "-----END SSH SIGNATURE-----"])
def test_without_a_signature_there_is_nothing_to_hand_in(document: str) -> None:
    with pytest.raises(StatementError, match="there is no signature in it"):
        split(document)


def test_what_a_reason_quotes_is_no_beginning() -> None:
    no = replace(ONE, decision="no", because="warroom approval 1 was for v1.4.0")
    assert split(signed_text(no.text, SIGNATURE)) == (no.text, SIGNATURE)
