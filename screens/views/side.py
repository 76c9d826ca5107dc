"""The pane at the right: why it is suspected, who says yes at the gate, then the checklist."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from console.core.automatic_run import AutomaticRun
from console.core.automatic_words import stage_lines
from console.core.clock import Stamp
from console.core.commands import command
from console.core.first_minute import listening_words
from console.core.format import clock
from console.core.freshness import unwatched
from console.core.on_duty import source_words, who
from console.core.plan import Phase, Plan
from console.core.policy import demanded, missing, prerequisites, refused, said_yes, unproven
from console.core.prerequisites import Judged
from console.core.protocols import Snapshot
from console.core.state import Called, Incident
from console.core.strategy import Environment
from console.core.summons import Waited, escalates_in, silence, waited_for
from console.core.words import duration
from screens.lines import Line, Role, flush, line, span, wrap
from screens.lines import width as width_of
from screens.views.prerequisites import sign_of

ALERTS_SHOWN = 4


class SideRow(Struct, frozen=True):
    """A sign, words, and something at the right edge."""

    sign: str
    role: Role
    words: str
    right: str = ""
    settled: bool = False
    """Whether it may be folded into a count."""


class SideView(Struct, frozen=True):
    """What the pane holds now."""

    caption: str
    state: str
    state_role: Role
    rows: tuple[SideRow, ...]
    settled_words: str = ""
    """What the settled rows are called when they are folded."""


def side_view(snapshot: Snapshot, environment: Environment) -> SideView:
    """The pane that belongs to this moment of the incident."""
    incident = snapshot.state.open_incident
    if incident is None:
        return _quiet(snapshot, environment)
    if incident.status == "suspected":
        return _suspected(snapshot, incident)
    if incident.automatic is not None and incident.commander is None and not _waits_for_people(incident):
        return _automatic(incident.automatic, snapshot.at)
    if incident.gate_opened is not None:
        return _checklist(incident, environment)
    return _gate(snapshot, incident, environment)


def _quiet(snapshot: Snapshot, environment: Environment) -> SideView:
    engine, last = snapshot.state.engine, snapshot.state.incident
    rows = []
    if last is not None and last.resolved is not None:
        rows.append(SideRow("✓", Role.GOOD, f"{last.id} {last.outcome}", clock(last.resolved)))
    rows += [
        SideRow("·", Role.DIM, environment.title),
        SideRow("·", Role.DIM, f"risk {environment.risk}: {environment.users}"),
        SideRow("·", Role.DIM, "recover within", duration(environment.recover_within)),
    ]
    if engine is not None:
        rows.append(SideRow("·", Role.DIM, f"engine {engine.pid} since", clock(engine.since)))
    rows += _first_minute(snapshot)
    blind = unwatched(snapshot, environment)
    state, role = ("nobody looks", Role.ALARM) if blind else ("all eyes open", Role.GOOD)
    return SideView("WATCH", state, role, tuple(rows))


def _suspected(snapshot: Snapshot, incident: Incident) -> SideView:
    """Why, by whose alerts, who is on call, and who was asked to take command."""
    why = [SideRow("!", Role.BAD, trigger) for trigger in incident.triggers]
    called = [_called(person, one, snapshot.at) for person, one in incident.called.items()]
    rows = (*why, *_alerts(snapshot, incident), *_first_minute(snapshot), *called)
    return SideView("WHY", f"since {clock(incident.onset)}", Role.BAD, rows)


def _called(person: str, called: Called, now: Stamp) -> SideRow:
    """Who was asked as what, and for how long they are silent."""
    words = f"{person}, {called.role}"
    if called.passed is not None:
        return SideRow("·", Role.DIM, f"{words}: asked somebody else", clock(called.passed)[:5])
    if called.delivered is False:
        return SideRow("✗", Role.BAD, f"{words}: page failed, {called.words}")
    return SideRow("…", Role.WARN, words, f"silent {duration(now.seconds_since(called.first))}")


def _alerts(snapshot: Snapshot, incident: Incident) -> list[SideRow]:
    """Alerts that fire and are not why it is suspected; the newest last."""
    told = " ".join(incident.triggers)
    firing = [one for one in snapshot.state.alerts.values() if one.ended is None and one.alert not in told]
    return [
        SideRow("!", Role.WARN, f"alert {one.alert}", clock(one.starts)) for one in firing[-ALERTS_SHOWN:]
    ]


def _first_minute(snapshot: Snapshot) -> list[SideRow]:
    """Who is on call, and whether alerts are heard; nothing while no engine has said so."""
    live = snapshot.live
    rows = []
    if live is not None and (duty := live.on_call) is not None:
        sign, role = ("·", Role.DIM) if duty.people and not duty.trouble else ("!", Role.WARN)
        until = f"until {clock(snapshot.at.on_wall(duty.until))[:5]}" if duty.until is not None else ""
        rows.append(SideRow(sign, role, f"{who(duty)} on call, {source_words(duty, snapshot.at)}", until))
    if live is not None and (webhook := live.webhook) is not None:
        sign, role = ("!", Role.BAD) if webhook.why_not else ("·", Role.DIM)
        if webhook.why_not or snapshot.state.open_incident is None:
            rows.append(SideRow(sign, role, f"alerts at {webhook.at}: {listening_words(webhook)}"))
    return rows


# -- automatic rollback -----------------------------------------------------------------------------


def _waits_for_people(incident: Incident) -> bool:
    """Whether an automatic rollback waits at the gate, or has left its plan there."""
    run = incident.automatic
    if run is None or incident.plan is None or incident.gate_opened is not None:
        return False
    return run.mode == "arms" or run.outcome in ("off", "taken")


_STAGE_SIGN = {"waits": ("·", Role.DIM), "runs": ("◌", Role.WARN), "done": ("✓", Role.GOOD)}
_OUTCOME_ROLE = {"rolled back": Role.GOOD, "stopped": Role.BAD}


def _automatic(run: AutomaticRun, now: Stamp) -> SideView:
    """What it does with nobody there, stage by stage; and why."""
    rows = [SideRow("!", Role.BAD, rule, clock(run.began)) for rule in run.rules]
    for one in stage_lines(run, now):
        sign, role = ("!", Role.BAD) if one.late else _STAGE_SIGN[one.state]
        rows.append(SideRow(sign, role, one.stage, one.spent))
    if run.standing:
        rows.append(SideRow("✓", Role.GOOD, f"signed for, {run.standing}"))
    if run.why:
        rows.append(SideRow("▸", Role.PLAIN, run.why))
    if run.outcome is not None:
        role = _OUTCOME_ROLE.get(run.outcome, Role.WARN)
        rows.append(SideRow("▸", role, f"{run.outcome}: {run.words}", clock(run.ended) if run.ended else ""))
    state = run.outcome or ("by itself" if run.mode == "runs" else run.mode)
    role = _OUTCOME_ROLE.get(state, Role.WARN)
    return SideView("AUTOMATIC", state, role, tuple(rows))


# -- the gate ---------------------------------------------------------------------------------------


def _gate(snapshot: Snapshot, incident: Incident, environment: Environment) -> SideView:
    plan = incident.plan
    if plan is None:
        rules = environment.authorisation.approvers
        rows = tuple(SideRow("…", Role.DIM, f"{rule.count} {rule.role}", "will be asked") for rule in rules)
        return SideView("GATE", "no plan yet", Role.DIM, rows)
    wanted = sum(need.count for need in plan.needs)
    given = wanted - len(missing(incident, snapshot.at))
    role = Role.GOOD if given == wanted else Role.WARN
    rows = (
        *_armed(incident),
        *_people(snapshot, incident, plan),
        *_predicates(snapshot, incident, plan),
        *_prerequisites(snapshot, incident),
    )
    time_left = _time_left(snapshot, incident, environment)
    state = f"{given} of {wanted}{time_left or ' said yes'}"
    key = f" ({command('sign').key})" if plan.proof == "signature" else ""  # NEXT may point at another one
    return SideView(f"GATE{key}", state, role, rows, "before the gate")


def _armed(incident: Incident) -> list[SideRow]:
    """Why an automatic rollback waits here."""
    run = incident.automatic
    if run is None or not run.active or run.mode != "arms":
        return []
    return [SideRow("!", Role.WARN, f"automatic, armed: {run.why}")]


def _people(snapshot: Snapshot, incident: Incident, plan: Plan) -> list[SideRow]:
    """Who said no, who said yes and how that is proven; then who has not."""
    no = [SideRow("✗", Role.BAD, f"{who.person}: no, {who.because}") for who in refused(incident)]
    said = [
        SideRow("✓", Role.GOOD, f"{a.person}, {', '.join(a.roles)}", f"{a.proof} {clock(a.at)[:5]}")
        for a in said_yes(incident, snapshot.at)
    ]
    asks = "types the name (g)" if plan.proof == "claim" else "signs (A)"
    return [
        *no,
        *said,
        *_waited_for(snapshot, incident, asks),
    ]


def _waited_for(snapshot: Snapshot, incident: Incident, asks: str) -> list[SideRow]:
    """A line for each missing role whose people were asked; and for each yes that nobody was asked for."""
    short = Counter(missing(incident, snapshot.at))
    asked = waited_for(incident, snapshot.at)
    rows = []
    for role, count in short.items():
        people = [one for one in asked if role in one.asked.roles]
        if people:
            some = f"{count} {role}" if count > 1 else role
            names = ", ".join(one.handle for one in people)
            rows.append(SideRow("…", Role.WARN, f"{some}: {names}", _how_silent(snapshot, people)))
        else:
            rows += [SideRow("…", Role.WARN, role, asks)] * count
    return rows


def _how_silent(snapshot: Snapshot, people: Sequence[Waited]) -> str:
    """Of those who were asked for one role: that somebody reads, or for how long all have been silent."""
    if any(one.asked.seen is not None for one in people):
        return "reads"
    if all(one.asked.delivered is False for one in people):
        return "page failed"
    longest = max(people, key=lambda one: silence(one.asked, snapshot.at))
    times = f"x{longest.asked.times} " if longest.asked.times > 1 else ""
    return f"{times}{duration(silence(longest.asked, snapshot.at))}"


def _time_left(snapshot: Snapshot, incident: Incident, environment: Environment) -> str:
    """When the next level of the escalation path is told, or which was told last."""
    left = escalates_in(incident, environment, snapshot.at)
    if left is not None:
        return f", escalates {duration(left)}"
    return f", level {incident.escalated.level} told" if incident.escalated else ""


def _predicates(snapshot: Snapshot, incident: Incident, plan: Plan) -> list[SideRow]:
    why_not = {predicate.slot: why for predicate, why in unproven(plan, incident, snapshot.at)}
    rows = []
    preparing = not incident.settled(Phase.PREPARE)
    for predicate in demanded(plan, incident):
        evidence = incident.evidence.get(predicate.slot)
        if predicate.slot not in why_not and evidence is not None:
            age = duration(snapshot.at.seconds_since(evidence.at))
            rows.append(SideRow("✓", Role.GOOD, predicate.words, age))
        elif evidence is None and preparing:
            rows.append(SideRow("◌", Role.DIM, predicate.words, "not yet"))
        else:
            rows.append(SideRow("✗", Role.BAD, f"{predicate.words}: {why_not[predicate.slot]}"))
    return rows


def _prerequisites(snapshot: Snapshot, incident: Incident) -> list[SideRow]:
    """What the plan's evidence does not say already; what is open and waits for a person says the key."""
    rows = []
    for one in prerequisites(incident, snapshot.at):
        if one.item.slots and not one.waived:
            continue
        sign, role = sign_of(one)
        settled = one.met and not one.waived
        rows.append(SideRow(sign, role, one.item.title, _at_the_right(one), settled=settled))
    return rows


