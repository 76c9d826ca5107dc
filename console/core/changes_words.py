"""What changed, in words: the same on the screen and on the command line."""

from collections.abc import Mapping

from console.core.changes import Between, Branch, Changes
from console.core.config_keys import What
from console.core.deploys import How, Landing
from console.core.format import count, short
from console.core.state import Incident
from console.core.words import age

SIGN: Mapping[What, str] = {"added": "+", "removed": "-", "changed": "~"}
_HOW: Mapping[How, str] = {
    "seen": "seen to land",
    "recorded": "as recorded",
    "there": "there when first asked",
}


def heading(between: Between) -> str:
    """Which two are compared, and how much lies between them."""
    commits = count(len(between.commits) + between.more_commits, "commit")
    return (
        f"{between.newer.tag} beside {between.older.tag}, {between.why}: "
        f"{commits}, {count(between.files, 'file')}"
    )


def landing_words(landing: Landing, incident: Incident | None) -> str:
    """What is said of the release, and by whom."""
    if landing.verdict:
        return f"{landing.verdict}, by {landing.said_by}"
    if landing.commit is None:
        return "nobody has recorded it"
    if (_restored(incident) or "").startswith(landing.commit):
        return "put there by this way back"
    return f"commit {short(landing.commit)}: nobody has recorded it"


def _restored(incident: Incident | None) -> str | None:
    """The commit that the plan deploys."""
    code = incident.plan.code if incident and incident.plan else None
    return code.restored if code else None


def how_words(landing: Landing) -> str:
    """How its moment is known."""
    return _HOW[landing.how]


def no_settings(between: Between) -> str:
    """Why no setting is listed; empty where one is."""
    if between.keys is None:
        return "not known: the strategy's `repository` names no `config`"
    if between.keys:
        return ""
    return "none that could be compared" if between.unread else "none differs"


def no_migrations(between: Between) -> str:
    """Why no migration is listed; empty where one is."""
    if between.migrations is None:
        return "not known: the strategy's `repository` names no `migrations`"
    return "" if between.migrations else "none lies between them"


def no_commits(between: Between) -> str:
    """Why no commit is listed; empty where one is."""
    return "" if between.commits else f"{between.newer.tag} has none that {between.older.tag} has not"


def apart_words(between: Between) -> str:
    """That the older is no ancestor of the newer; empty where it is."""
    if not between.apart:
        return ""
    commits = count(between.apart, "commit")
    return f"{between.older.tag} has {commits} that {between.newer.tag} has not: they have gone apart"


def folders_words(between: Between) -> str:
    """`config 1 · walletconnect 3 · 2 more folders`."""
    parts = [f"{folder.name} {folder.files}" for folder in between.folders]
    more = [f"{between.more_folders} more folders"] if between.more_folders else []
    return " · ".join([*parts, *more]) or "none differs"


def is_expected(branch: Branch, incident: Incident | None) -> bool:
    """Whether the branch builds what is compared, or what this way back has put there."""
    return not (branch.ahead or branch.behind) or branch.commit == _restored(incident)


def branch_words(between: Between, incident: Incident | None) -> str:
    """Where the branch that is deployed stands; empty where nobody knows."""
    branch = between.branch
    if branch is None:
        return ""
    if not branch.ahead and not branch.behind:
        return f"{branch.name} builds {between.newer.tag}"
    at = f"{branch.name} is at {short(branch.commit)}"
    if is_expected(branch, incident):
        return f"{at}, what this way back has put there"
    parts = [f"{count(branch.ahead, 'commit')} beyond {between.newer.tag}"] if branch.ahead else []
    if branch.behind:
        parts.append(f"without {count(branch.behind, 'commit')} of {between.newer.tag}")
    return f"{at}: {', '.join(parts)}"


def remote_words(changes: Changes, now: int) -> str:
    """How old what is known of the remote is, at `now` (UTC microseconds)."""
    if changes.remote is None:
        return "the remote has not been read yet"
    return f"remote read {age(max(0, now - changes.remote) / 1e6)} ago"
