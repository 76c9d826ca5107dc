"""What steps print: kept in a file, capped, hashed; and the last lines of it."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.store.output import LINE_CHARACTERS, TAIL_LINES, OutputFile
from tests.integration.store.kit import run_on_small_disk


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    """And the file holds what was written, in a place that says what it is."""
    output = OutputFile(tmp_path, "INC-7QK2", "deploy", 1)
    output.write("one\ntwo")
    output.write(" and ünïcode\n")
    digest = output.close()
    assert output.path == tmp_path / "INC-7QK2" / "deploy-1.txt"
    assert output.path.read_text() == "one\ntwo and ünïcode\n"
    assert digest == hashlib.sha256(output.path.read_bytes()).hexdigest()
    assert output.path.stat().st_mode & 0o777 == 0o600


@given(text=st.text(max_size=300), cap=st.integers(0, 200), data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_cap_holds_wherever_the_text_is_cut(text: str, cap: int, data: st.DataObject) -> None:
    """No more than the cap is kept, never half a character, and the last line counts what is gone."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    with TemporaryDirectory() as name:
        output = OutputFile(Path(name), "i", "s", 1, cap=cap)
        for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
            output.write(text[start:end])
        output.close()
        written = output.path.read_bytes().decode()
    if len(text.encode()) <= cap:
        assert (written, output.dropped) == (text, 0)
        return
    kept, _, last = written.rpartition("\n[")
    assert text.startswith(kept)
    assert cap - 4 < len(kept.encode()) <= cap
    assert output.dropped == len(text.encode()) - len(kept.encode())
    assert last == f"{output.dropped} more bytes were not kept: the cap is {cap}]\n"


def test_an_earlier_output_is_never_written_over(tmp_path: Path) -> None:
    """A new plan counts attempts from 1 again; what the old one printed is evidence."""
    outputs = [OutputFile(tmp_path, "INC-1", "deploy", 1) for _ in range(3)]
    for number, output in enumerate(outputs):
        output.write(str(number))
        output.close()
    assert [(o.path.name, o.path.read_text()) for o in outputs] == [
        ("deploy-1.txt", "0"),
        ("deploy-1.2.txt", "1"),
        ("deploy-1.3.txt", "2"),
    ]


@pytest.mark.parametrize("name", ["../../etc/passwd", "", ".", "..", "a/b", "a b", "x" * 300, "ü", "-rf"])
def test_any_name_stays_inside_the_folder(tmp_path: Path, name: str) -> None:
    """And is a file's name everywhere."""
    output = OutputFile(tmp_path / "output", name, name, 1)
    output.close()
    inside = output.path.resolve().relative_to(tmp_path / "output")
    assert len(inside.parts) == 2
    assert all(part.isascii() and len(part) < 90 for part in inside.parts)


def test_two_names_never_share_a_file(tmp_path: Path) -> None:
    """Also where only a character that no file name has tells them apart."""
    one, two = (OutputFile(tmp_path, "INC-1", step, 1) for step in ("a/b", "a b"))
    one.close()
    two.close()
    assert not two.path.name.endswith(".2.txt")


def test_the_tail_is_fit_for_a_screen(tmp_path: Path) -> None:
    """The last lines, the unfinished one too; no colours, nothing that was overwritten, cut to a length."""
    output = OutputFile(tmp_path, "INC-1", "deploy", 1)
    assert output.tail() == ()
    output.write("first\n\x1b[31mred\x1b[0m\x07\npulling 1%\rpulling 90%\r")
    output.write("pulling 100%\r\nend")
    output.write("less" * 1000)
    assert output.tail()[:3] == ("first", "red", "pulling 100%")
    assert len(output.tail()[3]) == LINE_CHARACTERS
    for number in range(200):
        output.write(f"\nline {number}")
    output.close()
    assert len(output.tail()) == TAIL_LINES
    assert output.tail()[-1] == "line 199"


def test_a_full_disk_never_stops_the_step(tmp_path: Path) -> None:
    """What was lost is counted and said, and the hash is that of what is there."""
    script = """
import hashlib, sys
from pathlib import Path
from console.store.output import OutputFile
folder = Path(sys.argv[1])
output = OutputFile(folder, "INC-1", "deploy", 1)
for n in range(300): output.write("x" * 10_000)
digest = output.close()
raw = output.path.read_bytes()
print(len(raw) + output.dropped == 3_000_000, output.why, digest == hashlib.sha256(raw).hexdigest())
"""
    told = run_on_small_disk(tmp_path, script, size="1m").strip()
    assert told == "True No space left on device True"