def _at_the_right(one: Judged) -> str:
    """How it was met, or what meets it."""
    if one.waived:
        return "waived"
    tick_or_yes = {"hand": "t", "approval": "a yes"}
    return "" if one.met else tick_or_yes.get(one.item.proof, "")


# -- the checklist ----------------------------------------------------------------------------------


def _checklist(incident: Incident, environment: Environment) -> SideView:
    rows = []
    for item in environment.checklist:
        tick = incident.items.get(item.id)
        if tick is None:
            rows.append(SideRow("·", Role.PLAIN, item.title))
        else:
            rows.append(SideRow("✓", Role.GOOD, item.title, "proven" if tick.step else tick.by, settled=True))
    done = sum(row.settled for row in rows)
    role = Role.GOOD if done == len(rows) else Role.PLAIN
    return SideView("CHECKLIST", f"{done} of {len(rows)}", role, tuple(rows), "ticked")


# -- to lines ---------------------------------------------------------------------------------------


def cells_wanted(view: SideView, *, folds: bool) -> int:
    """Cells in which no line would be broken, with the border; `folds`: without rows that are folded away."""
    rows = [row for row in view.rows if not (folds and row.settled and view.settled_words)]
    whole = [3 + span(row.words).cells + width_of(_right(row)) for row in rows]
    return 1 + max([2 + len(view.caption) + len(view.state) + 2, *whole])


