"""The war room: one screen that says what is broken, what is next, which key, and whom we wait for."""

from collections.abc import Callable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer

from console.core import calling
from console.core.commands import COMMANDS, DATA, PEOPLE, command
from console.core.errands import errand_now
from console.core.errors import StatedError
from console.core.next_line import NextStep
from console.core.next_step import Viewer, next_step
from console.core.pacing import pace_of
from console.core.policy import choices
from console.core.protocols import Room, Snapshot
from console.core.recommendation import undecided
from console.core.requests import AnyAsk, Errand, Page, Resume, Run, Seen, SetPace
from console.core.roster import Roster
from console.core.state import Incident
from console.core.summons_by_hand import to_ask
from console.core.verbs import UNFREEZE
from screens.act_as import ActAsDialog
from screens.acting import Acting
from screens.allow import AllowDialog
from screens.asking import Asked, AskingDialog
from screens.automatic import AutomaticDialog
from screens.data import DataDialog
from screens.decide import DecideDialog
from screens.declare import DeclareDialog
from screens.dialog import Dialog
from screens.diff import DiffDialog
from screens.errands import Errands
from screens.gate import GateDialog
from screens.layout import TALL, WIDE, Layout, layout
from screens.leave import STAYS, LeaveDialog
from screens.lines import Line, Role, rule
from screens.metrics import MetricsDialog
from screens.mitigate import MitigateDialog
from screens.palette import Palette
from screens.readings import HelpDialog, OutputDialog, PlanDialog
from screens.resolve import ResolveDialog
from screens.scene import Scene
from screens.short_forms import AbortDialog, NoteDialog, SeverityDialog, TargetDialog
from screens.sign import SignDialog
from screens.staff import StaffDialog
from screens.tick import TickDialog
from screens.undo import UndoDialog
from screens.views.bottom import draw_keys, draw_next, keys_view, next_view
from screens.views.clock import clock_view, draw_clock
from screens.views.header import draw_header, header_view
from screens.views.metrics import draw_metrics, metric_lines, metrics_view
from screens.views.plan import detail_view, draw_detail
from screens.views.runbook import draw_runbook, lines_wanted, runbook_view
from screens.views.side import cells_wanted, draw_side, side_view
from screens.widgets.pane import Pane
from screens.widgets.timeline import PAGE, Timeline

WHY_NOT_S = 6.0
"""How long the reason stays that something is not possible."""
REFUSED_S = 60.0
"""How long a refusal stays; a key press ends it earlier."""
_FORMS: dict[str, type[Dialog[AnyAsk | None]]] = {
    "declare": DeclareDialog,
    "go": GateDialog,
    "allow": AllowDialog,
    "sign": SignDialog,
    "abort": AbortDialog,
    "undo": UndoDialog,
    "severity": SeverityDialog,
    "mitigate": MitigateDialog,
    "tick": TickDialog,
    "note": NoteDialog,
    "resolve": ResolveDialog,
    "target": TargetDialog,
    "automatic": AutomaticDialog,
}
_OF_DATA = frozenset(entry.id for entry in DATA)
_OF_PEOPLE = frozenset(entry.id for entry in PEOPLE)
_READINGS: dict[str, type[Dialog[None]]] = {"plan": PlanDialog, "output": OutputDialog, "help": HelpDialog}


def _to_page(incident: Incident, scene: Scene, roster: Roster) -> str | None:
    """Whom `p` asks: for a yes, or to take command of what is only suspected."""
    snapshot, environment, me = scene.snapshot, scene.environment, scene.actor
    if incident.status != "suspected":
        return to_ask(incident, environment, roster, snapshot.at, besides=me)
    duty = snapshot.live.on_call if snapshot.live else None
    return calling.to_ask(incident, environment, roster, duty, snapshot.at, besides=me)


def _asks_again(room: Room, roster: Roster | None) -> float | None:
    """After how long without a key it is asked who is there; None where nobody could answer."""
    rule = room.environment.war_room
    known = roster is not None and room.actor in roster.handles()
    return rule.ask_again if rule and known else None


def _draw_caption(words: Line, width: int, height: int) -> list[Line]:
    return [rule(width, *words)][:height]


