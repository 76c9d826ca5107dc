"""Configuration files of releases: each kind read to names; nothing of one that cannot be told for sure."""

import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core.config_keys import TooMuchError, compared
from console.targets.config_files import UnreadableError, tree_of
from tests.unit.test_asking_mistakes import said

CANARY = "s3cr3t-canary"
PATHS = ["a.toml", "a.yaml", "a.json", "a.ini", ".env", "a.yml", ".env.local", "a.cfg", "a.conf", "x.env"]


def told(path: str, before: str, after: str) -> list[tuple[str, str]]:
    changes = compared(path, tree_of(path, before.encode()), tree_of(path, after.encode()))
    return [(change.key, change.what) for change in changes]


@pytest.mark.parametrize(
    ("path", "before", "after", "changes"),
    [
        ("a.toml", "[gas]\nmargin = 1.2 # so\n", "[gas]\nmargin = 0.7\n", [("gas.margin", "changed")]),
        ("a.toml", "at = 2026-01-01\n", "at = 2026-01-02\n", [("at", "changed")]),
        ("a.yaml", "a: {b: 1}\n", "# more\na: {b: 1, c: 2}\n", [("a.c", "added")]),
        ("a.yaml", "x: !Ref y\n", "x: !Ref z\n", [("x", "changed")]),
        ("a.yml", "a: 1\n---\nb: 1\n", "a: 1\n---\nb: 2\n", [("document-2.b", "changed")]),
        ("a.yaml", "", "a: 1\n", [("a", "added")]),
        ("a.json", '{"a": [{"b": 1}]}', '{"a": [{"b": 1.0}]}', [("a[0].b", "changed")]),
        ("a.ini", "[DEFAULT]\nX=1\n[s]\ny: %(no\n", "[s]\ny: %(no\n", [("DEFAULT.X", "removed")]),
        (".env", "export A=1\nB='x\ny'\n", 'A = 1 # why\nB="x\nz"', [("B", "changed")]),
        ("deploy/prod.env", "A=\n\n# A=2\n", "A=1\r\n", [("A", "changed")]),
        (".env.local", "A= # nothing\nB=a#b\n", "A=\nB=a #b\n", [("B", "changed")]),
    ],
)
def test_settings_of_each_kind(path: str, before: str, after: str, changes: list[tuple[str, str]]) -> None:
    assert told(path, before, after) == changes


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("a.toml", "TOML", f"password = {CANARY}\n"),
        ("a.toml", "TOML", f"a = {'[' * 5000}\n"),
        ("a.yaml", "YAML", f"a: [{CANARY}\n"),
        ("a.yaml", "YAML", "? [a, b]\n: 1\n"),
        ("a.yaml", "YAML", "a: &a [*a]\n"),
        ("a.json", "JSON", f'{{"a": {CANARY}}}'),
        ("a.json", "JSON", "[" * 100_000),
        ("a.ini", "INI", f"{CANARY}=1\n"),
        ("a.ini", "INI", f"[s]\n{CANARY}\n"),
        (".env", ".env", f"A=1\n{CANARY} is it\n"),
        (".env", ".env", 'A="never ends\n'),
    ],
)
def test_what_cannot_be_read_is_named_by_its_kind_alone(path: str, kind: str, text: str) -> None:
    """No word of the file, neither in the message nor in what a log makes of the error."""
    with pytest.raises(UnreadableError, match=f"^cannot be read as {kind}$") as caught:
        tree_of(path, text.encode())
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_key_without_its_quotes_is_no_setting() -> None:
    """Lines of what is encoded end like a setting without a value."""
    line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB"
    for text in (f"KEY={line}\n{line}AQC7=\n", f"KEY=-----BEGIN PRIVATE KEY-----\n{line}==\n"):
        with pytest.raises(UnreadableError):
            tree_of(".env", text.encode())


def test_an_alias_that_means_much_is_counted_as_much() -> None:
    lines = ["a0: &a0 [x, y]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises((UnreadableError, TooMuchError)):
        compared("a.yaml", {}, tree_of("a.yaml", "\n".join(lines).encode()))


def test_other_kinds_of_file_say_so() -> None:
    with pytest.raises(UnreadableError, match=r"changed; its keys cannot be told: it is no TOML"):
        tree_of("nginx.properties", b"a=1")
    with pytest.raises(UnreadableError, match="cannot be read as TOML"):
        tree_of("a.toml", b"\xff\xfe")


@given(st.sampled_from(PATHS), st.text(max_size=80) | st.text("{}[]:-=\"'&*!%#|>?,ab \n\t", max_size=40))
@settings(max_examples=500)
def test_whatever_stands_in_a_file_it_is_read_or_refused(path: str, text: str) -> None:
    """Never another error: it would end an engine."""
    try:
        compared(path, {}, tree_of(path, text.encode("utf-8", "replace")))
    except (UnreadableError, TooMuchError):
        return


@pytest.mark.parametrize("written", ["config", '[""]', "{a: b}"])
def test_where_they_lie_is_a_list_of_places(tmp_path: Path, written: str) -> None:
    """A word by itself would be taken for a list of letters."""
    told = ("      # config: [config]", f"      config: {written}")
    (mistake,) = said(tmp_path, told)
    assert mistake.startswith("strategy.yaml:")
    assert said(tmp_path, (told[0], "      config: [config, app/.env]")) == []
