"""What is ready for the first minute: who is on call, and whether alerts are heard; a line each. Pure."""

from collections.abc import Iterator

from console.core.live import Listening
from console.core.on_duty import whole_words
from console.core.protocols import Snapshot


def first_minute(snapshot: Snapshot) -> Iterator[str]:
    """`on call oncall-1 (calendar, 00:42 old) until 18:00:00Z`, `alerts at 127.0.0.1:9911: 3 taken`."""
    if snapshot.live is None:
        return
    if (duty := snapshot.live.on_call) is not None:
        yield f"on call {whole_words(duty, snapshot.at)}"
    if (webhook := snapshot.live.webhook) is not None:
        yield f"alerts at {webhook.at}: {listening_words(webhook)}"


def listening_words(webhook: Listening) -> str:
    """`3 taken, 1 refused: another token`; `not heard: address already in use`."""
    if webhook.why_not:
        return f"not heard: {webhook.why_not}"
    refused = [f"{webhook.refused} refused: {webhook.last_refused}"] if webhook.refused else []
    dropped = [f"{webhook.dropped} too many"] if webhook.dropped else []
    return ", ".join([f"{webhook.taken} taken", *refused, *dropped])
