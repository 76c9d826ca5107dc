"""Points at which a crash matters: named here, so that tests can die at every one of them."""

import os
import signal

VARIABLE = "WARROOM_CRASH_AT"
"""Environment variable naming the point, `deploy:effect.after`, at which the engine kills itself."""

POINTS = ("intent.before", "intent.after", "effect.middle", "effect.after", "outcome.after")
"""Around each step, in order; `intent.after` is also before the effect, `effect.after` before the outcome."""


def reached(step: str, point: str) -> None:
    """Die here, without a word, when the environment asks for it."""
    if os.environ.get(VARIABLE) == f"{step}:{point}":
        os.kill(os.getpid(), signal.SIGKILL)
