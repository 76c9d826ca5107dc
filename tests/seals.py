"""Seals for tests: keys that are made for one test, of age and of gpg."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.core.data import Recipient
from console.targets.process import Programs
from console.targets.sealing import Seal
from tests.conftest import require_program


def age_key() -> tuple[str, str]:
    """A new age key: the recipient, and the identity that opens what is sealed for it."""
    made = subprocess.run([require_program("age-keygen", "age")], check=True, capture_output=True, text=True)
    key = re.search(r"age1\w+", made.stdout)
    assert key is not None
    return key[0], made.stdout


@contextmanager
def age_seal(folder: Path) -> Iterator[Seal]:
    """For a new age key, which only the seal knows."""
    key, identity = age_key()
    programs = Programs({"PATH": os.environ["PATH"]}, tag=folder)
    yield Seal(programs, Recipient(program="age", key=key), lambda: identity)


@contextmanager
def gpg_seal(folder: Path) -> Iterator[Seal]:
    """For a new gpg key in a home of its own; the path of `folder` must be short, for the agent's socket."""
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    environment = {"PATH": os.environ["PATH"], "GNUPGHOME": str(home)}
    run = [require_program("gpg", "gnupg"), "--batch", "--quiet", "--passphrase", ""]
    subprocess.run(
        [*run, "--quick-gen-key", "ops@x.invalid", "rsa2048", "encr"],
        env=environment,
        check=True,
        capture_output=True,
    )
    listed = subprocess.run(
        [*run, "--with-colons", "--list-keys"], env=environment, check=True, capture_output=True, text=True
    )
    key = re.search(r"^fpr:+(\w+):", listed.stdout, re.MULTILINE)
    assert key is not None
    try:
        yield Seal(Programs(environment, tag=folder), Recipient(program="gpg", key=key[1]))
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True)


SEALS = {"age": age_seal, "gpg": gpg_seal}
