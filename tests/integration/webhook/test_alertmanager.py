"""The real Alertmanager sends to the webhook what it sends, with the configuration of the docs."""

import asyncio
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from ruamel.yaml import YAML

from console.core import events as ev
from tests.conftest import require_program
from tests.integration.webhook.kit import LIMIT_S, SECRET, Hut, until
from tests.servers import LOOPBACK, free_port, wait_until

DOCS = Path(__file__).parents[3] / "docs" / "webhook.md"


def example(hut: Hut, folder: Path) -> Path:
    """The docs' configuration of Alertmanager, at this webhook and in less of a hurry than in the field."""
    found = re.search(r"```yaml\n(# alertmanager\.yml\n.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    secret = folder / "secret"
    secret.write_text(SECRET)
    text = found[1].replace("http://127.0.0.1:9911/alerts", hut.url)
    yaml = YAML()
    config = yaml.load(text)
    (receiver,) = config["receivers"]
    (webhook,) = receiver["webhook_configs"]
    assert webhook["url"] == hut.url
    webhook["http_config"]["authorization"]["credentials_file"] = str(secret)
    config["route"] |= {"group_wait": "100ms", "group_interval": "200ms"}
    path = folder / "alertmanager.yml"
    with path.open("w") as file:
        yaml.dump(config, file)
    return path


@contextmanager
def alertmanager(config: Path) -> Iterator[str]:
    """Its address, while it runs."""
    program = require_program("prometheus-alertmanager", "prometheus-alertmanager")
    port, log = free_port(), config.parent / "log"
    argv = [
        program,
        f"--config.file={config}",
        f"--storage.path={config.parent / 'data'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--cluster.listen-address=",
    ]
    url = f"http://{LOOPBACK}:{port}"

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=LIMIT_S) as answer:  # noqa: S310 - our own loopback
                return bool(answer.status == 200)
        except OSError:
            return False

    with log.open("wb") as output, subprocess.Popen(argv, stdout=output, stderr=output) as process:
        try:
            wait_until(ready, f"Alertmanager does not start: {log}")
            yield url
        finally:
            process.terminate()
            process.wait(LIMIT_S)


def tell(url: str, name: str, starts: datetime, ends: datetime | None = None) -> None:
    """What Prometheus tells Alertmanager of an alert."""
    alert = {
        "labels": {"alertname": name},
        "annotations": {"summary": "down"},
        "startsAt": starts.isoformat(),
    }
    body = msgspec.json.encode([{**alert, **({"endsAt": ends.isoformat()} if ends else {})}])
    asked = urllib.request.Request(  # noqa: S310 - our own loopback
        f"{url}/api/v2/alerts", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=LIMIT_S) as answer:  # noqa: S310 - our own loopback
        assert answer.status == 200


async def test_an_alert_of_the_real_one_opens_a_suspected_incident_and_its_end_is_recorded(
    tmp_path: Path,
) -> None:
    hut = Hut()
    config = example(hut, tmp_path)
    async with hut.open() as listens:
        with alertmanager(config) as url:
            now = datetime.fromtimestamp(hut.clock.now().utc_us / 1e6, tz=UTC)
            starts = now - timedelta(seconds=42)
            await asyncio.to_thread(tell, url, "HealthGone", starts)
            await until(lambda: hut.book.state.open_incident is not None)
            await asyncio.to_thread(tell, url, "HealthGone", starts, now)
            await until(lambda: any(isinstance(body, ev.AlertEnded) for body in hut.bodies()))
        assert listens.now.refused == 0
    incident = hut.book.state.open_incident
    assert incident is not None
    assert incident.triggers == ("alert HealthGone (health)",)
    assert abs(incident.onset.utc_us / 1e6 - starts.timestamp()) < 0.01
    assert [body.kind for body in hut.bodies()] == ["incident.suspected", "alert.fired", "alert.ended"]
