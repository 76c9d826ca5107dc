"""Forms of the data screen: restore, rows, keep, onset, backup, verify, cache, swap back."""

import shlex
from collections.abc import Sequence

from console.core.format import count
from console.core.live import Candidate
from console.core.moments import HOW, moment_of
from console.core.plan import POINT_IN_TIME
from console.core.plan_words import moment
from console.core.requests import AnyAsk, Errand, MoveOnset, Replan
from console.core.state import Incident
from console.core.strategy import Environment
from console.core.wishes import SWAP_BACK, alone, back_to, keeping, of_rows, with_data, with_verb
from console.core.words import duration
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, wrap
from screens.scene import Scene

_OVER = Lacking("no incident is open any more")
_PLANS = "Nothing is switched now: a plan is made, and whoever said yes to the old one is asked again."
_BOTH, _DATA_ALONE = "both", "data alone"
_TYPED = "typed"


def _incident(scene: Scene) -> Incident | None:
    return scene.snapshot.state.open_incident


class RestoreDialog(Form):
    """Plans to take the data back to a candidate."""

    prompt = "Does the release go back too?"
    yes = "Plan"

    def __init__(self, scene: Scene, chosen: Candidate) -> None:
        super().__init__(scene)
        self._candidate = chosen
        self._to = moment(chosen.ends, scene.snapshot.at.utc_us)
        self.caption = f"Data back to {self._to}"
        recovery = scene.environment.recovery
        usual = f" (empty: {recovery.loss_at_most}, as the strategy says)" if recovery else ""
        ceiling = f"rows that may go at most{usual}"
        instant = f"the instant to go back to (empty: {self._to})"
        self.fields = (ceiling, instant) if chosen.id == POINT_IN_TIME else (ceiling,)

    def body(self, width: int) -> Sequence[Line]:
        """What it would cost, and what happens next."""
        one = self._candidate
        lost = "how many rows, is known once it is built" if one.loss is None else _about(one.loss)
        proof = one.proof or "nobody has verified it; it is proven before it is swapped in"
        return [
            *wrap(f"{one.id}: {one.what}; {proof}.", width),
            *wrap(f"What was written after it goes: {lost}.", width, Role.WARN),
            *wrap("It is built beside the live database; the gate shows which rows would go.", width),
            *wrap(_PLANS, width, Role.DIM),
        ]

    def options(self) -> Sequence[tuple[str, str]]:
        """As the present plan has it comes first."""
        both = (_BOTH, "the release goes back too")
        data = (_DATA_ALONE, "the release stays: the data alone goes back")
        incident = _incident(self.scene)
        return (both, data) if incident is None or incident.wish.code else (data, both)

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The wish, when what was typed is a number, and an instant before the onset."""
        incident = _incident(self.scene)
        if incident is None:
            return _OVER
        rows, instant = typed[0], "".join(typed[1:])
        if rows and not (rows.isascii() and rows.isdigit()):
            return Lacking(f"{rows!r} is no number of rows: type one such as 50, or nothing", 0)
        point = self._instant(instant, incident) if instant else None
        if isinstance(point, Lacking):
            return point
        wish = with_data(
            incident,
            self._candidate.id,
            code=chosen != _DATA_ALONE,
            loss_at_most=int(rows) if rows else None,
            recovery_point=point,
        )
        return Replan(wish)

    def _instant(self, words: str, incident: Incident) -> int | Lacking:
        try:
            point = moment_of(words, now=self.scene.snapshot.at.utc_us, known=self._candidate.ends)
        except ValueError as error:
            return Lacking(str(error), 1)
        if point >= incident.onset.utc_us:
            return Lacking(f"{moment(point)} is not before the onset, {moment(incident.onset.utc_us)}", 1)
        return point


def _about(rows: int) -> str:
    return f"about {count(rows, 'row')}"


class RowsDialog(Form):
    """Plans to put single rows back, by key."""

    yes = "Plan"
    fields = ("table", "keys, with spaces between; quoted as in a shell where they hold any")

    def __init__(self, scene: Scene, chosen: Candidate) -> None:
        super().__init__(scene)
        self._candidate = chosen
        self.caption = f"Rows back to {moment(chosen.ends, scene.snapshot.at.utc_us)}"

    def body(self, width: int) -> Sequence[Line]:
        """What is done to them, and when it is of use."""
        how = (
            f"{self._candidate.id} is built beside the live database and proven. The gate shows what each "
            "row is and was; no database is swapped, and what the rows are until then is kept in a file."
        )
        alone_words = "The plan will be of this alone: what damages the rows should have gone back before."
        return [
            *wrap(how, width),
            *wrap(alone_words, width, Role.WARN),
            *wrap(_PLANS, width, Role.DIM),
        ]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:  # noqa: ARG002 - nothing to choose
        """The wish, when a table and keys were typed."""
        table, keys = typed
        if _incident(self.scene) is None:
            return _OVER
        if not table:
            return Lacking("name the table: users, or public.users", 0)
        try:
            return Replan(of_rows(table, shlex.split(keys), self._candidate.id))
        except ValueError as error:
            return Lacking(str(error), 1)


class KeepDialog(Form):
    """Plans to leave the data as it is."""

    caption = "Keep the data"
    yes = "Plan"

    def body(self, width: int) -> Sequence[Line]:
        """What that means."""
        return [*wrap("The release goes back, and no row is touched.", width), *wrap(_PLANS, width, Role.DIM)]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:  # noqa: ARG002 - nothing to fill in
        """The wish without data."""
        incident = _incident(self.scene)
        if incident is None:
            return _OVER
        wish = incident.wish
        back = back_to(incident, wish.target, way=wish.way, commits=wish.commits)
        return Replan(keeping(back))


class OnsetDialog(Form):
    """Says when it really began."""

    caption = "Move the onset"
    yes = "Move"
    fields = ("when it began: 14:05:30, or -30s for half a minute earlier", "how you know")

    def body(self, width: int) -> Sequence[Line]:
        """What it is now, and what hangs on it."""
        incident, now = _incident(self.scene), self.scene.snapshot.at
        if incident is None:
            return wrap(_OVER.words, width, Role.BAD)
        ago = duration(now.seconds_since(incident.onset))
        lines = wrap(f"It is {moment(incident.onset.utc_us, now.utc_us)}, {ago} ago.", width, Role.STRONG)
        lines += wrap("The data can only go back to what ends before it.", width)
        if incident.plan is not None and incident.plan.data is not None:
            lines += wrap(
                "The plan takes the data back: it is made anew with another onset.", width, Role.WARN
            )
        return lines

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:  # noqa: ARG002 - nothing to choose
        """The move, when it is to a moment that has been, and has a reason."""
        incident, now = _incident(self.scene), self.scene.snapshot.at.utc_us
        if incident is None:
            return _OVER
        words, reason = typed
        if not words:
            return Lacking(HOW, 0)
        try:
            at = moment_of(words, now=now, known=incident.onset.utc_us)
        except ValueError as error:
            return Lacking(str(error), 0)
        if at > now:
            return Lacking(f"{moment(at, now)} has not come yet", 0)
        return MoveOnset(at, reason) if reason else Lacking("the onset is moved with a reason: type one", 1)


class BackupDialog(Form):
    """Asks for a backup now."""

    caption = "Back up now"
    yes = "Back up"

    def body(self, width: int) -> Sequence[Line]:
        """What it is for, and what it is not."""
        words = "It runs beside everything else and changes nothing that users touch."
        way_back = "Taken in an incident it is the way back from here, and nothing to go back to."
        return [*wrap(words, width), *(wrap(way_back, width, Role.WARN) if _incident(self.scene) else ())]

    def options(self) -> Sequence[tuple[str, str]]:
        """The base backup only where there is an archive that can use it."""
        environment = self.scene.environment
        what = "database and cache" if environment.cache else "database"
        base = ("base-backup", "base backup: points in time can be reached from its end on")
        return (("backup", f"backup: the {what} as of now"), *((base,) if environment.archive else ()))

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:  # noqa: ARG002 - nothing to type
        """The errand."""
        return Errand(chosen) if chosen else Lacking("choose one first")


class VerifyDialog(Form):
    """Asks for a backup to be verified."""

    yes = "Verify"

    def __init__(self, scene: Scene, chosen: Candidate) -> None:
        super().__init__(scene)
        self._backup = chosen.id
        self.caption = f"Verify {chosen.id}"

    def body(self, width: int) -> Sequence[Line]:
        """What is done to it."""
        words = (
            "It is restored into a scratch database, compared with its manifest, checked, and dropped again."
        )
        load = "That loads the server; it gives way when a metric gets worse."
        return [*wrap(words, width), *wrap(load, width, Role.WARN)]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:  # noqa: ARG002 - nothing to fill in
        """The errand."""
        return Errand("verify-backup", {"backup": self._backup})


class CacheDialog(Form):
    """Plans to change the cache."""

    caption = "Cache"
    prompt = "What becomes of it?"
    yes = "Plan"
    fields = ("beginning of the keys, for the line that asks for it",)

    def __init__(self, scene: Scene, chosen: Candidate | None) -> None:
        super().__init__(scene)
        self._backup = chosen

    def body(self, width: int) -> Sequence[Line]:
        """How it becomes part of what is planned."""
        by_itself = alone(with_verb(_incident(self.scene), "flush-cache", {}))
        how = "The plan will be of this alone." if by_itself else "It becomes part of the way back."
        return [*wrap(how, width), *wrap(_PLANS, width, Role.DIM)]

    def options(self) -> Sequence[tuple[str, str]]:
        """The lighter first; what a backup without a cache cannot do is not offered."""
        prefixes = _prefixes(self.scene.environment)
        named = [(f"invalidate {one}", f"invalidate the keys that begin with {one}") for one in prefixes]
        if prefixes:
            named.append((f"invalidate {_TYPED}", "invalidate the keys that begin with what is typed below"))
        back = self._backup
        restores = [("restore", f"restore it from {back.id}")] if back and "cache" in back.what else []
        return [*named, ("flush", "flush it: every key goes"), *restores]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The wish for the verb."""
        incident = _incident(self.scene)
        if incident is None or chosen is None:
            return _OVER if chosen else Lacking("choose one first")
        verb, _, which = chosen.partition(" ")
        if verb == "flush":
            return Replan(with_verb(incident, "flush-cache", {}))
        if verb == "restore" and self._backup is not None:
            return Replan(with_verb(incident, "restore-cache", {"backup": self._backup.id}))
        prefix = typed[0] if which == _TYPED else which
        known = _prefixes(self.scene.environment)
        if not any(prefix.startswith(one) for one in known):
            return Lacking(f"the strategy allows {', '.join(known)}, and what begins like that")
        return Replan(with_verb(incident, "invalidate-cache", {"prefix": prefix}))


def _prefixes(environment: Environment) -> Sequence[str]:
    return environment.cache.prefixes if environment.cache else ()


class SwapBackDialog(Form):
    """Plans to take the swap back."""

    caption = "Swap back"
    yes = "Plan"

    def body(self, width: int) -> Sequence[Line]:
        """What it means for what was written since."""
        words = "The database that was there before this incident's swap takes its place again."
        price = "What was written since the swap stays in the database that is swapped out."
        return [*wrap(words, width), *wrap(price, width, Role.WARN), *wrap(_PLANS, width, Role.DIM)]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:  # noqa: ARG002 - nothing to fill in
        """The wish for the verb, by itself."""
        return Replan(SWAP_BACK) if _incident(self.scene) else _OVER
