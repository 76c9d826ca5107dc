"""The production gate in a shared terminal: five sign where their keys are, the sixth is pasted."""

import asyncio
from pathlib import Path

from console.core import events as ev
from console.core.exits import Exit
from console.core.policy import gate
from console.core.protocols import Snapshot
from console.drill.keyring import Keyring
from console.drill.world import stop_world
from tests.integration.cli.commands import CommandLine, healthy, planned
from tests.integration.tmux.window import Tmux

FIVE = ("eng-2", "lead-1", "ops-1", "exec-1", "pm-1")
SIXTH = "sec-1"


def waits_for_the_sixth(snapshot: Snapshot) -> bool:
    """Whether the one yes is all that keeps the gate closed."""
    incident = snapshot.state.open_incident
    return incident is not None and gate(incident, snapshot.at).closed == ("1 security-lead must say yes",)


def is_open(snapshot: Snapshot) -> bool:
    """Whether the gate is open."""
    incident = snapshot.state.open_incident
    return incident is not None and incident.gate_opened is not None


def approvers(snapshot: Snapshot) -> set[str]:
    """By whose yes it was opened."""
    opened = [event.body for event in snapshot.events if isinstance(event.body, ev.GateOpened)]
    assert len(opened) == 1
    return set(opened[0].approvers)


def test_the_gate_opens_with_the_sixth_signature_and_not_before(tmux: Tmux, tmp_path: Path) -> None:
    """Nobody signs by themselves; whoever pastes it, it is the security lead's."""
    folder = tmp_path.resolve()
    warroom, keys = CommandLine(folder), Keyring(folder)
    try:
        asyncio.run(healthy(folder, prerequisites=True, proof="signature"))
        tmux.open(120, 40, *warroom.argv())
        tmux.wait_for("NEXT nothing to do")
        tmux.press("D")
        tmux.wait_for("Declare an incident")
        tmux.press("Enter")
        warroom.wait_for(planned)
        warroom.prepare()
        warroom.tick_by_hand()
        for person in FIVE:
            key = ("--key", str(keys.private(person)), "--yes", "--approve")
            done = warroom("sign", *key, actor=person)
            assert done.returncode == Exit.DONE, done.stderr
        assert not is_open(warroom.wait_for(waits_for_the_sixth))

        tmux.press("A")
        for words in ("✓ pm-1, product-manager: key SHA256:", "… sec-1, security-lead: asked ", "Paste here"):
            tmux.wait_for(words)
        tmux.paste("this is no signature")
        tmux.focus("Tab", "Hand in")
        tmux.press("Enter")
        tmux.wait_for("there is no signature in it")
        signed = warroom("sign", "--key", str(keys.private(SIXTH)), "--yes", actor=SIXTH).stdout
        assert not is_open(warroom.wait_for(waits_for_the_sixth)), "it is signed, and not handed in"
        tmux.paste(signed)
        tmux.wait_for("END SSH SIGNATURE")
        tmux.focus("Tab", "Hand in")
        tmux.press("Enter")
        assert approvers(warroom.wait_for(is_open)) == {*FIVE, SIXTH}
        tmux.wait_for("GATE open since")
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
