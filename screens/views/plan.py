"""The plan in words: whole for the preview, in six lines for the gate, the step at hand for a wide screen."""

from msgspec import Struct

from console.core.format import count, short
from console.core.plan import PHASES, Authority, CodeChange, Phase, Plan, Step
from console.core.plan_words import data_words, glass_words, migration_words
from console.core.policy import demanded, prerequisites, unproven
from console.core.protocols import Snapshot
from console.core.receipt import beyond, told
from console.core.reverting import revert_line
from console.core.single_rows import shown
from console.core.state import Incident
from console.core.triggers_words import triggers_lines
from console.core.undoing import back_words
from console.core.words import duration
from screens.lines import Line, Role, blank, labelled, line, rule, span, wrap
from screens.views.prerequisites import prerequisite_lines
from screens.views.schema import schema_fact, schema_lines

IN_FULL = 4
"""So many steps of the switch are told at the gate with all their words; of more, only the titles."""
_AUTHORITY = {
    Authority.NONE: "",
    Authority.COMMANDER: ", when the commander says yes",
    Authority.MATRIX: ", behind the gate",
}


class DetailView(Struct, frozen=True):
    """The plan, and what the step at hand does and prints."""

    head: tuple[Line, ...]
    step: Step | None
    output: tuple[str, ...]


# -- the gate ---------------------------------------------------------------------------------------


def gate_lines(snapshot: Snapshot, incident: Incident, plan: Plan, width: int) -> list[Line]:
    """What one says yes to, and what the gate has seen for itself."""
    switch = plan.of_phase(Phase.SWITCH)
    away = sum(step.expected_s for step in switch)
    steps = count(len(plan.steps), "step")
    facts = (
        ("Release", _release(snapshot, plan.code)),
        ("Data", data_words(plan)),
        *((("Schema", fact),) if (fact := schema_fact(snapshot, incident, plan)) else ()),
        *((("Glass", glass_words(plan.glass)),) if plan.glass else ()),
        *((("Loss", _loss(incident)),) if plan.data else ()),
        *(("Row", f"{key}: {words}") for key, words in shown(incident)),
        ("Does", ", then ".join(_done(switch))),
        ("Takes", f"about {duration(away)} until it is switched, target {duration(plan.recover_within_s)}"),
    )
    further = (
        ("Proves", ", then ".join(step.title for step in plan.of_phase(Phase.PROVE))),
        ("Plan", f"{short(incident.plan_hash or '')}, {steps}; v in the war room shows it whole"),
    )
    return [
        *(row for name, words in facts for row in labelled(name, words, width)),
        *predicate_lines(snapshot, incident, plan, width),
        *prerequisite_lines(prerequisites(incident, snapshot.at), width),
        *(row for name, words in further for row in labelled(name, words, width)),
    ]


def _done(switch: tuple[Step, ...]) -> list[str]:
    """What is done behind the gate; in few words where it is much."""
    return [step.title if len(switch) > IN_FULL else step.words or step.title for step in switch]


def _loss(incident: Incident) -> str:
    found = told(incident)
    if found is None:
        return "not known yet: it is compared before the gate opens"
    chain = f"; {found.chain}" if found.chain else ""
    return f"{beyond(incident, found) or found.rows}{chain}"


def _release(snapshot: Snapshot, code: CodeChange | None) -> str:
    """From which release to which; what the branch holds too, where the service answers something else."""
    running = snapshot.state.running
    if code is None:
        return f"{running.release if running else 'what runs now'} stays"
    runs = code.running.tag
    if running is not None and running.release != runs:
        runs = f"{running.release} (in the branch: {runs})"
    return f"{runs} back to {code.target.tag}, which is {code.verdict}"


def predicate_lines(snapshot: Snapshot, incident: Incident, plan: Plan, width: int) -> list[Line]:
    """Each demand of the gate, with its evidence and how old that is, or why it does not hold."""
    why_not = {predicate.slot: why for predicate, why in unproven(plan, incident, snapshot.at)}
    lines: list[Line] = []
    for predicate in demanded(plan, incident):
        evidence = incident.evidence.get(predicate.slot)
        if predicate.slot in why_not or evidence is None:
            words = f"{predicate.words}: {why_not.get(predicate.slot, 'not proven yet')}"
            lines += _signed("✗", Role.BAD, words, width)
        else:
            age = duration(snapshot.at.seconds_since(evidence.at))
            lines += _signed("✓", Role.GOOD, f"{predicate.words}: {evidence.words}, {age} ago", width)
    return lines


