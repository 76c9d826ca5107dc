"""What must be true of an environment whose engine has an account of its own."""

from collections.abc import Iterator

from console.core.parts import Finding, Part, Rule


def state(environment: Part) -> Iterator[Finding]:
    """Accounts have no folder in common but one that is named, in the same way for all of them."""
    engine, folder = environment["engine"], environment["state"]
    if engine.text != "external":
        return
    if folder.value is None:
        yield engine.wrong(
            "an engine with an account of its own needs a folder that all accounts know: name it by `state`"
        )
    elif folder.text is not None and not folder.text.startswith("/"):
        yield folder.wrong("accounts look for it from different folders: write the whole path, from `/` on")


RULES: tuple[Rule, ...] = (state,)
