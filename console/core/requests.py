"""What a console may ask of the engine: one typed request a file, accepted or refused by an event."""

from enum import StrEnum

import msgspec
from msgspec import Struct

from console.core.clock import Stamp
from console.core.plan import Pace, Wish

MAX_REQUEST_BYTES = 64 * 1024


class Choice(StrEnum):
    """What a person may decide about a step whose end is unclear or bad."""

    CONTINUE = "continue"
    RETRY = "retry"
    SKIP = "skip"
    ABORT = "abort"


class Ask(Struct, frozen=True, tag_field="ask", tag=lambda name: name.lower()):
    """The part of a request that differs from command to command."""


class Declare(Ask, frozen=True):
    """Open an incident, or take command of the suspected one."""

    note: str
    triggers: tuple[str, ...] = ()
    """Ids of declared triggers, for what no metric can see."""
    roles: dict[str, str] = {}
    """Who is asked to take which role beside the commander's, handles by role."""


class ChangeSeverity(Ask, frozen=True):
    """Say how grave the incident is."""

    severity: str
    reason: str


class TakeRole(Ask, frozen=True):
    """Take a role that nobody has, or take it over from somebody, with the reason."""

    role: str
    reason: str = ""


class OfferRole(Ask, frozen=True):
    """Ask somebody to take a role."""

    role: str
    to: str


class AcceptRole(Ask, frozen=True):
    """Take the role that whoever asks was offered."""

    role: str


class DeclineRole(Ask, frozen=True):
    """Not take it; or, by somebody else, take the offer back."""

    role: str


class AssignTask(Ask, frozen=True):
    """Give somebody a task."""

    to: str
    """A handle, or a role of the incident."""
    what: str
    within_s: float | None = None


class EndTask(Ask, frozen=True):
    """Say that a task is done, or drop it."""

    task: str
    done: bool
    words: str = ""
    """What came of it; why it is dropped."""


class Replan(Ask, frozen=True):
    """Freeze a new plan; without a wish, back to the release that the ledger proposes."""

    wish: Wish = Wish()


class MoveOnset(Ask, frozen=True):
    """Say when it really began; a plan that restores data is then made anew."""

    utc_us: int
    reason: str


class Errand(Ask, frozen=True):
    """Do one verb by itself that needs nobody's yes: `backup`, `verify-backup`, `base-backup`."""

    verb: str
    options: dict[str, str] = {}


class Mitigate(Ask, frozen=True):
    """Do a mitigation of the strategy, or take it back."""

    name: str
    undo: bool = False


class Go(Ask, frozen=True):
    """Say yes to the plan of that hash, by typing the environment's name."""

    plan_hash: str
    typed: str
    typed_again: str = ""
    """The environment's name once more, where the plan swaps data."""


class Approve(Ask, frozen=True):
    """Hand in what somebody has signed, yes or no: the statement (see core.statement), and its signature."""

    text: str
    signature: str
    """Armored, as `ssh-keygen -Y sign` writes it."""


class Withdraw(Ask, frozen=True):
    """Take back one's own yes."""

    reason: str


class Page(Ask, frozen=True):
    """Ask somebody now, whatever their turn is: for their yes, or to take command of what is suspected."""

    person: str
    """Their handle."""


class Seen(Ask, frozen=True):
    """Whoever asks has looked at the plan of that hash, which they are asked to sign."""

    plan_hash: str


class SignStanding(Ask, frozen=True):
    """Hand in a standing authorisation that somebody has signed."""

    person: str
    """Whose signature it is."""
    text: str
    signature: str
    """Armored, as `ssh-keygen -Y sign` writes it."""


class RevokeStanding(Ask, frozen=True):
    """Take a standing authorisation back for good."""

    id: str
    reason: str


class SignReview(Ask, frozen=True):
    """Hand in what somebody thinks of a gate that was opened by breaking the glass, signed."""

    person: str
    """Whose signature it is."""
    text: str
    """See core.review."""
    signature: str
    """Armored, as `ssh-keygen -Y sign` writes it."""


class Decide(Ask, frozen=True):
    """Say what becomes of a step that failed or whose end is unknown."""

    step: str
    choice: Choice
    reason: str = ""


class Allow(Ask, frozen=True):
    """Say the commander's yes to one step, by typing the environment's name."""

    step: str
    plan_hash: str
    typed: str


class Run(Ask, frozen=True):
    """Start what waits for its key."""

    what: str = ""
    """The id of a step, or a phase; empty: the next step."""


class SetPace(Ask, frozen=True):
    """Say how far one key goes from here on."""

    pace: Pace


class Undo(Ask, frozen=True):
    """Take back what was done, the newest step first, by typing the environment's name."""

    plan_hash: str
    typed: str
    down_to: str = ""
    """The last step to take back, by id; empty: all that was done behind the gate."""
    reason: str = ""


class Abort(Ask, frozen=True):
    """Stop before the next step, and stay stopped until somebody resumes or plans anew."""

    reason: str


class Resume(Ask, frozen=True):
    """Go on after an abort."""


class Note(Ask, frozen=True):
    """Say something on the timeline."""

    text: str


class Tick(Ask, frozen=True):
    """Tick an item of the checklist or a prerequisite, or take the tick back."""

    item: str
    note: str = ""
    done: bool = True


class Waive(Ask, frozen=True):
    """Let a prerequisite of the plan go, by name."""

    item: str
    reason: str


class Resolve(Ask, frozen=True):
    """Close the incident."""

    outcome: str
    """`recovered`, `mitigated` or `false alarm`."""
    note: str = ""


class SwitchAutomatic(Ask, frozen=True):
    """Switch automatic rollback off, or on again."""

    on: bool
    reason: str


class Stop(Ask, frozen=True):
    """End the engine between two steps."""


AnyAsk = (
    Declare
    | ChangeSeverity
    | TakeRole
    | OfferRole
    | AcceptRole
    | DeclineRole
    | AssignTask
    | EndTask
    | Replan
    | MoveOnset
    | Errand
    | Mitigate
    | Go
    | Approve
    | Withdraw
    | Page
    | Seen
    | SignStanding
    | RevokeStanding
    | SignReview
    | Decide
    | Allow
    | Run
    | SetPace
    | Undo
    | Abort
    | Resume
    | Note
    | Tick
    | Waive
    | Resolve
    | SwitchAutomatic
    | Stop
)


class Request(Struct, frozen=True):
    """A request as it lies in the inbox."""

    id: str
    environment: str
    actor: str
    """The handle that the asker acts under: a claim, shown and journalled as one."""
    at: Stamp
    ask: AnyAsk


_decoder = msgspec.json.Decoder(Request)


def encode(request: Request) -> bytes:
    """The request's bytes; ValueError, with what to do, above 64 KiB."""
    raw = msgspec.json.encode(request)
    if len(raw) > MAX_REQUEST_BYTES:
        raise ValueError(
            f"a request holds at most {MAX_REQUEST_BYTES} bytes, this one has {len(raw)}: shorten it"
        )
    return raw


def decode(raw: bytes) -> Request:
    """The request in those bytes; ValueError with the reason when they hold none."""
    if len(raw) > MAX_REQUEST_BYTES:
        raise ValueError(f"larger than {MAX_REQUEST_BYTES} bytes")
    return _decoder.decode(raw)
