"""The stand-in that is paged in a drill writes each page down whole, and refuses one that says nothing."""

import json
import subprocess
import sys
from pathlib import Path

from console.drill.pager import PAGES


def paged(message: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it as the engine does."""
    argv = [sys.executable, "-m", "console.drill.pager", *words]
    return subprocess.run(argv, input=message, capture_output=True, text=True, check=False, timeout=30)


def test_each_page_is_a_line(tmp_path: Path) -> None:
    for handle in ("sec-1", "pm-1"):
        assert paged("two\nlines\n", str(tmp_path), handle, f"{handle}@x").returncode == 0
    lines = (tmp_path / PAGES).read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"handle": "sec-1", "contact": "sec-1@x", "message": "two\nlines\n"},
        {"handle": "pm-1", "contact": "pm-1@x", "message": "two\nlines\n"},
    ]


def test_a_page_that_says_nothing_is_refused(tmp_path: Path) -> None:
    done = paged(" \n", str(tmp_path), "sec-1", "c")
    assert done.returncode == 1
    assert done.stderr == "the page of sec-1 says nothing: what to say is read from standard input\n"
    assert not (tmp_path / PAGES).exists()


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    for words in ((), (str(tmp_path / "none"), "sec-1", "c")):
        done = paged("x", *words)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1, done.stderr
