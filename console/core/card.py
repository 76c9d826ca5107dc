"""The card: the way back by hand, on one page of paper, for the day when Warroom itself is down. Pure.

What it says to type is complete: the lines of SAVE, CODE and DATA together are a script that can be tried.
"""

from collections.abc import Iterator
from shlex import quote
from textwrap import wrap

from msgspec import Struct

from console.core.deploying import ComposeDeploy
from console.core.format import plain
from console.core.roster import Roster
from console.core.strategy import Environment, PipelineDeploy, Strategy
from console.core.words import duration

WIDTH = 80
HEIGHT = 66
"""Lines of a page of A4 in the usual type."""
_LABEL = 8
_INDENT = "  "
_DATA = (
    "DB=$(psql -qAtc 'SELECT current_database()' \"$DSN\")",
    "psql \"$DSN\" -qc 'CREATE DATABASE way_back TEMPLATE template0'",
    'pg_restore --exit-on-error --file=way_back.sql "${CANDIDATE:?a dump}"',
    "psql \"$DSN\" -qv ON_ERROR_STOP=1 -c '\\connect way_back' -f way_back.sql >log",
    'psql "$DSN" -qv ON_ERROR_STOP=1 -v live="$DB" <<\'SQL\'',
    "\\connect postgres",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname=:'live';",
    'BEGIN; ALTER DATABASE :"live" RENAME TO live_before;',
    'ALTER DATABASE way_back RENAME TO :"live"; COMMIT;',
    "SQL",
)
"""Into a database of its own, and two renames in one transaction; what was live stays as live_before."""


class Section(Struct, frozen=True):
    """A part of the card: what it is about in a word, in sentences, and what is typed."""

    title: str
    words: str
    shell: tuple[str, ...] = ()
    """Lines for a POSIX shell; all sections' together, in their order, are one script."""


class Subject(Struct, frozen=True):
    """What a card is made from."""

    name: str
    """The environment's."""
    strategy: Strategy
    sha256: str
    """Of the strategy file, in hex."""
    roster: Roster | None
    remote: str
    """What git clones: a URL or a whole path."""

    @property
    def environment(self) -> Environment:
        """As the strategy has it."""
        return self.strategy.environments[self.name]


def card(subject: Subject) -> tuple[Section, ...]:
    """The sections, in the order in which they are gone through."""
    return tuple(_sections(subject))


def lines(subject: Subject) -> list[str]:
    """The page: no line wider than WIDTH."""
    document = subject.strategy.document
    within = f"recover within {duration(subject.environment.recover_within)}"
    made = f"strategy {document.version} of {document.updated}, file {subject.sha256[:12]}"
    page = [
        f"WARROOM CARD  {subject.name.upper()}".ljust(WIDTH - len(within)) + within,
        f"for when Warroom is down; {made}",
    ]
    typed = True
    for section in card(subject):
        if typed or section.shell:
            page.append("")
        typed = bool(section.shell)
        first, *more = wrap(section.words, WIDTH - _LABEL, break_on_hyphens=False)
        page += [f"{section.title:<{_LABEL}}{first}", *(f"{'':{_LABEL}}{line}" for line in more)]
        page += [f"{_INDENT}{line}" for line in section.shell]
    return [plain(line) for line in page]


def _sections(subject: Subject) -> Iterator[Section]:
    environment = subject.environment
    yield Section("ASK", _asked(environment, subject.roster))
    yield Section("WHEN", _when(environment))
    yield Section(
        "NEVER",
        "remove a volume; stop the database; load a dump into the live database; go back to a backup newer "
        "than the trouble; believe a 200 whose body says something else.",
    )
    yield Section(
        "SAVE", "What there is now: the way back from here, never the way to go.", _save(environment)
    )
    yield _code(subject)
    if isinstance(environment.deploy, ComposeDeploy):
        yield _compose(environment.deploy)
    yield _health(environment)
    if environment.recovery is not None:
        yield Section(
            "DATA",
            "Only where data is broken, with everybody's yes to what is lost. CANDIDATE: a dump older than "
            f"the trouble by {duration(environment.recovery.before)} or more. Before the last command "
            "compare way_back with what is live, and stop the application; refused as accessed: run it "
            "again. Settings and grants of the database itself do not come over.",
            _DATA,
        )
    yield Section("PROVE", _prove(environment))
    if environment.communication is not None:
        yield Section("SAY", _say(environment))
    if environment.watch is not None:
        targets = ", ".join(_recovered(environment))
        yield Section("WATCH", f"{duration(environment.watch.duration)} long: {targets}.")


def _asked(environment: Environment, roster: Roster | None) -> str:
    rules = environment.authorisation.approvers
    within = environment.authorisation.within
    limit = f"within {duration(within)}" if within else "at once"
    wanted = ", ".join(f"{rule.count} {rule.role}" for rule in rules)
    people = (f"{rule.role} {_who(rule.role, roster)}" for rule in rules)
    known = "" if roster is None else f" {'; '.join(people)}."
    return f"{wanted}: each says yes, {limit}, written down with the time.{known}"