class WarRoom(Screen[None]):
    """Shows the newest snapshot it was sent, and puts requests into the inbox."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            ",".join((entry.key, *entry.aliases)),
            f"do('{entry.id}')",
            entry.label,
            id=entry.id,
            tooltip=entry.sentence,
            show=False,
        )
        for entry in COMMANDS
    ]
    AUTO_FOCUS = "#timeline"

    class Seen(Message):
        """A newer snapshot; bursts collapse into the newest."""

        def __init__(self, snapshot: Snapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

        def can_replace(self, message: Message) -> bool:
            """A snapshot makes every older one worthless."""
            return isinstance(message, WarRoom.Seen)

    class Blind(Message):
        """The journal could not be read; it is tried again."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class LookChanged(Message):
        """Somebody wants the other theme."""

    class Left(Message):
        """Somebody leaves this console."""

    def __init__(self, room: Room, leaving: str = STAYS, roster: Roster | None = None) -> None:
        """`roster` is to name those who can be asked; None where it is not known."""
        super().__init__()
        self._room = room
        self._roster = roster
        self._acting = Acting(room.actor, _asks_again(room, roster))
        self._leaving = leaving
        self._snapshot: Snapshot | None = None
        self._errands = Errands()
        self._blind = ""
        self._notice, self._notice_role = "", Role.PLAIN
        self._fading: Timer | None = None
        self._wanted = 0, 0
        """Lines that the runbook would like, and cells that the pane beside it would."""
        self._shape: tuple[Layout, int] | None = None

    def compose(self) -> ComposeResult:
        """The parts, from top to bottom."""
        yield Pane(draw_header, id="header")
        yield Pane(draw_metrics, id="metrics")
        yield Pane(_draw_caption, id="caption")
        with Horizontal(id="middle"):
            yield Pane(draw_runbook, id="runbook")
            yield Pane(draw_side, id="side")
            yield Pane(draw_detail, id="detail")
        yield Pane(draw_clock, id="clock")
        yield Timeline(id="timeline")
        yield Pane(draw_next, id="next")
        yield Pane(draw_keys, id="keys")

    # -- what is shown ------------------------------------------------------------------------------

    @property
    def scene(self) -> Scene | None:
        """The newest snapshot and where it was taken; None before the first."""
        if self._snapshot is None:
            return None
        room = self._room
        return Scene(self._snapshot, room.environment, room.name, self._acting.handle, self._roster)

    @property
    def next_step(self) -> NextStep:
        """What the NEXT line says."""
        if self._blind:
            return NextStep(f"the journal cannot be read: {self._blind}. Trying again every second", None)
        if self._snapshot is None:
            return NextStep("wait: reading the journal", None)
        viewer = Viewer(self._acting.handle, self._roster)
        return next_step(self._snapshot, self._room.environment, viewer)

    def on_war_room_seen(self, message: Seen) -> None:
        """Draw a newer snapshot."""
        self._snapshot, self._blind = message.snapshot, ""
        for refusal in self._errands.heed(message.snapshot):
            self._say(refusal, Role.BAD, REFUSED_S)
        self._show_everywhere()

    def on_war_room_blind(self, message: Blind) -> None:
        """Say that what is shown is old, and why."""
        self._blind = message.words
        self._show_bottom()

    def on_timeline_wanted(self, message: Timeline.Wanted) -> None:
        """Older events have come into sight: read that page of the journal."""
        timeline = self.query_one(Timeline)
        try:
            timeline.take(message.page, self._room.timeline(message.before, PAGE))
        except (StatedError, OSError) as error:
            timeline.fail(str(error))

    def on_resize(self) -> None:
        """Share the terminal out anew."""
        self._show()

    def _show_everywhere(self) -> None:
        """Here, and in every dialog that is open above."""
        self._show()
        for screen in self.app.screen_stack:
            if isinstance(screen, Dialog) and screen.is_mounted and self.scene is not None:
                screen.update(self.scene)

    def _show(self) -> None:
        scene = self.scene
        if scene is None:
            self._show_bottom()
            return
        snapshot, environment = scene.snapshot, scene.environment
        runbook = runbook_view(snapshot, environment, output=self.size.width < WIDE)
        side = side_view(snapshot, environment)
        self._wanted = lines_wanted(runbook), cells_wanted(side, folds=self.size.height < TALL)
        away = self._acting.is_away(snapshot.at)
        self._pane("header").show(header_view(snapshot, environment, scene.name, scene.actor, away=away))
        self._pane("metrics").show(metrics_view(snapshot, environment))
        self._pane("caption").show(runbook.caption)
        self._pane("runbook").show(runbook)
        self._pane("side").show(side)
        self._pane("detail").show(detail_view(snapshot))
        self._pane("clock").show(clock_view(snapshot, environment))
        self.query_one(Timeline).show(snapshot.events, scene.titles())
        self._show_bottom()

    def _show_bottom(self) -> None:
        step = self.next_step
        notice, role = self._notice, self._notice_role
        if not notice and self._snapshot is not None and (queued := self._errands.queued(self._snapshot.at)):
            notice, role = queued, Role.WARN
        beside = errand_now(self._snapshot) if self._snapshot else None
        advised = undecided(self._snapshot, self._room.environment) if self._snapshot else None
        view = next_view(step, notice, role, beside, advised)
        self._pane("next").show(view)
        self._pane("keys").show(keys_view(self._snapshot, self._room.environment, step.command))
        self._share_out(len(draw_next(view, self.size.width, self.size.height)))

    def _share_out(self, bottom: int) -> None:
        """Give each part its lines and cells; does nothing while they stay the same."""
        width, height = self.size
        runbook, side = self._wanted
        calm = self._snapshot is None or self._snapshot.state.open_incident is None
        metrics = metric_lines(len(self._room.environment.metrics), width)
        got = layout(width, height, metrics=metrics, runbook=runbook, side=side, bottom=bottom, calm=calm)
        if (got, bottom) == self._shape:
            return
        self._shape = got, bottom
        for name, lines in (("metrics", got.metrics), ("middle", got.middle), ("next", bottom)):
            self.query_one(f"#{name}").styles.height = lines
        self._pane("side").styles.width = got.side
        self._pane("detail").styles.width = got.detail
        self._pane("detail").display = got.detail > 0

    def _pane(self, name: str) -> Pane[Any]:
        return self.query_one(f"#{name}", Pane)

    # -- notices ------------------------------------------------------------------------------------

    def _say(self, words: str, role: Role, seconds: float = WHY_NOT_S) -> None:
        self._notice, self._notice_role = words, role
        if self._fading is not None:
            self._fading.stop()
        self._fading = self.set_timer(seconds, self._hush)
        self._show_bottom()

    def _hush(self) -> None:
        self._notice = ""
        self._show_bottom()

    # -- commands -----------------------------------------------------------------------------------

    def action_do(self, command_id: str) -> None:
        """Do a command, or say why it cannot be done now."""
        if self._notice:
            self._hush()
        scene, entry = self.scene, command(command_id)
        if scene is None:
            self._act_unseen(command_id)
        elif reason := entry.possible(scene.snapshot, scene.environment):
            self._say(f"{entry.keys} {entry.id}: {reason}", Role.WARN)
        elif self._errands.under_way(command_id):
            self._say(f"{entry.id} is asked for already; the engine has not answered yet", Role.WARN)
        else:
            self._act(command_id, scene)

    def _act_unseen(self, command_id: str) -> None:
        """Before the first snapshot there is nothing to act on, but one can leave."""
        if command_id == "quit":
            self.post_message(self.Left())
        else:
            self._say(self.next_step.sentence, Role.WARN)

    def _act(self, command_id: str, scene: Scene) -> None:
        if command_id == "data" or command_id in _OF_DATA:
            self._open(DataDialog(scene, command_id if command_id in _OF_DATA else ""))
        elif command_id == "people" or command_id in _OF_PEOPLE:
            self._open(StaffDialog(scene, command_id if command_id in _OF_PEOPLE else ""))
        elif command_id == "diff":
            self._open(DiffDialog(scene))
        elif command_id == "metrics":
            self.app.push_screen(MetricsDialog(scene, self._room.course))
        elif form := _FORMS.get(command_id):
            self.app.push_screen(form(scene), self._submitter(command_id))
            if command_id == "sign":
                self._tell_of_look(scene)
        elif reading := _READINGS.get(command_id):
            self.app.push_screen(reading(scene))
        else:
            {
                "next": self._do_next,
                "decide": self._decide,
                "page": self._page,
                "resume": self._resume,
                "run": self._run,
                "pace": self._change_pace,
                "unfreeze": self._unfreeze,
                "engine": self._start_engine,
                "act-as": self._act_as,
                "palette": self._palette,
                "look": self._look,
                "quit": self._leave,
            }[command_id](scene)

    def _do_next(self, _scene: Scene) -> None:
        step = self.next_step
        if step.command is None:
            self._say(f"nothing to press now: {step.sentence}", Role.PLAIN)
        else:
            self.action_do(step.command)

    def _open(self, dialog: AskingDialog) -> None:
        """Open a screen to look at, and put into the inbox what it is left with."""

        def asked(answer: Asked | None) -> None:
            if answer is not None:
                self._submitter(answer.command)(answer.ask)

        self.app.push_screen(dialog, asked)

    def _decide(self, scene: Scene) -> None:
        incident = scene.snapshot.state.open_incident
        step = next((s for s in incident.asking() if choices(incident, s.id)), None) if incident else None
        if incident is not None and step is not None:
            self.app.push_screen(DecideDialog(scene, incident, step), self._submitter("decide"))

    def _resume(self, _scene: Scene) -> None:
        self._submitter("resume")(Resume())

    def _run(self, _scene: Scene) -> None:
        self._submitter("run")(Run())

    def _change_pace(self, scene: Scene) -> None:
        by_phase = pace_of(scene.snapshot.state.open_incident, scene.environment.pace) == "phase"
        self._submitter("pace")(SetPace("step" if by_phase else "phase"))

    def _unfreeze(self, _scene: Scene) -> None:
        self._submitter("unfreeze")(Errand(UNFREEZE))

    def _page(self, scene: Scene) -> None:
        """Ask whom NEXT names; where it names nobody, who has been silent for longest."""
        incident, roster = scene.snapshot.state.open_incident, scene.roster
        if incident is None or roster is None:
            self._say(
                "p page: the roster cannot be read here; `warroom page HANDLE` asks somebody", Role.WARN
            )
            return
        person = _to_page(incident, scene, roster)
        if person is None:
            self._say("p page: everybody was asked just now; `warroom page HANDLE` asks somebody", Role.WARN)
        else:
            self._submitter("page")(Page(person))

    def _tell_of_look(self, scene: Scene) -> None:
        """Say, once, that whoever is asked for a signature looks at what they are to sign."""
        incident = scene.snapshot.state.open_incident
        asked = incident.asked.get(scene.actor) if incident else None
        if incident is None or asked is None or asked.seen is not None:
            return
        try:
            self._room.submit(Seen(incident.plan_hash or ""), scene.actor)
        except (StatedError, ValueError, OSError) as error:
            self._say(f"nobody is told that you have looked: {error}", Role.WARN)

    def _start_engine(self, _scene: Scene) -> None:
        try:
            self._room.start_engine()
        except StatedError as error:
            self._say(f"no engine started: {error}", Role.BAD, REFUSED_S)
        else:
            self._say("an engine starts", Role.PLAIN)

    # -- who sits at the keys -----------------------------------------------------------------------

    def pressed(self) -> bool:
        """A key is pressed, or a button clicked: whether it is known whose that is; else it is asked."""
        scene = self.scene
        if scene is None or isinstance(self.app.screen, ActAsDialog):
            return True
        if self._acting.pressed(scene.snapshot.at):
            return True
        self._act_as(scene)
        return False

    def _act_as(self, scene: Scene) -> None:
        """Ask who is there; a console that was opened under no handle of the roster only looks."""
        if scene.roster is None:
            self._say("a act as: the roster cannot be read here", Role.WARN)
            return
        if self._room.actor not in scene.roster.handles():
            reason = f"{self._room.actor} is not in the roster, so this console only looks"
            self._say(f"a act as: {reason}; open another one with --as HANDLE", Role.WARN)
            return
        away = self._acting.is_away(scene.snapshot.at)
        self.app.push_screen(ActAsDialog(scene, scene.roster, away=away), self._sits)

    def _sits(self, handle: str | None) -> None:
        if handle is not None and self._snapshot is not None:
            self._acting.sits(handle, self._snapshot.at)
            self._show_everywhere()

    def _palette(self, scene: Scene) -> None:
        self.app.push_screen(Palette(scene), lambda chosen: self.action_do(chosen) if chosen else None)

    def _look(self, _scene: Scene) -> None:
        self.post_message(self.LookChanged())

    def _leave(self, scene: Scene) -> None:
        def left(answer: str | None) -> None:
            if answer:
                self.post_message(self.Left())

        if not isinstance(self.app.screen, LeaveDialog):
            self.app.push_screen(LeaveDialog(scene, self._leaving), left)

    def _submitter(self, command_id: str) -> Callable[[AnyAsk | None], None]:
        """What to do with a dialog's request: into the inbox, and remembered until it is answered."""

        def submit(ask: AnyAsk | None) -> None:
            if ask is None:
                return
            try:
                request = self._room.submit(ask, self._acting.handle)
            except (StatedError, ValueError, OSError) as error:
                self._say(f"{command_id} was not asked for: {error}", Role.BAD, REFUSED_S)
                return
            self._errands.send(request, command_id, self._snapshot.at if self._snapshot else None)
            self._show_bottom()

        return submit
