"""A file of environment variables: read for sure or not at all, compared by name, merged by key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.env_file import EnvFileError, differences, merged, parse
from console.core.secret_names import may_be_secret

CANARY = "canary-5ecret"

KEYS = st.from_regex(r"[A-Z][A-Z0-9_]{0,6}", fullmatch=True)
_PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\n\r'\"\\", exclude_categories=("C", "Z")))


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, str, str]:
    """A key, a value, and a line that sets it in one of the ways in which people write that."""
    key, value = draw(KEYS), draw(_PLAIN)
    quote = draw(st.sampled_from(["'", '"', ""]))
    if not quote and "#" in value:
        value = value.replace("#", "")
    export = draw(st.sampled_from(["", "export ", "  "]))
    around = draw(st.sampled_from(["=", " = ", "= "]))
    end = draw(st.sampled_from(["\n", "\r\n", " \n", " # a remark\n", "\n\n# another\n"]))
    return key, value, f"{export}{key}{around}{quote}{value}{quote}{end}"


FILES = st.lists(lines(), max_size=6)


@given(FILES)
def test_a_file_is_read_as_it_was_written(written: list[tuple[str, str, str]]) -> None:
    """By key the last one counts; and nothing of the text is lost."""
    text = "".join(line for _, _, line in written)
    found = parse(text)
    assert found.values == {key: value for key, value, _ in written}
    assert found.text == text


@given(FILES, FILES, st.sets(KEYS, max_size=4))
def test_a_merge_keeps_todays_values_of_those_keys_and_no_other(
    backup: list[tuple[str, str, str]], today: list[tuple[str, str, str]], more: set[str]
) -> None:
    old, now = (parse("".join(line for _, _, line in written)) for written in (backup, today))
    keep = more | {key for key, _, _ in (*backup, *today)[::2]}
    told = parse(merged(old, now, keep).text).values
    assert {key: value for key, value in told.items() if key in keep} == {
        key: value for key, value in now.values.items() if key in keep
    }
    assert {key: value for key, value in told.items() if key not in keep} == {
        key: value for key, value in old.values.items() if key not in keep
    }


@given(FILES, FILES)
def test_what_differs_is_told_by_name_and_the_other_way_round(
    one: list[tuple[str, str, str]], other: list[tuple[str, str, str]]
) -> None:
    before, after = (parse("".join(line for _, _, line in written)) for written in (one, other))
    there, back = differences(before, after), differences(after, before)
    assert (there.added, there.removed, there.changed) == (back.removed, back.added, back.changed)
    assert differences(before, before).words == "no key differs"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1", {"A": "1"}),
        ("A=\nB=x\n", {"A": "", "B": "x"}),
        ("A=one two # remark\n", {"A": "one two"}),
        ("A=x#y\n", {"A": "x#y"}),
        ('A="one # two"\n', {"A": "one # two"}),
        ('KEY="-----BEGIN\nabc=\n-----END"\nB=1\n', {"KEY": "-----BEGIN\nabc=\n-----END", "B": "1"}),
        ("A='it''s'\n", None),
        ("A=1\nA=2\n", {"A": "2"}),
        ("\texport A=1\n", {"A": "1"}),
    ],
)
def test_ways_to_write_a_setting(text: str, values: dict[str, str] | None) -> None:
    if values is None:
        with pytest.raises(EnvFileError):
            parse(text)
    else:
        assert parse(text).values == values


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"A=1\n2B={CANARY}\n", 2),
        (f"A=1\n\n{CANARY}\n", 3),
        (f'A="{CANARY}\n', 1),
        (f"# one\nA=1\n=={CANARY}\n", 3),
        ("A=1\nTWlJRXBBSUJBQUtDQVFFQTAyUm5UdmlXMGZ3QnRMa1E=\n", 2),
        (f"export {CANARY}\n", 1),
    ],
)
def test_what_is_no_setting_is_named_by_its_line_and_nothing_of_it_is_said(text: str, line: int) -> None:
    with pytest.raises(EnvFileError) as refused:
        parse(text)
    assert str(refused.value).startswith(f"line {line}: not a setting")
    assert CANARY not in str(refused.value)


def test_a_last_line_without_an_end_does_not_run_into_the_next() -> None:
    told = merged(parse("A=1\nB=old"), parse("C=3\nB=new"), {"B", "C"})
    assert told.text == "A=1\nB=new\nC=3\n"
    assert parse(told.text).values == {"A": "1", "B": "new", "C": "3"}


def test_what_today_does_not_set_is_not_set_by_a_merge() -> None:
    assert merged(parse("A=1\nLEAKED=x\n"), parse("A=2\n"), {"LEAKED"}).text == "A=1\n"


def test_differences_are_words_without_a_value() -> None:
    before, after = parse(f"A={CANARY}\nB=1\nC=1\n"), parse(f"A={CANARY}2\nC=1\nD=1\n")
    assert differences(before, after).words == "1 changed: A; 1 added: D; 1 removed: B"


PUBLIC = "environments:\n  mainnet-staging: {title: staging}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("JWT_SECRET", "staging"), ("RPC_URL", "https://rpc.example/v1/abc"), ("PIN_KEY", "3000")],
)
def test_a_value_is_kept_out_by_its_name_or_because_nobody_knows_it(name: str, value: str) -> None:
    assert may_be_secret(name, value, PUBLIC)


@pytest.mark.parametrize(
    ("name", "value"),
    [("DEPLOY_ENV", "mainnet-staging"), ("PORT", "3000"), ("DEBUG", "true"), ("FLAG", "on")],
)
def test_what_everybody_knows_is_no_secret(name: str, value: str) -> None:
    assert not may_be_secret(name, value, PUBLIC)
