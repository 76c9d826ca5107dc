"""A user who is none: connects and signs one large transaction. `python -m console.drill.synthetic URL`.

The second path of the drill's error rate: it sees what users see, and asks nobody who counts. The exit code
is 1 when it could not sign, with the reason on stderr.
"""

import json
import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

USER = "0x" + "7e57" * 10
DATA = "c0de" * 512
LIMIT_S = 4.0


def main() -> None:
    """Connect and sign."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m console.drill.synthetic URL")
    connection = HTTPConnection(urlsplit(sys.argv[1]).netloc, timeout=LIMIT_S)
    try:
        session = _ask(connection, "/connect", user=USER)["session"]
        _ask(connection, "/sign", session=session, to=USER, value=1, data=DATA)
    except (OSError, HTTPException, ValueError, TypeError, KeyError) as error:
        sys.exit(f"it cannot sign: {error}")


def _ask(connection: HTTPConnection, path: str, **body: object) -> dict[str, object]:
    """The answer; ValueError when it is not a good one."""
    connection.request("POST", path, json.dumps(body))
    response = connection.getresponse()
    said = response.read()
    if response.status != 201:
        raise ValueError(f"{path} answers {response.status}: {said[:200].decode(errors='replace')}")
    answer = json.loads(said)
    if not isinstance(answer, dict):
        raise TypeError(f"{path} answers no object")
    return answer


if __name__ == "__main__":
    main()
