"""The one registry of commands: bindings, keys lines, palette, help and the key table all come from here."""

from enum import StrEnum

from msgspec import Struct

from console.core import possible
from console.core.possible import Possible


class Group(StrEnum):
    """Where a command stands in the help."""

    LEAD = "lead the incident"
    RUN = "run the way back"
    DATA = "the data"
    PEOPLE = "who does what"
    WRITE = "write it down"
    LOOK = "look"
    CONSOLE = "this console"
    DIALOG = "in a dialog"


class Command(Struct, frozen=True):
    """Something that a person can ask for with one key, one word in the palette, or one subcommand."""

    id: str
    key: str
    """As people write it, `n`, `D`, `?`."""
    label: str
    """What the keys line calls it; at most 8 characters."""
    sentence: str
    """What it does, for help and tooltip."""
    group: Group
    subcommand: str
    """What does the same on the command line; empty where that makes no sense."""
    possible: Possible
    """None when it can be done now, else the reason in one sentence."""
    rank: int = 99
    """Who stays on a narrow keys line: the lowest do."""
    aliases: tuple[str, ...] = ()
    """Other keys that do the same, by textual's name."""

    @property
    def keys(self) -> str:
        """What to press in the war room, `b v` for what is done on the data screen."""
        opens = _OPENS.get(self.group)
        return f"{opens} {self.key}" if opens else self.key


_DATA_KEY, _PEOPLE_KEY = "b", "w"
_OPENS = {Group.DATA: _DATA_KEY, Group.PEOPLE: _PEOPLE_KEY}
"""The key of the page on which the commands of a group are done."""


