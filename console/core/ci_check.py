"""What must be true of a runbook that freezes the CI: who says yes, that it ends, and that we may deploy."""

from collections.abc import Iterator

from console.core.parts import Finding, Part, Rule

_WHERE = {"freeze": "prepare", "pass-commit": "switch", "drift-lock": "prove", "unfreeze": "close"}
"""The phase of each step about the CI."""


def phases(environment: Part) -> Iterator[Finding]:
    """The freeze begins before the gate, the lock is proof, and nothing is unfrozen before there is proof."""
    for step in environment["runbook"].each():
        wanted = _WHERE.get(step["action"].text or "")
        if wanted and step["phase"].text is not None and step["phase"].text != wanted:
            yield step["phase"].wrong(f"`{step['action'].text}` belongs to `{wanted}`")


def commander(environment: Part) -> Iterator[Finding]:
    """Freezing stops other people's work: the commander says yes to it."""
    for step in _of(environment, "freeze"):
        if step["authority"].text in ("none", "matrix"):
            yield step["authority"].wrong("`freeze` has authority `commander`: it stops other people's work")


def ends(environment: Part) -> Iterator[Finding]:
    """Whatever is frozen is unfrozen, and our own deployment passes."""
    deploys = any(True for _ in _of(environment, "deploy"))
    for step in _of(environment, "freeze"):
        if not any(True for _ in _of(environment, "unfreeze")):
            yield step["action"].wrong("`freeze` needs a step `unfreeze` in `close`: nothing ends it")
        lets_pass = any(True for _ in _of(environment, "pass-commit"))
        if deploys and environment["deploy"]["kind"].text == "pipeline" and not lets_pass:
            yield step["action"].wrong(
                "`freeze` stops the pipeline that deploys: add a step `pass-commit` before `deploy`"
            )


def _of(environment: Part, action: str) -> Iterator[Part]:
    return (step for step in environment["runbook"].each() if step["action"].text == action)


RULES: tuple[Rule, ...] = (phases, commander, ends)
