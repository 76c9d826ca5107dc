"""Checks that service, database and cache work together: python -m walletconnect.integration URL.

Prints a line for each check as it ends; the exit code is 0 when all of them passed, 1 otherwise.
"""

import sys
from collections.abc import Callable

from walletconnect.validate import SMALL, USER, CheckError, Service, passed

OTHER = "0x" + "0dd5" * 10


def refused(service: Service, path: str, **body: object) -> None:
    """See that the service does not grant it."""
    try:
        service.ask("POST", path, **body)
    except CheckError:
        return
    raise CheckError(f"{path} was granted")


def sessions_are_apart(service: Service) -> None:
    """A user who connects twice has two sessions, and both of them work."""
    first, second = service.connected(), service.connected()
    if first == second:
        raise CheckError("both sessions have the same name")
    for session in (first, second):
        service.ask("POST", "/sign-message", session=session, message="integration")


def nobody_makes_up_a_session(service: Service) -> None:
    """A name that the service has not given is nobody's, nor is one with another end."""
    refused(service, "/sign-message", session="nobody", message="integration")
    refused(service, "/sign-message", session=service.connected()[:-1] + "#", message="integration")


def contacts_are_ones_own(service: Service) -> None:
    """Nobody can send to whom somebody else has in the address book."""
    service.ask("POST", "/contact", session=service.connected(), name="integration", address=USER)
    other = str(service.ask("POST", "/connect", user=OTHER)["session"])
    refused(service, "/sign", session=other, to="integration", value=1)


def what_is_estimated_is_given(service: Service) -> None:
    """A transaction is signed with the gas that the estimate said."""
    for data in SMALL:
        said, given = (service.transaction(path, data)["gas_limit"] for path in ("/estimate", "/sign"))
        if said != given:
            raise CheckError(f"{said} gas was estimated, {given} was given")


CHECKS: tuple[Callable[[Service], None], ...] = (
    sessions_are_apart,
    nobody_makes_up_a_session,
    contacts_are_ones_own,
    what_is_estimated_is_given,
)


def main() -> None:
    """Run every check, also after one has failed."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m walletconnect.integration URL")
    service = Service(sys.argv[1])
    results = [passed(check, service) for check in CHECKS]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
