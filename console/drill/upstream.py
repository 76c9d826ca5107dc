"""A stand-in for the chain's RPC, which other people run: `python -m console.drill.upstream PORT`."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.drill.ports import LOOPBACK

METHOD = "eth_sendRawTransaction"
_HASH_CHARACTERS = 66


async def _call(request: Request) -> Response:
    """One call of JSON-RPC: a transaction's hash is taken, and told again."""
    call = await request.json()
    sent = call.get("params")
    taken = call.get("method") == METHOD and isinstance(sent, list) and len(sent) == 1
    if not taken or not str(sent[0]).startswith("0x") or len(sent[0]) != _HASH_CHARACTERS:
        error = {"code": -32602, "message": f"not a call of {METHOD} with one transaction"}
        return JSONResponse({"jsonrpc": "2.0", "id": call.get("id"), "error": error})
    return JSONResponse({"jsonrpc": "2.0", "id": call.get("id"), "result": sent[0]})


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def main() -> None:
    """Serve until told to stop."""
    app = Starlette(routes=[Route("/", _call, methods=["POST"]), Route("/health", _health)])
    uvicorn.run(
        app,
        host=LOOPBACK,
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
