"""The drill's environment file: what the service starts with, and what was saved of it at each deployment."""

import secrets
from datetime import UTC, datetime
from typing import Any

from console.core.env_backups import EnvManifest
from console.core.env_file import parse
from console.core.env_rules import EnvironmentFile
from console.drill.place import Place, write_atomically
from console.drill.story import EnvSettings, Story, Verdict
from console.targets.env_file import EnvFiles, digest

VARIABLE = "WALLETCONNECT_ENV_FILE"
"""Names the file to the service, which reads it when it starts."""
SECRET = "JWT_SECRET"  # noqa: S105 - the key's name
_FILE = ".env.walletconnect"
_US = 1_000_000


class EnvHistory:
    """The file of one world, from before the drill to the deployment that breaks it."""

    def __init__(self, place: Place, story: Story, settings: EnvSettings, started_us: int) -> None:
        """`started_us`: when the world began, UTC microseconds; ages are seen from there."""
        self._story = story
        self._settings = settings
        self._started_us = started_us
        rule = EnvironmentFile.model_validate(env_rules(place, story, settings, started_us))
        self._files = EnvFiles(rule, place.root, _unheard)

    def begin(self) -> dict[str, str]:
        """Write the file of the release that runs first, and the backups; what the service is told of it."""
        before, now = secrets.token_hex(16), secrets.token_hex(16)
        for verdict in self._story.verdicts:
            rotated = verdict.age_s < self._settings.rotated_ago_s
            text = self._text(verdict.tag, now if rotated else before)
            self._save(verdict, text)
            if verdict.tag == self._story.starts:
                write_atomically(self._files.path, text.encode())
                break
        return {VARIABLE: str(self._files.path)}

    def change(self, tag: str) -> None:
        """Write the file that this release is deployed with; its secret stays."""
        secret = parse(self._files.path.read_text(encoding="utf-8")).values[SECRET]
        write_atomically(self._files.path, self._text(tag, secret).encode())

    def _text(self, tag: str, secret: str) -> str:
        values = {**self._settings.of_release[tag], SECRET: secret}
        lines = "".join(f"{key}={value}\n" for key, value in values.items())
        return f"# of {tag}, made by the drill\n{lines}"

    def _save(self, verdict: Verdict, text: str) -> None:
        """As the pipeline does when it has deployed."""
        manifest = EnvManifest(
            environment=self._story.environment,
            sha256=digest(text.encode()),
            bytes=len(text.encode()),
            mode="0600",
            taken=self._started_us - verdict.age_s * _US,
            keys=tuple(sorted(parse(text).settings)),
            release=verdict.tag,
        )
        self._files.save(verdict.tag, manifest, text.encode())


def env_rules(place: Place, story: Story, settings: EnvSettings, started_us: int) -> dict[str, Any]:
    """What the strategy of a drill says of the file: its place, its backups, and when the secret was rotated.

    The file lies among the secrets, which the service can read however it runs, and ends with them.
    """
    rotated = datetime.fromtimestamp(started_us // _US - settings.rotated_ago_s, UTC)
    return {
        "path": str(place.secrets / f"{_FILE}.{story.environment}"),
        "backups": str(place.env_backups / f"walletconnect-{story.environment}-*" / "env.backup"),
        "rotated": [{"key": SECRET, "at": rotated.strftime("%Y-%m-%dT%H:%M:%SZ")}],
    }


def _unheard(_key: str, _value: str) -> None:
    """The drill writes nothing of it anywhere else."""