def _who(role: str, roster: Roster | None) -> str:
    people = roster.people if roster else []
    named = [person.handle for person in people if role in person.roles]
    deputies = [person.handle for person in people if role in person.deputy_for]
    return " or ".join((*named, *(f"{handle} (deputy)" for handle in deputies))) or "nobody"


def _when(environment: Environment) -> str:
    rules = (metric.rungs.mandatory for metric in environment.metrics.values())
    declared = [one.title for one in environment.triggers.values() if one.rung == "mandatory"]
    return f"Roll back when {', '.join(str(rule) for rule in rules if rule)}; or {', '.join(declared)}."


def _save(environment: Environment) -> tuple[str, ...]:
    return (
        f'DSN="${{DSN:?as {environment.data.admin or environment.data.dsn} has it}}"',
        'pg_dump --format=custom --file=before.dump "$DSN"',
        "pg_restore --file=/dev/null before.dump   # reads it whole: --list does not",
    )


def _code(subject: Subject) -> Section:
    repository = subject.environment.repository
    branch, back = repository.branch, repository.rollback_branch.format(epoch="$(date +%s)")
    deploy = subject.environment.deploy
    if isinstance(deploy, PipelineDeploy):
        goes = "The push deploys."
    elif isinstance(deploy, ComposeDeploy):
        goes = "The push deploys nothing: DEPLOY does."
    else:
        goes = "Then deploy what the branch builds now."
    return Section(
        "CODE",
        f"GOOD is the tag of the newest release that {subject.environment.releases.file} calls good. {goes} "
        "Stale: somebody pushed meanwhile, begin CODE again. Protected: make a pull request.",
        (
            'GOOD="${GOOD:?a tag}"',
            f"git clone -q --bare {quote(subject.remote)} way-back",
            f"OLD=$(git -C way-back rev-parse --verify {branch})",
            'NEW=$(git -C way-back commit-tree "$GOOD^{tree}" -p "$OLD" -m "Back to $GOOD")',
            'git -C way-back diff --exit-code --stat "$GOOD" "$NEW"   # prints nothing',
            f'git -C way-back push --atomic --force-with-lease={branch}:"$OLD" origin \\',
            f'  "$NEW:refs/heads/{branch}" \\',
            f'  "$NEW:refs/heads/{back}"',
        ),
    )


def _compose(rules: ComposeDeploy) -> Section:
    """The application's services alone, of the images that are on record for GOOD."""
    variables = {component: component.upper().replace("-", "_") for component in rules.services}
    words = ["docker compose", f"-p {quote(rules.project)}"]
    words += [f"--env-file {quote(rules.env_file)}"] if rules.env_file else []
    words += [f"-f {quote(name)}" for name in (*rules.files, "pinned.yml")]
    words += ["up -d --no-build --no-deps", *map(quote, rules.services.values())]
    told = f"with {', '.join(rules.environment)} set, " if rules.environment else ""
    return Section(
        "DEPLOY",
        f"Never the deploy script: it stops the database. In {rules.folder}, {told}the images that are on "
        "record for GOOD, each by digest or id. Where code is mounted, check GOOD out there first. "
        "Older: docker-compose.",
        (
            f"cd {quote(rules.folder)}",
            "{ echo services:",
            *(
                f'  echo "  {service}: {{image: "${{{variables[component]}:?its image}}"}}"'
                for component, service in rules.services.items()
            ),
            "} >pinned.yml",
            *_continued(" ".join(words)),
        ),
    )


def _continued(command: str) -> Iterator[str]:
    """A command over as many lines as it needs."""
    *lines_, last = wrap(command, WIDTH - len(_INDENT) - 2, break_on_hyphens=False, break_long_words=False)
    yield from (f"{line} \\" for line in lines_)
    yield last


def _health(environment: Environment) -> Section:
    check, service = environment.health, environment.service
    return Section(
        "HEALTH",
        f"{check.in_a_row} good answers in a row, with `{service.version}` as GOOD has it, on every "
        f"instance; {check.tries} tries without that are a no.",
        (f"curl -sS --max-time {max(1, round(check.limit))} {service.health}",),
    )


def _prove(environment: Environment) -> str:
    gates = (" ".join(command.argv) for command in environment.commands.values() if command.gate)
    items = ", ".join(item.title for item in environment.checklist)
    return f"In a checkout of GOOD: {'; '.join(gates)}. By hand: {items}."


def _say(environment: Environment) -> str:
    said = environment.communication
    assert said is not None  # noqa: S101 - asked before
    clock = (f"{'end' if one.at is None else duration(one.at)} {one.action}" for one in said.clock)
    then = f"a status every {duration(said.then_every)} until the end"
    return f"Alerts in {said.alerts_to}, updates in {said.updates_to}: {', '.join(clock)}; {then}."


def _recovered(environment: Environment) -> Iterator[str]:
    for name in environment.watch.targets if environment.watch else ():
        rule = environment.metrics[name].rungs.recovered
        yield str(rule) if rule else name