def _signed(sign: str, role: Role, words: str, width: int) -> list[Line]:
    first, *more = wrap(words, width - 2)
    return [(span(f"{sign} ", role), *first), *((blank(2), *row) for row in more)]


# -- the whole --------------------------------------------------------------------------------------


def plan_lines(snapshot: Snapshot, incident: Incident, plan: Plan, width: int) -> list[Line]:
    """Everything that was frozen: nothing is cut, long commands are broken."""
    lines = [
        *_head(incident, plan, width),
        *schema_lines(plan, width),
        *(_branch(plan.code, width) if plan.code else ()),
        line(""),
    ]
    for phase in PHASES:
        if phase is Phase.SWITCH:
            needs = ", ".join(f"{need.count} {need.role}" for need in plan.needs)
            lines += [rule(width, span(f"GATE: {needs} by {plan.proof}", Role.WARN))]
            lines += predicate_lines(snapshot, incident, plan, width)
            lines += prerequisite_lines(prerequisites(incident, snapshot.at), width)
        lines.append(rule(width, span(phase.value.upper(), Role.STRONG)))
        for step in plan.of_phase(phase):
            lines += step_lines(step, width)
    return lines


def _head(incident: Incident, plan: Plan, width: int) -> list[Line]:
    return [
        *wrap(_code_words(plan.code) if plan.code else "the release stays as it is", width),
        *wrap(f"data {data_words(plan)}", width),
        *(wrap(glass_words(plan.glass), width, Role.WARN) if plan.glass else ()),
        *wrap(f"hash {incident.plan_hash}", width, Role.DIM),
    ]


def _code_words(code: CodeChange) -> str:
    running, target, back = code.running, code.target, count(code.releases_back, "release")
    release = f"{running.tag} ({short(running.commit)}) back to {target.tag} ({short(target.commit)})"
    far = f", {back} back" if code.releases_back else ""
    return f"{release}, {code.verdict}{far}: {code.way}{migration_words(code)}"


def _branch(code: CodeChange, width: int) -> list[Line]:
    lines = wrap(f"branch {code.branch}, will hold {code.restored}", width, Role.DIM)
    for one in code.reverts:
        lines += wrap(f"reverts {revert_line(one)}", width)
    if code.protection:
        lines += wrap(code.protection, width, Role.WARN)
    if found := code.triggers:
        role = Role.WARN if found.runs or found.unsure else Role.DIM
        lines += [row for words in triggers_lines(found) for row in wrap(words, width, role)]
    return lines


def step_lines(step: Step, width: int) -> list[Line]:
    """A step with its exact effects."""
    again = "may be repeated" if step.repeatable else "never twice unasked"
    terms = (
        f"~{duration(step.expected_s)}, at most {duration(step.limit_s)}, {again}{_AUTHORITY[step.authority]}"
    )
    lines = [*wrap(step.title, width, Role.STRONG), *_indented(terms, width, Role.DIM)]
    lines += _indented(step.words, width, Role.PLAIN)
    for effect in step.effects:
        lines += _indented(f"$ {effect}", width, Role.ACT)
    if step.back is not None:
        lines += _indented(f"back: {back_words(step)}", width, Role.PLAIN)
        for effect in step.back.effects:
            lines += _indented(f"$ {effect}", width, Role.DIM)
    return lines


def _indented(words: str, width: int, role: Role) -> list[Line]:
    return [(blank(2), *row) for row in wrap(words, width - 2, role, indent=2)] if words else []


# -- beside the runbook, where there is room --------------------------------------------------------


def detail_view(snapshot: Snapshot) -> DetailView:
    """The step that runs, asks, or comes next; with the last lines it printed."""
    incident = snapshot.state.incident
    if incident is None or incident.plan is None:
        return DetailView((line(span(" PLAN", Role.STRONG), span(" none yet", Role.DIM)),), None, ())
    steps = [*incident.asking(), *incident.running()]
    steps += [step for step in incident.plan.steps if not incident.step(step.id).status.settled]
    step = steps[0] if steps else None
    progress = snapshot.live.steps.get(step.id) if step and snapshot.live else None
    caption = line(span(" PLAN ", Role.STRONG), span(f"hash {short(incident.plan_hash or '')}", Role.DIM))
    return DetailView((caption,), step, progress.output if progress else ())


def draw_detail(view: DetailView, width: int, height: int) -> list[Line]:
    """The step's exact effects, and its output below."""
    body = [(blank(1), *row) for row in step_lines(view.step, width - 2)] if view.step else []
    printed = [line(span(f" {text}", Role.DIM)) for text in view.output]
    room = max(0, height - len(view.head) - len(printed))
    return [*view.head, *body[:room], *printed][:height]
