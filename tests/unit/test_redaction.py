"""No secret survives in what is written, however it arrives."""

import json
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.redaction import MASK, Redactor

# Letters that the mask does not have, so that a secret found in the output is one that got through.
secrets = st.lists(st.text(alphabet="abAB01é:/", min_size=1, max_size=6), min_size=1, max_size=4)
texts = st.text(alphabet="abAB01é:/ \n", max_size=60)


def knowing(*known: str) -> Redactor:
    """A redactor that knows these secrets."""
    redactor = Redactor()
    for secret in known:
        redactor.register(secret)
    return redactor


def streamed(redactor: Redactor, raw: bytes, cuts: list[int]) -> bytes:
    """`raw` through a stream of `redactor`, cut into pieces at those places."""
    stream = redactor.stream()
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    pieces = [stream.feed(raw[start:end]) for start, end in pairwise(edges)]
    return b"".join([*pieces, stream.finish()])


@st.composite
def laced(draw: st.DrawFn) -> tuple[list[str], str]:
    """Some secrets, and a text with some of them in it."""
    known = draw(secrets)
    parts = draw(st.lists(st.sampled_from(known) | texts, max_size=8))
    return known, "".join(parts)


@given(laced(), st.lists(st.integers(min_value=0, max_value=500), max_size=12))
def test_no_secret_survives_any_chunking(case: tuple[list[str], str], cuts: list[int]) -> None:
    """Whatever the pieces are, also in the middle of a character, no secret comes out."""
    known, text = case
    out = streamed(knowing(*known), text.encode(), cuts)
    assert not any(secret.encode() in out for secret in known)


@given(laced(), st.lists(st.integers(min_value=0, max_value=500), max_size=12))
def test_chunking_changes_nothing(case: tuple[list[str], str], cuts: list[int]) -> None:
    """A stream says what the whole text says, and text without a secret comes out as it was."""
    known, text = case
    redactor = knowing(*known)
    assert streamed(redactor, text.encode(), cuts).decode() == redactor.redact(text)
    if not any(secret in text for secret in known):
        assert redactor.redact(text) == text


@given(st.text(), st.text(min_size=1))
def test_any_text_and_any_secret(text: str, secret: str) -> None:
    """Between the masks there is no secret, whatever its characters; redaction itself never fails."""
    redactor = knowing(secret)
    for out in (redactor.redact(text + secret + text), redactor.redact(secret)):
        assert not any(secret in piece for piece in out.split(MASK))
        assert MASK in out


def test_overlapping_secrets_leave_nothing() -> None:
    """Neither the rest of the longer one, nor that of the one that begins inside another."""
    redactor = knowing("hunter", "hunter2", "ter2go")
    assert redactor.redact("is hunter2go, hunter2, hunter.") == f"is {MASK}, {MASK}, {MASK}."
    assert knowing("abab").redact("ababab") == MASK


def test_a_stream_holds_back_no_more_than_it_must() -> None:
    """Output is seen while it comes: only what may begin a secret waits."""
    stream = knowing("hunter2").stream()
    assert stream.feed(b"the password is hun") == b"the password "
    assert stream.feed(b"ter2, is it not") == b"is [secret], is "
    assert stream.finish() == b"it not"


def test_a_secret_learnt_later_is_kept_out_of_a_stream_under_way() -> None:
    """A program's output may begin before the secret that it prints is resolved."""
    redactor = knowing("first")
    stream = redactor.stream()
    out = stream.feed(b"first second ")
    redactor.register("second")
    out += stream.feed(b"second ") + stream.finish()
    assert out.count(MASK.encode()) >= 2
    assert not out.endswith(b"second ")


@pytest.mark.parametrize(
    ("secret", "leak"),
    [
        ("postgresql://app:hunter2@db/app", "password hunter2 refused"),
        ("postgresql://app:p%40ss%2Fword@db/app", "password p@ss/word refused"),
        ("host=db user=app password=hunter2", "password hunter2 refused"),
        (r"host=db password='hun\'ter 2' user=app", "hun'ter 2"),
        ("redis://:hunter2@cache/0", "AUTH hunter2"),
        ("-----BEGIN KEY-----\nAAAABBBBCCCCDDDD\n-----END KEY-----", "  > AAAABBBBCCCCDDDD"),
        ('say "hunter2"', json.dumps({"error": 'say "hunter2"'})),
        ("pass/word&", "https://db/?password=" + quote("pass/word&", safe="")),
    ],
)
def test_what_must_not_be_seen_of_a_secret(secret: str, leak: str) -> None:
    """The password of a connection string, the lines of a key, and what escaping makes of it."""
    out = knowing(secret).redact(leak)
    assert MASK in out
    for part in ("hunter2", "p@ss/word", "ter 2", "AAAABBBB", quote("pass/word&", safe="")):
        assert part not in out