def draw_side(view: SideView, width: int, height: int) -> list[Line]:
    """A caption and the rows; settled rows fold into a count when there is no room for all."""
    if height <= 0:
        return []
    caption = flush(
        line(" ", span(view.caption, Role.STRONG)), line(span(view.state, view.state_role), " "), width
    )
    rows = list(view.rows)
    folded = 0
    if len(rows) > height - 1 and view.settled_words:
        folded = sum(row.settled for row in rows)
        rows = [row for row in rows if not row.settled]
    whole = [line for row in rows for line in _whole(row, width)]
    lines = whole if len(whole) < height else [_row(row, width) for row in rows]
    if folded:
        lines.insert(0, line(span(f" ✓ {folded} {view.settled_words}", Role.GOOD)))
    if len(lines) > height - 1:
        more = len(lines) - height + 2
        lines = [*lines[: max(0, height - 2)], line(span(f"   and {more} more", Role.DIM))]
    return [caption, *lines][:height]


def _role(row: SideRow) -> Role:
    return row.role if row.role in (Role.DIM, Role.BAD) else Role.PLAIN


def _right(row: SideRow) -> Line:
    return line(" ", span(row.right, Role.DIM), " ") if row.right else line(" ")


def _row(row: SideRow, width: int) -> Line:
    """The row on one line, its words elided."""
    return flush(line(" ", span(row.sign, row.role), " ", span(row.words, _role(row))), _right(row), width)


def _whole(row: SideRow, width: int) -> list[Line]:
    """The row on as many lines as its words need."""
    right = _right(row)
    words = wrap(row.words, width - 3 - width_of(right), _role(row))
    first = flush((*line(" ", span(row.sign, row.role), " "), *words[0]), right, width)
    return [first, *((*line("   "), *more) for more in words[1:])]