COMMANDS: tuple[Command, ...] = (
    Command(
        "next",
        "n",
        "next",
        "Does what the NEXT line says; says why when there is nothing to press.",
        Group.LEAD,
        "warroom status",
        possible.always,
        rank=0,
    ),
    Command(
        "declare",
        "D",
        "declare",
        "Declares an incident, or takes command of the suspected one.",
        Group.LEAD,
        "warroom declare",
        possible.declare,
        rank=3,
    ),
    Command(
        "target",
        "T",
        "target",
        "Plans anew: back to a release you name, or to the one that the releases' verdicts propose.",
        Group.LEAD,
        "warroom replan",
        possible.target,
        rank=11,
    ),
    Command(
        "go",
        "g",
        "go",
        "Says yes to the plan: shows it once more and asks for the environment's name.",
        Group.RUN,
        "warroom go",
        possible.go,
        rank=4,
    ),
    Command(
        "sign",
        "A",
        "sign",
        "Shows who has signed, and takes what somebody has signed elsewhere.",
        Group.RUN,
        "warroom approve",
        possible.sign,
        rank=18,
    ),
    Command(
        "page",
        "p",
        "page",
        "Asks somebody once more: for their yes, or to take command of what is suspected; NEXT says whom.",
        Group.RUN,
        "warroom page",
        possible.page,
        rank=19,
    ),
    Command(
        "mitigate",
        "f",
        "mitigate",
        "Does a mitigation (flag off, traffic away), or takes it back: shows what each covers, and who may.",
        Group.RUN,
        "warroom mitigate",
        possible.mitigate,
        rank=21,
    ),
    Command(
        "allow",
        "y",
        "yes",
        "Says the commander's yes to a step that stops other people's work, as freezing the CI does.",
        Group.RUN,
        "warroom allow STEP",
        possible.allow,
        rank=25,
    ),
    Command(
        "abort",
        "x",
        "abort",
        "Stops the run before its next step; what is done stays done.",
        Group.RUN,
        "warroom abort",
        possible.abort,
        rank=5,
    ),
    Command(
        "run",
        "s",
        "step",
        "Starts the next step, where each waits for its key.",
        Group.RUN,
        "warroom run [STEP|PHASE]",
        possible.run,
        rank=27,
    ),
    Command(
        "pace",
        "P",
        "pace",
        "Changes how far one key goes: through a phase by itself, or one step at a time.",
        Group.RUN,
        "warroom pace step",
        possible.pace,
        rank=29,
    ),
    Command(
        "undo",
        "u",
        "undo",
        "Takes back what was done, the newest step first; shows what that does, and asks for the name.",
        Group.RUN,
        "warroom undo [STEP]",
        possible.undo,
        rank=28,
    ),
    Command(
        "resume",
        "X",
        "resume",
        "Goes on with a run that was stopped.",
        Group.RUN,
        "warroom resume",
        possible.resume,
        rank=13,
    ),
    Command(
        "decide",
        "r",
        "decide",
        "Decides about a step that failed or whose end is unclear: retry, count it as done, skip, or stop.",
        Group.RUN,
        "warroom run STEP",
        possible.decide,
        rank=6,
    ),
    Command(
        "tick",
        "t",
        "tick",
        "Ticks what must be done before the gate, then the validation checklist; or takes a tick back.",
        Group.WRITE,
        "warroom tick",
        possible.tick,
        rank=7,
    ),
    Command(
        "note",
        "i",
        "note",
        "Writes a note on the timeline.",
        Group.WRITE,
        "warroom note",
        possible.always,
        rank=8,
    ),
    Command(
        "severity",
        "S",
        "severity",
        "Says how grave the incident is, whatever the strategy's rule has made of it; asks for the reason.",
        Group.LEAD,
        "warroom severity",
        possible.change_severity,
        rank=26,
    ),
    Command(
        "resolve",
        "R",
        "resolve",
        "Closes the incident: recovered, mitigated, or a false alarm.",
        Group.LEAD,
        "warroom resolve",
        possible.resolve,
        rank=9,
    ),
    Command(
        "automatic",
        "K",
        "auto",
        "Switches automatic rollback off, which everybody may, or on again; asks for the reason.",
        Group.LEAD,
        "warroom automatic off",
        possible.switch_automatic,
        rank=23,
    ),
    Command(
        "unfreeze",
        "U",
        "unfreeze",
        "Brings the CI back to what it was before an incident froze it, where its plan did not.",
        Group.LEAD,
        "warroom unfreeze",
        possible.unfreeze,
        rank=22,
    ),
    Command(
        "plan",
        "v",
        "view",
        "Shows the whole plan: every step with its exact effects, what the gate demands, the hash.",
        Group.LOOK,
        "warroom plan",
        possible.look_at_plan,
        rank=12,
    ),
    Command(
        "diff",
        "d",
        "diff",
        "Shows what changed: deploys with the onset on their line, commits, settings by name, migrations.",
        Group.LOOK,
        "warroom diff",
        possible.look_at_changes,
        rank=20,
    ),
    Command(
        "metrics",
        "m",
        "metrics",
        "Shows each metric with its chart, its rules and what holds, its question and its source.",
        Group.LOOK,
        "warroom metrics",
        possible.look_at_metrics,
        rank=24,
    ),
    Command(
        "data",
        _DATA_KEY,
        "data",
        "Shows what the data can go back to, with proof and loss; from there: backup, restore, onset, cache.",
        Group.LOOK,
        "warroom backup list",
        possible.look_at_data,
        rank=10,
    ),
    Command(
        "people",
        _PEOPLE_KEY,
        "who",
        "Shows who has which role, who has which task and for how long; from there both are given.",
        Group.LOOK,
        "warroom task list",
        possible.look_at_people,
        rank=30,
    ),
    Command(
        "output",
        "o",
        "output",
        "Shows the output of the step that runs, or of the last one that ran.",
        Group.LOOK,
        "warroom steps",
        possible.look_at_output,
        rank=14,
    ),
    Command(
        "engine",
        "E",
        "engine",
        "Starts an engine where none runs.",
        Group.CONSOLE,
        "warroom engine",
        possible.start_engine,
        rank=15,
    ),
    Command(
        "act-as",
        "a",
        "act as",
        "Says who is at the keys: in that name this console asks from now on. A claim, never a signature.",
        Group.CONSOLE,
        "",
        possible.always,
        rank=31,
    ),
    Command(
        "look",
        "L",
        "look",
        "Changes between the dark and the light look; --look and WARROOM_LOOK choose one from the start.",
        Group.CONSOLE,
        "",
        possible.always,
        rank=17,
    ),
    Command(
        "quit",
        "q",
        "quit",
        "Leaves this console, after asking; the run goes on without it.",
        Group.CONSOLE,
        "",
        possible.always,
        rank=16,
        aliases=("ctrl+q", "ctrl+c"),
    ),
    Command(
        "palette",
        ":",
        "all",
        "Finds a command by its name.",
        Group.CONSOLE,
        "",
        possible.always,
        rank=2,
    ),
    Command(
        "help",
        "?",
        "help",
        "Shows every key and what it does.",
        Group.CONSOLE,
        "warroom --help",
        possible.always,
        rank=1,
        aliases=("f1",),
    ),
)

