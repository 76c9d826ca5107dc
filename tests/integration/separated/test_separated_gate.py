"""A gate of an engine with an account of its own: asked, signed and handed in from the accounts of people."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from console.core.exits import Exit
from console.drill.keyring import Keyring
from tests.integration.actions.kit import identity
from tests.integration.drill.kit import within
from tests.integration.separated.kit import ENGINE, LIMIT_S, MEMBER, OTHER, Account, House

SIGNERS = {"eng-1": MEMBER, "sec-1": OTHER}
"""Who signs, and under which account of this machine."""
RELEASES = """releases:
  - {{tag: v1, commit: {v1}, verdict: good, said_by: ops-1, deployed: "2026-02-25T14:00:00Z"}}
  - {{tag: v2, commit: {v2}, verdict: bad, said_by: ops-1, deployed: "2026-02-26T14:00:00Z"}}
"""


@pytest.fixture
def gated(fresh: House) -> House:
    """Two releases, a matrix of two people, and their keys, each readable for one of them."""
    commits = _history(fresh)
    (fresh.folder / "releases.yaml").write_text(RELEASES.format(**commits))
    keyring = Keyring(fresh.folder)
    keyring.make(SIGNERS)
    keyring.private("eng-1").parent.chmod(0o755)
    for handle, account in SIGNERS.items():
        os.chown(keyring.private(handle), account.uid, account.gid)
    _rewrite(fresh.folder / "roster.yaml", lambda document: _with_keys(document, keyring))
    _rewrite(fresh.folder / "strategy.yaml", _with_signatures)
    return fresh


def _history(house: House) -> dict[str, str]:
    """The remote, and the commit of each release."""
    remote, work = house.folder / "remote.git", house.folder / "work"
    environ = {"PATH": os.environ["PATH"], "HOME": str(house.folder), **identity("eng-2")}

    def git(*words: str, cwd: Path = house.folder) -> str:
        done = subprocess.run(
            ["git", *words], cwd=cwd, env=environ, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "--quiet", "--bare", "--initial-branch=develop", str(remote))
    git("clone", "--quiet", str(remote), str(work))
    commits = {}
    for tag in ("v1", "v2"):
        (work / "VERSION").write_text(tag)
        git("add", "VERSION", cwd=work)
        git("commit", "--quiet", "-m", tag, cwd=work)
        git("tag", tag, cwd=work)
        commits[tag] = git("rev-parse", "HEAD", cwd=work)
    git("push", "--quiet", "--tags", "origin", "HEAD:develop", cwd=work)
    for path in (remote, *remote.rglob("*")):
        os.chown(path, ENGINE.uid, ENGINE.gid)
    return commits


def _rewrite(path: Path, change: Callable[[Any], None]) -> None:
    yaml = YAML()
    document = yaml.load(path)
    change(document)
    yaml.dump(document, path)


def _with_keys(document: Any, keyring: Keyring) -> None:
    for person in document["people"]:
        if person["handle"] in SIGNERS:
            person["keys"] = [keyring.public(person["handle"])]


def _with_signatures(document: Any) -> None:
    (environment,) = document["environments"].values()
    environment["repository"]["remote"] = "remote.git"
    environment["schema"] = {"unknown": "allows"}
    environment["authorisation"] |= {
        "approvers": [{"role": "engineer", "count": 1}, {"role": "security-lead", "count": 1}],
        "proof": "signature",
        "within": "15m",
    }


def sign(house: House, account: Account, handle: str) -> subprocess.CompletedProcess[str]:
    """Under that account, as that person, with their key."""
    key = str(Keyring(house.folder).private(handle))
    return house.run(account, "sign", "--yes", "--key", key, "--approve", actor=handle)


def test_two_people_open_it_from_accounts_that_hold_no_credentials(gated: House) -> None:
    """Each with a key that nobody else can read; the engine verifies, and opens."""
    with gated.engine():
        assert gated.run(MEMBER, "declare", "v2 is bad").returncode == Exit.DONE
        assert within(LIMIT_S, lambda: "plan.frozen" in gated.kinds(OTHER)), gated.kinds(OTHER)
        asked = gated.run(OTHER, "request", actor="sec-1")
        assert "does: v2 back to v1, good" in asked.stdout
        stolen = sign(gated, OTHER, "eng-1")
        assert stolen.returncode == Exit.UNAUTHORISED
        assert "ssh-keygen cannot sign with" in stolen.stderr, "that key is of somebody else"
        for handle, account in SIGNERS.items():
            done = sign(gated, account, handle)
            assert done.returncode == Exit.DONE, done.stderr
        assert within(LIMIT_S, lambda: "gate.opened" in gated.kinds(MEMBER)), gated.kinds(MEMBER)
