"""The CI of a drill: its stand-in as a child of the keeper, and what the drill's strategy says of it."""

import secrets
from pathlib import Path
from typing import Any

import httpx

from console.drill.children import Child, Children, python
from console.drill.ci import REPOSITORY, WORKFLOW
from console.drill.place import Place, one_line, write_atomically
from console.drill.ports import LOOPBACK, on_free_port

TOKEN = "ci.token"  # noqa: S105 - the file's name
REQUESTS = "ci.jsonl"
"""What the CI of a drill was told to do, in its folder: a JSON object a line."""
_START_LIMIT_S = 15
_ALIKE = {"kind": "github", "repository": REPOSITORY, "workflow": WORKFLOW}


async def start_ci(place: Place, children: Children) -> str:
    """Start it with a token of its own; returns its address."""
    token = secrets.token_hex(20)
    write_atomically(place.secrets / TOKEN, token.encode())
    child, url = await on_free_port(lambda port: _start(place, token, port, children))
    child.port = httpx.URL(url).port
    return url


def rehearsed(url: str, secrets_folder: Path) -> dict[str, Any]:
    """The strategy's `ci` block, in seconds instead of minutes."""
    return {
        **_ALIKE,
        "api": url,
        "token": f"file:{secrets_folder / TOKEN}",
        "every": "200ms",
        "cancel_after": "2s",
    }


async def _start(place: Place, token: str, port: int, children: Children) -> tuple[Child, str]:
    words = (str(port), str(place.secrets / TOKEN), str(place.root / REQUESTS))
    child = await children.start("ci", python("console.drill.ci", *words), cwd=Path("/"))
    url = f"http://{LOOPBACK}:{port}"
    await child.until_ready(lambda: _lacks(url, token), _START_LIMIT_S)
    return child, url


async def _lacks(url: str, token: str) -> str:
    """Empty as soon as it knows its workflow, else what it says instead."""
    headers = {"authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2, headers=headers) as client:
            answer = await client.get(f"{url}/repos/{REPOSITORY}/actions/workflows")
    except httpx.HTTPError as error:
        return one_line(error)
    return "" if answer.status_code == 200 else f"it answers {answer.status_code}"
