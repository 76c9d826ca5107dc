"""What a push sets off, in words: a line for each workflow, with where its jobs deploy to, in their order."""

from console.core.format import count
from console.core.triggers import Job, Triggered, Triggers

_WIDEST = 60
"""Characters of a condition that are shown."""


def triggers_lines(found: Triggers) -> tuple[str, ...]:
    """All of it, a line each; that it is nothing is said too."""
    lines = tuple(_line(run) for run in found.runs) + found.unsure
    return lines or ("the push sets off no workflow of GitHub Actions",)


def deploys_to(found: Triggers) -> tuple[str, ...]:
    """Every place that something is deployed to by that, each once, in their order."""
    return tuple(dict.fromkeys(job.environment for run in found.runs for job in run.jobs if job.environment))


def triggers_summary(found: Triggers) -> str:
    """`the push sets off 2 workflows and deploys testnet, then staging`; empty where it does nothing."""
    if not found.runs:
        return ""
    places = deploys_to(found)
    deploys = f" and deploys {', then '.join(places)}" if places else ""
    return f"the push sets off {count(len({run.file for run in found.runs}), 'workflow')}{deploys}"


def _line(run: Triggered) -> str:
    cause = f"the end of {run.after}" if run.after else f"a push to {run.ref}"
    return f"{cause} sets off {run.workflow} ({run.file}): {'; '.join(map(_job, run.jobs))}"


def _job(job: Job) -> str:
    place = f" deploys {job.environment}" if job.environment else ""
    calls = f" runs {job.uses}" if job.uses else ""
    after = f" after {', '.join(job.needs)}" if job.needs else ""
    when = " ".join((job.condition or "").split())
    when = f" if {when[:_WIDEST]}{'...' if len(when) > _WIDEST else ''}" if when else ""
    return f"{job.id}{place}{calls}{after}{when}"
