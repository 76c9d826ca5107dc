"""What all tests share: what is missing is a sentence for a newcomer, a failure where all must be there."""

import os
import shutil

import pytest
from hypothesis import settings

REQUIRE_ALL = "WARROOM_REQUIRE_ALL"
"""Environment variable set where a skipped test is a defect."""

settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.register_profile("exploring", deadline=None)
settings.load_profile("reproducible" if os.environ.get(REQUIRE_ALL) else "exploring")
"""Where everything must pass, the same examples each time; on a desk, new ones."""


def require(reason: str, *, found: bool) -> None:
    """Skip the test with `reason` unless what it needs was found; fail it where nothing may be skipped."""
    if not found and os.environ.get(REQUIRE_ALL):
        pytest.fail(reason)
    if not found:
        pytest.skip(reason)


def require_program(program: str, package: str) -> str:
    """The path of a system program; skips the test, or fails it, with what to install."""
    path = shutil.which(program)
    require(f"needs {program}: apt install {package}", found=path is not None)
    return path or program
