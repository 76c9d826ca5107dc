"""Signatures: who said what at the gate, how one signs, and a place to paste what was signed."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widgets import TextArea

from console.core.requests import AnyAsk, Approve
from console.core.statement import StatementError, split
from screens.dialog import Dialog
from screens.lines import Line, Role, line, span, wrap
from screens.scene import Scene
from screens.views.advice import advice_lines
from screens.views.signatures import signature_lines

_ELSEWHERE = "Elsewhere: send the text of `warroom request HANDLE`; there, `warroom sign FILE`."


class SignDialog(Dialog[AnyAsk | None]):
    """Hands in what somebody has signed wherever their key is; it names its signer, whoever pastes it."""

    hint = "Tab goes on from the field, Enter does it on a button, Esc cancels"
    prompt = "Paste here what was signed, text and signature:"
    yes = "Hand in"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        incident = scene.snapshot.state.open_incident
        self.caption = f"Signatures · {scene.name} · {incident.id if incident else ''}"

    def body(self, width: int) -> Sequence[Line]:
        """Who has signed, who is asked, and how."""
        incident = self.scene.snapshot.state.open_incident
        if incident is None or incident.plan is None:
            return wrap("There is no plan to say yes or no to.", width)
        scene = self.scene
        lines = signature_lines(
            scene.snapshot, incident, incident.plan, width, scene.environment, scene.roster
        )
        how = f"warroom sign --as HANDLE --env {self.scene.name} --approve"
        return [
            *advice_lines(scene.snapshot, scene.environment, width),
            *lines,
            line(""),
            *wrap("Where the key is, on this machine or through `ssh -A`:", width, Role.DIM),
            line(span(f"  {how}")),
            *wrap(_ELSEWHERE, width, Role.DIM),
        ]

    def controls(self) -> ComposeResult:
        """Where it is pasted."""
        paste = TextArea(id="paste", compact=True)
        paste.cursor_blink = False
        yield paste

    def submit(self) -> None:
        """Hand it in, if it is a statement with a signature."""
        pasted = self.query_one(TextArea)
        try:
            text, signature = split(pasted.text)
        except StatementError as error:
            self.complain(str(error))
            pasted.select_all()  # so that what is pasted next takes its place
            pasted.focus()
        else:
            self.dismiss(Approve(text, signature))
