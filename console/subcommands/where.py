"""Where a command acts: which strategy, which environment, in whose name. The same options everywhere."""

import getpass
import grp
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from console.config.loader import LoadedStrategy, load_strategy
from console.config.paths import in_state, roster_path, runtime_dir, state_dir, strategy_path
from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.strategy import Environment
from console.store.layout import Layout
from console.store.private import GUEST, PRIVATE, Sharing

Look = Annotated[
    Literal["dark", "light"],
    Parameter(env_var="WARROOM_LOOK", help="How the console looks; L changes it."),
]
"""An option of every command that opens a console."""


class WhereError(StatedError):
    """The environment that a command is about cannot be told."""

    exit = Exit.USAGE


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Where:
    """Options that every command about an environment has."""

    strategy: Annotated[
        Path | None, Parameter(help="Strategy file; else WARROOM_STRATEGY, ./strategy.yaml, ...")
    ] = None
    roster: Annotated[
        Path | None, Parameter(help="Roster file; else WARROOM_ROSTER, roster.yaml beside it.")
    ] = None
    env: Annotated[
        str | None, Parameter(help="Environment; else WARROOM_ENV, or the only one in the file.")
    ] = None
    as_: Annotated[
        str | None, Parameter(name="--as", help="Handle you act under; else WARROOM_AS, or your login name.")
    ] = None


@dataclass(frozen=True)
class Place:
    """An environment, found: everything a command needs to look at it or to ask for something."""

    loaded: LoadedStrategy
    strategy: Path
    roster: Path
    name: str
    environment: Environment
    state: Path
    actor: str

    @property
    def separated(self) -> bool:
        """Whether the engine has an account of its own."""
        return self.environment.engine == "external"

    @property
    def sharing(self) -> Sharing:
        """How whoever is not the engine makes files."""
        return GUEST if self.separated else PRIVATE

    def runtime(self) -> Path:
        """The folder of the sockets; PathError where there can be none."""
        return in_state(Layout(self.state).sockets) if self.separated else runtime_dir(str(self.state))


@dataclass(frozen=True)
class Chosen:
    """An environment in its file: all that whoever only reads the strategy needs."""

    loaded: LoadedStrategy
    path: Path
    name: str

    @property
    def environment(self) -> Environment:
        """What the file says of it."""
        return self.loaded.strategy.environments[self.name]


def choose(where: Where) -> Chosen:
    """Read the strategy and find the environment in it; errors are one line each, exit code 2."""
    path = strategy_path(where.strategy).absolute()
    loaded = load_strategy(path)
    environments = loaded.strategy.environments
    name = where.env or os.environ.get("WARROOM_ENV") or _only(environments)
    if name not in environments:
        raise WhereError(f"{path}: no environment {name}; there are {', '.join(environments)}")
    return Chosen(loaded, path, name)


def find(where: Where) -> Place:
    """`choose`, and everything that this machine has of the environment."""
    chosen = choose(where)
    path, name, environment = chosen.path, chosen.name, chosen.environment
    state = Path(environment.state) if environment.state else state_dir(name)
    if environment.engine == "external":
        _check_membership(state)
    return Place(
        loaded=chosen.loaded,
        strategy=path,
        roster=roster_path(path, where.roster).absolute(),
        name=name,
        environment=environment,
        state=state,
        actor=where.as_ or os.environ.get("WARROOM_AS") or _login(),
    )


def _login() -> str:
    """The login name; the number of a user who has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError before Python 3.13
        return f"uid-{os.getuid()}"


def _check_membership(state: Path) -> None:
    """WhereError where the state folder is there, and closed to this account."""
    try:
        group = state.stat().st_gid
    except FileNotFoundError:
        return  # no engine has run yet
    except OSError as error:
        raise WhereError(f"{state}: this account ({_login()}) cannot get there: {error.strerror}") from error
    if not os.access(state, os.R_OK | os.X_OK):
        raise WhereError(
            f"{state}: closed to this account ({_login()}): have it made a member of group {_group(group)}, "
            "and log in again"
        )


def _group(number: int) -> str:
    """A group's name; its number where it has none."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _only(environments: dict[str, Environment]) -> str:
    if len(environments) > 1:
        raise WhereError(
            f"which environment? --env {' or --env '.join(environments)}; WARROOM_ENV says it once for all"
        )
    return next(iter(environments))
