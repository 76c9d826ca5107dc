"""Secrets are resolved at use, and neither errors nor child processes get to see them."""

from pathlib import Path

import pytest

from console.config.secrets import SecretError, Secrets, child_environment
from console.core.redaction import MASK


def test_from_a_variable() -> None:
    """And once resolved, kept out of whatever is written."""
    secrets = Secrets({"DSN": "hunter2"})
    assert secrets.redact("hunter2") == "hunter2"
    assert secrets.resolve("env:DSN") == "hunter2"
    assert secrets.redact("it is hunter2") == f"it is {MASK}"
    stream = secrets.stream()
    assert stream.feed(b"it is hun") + stream.feed(b"ter2") + stream.finish() == f"it is {MASK}".encode()


def test_from_a_file(tmp_path: Path) -> None:
    """Relative to the given folder, without the line end that every editor adds."""
    (tmp_path / "dsn").write_text("hunter2 \n")
    secrets = Secrets({}, tmp_path)
    assert secrets.resolve("file:dsn") == "hunter2 "
    assert secrets.resolve(f"file:{tmp_path}/dsn") == "hunter2 "


def test_a_secret_is_read_at_each_use(tmp_path: Path) -> None:
    """So that a rotated one is used, and the old one is still kept out."""
    (tmp_path / "dsn").write_text("old-one")
    secrets = Secrets({}, tmp_path)
    secrets.resolve("file:dsn")
    (tmp_path / "dsn").write_text("new-one")
    assert secrets.resolve("file:dsn") == "new-one"
    assert secrets.redact("old-one new-one") == f"{MASK} {MASK}"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("env:DSN", "env:DSN: the variable is not set; export DSN before starting"),
        ("env:EMPTY", "env:EMPTY: the variable is empty; export EMPTY before starting"),
        ("file:none", "file:none: {folder}/none cannot be read: No such file or directory"),
        ("file:.", "file:.: {folder} cannot be read: Is a directory"),
        ("file:empty", "file:empty: {folder}/empty is empty; write the secret into it"),
        ("file:binary", "file:binary: {folder}/binary is not text in UTF-8"),
        (
            "file:~no-such-user/x",
            "file:~no-such-user/x: {folder}/~no-such-user/x cannot be read: there is no such home",
        ),
    ],
)
def test_a_secret_that_cannot_be_had(tmp_path: Path, reference: str, message: str) -> None:
    """One line that says where it should be."""
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SecretError) as caught:
        Secrets({"EMPTY": ""}, tmp_path).resolve(reference)
    assert str(caught.value) == message.format(folder=tmp_path)


def test_a_child_sees_what_is_allowed_and_nothing_else() -> None:
    """Secrets live in the environment: what is not on the list stays here, and extras are explicit."""
    environ = {
        "PATH": "/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "LC_ALL": "C",
        "TZ": "UTC",
        "TERM": "xterm",
        "SSH_AUTH_SOCK": "/run/agent",
        "XDG_STATE_HOME": "/state",
        "GNUPGHOME": "/keys",
        "WARROOM_TESTNET_DSN": "hunter2",
        "SLACK_WEBHOOK_URL": "hunter2",
        "LD_PRELOAD": "x.so",
        "PYTHONPATH": "x",
        "GIT_SSH_COMMAND": "x",
    }
    allowed = {name: value for name, value in environ.items() if value != "hunter2"}
    for name in ("LD_PRELOAD", "PYTHONPATH", "GIT_SSH_COMMAND"):
        del allowed[name]
    assert child_environment(environ) == allowed
    assert child_environment(environ, {"TZ": "CET", "EXTRA": "1"}) == {**allowed, "TZ": "CET", "EXTRA": "1"}
