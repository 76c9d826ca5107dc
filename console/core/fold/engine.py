"""What the engine said of itself and of what it measures."""

from collections.abc import Iterator

from msgspec.structs import replace

from console.core import events as ev
from console.core.fold.base import apply
from console.core.state import EngineInfo, Incident, RungState, RunningRelease, State, Status, StepState

LANDINGS_KEPT = 24


@apply.register
def _(body: ev.EngineStarted, event: ev.Event, state: State) -> State:
    engine = EngineInfo(
        body.pid, body.epoch, body.mode, event.at, body.strategy_hash, supervised=body.supervised
    )
    state = replace(state, engine=engine, epoch=body.epoch)
    incident, errand = state.open_incident, state.open_errand
    return replace(
        state,
        incident=_cut_off(incident) if incident else state.incident,
        errand=_cut_off(errand) if errand else state.errand,
    )


def _cut_off(run: Incident) -> Incident:
    """The run when its engine has gone: also what an earlier engine found was true then only."""
    words = "the engine ended in the middle of it"
    unclear = {
        step: replace(known, status=Status.UNKNOWN, words=words, finding=None)
        for step, known in run.steps.items()
        if known.status in (Status.RUNNING, Status.UNKNOWN)
    }
    return replace(run, steps={**run.steps, **unclear}, undo=(), undos=_undos_cut_off(run, words))


def _undos_cut_off(run: Incident, words: str) -> dict[str, StepState]:
    """A step that was being taken back: to ask for it again looks first how far it came."""
    return {
        step: replace(known, status=Status.UNKNOWN, words=words) if known.status is Status.RUNNING else known
        for step, known in run.undos.items()
    }


@apply.register
def _(body: ev.EngineStopped, event: ev.Event, state: State) -> State:
    return replace(state, engine=replace(state.engine, stopped=body.reason)) if state.engine else state


@apply.register
def _(body: ev.RungChanged, event: ev.Event, state: State) -> State:
    rung = RungState(body.after, event.at, body.value, body.rule, body.title)
    return replace(state, rungs={**state.rungs, body.metric: rung})


@apply.register
def _(body: ev.ReleaseSeen, event: ev.Event, state: State) -> State:
    old = state.running
    if old is not None and (old.release, old.commit) == (body.release, body.commit):
        running = replace(old, instances=body.instances)
    else:
        before = old.release if old else None
        running = RunningRelease(body.release, body.commit, event.at, before, body.instances)
    return replace(state, running=running, landed=_newest((*state.landed, *_landings(body, event, old))))


def _landings(body: ev.ReleaseSeen, event: ev.Event, old: RunningRelease | None) -> Iterator[RunningRelease]:
    """Each release that runs somewhere and ran nowhere before: on one instance of many it has landed too."""
    before = {old.release, *old.instances.values()} if old else set()
    another_commit = old is not None and (old.release == body.release and old.commit != body.commit)
    for release in dict.fromkeys((body.release, *body.instances.values())):
        usual = release == body.release
        if release not in before or (usual and another_commit):
            yield RunningRelease(
                release,
                body.commit if usual else None,
                event.at,
                old.release if old else None,
                body.instances,
            )


def _newest(landed: tuple[RunningRelease, ...]) -> tuple[RunningRelease, ...]:
    """Few enough of them: of a service that flaps, when each release was first seen stays longest."""
    if len(landed) <= LANDINGS_KEPT:
        return landed
    names = [one.release for one in landed]
    again = next((at for at, name in enumerate(names) if name in names[:at]), 0)
    return landed[:again] + landed[again + 1 :]
