"""Makes the environment file's target: what is read from it is kept out of everything that is written."""

from console.config.loader import LoadedStrategy
from console.config.secrets import Secrets
from console.core.secret_names import may_be_secret
from console.core.strategy import Environment
from console.targets.env_file import EnvFiles


def env_files(loaded: LoadedStrategy, environment: Environment, secrets: Secrets) -> EnvFiles | None:
    """The environment file with its backups; None where the strategy names none."""
    rules = environment.environment_file
    if rules is None:
        return None
    public = loaded.raw.decode(errors="replace")

    def register(key: str, value: str) -> None:
        if may_be_secret(key, value, public):
            secrets.register(value)

    return EnvFiles(rules, loaded.path.absolute().parent, register)
