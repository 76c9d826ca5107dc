"""The chain's RPC: where signed transactions are handed to the network."""

import os

import httpx

from walletconnect.chain import RefusedError

LIMIT_S = 2.0


class UnreachableError(RefusedError):
    """The chain's RPC does not answer, so nothing can be sent."""


class Rpc:
    """The RPC that WALLETCONNECT_RPC_URL names; without one, transactions are only kept."""

    def __init__(self) -> None:
        self._url = os.environ.get("WALLETCONNECT_RPC_URL")
        self._http = httpx.AsyncClient(timeout=LIMIT_S, trust_env=False)

    async def send(self, tx_hash: str) -> None:
        """Hand over a signed transaction; RefusedError when it is not taken."""
        if self._url is None:
            return
        call = {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [tx_hash]}
        try:
            answer = (await self._http.post(self._url, json=call)).raise_for_status().json()
        except httpx.HTTPError as error:
            raise UnreachableError(f"the chain's RPC does not answer: {error}") from error
        if answer.get("result") != tx_hash:
            raise RefusedError(f"the chain does not take it: {answer.get('error', answer)}")
