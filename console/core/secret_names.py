"""Which variables hold secrets, as far as a name or a value tells that."""

import re

_SECRET_NAME = re.compile(
    r"(?i)(pass|pwd|secret|token|key|credential|auth|dsn|private|mnemonic|seed|salt|cookie)(?!.*_file$)"
)
"""What a variable is called that holds a secret; one that ends in `_FILE` names the file that does."""
_SAYS_NOTHING = {"true", "false", "none", "null", "auto"}
_SHORTEST = 4
"""What is shorter guards nothing, and stands in every text."""


def names_secret(name: str) -> bool:
    """Whether a variable of that name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def guards(value: str) -> bool:
    """Whether it can be a secret at all."""
    return len(value) >= _SHORTEST and value.lower() not in _SAYS_NOTHING


def may_be_secret(name: str, value: str, public: str) -> bool:
    """Whether a value is kept out of whatever is written, by its name or because nobody knows it.

    What stands in `public`, a text that holds no secret, is none unless its name says so: an environment's
    own name, masked everywhere, would leave nothing to read. Nor is a mere number (`3000`).
    """
    if not guards(value):
        return False
    return names_secret(name) or not (value.isdecimal() or value in public)
