"""Checks a running service the way its users use it: python -m walletconnect.validate URL.

Prints a line for each check as it ends; the exit code is 0 when all of them passed, 1 otherwise.
"""

import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from walletconnect.chain import needed_gas

USER = "0x" + "5afe" * 10
SMALL = ("", "a9059cbb" + "11" * 64)
LARGE = ("c0de" * 512, "c0de" * 1024)
LIMIT_S = 10


class CheckError(Exception):
    """A check found something wrong; the message says what."""


class Service:
    """The service under test, over one connection."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=LIMIT_S)

    def ask(self, method: str, path: str, **body: object) -> dict[str, object]:
        """The service's answer; CheckError when it is an error or does not come."""
        try:
            self._connection.request(method, path, msgspec.json.encode(body) if body else None)
            response = self._connection.getresponse()
            answer = msgspec.json.decode(response.read(), type=dict[str, object])
        except (OSError, HTTPException, msgspec.DecodeError) as error:
            self._connection.close()
            raise CheckError(f"no answer to {path}: {error}") from error
        if response.status not in (200, 201):
            raise CheckError(f"{path} answered {response.status}: {answer.get('error', answer)}")
        return answer

    def connected(self) -> str:
        """A new session."""
        return str(self.ask("POST", "/connect", user=USER)["session"])

    def transaction(self, path: str, data: str) -> dict[str, object]:
        """The answer to a transaction that carries `data`, signed or estimated."""
        return self.ask("POST", path, session=self.connected(), to=USER, value=1, data=data)


def answers_as_this_release(service: Service) -> None:
    """The running service is healthy and of this very version."""
    version = (Path(__file__).parent.parent / "VERSION").read_text(encoding="utf-8").strip()
    answer = service.ask("GET", "/health")
    if answer["status"] != "ok" or answer["version"] != version:
        raise CheckError(f"expected {version}, ok; got {answer['version']}, {answer['status']}")


def connects(service: Service) -> None:
    """A wallet connects and gets a session."""
    service.connected()


def signs_a_message(service: Service) -> None:
    """A message is signed."""
    service.ask("POST", "/sign-message", session=service.connected(), message="validate")


def signs_small_transactions(service: Service) -> None:
    """A plain transfer and a token transfer are signed."""
    for data in SMALL:
        service.transaction("/sign", data)


def signs_to_a_contact(service: Service) -> None:
    """Whom a user has in the address book can be sent to by name."""
    session = service.connected()
    service.ask("POST", "/contact", session=session, name="validate", address=USER)
    service.ask("POST", "/sign", session=session, to="validate", value=1)


def signs_large_transactions(service: Service) -> None:
    """Transactions with much data are signed."""
    for data in LARGE:
        service.transaction("/sign", data)


def estimates_gas(service: Service) -> None:
    """Every estimate is enough for the chain, and at most twice what it needs."""
    for data in SMALL + LARGE:
        needed = needed_gas(bytes.fromhex(data))
        given = service.transaction("/estimate", data)["gas_limit"]
        if not isinstance(given, int) or not needed <= given <= 2 * needed:
            raise CheckError(f"{len(data) // 2} bytes of data need {needed} gas and are given {given}")


CHECKS: tuple[Callable[[Service], None], ...] = (
    answers_as_this_release,
    connects,
    signs_a_message,
    estimates_gas,
    signs_small_transactions,
    signs_to_a_contact,
    signs_large_transactions,
)


def passed(check: Callable[[Service], None], service: Service) -> bool:
    """Run one check and print what came of it."""
    name = check.__name__.replace("_", " ")
    try:
        check(service)
    except CheckError as error:
        line, good = f"FAIL {name}: {error}", False
    else:
        line, good = f"ok   {name}", True
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return good


def main() -> None:
    """Run every check, also after one has failed."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m walletconnect.validate URL")
    service = Service(sys.argv[1])
    results = [passed(check, service) for check in CHECKS]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
