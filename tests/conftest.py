"""What all tests share: what is missing is a sentence for a newcomer, a failure where all must be there."""

import os
import shutil

import pytest

REQUIRE_ALL = "WARROOM_REQUIRE_ALL"
"""Environment variable set where a skipped test is a defect."""


def require_program(program: str, package: str) -> str:
    """The path of a system program; skips the test, or fails it, with what to install."""
    found = shutil.which(program)
    if found is None:
        reason = f"needs {program}: apt install {package}"
        if os.environ.get(REQUIRE_ALL):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
