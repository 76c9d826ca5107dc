"""Signatures hold for one person, one text, one purpose and a key that is neither weak nor revoked."""

import os
import subprocess
from pathlib import Path

import pytest

from console.authority.ssh import MAX_SIGNATURE, NAMESPACE, STANDING, SignatureError, Signer, sign, verify
from console.core.keys import PublicKey, public_key
from console.targets.process import Programs

TEXT = "warroom approval 1\ndecision: yes\n"
AT = 1_760_000_000_000_000
KINDS = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa": ("-t", "ecdsa", "-b", "384"),
    "rsa": ("-t", "rsa", "-b", "3072"),
}


def keygen(*words: str) -> str:
    done = subprocess.run(["ssh-keygen", *words], check=True, capture_output=True, text=True)
    return done.stdout


class Desk:
    """A folder with keys and a revocation file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = Programs({"PATH": os.environ["PATH"]}, tag=folder)
        self.revoked = folder / "revoked"
        self.revoked.touch()

    def key(self, name: str, kind: str = "ed25519") -> Path:
        """A new private key."""
        path = self.folder / name
        keygen("-q", *KINDS[kind], "-N", "", "-C", name, "-f", str(path))
        return path

    def public(self, name: str) -> PublicKey:
        """The public half of one."""
        return public_key((self.folder / f"{name}.pub").read_text())

    def signer(self, *names: str) -> Signer:
        """sec-1, with those keys."""
        return Signer("sec-1", tuple(self.public(name) for name in names))

    async def verified(self, signature: str, signer: Signer, text: str = TEXT) -> PublicKey:
        return await verify(self.programs, text, signature, signer, self.revoked.read_bytes(), AT)

    async def refused(self, signature: str, signer: Signer, text: str = TEXT) -> str:
        """Why it does not count."""
        with pytest.raises(SignatureError) as caught:
            await self.verified(signature, signer, text)
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_signature_of_the_right_person_holds(desk: Desk, kind: str) -> None:
    signature = await sign(desk.programs, TEXT, desk.key("mine", kind))
    found = await desk.verified(signature, desk.signer("mine"))
    assert found.fingerprint in keygen("-l", "-f", str(desk.folder / "mine.pub"))


async def test_any_of_a_persons_keys_will_do(desk: Desk) -> None:
    desk.key("old")
    signature = await sign(desk.programs, TEXT, desk.key("new"))
    assert await desk.verified(signature, desk.signer("old", "new")) == desk.public("new")


async def test_an_agent_signs_for_a_public_key(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the agent is forwarded from another machine: the private key is not here."""
    private = desk.key("mine")
    socket = desk.folder / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE)
    try:
        assert agent.stdout is not None
        agent.stdout.readline()
        environment = {"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": str(socket)}
        subprocess.run(
            ["ssh-add", "-q", str(private)], check=True, env=environment, stderr=subprocess.DEVNULL
        )
        private.unlink()
        signature = await sign(Programs(environment, tag=desk.folder), TEXT, desk.folder / "mine.pub")
    finally:
        agent.terminate()
        agent.communicate()
    assert await desk.verified(signature, desk.signer("mine")) == desk.public("mine")


async def test_another_text_is_not_signed(desk: Desk) -> None:
    signature = await sign(desk.programs, TEXT, desk.key("mine"))
    said = await desk.refused(signature, desk.signer("mine"), TEXT.replace("yes", "no"))
    assert said.startswith("the signature of sec-1 does not hold: ")


async def test_a_foreign_key_is_named_by_its_fingerprint(desk: Desk) -> None:
    desk.key("mine")
    signature = await sign(desk.programs, TEXT, desk.key("foreign"))
    said = await desk.refused(signature, desk.signer("mine"))
    assert said == (
        f"signed with key {desk.public('foreign').fingerprint}, which the roster does not have for sec-1"
    )


async def test_a_signature_for_something_else_does_not_count(desk: Desk) -> None:
    key, text = desk.key("mine"), desk.folder / "text"
    text.write_text(TEXT)
    keygen("-Y", "sign", "-f", str(key), "-n", "git", str(text))
    said = await desk.refused(text.with_suffix(".sig").read_text(), desk.signer("mine"))
    assert said.startswith("the signature of sec-1 does not hold: ")


async def test_plain_ssh_keygen_is_enough_to_sign(desk: Desk) -> None:
    key, text = desk.key("mine"), desk.folder / "text"
    text.write_text(TEXT)
    keygen("-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(text))
    found = await desk.verified(text.with_suffix(".sig").read_text(), desk.signer("mine"))
    assert found == desk.public("mine")


@pytest.mark.parametrize("form", ["public keys", "KRL"])
async def test_a_revoked_key_does_not_count(desk: Desk, form: str) -> None:
    signature = await sign(desk.programs, TEXT, desk.key("mine"))
    public = desk.folder / "mine.pub"
    if form == "KRL":
        keygen("-q", "-k", "-f", str(desk.revoked), str(public))
    else:
        desk.revoked.write_text(public.read_text())
    assert "does not hold" in await desk.refused(signature, desk.signer("mine"))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda text: text[:-80], "marks of an SSH SIGNATURE"),
        (lambda text: "\n".join(text.splitlines()[:3] + text.splitlines()[-1:]), "does not hold"),
        (lambda _: "yes", "marks of an SSH SIGNATURE"),
        (lambda text: text + "x" * MAX_SIGNATURE, f"at most {MAX_SIGNATURE} characters"),
        (lambda text: text.replace("AAAA", "!!!!"), "copy all of its lines"),
    ],
    ids=["cut off", "a line gone", "no signature", "oversized", "not base64"],
)
async def test_a_spoiled_signature_is_refused(desk: Desk, spoil: object, why: str) -> None:
    assert callable(spoil)
    signature = await sign(desk.programs, TEXT, desk.key("mine"))
    assert why in await desk.refused(spoil(signature), desk.signer("mine"))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("-t", "rsa", "-b", "2048"), "an rsa key of 2048 bits is too weak"),
        (("-t", "dsa"), "ssh-dss is no kind of key that may sign"),
    ],
)
def test_a_weak_key_is_refused(tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    keygen("-q", *words, "-N", "", "-f", str(tmp_path / "weak"))
    with pytest.raises(ValueError, match=why):
        public_key((tmp_path / "weak.pub").read_text())


@pytest.mark.parametrize(
    "text",
    ["", "*", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 !!!!", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA=="],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        public_key(text)


@pytest.mark.parametrize(("made_for", "looked_for"), [(NAMESPACE, STANDING), (STANDING, NAMESPACE)])
async def test_what_was_signed_for_one_purpose_does_not_count_for_the_other(
    desk: Desk, made_for: str, looked_for: str
) -> None:
    signature = await sign(desk.programs, TEXT, desk.key("mine"), made_for)
    signer, revoked = desk.signer("mine"), desk.revoked.read_bytes()
    assert await verify(desk.programs, TEXT, signature, signer, revoked, AT, made_for) == desk.public("mine")
    with pytest.raises(SignatureError, match="the signature of sec-1 does not hold"):
        await verify(desk.programs, TEXT, signature, signer, revoked, AT, looked_for)