DATA: tuple[Command, ...] = (
    Command(
        "restore",
        "enter",
        "restore",
        "Plans anew with the chosen row: the data goes back to it, or is kept; asks how many rows may go.",
        Group.DATA,
        "warroom restore",
        possible.restore,
        rank=0,
    ),
    Command(
        "rows",
        "r",
        "rows",
        "Plans to put single rows back by table and key, out of the chosen row's copy; nothing is swapped.",
        Group.DATA,
        "warroom rows",
        possible.restore_rows,
        rank=6,
    ),
    Command(
        "onset",
        "m",
        "onset",
        "Moves the onset: says when it really began, because what data goes back to ends before that.",
        Group.DATA,
        "warroom onset",
        possible.move_onset,
        rank=1,
    ),
    Command(
        "backup",
        "b",
        "backup",
        "Takes a backup now, beside whatever runs: of what there is, or a base backup for points in time.",
        Group.DATA,
        "warroom backup",
        possible.back_up,
        rank=2,
    ),
    Command(
        "verify-backup",
        "v",
        "verify",
        "Verifies the chosen backup: restores it into a scratch place and compares all of it.",
        Group.DATA,
        "warroom verify-backup",
        possible.verify_backup,
        rank=3,
    ),
    Command(
        "cache",
        "k",
        "cache",
        "Plans to flush the cache, to invalidate keys by their beginning, or to restore it from a backup.",
        Group.DATA,
        "warroom cache",
        possible.change_cache,
        rank=4,
    ),
    Command(
        "swap-back",
        "w",
        "swapback",
        "Plans to swap the database back that was there before this incident's swap.",
        Group.DATA,
        "warroom swap-back",
        possible.swap_back,
        rank=5,
    ),
)
"""What can be asked for on the data screen; from the palette too, which opens it."""

PEOPLE: tuple[Command, ...] = (
    Command(
        "assign",
        "a",
        "assign",
        "Gives somebody, or whoever has a role, a task with a time box.",
        Group.PEOPLE,
        "warroom assign",
        possible.staff,
        rank=0,
    ),
    Command(
        "done",
        "d",
        "done",
        "Says that a task is done.",
        Group.PEOPLE,
        "warroom task done",
        possible.end_task,
        rank=1,
    ),
    Command(
        "drop",
        "x",
        "drop",
        "Drops a task, with the reason.",
        Group.PEOPLE,
        "warroom task drop",
        possible.end_task,
        rank=4,
    ),
    Command(
        "handover",
        "h",
        "hand",
        "Asks somebody to take the command, or another role; it is theirs when they accept.",
        Group.PEOPLE,
        "warroom handover",
        possible.staff,
        rank=2,
    ),
    Command(
        "role",
        "t",
        "take",
        "Takes a role: the one that was offered, a free one, or one from somebody, with the reason.",
        Group.PEOPLE,
        "warroom role take",
        possible.staff,
        rank=3,
    ),
)
"""What can be asked for on the page of who has what; from the palette too, which opens it."""

CHANGES: tuple[Command, ...] = tuple(entry for entry in DATA if entry.id == "onset")
"""What can be asked for where it is shown what changed, by the keys that it has on the data screen."""

CLOSE = Command(
    "close",
    "escape",
    "close",
    "Closes the dialog and changes nothing; so does its last button (Tab, Enter).",
    Group.DIALOG,
    "",
    possible.always,
)
EVERYWHERE = (*COMMANDS, *DATA, *PEOPLE, CLOSE)

_BY_ID = {command.id: command for command in EVERYWHERE}


def command(command_id: str) -> Command:
    """The command of that id; KeyError when there is none."""
    return _BY_ID[command_id]


def key_table() -> str:
    """The key table of the documentation, in Markdown, a section a group."""
    lines: list[str] = []
    for group in Group:
        lines += [f"### {group.value.capitalize()}", "", "| key | does | command line |", "|---|---|---|"]
        for entry in EVERYWHERE:
            if entry.group is group:
                line = f"`{entry.subcommand}`" if entry.subcommand else ""
                lines.append(f"| `{entry.keys}` | {entry.sentence} | {line} |")
        lines.append("")
    return "\n".join(lines)
