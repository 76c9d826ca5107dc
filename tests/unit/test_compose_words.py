"""Compose's command lines and what it resolves, as each version has them; no program is run here."""

import json
from pathlib import Path, PurePath

import pytest

from console.targets.compose import override
from console.targets.compose.cli import (
    PLUGIN,
    STANDALONE,
    ComposeError,
    Program,
    Project,
    engine_variables,
    start,
    stop,
    up,
)
from console.targets.compose.mounts import code_mounts
from console.targets.compose.resolved import Bind, Port, services_of
from console.targets.compose.served import Served
from console.targets.git import Clone
from console.targets.process import Programs

V1, V2 = Program(STANDALONE, "1.29.2"), Program(PLUGIN, "v2.24.5")
IMAGE = f"sha256:{'a' * 64}"

PRINTED_BY_V1 = """
services:
  api:
    depends_on:
      db: {condition: service_started}
      migrate: {condition: service_completed_successfully}
    image: shop/api:1
    ports:
      - 127.0.0.1:8080:80/tcp
      - 9000-9001:9000-9001/udp
      - "[::1]:81:81"
      - "7000"
      - {target: 80, published: 82}
    volumes:
      - /srv/shop/src:/app:rw
      - data:/data:rw
      - {type: bind, source: /srv/shop/etc, target: /etc/shop}
  db: {image: postgres:15}
version: '3.9'
"""
PRINTED_BY_V2 = """
name: shop
services:
  api:
    depends_on:
      db: {condition: service_healthy, required: true}
      migrate: {condition: service_completed_successfully, required: true}
    image: shop/api:1
    ports:
      - {mode: ingress, host_ip: 127.0.0.1, target: 80, published: "8080", protocol: tcp}
      - {mode: ingress, target: 9000, published: "9000", protocol: udp}
      - {mode: ingress, target: 9001, published: "9001", protocol: udp}
      - {mode: ingress, host_ip: "::1", target: 81, published: "81", protocol: tcp}
      - {mode: ingress, target: 7000, protocol: tcp}
      - {mode: ingress, target: 80, published: "82", protocol: tcp}
    volumes:
      - {type: bind, source: /srv/shop/src, target: /app, bind: {create_host_path: true}}
      - {type: volume, source: data, target: /data, volume: {}}
      - {type: bind, source: /srv/shop/etc, target: /etc/shop}
  db: {image: postgres:15}
"""


@pytest.mark.parametrize("printed", [PRINTED_BY_V1, PRINTED_BY_V2], ids=["v1", "v2"])
def test_both_versions_print_the_same_services(printed: str) -> None:
    services = services_of(printed)
    assert services["api"].ports == (
        Port("127.0.0.1", 8080),
        Port("", 9000, "udp"),
        Port("", 9001, "udp"),
        Port("::1", 81),
        Port("", 82),
    )
    assert services["api"].binds == (Bind("/srv/shop/src", "/app"), Bind("/srv/shop/etc", "/etc/shop"))
    assert services["api"].depends == ("db",), "what ends before it starts is not looked for"
    assert services["db"].ports == services["db"].binds == services["db"].depends == ()


@pytest.mark.parametrize("printed", ["services: [api]", "a: [", "", "services:\n  api: 7"])
def test_what_cannot_be_read_is_told(printed: str) -> None:
    with pytest.raises(ComposeError, match="what Compose resolves cannot be read"):
        services_of(printed)


def served(*paths: str) -> Served:
    clone = Clone(Path("/state/clone.git"), "remote", Programs({}, tag=Path("/state")))
    return Served(clone, Path("/state/served"), Path("/srv/shop"), paths)


def test_what_is_mounted_from_the_host_is_mounted_from_the_checkout() -> None:
    services = services_of(PRINTED_BY_V1)
    assert served("src").volumes(services, Path("/state/served/c0ffee")) == {
        "api": ["/state/served/c0ffee/src:/app:ro"]
    }
    assert served(".").inside("/srv/shop/etc/x.toml") == PurePath("etc/x.toml")
    assert served("src").inside("/srv/shop/src2") is None
    assert served("src").commit_of("/state/served/c0ffee/src") == "c0ffee"
    assert served("src").commit_of("/srv/shop/src") is None
    told = json.loads(override.content(V1, {"api": IMAGE}, {"api": ["/a:/b:ro"], "db": ["/c:/d:ro"]}))
    assert told == {"services": {"api": {"image": IMAGE, "volumes": ["/a:/b:ro"]}}}


def test_code_is_whatever_is_mounted_and_not_said_to_be_none() -> None:
    services = services_of(PRINTED_BY_V1)
    kept = {Path("/srv/shop/etc")}
    (told,) = code_mounts(services, ["api", "db"], kept, served())
    assert told.startswith("/srv/shop/src of the host is mounted into api at /app")
    assert len(list(code_mounts(services, ["api"], {Path("/srv/shop/src2")}, served()))) == 2
    assert not list(code_mounts(services, ["api"], kept, served("./src")))
    assert not list(code_mounts(services, ["db"], set(), served()))


def test_the_override_pins_images_and_has_nothing_else(tmp_path: Path) -> None:
    images = {"api": IMAGE, "worker": f"shop/worker@{IMAGE}"}
    assert json.loads(override.content(V1, images)) == {
        "services": {"api": {"image": IMAGE}, "worker": {"image": f"shop/worker@{IMAGE}"}}
    }
    told = json.loads(override.content(V2, images))
    assert told["services"]["api"] == {"image": IMAGE, "pull_policy": "never"}
    path = override.write(tmp_path / "compose", V1, images, {})
    assert path == override.path_of(tmp_path / "compose", dict(reversed(images.items())))
    assert path != override.path_of(tmp_path / "compose", {"api": IMAGE})
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_an_override_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "compose").write_text("a file")
    with pytest.raises(ComposeError, match=r"^cannot write .*/compose/pinned-\w+\.json: "):
        override.write(tmp_path / "compose", V1, {"api": IMAGE}, {})


def test_the_words_are_the_same_for_both_versions() -> None:
    """Nothing else of the project is stopped, and nothing is removed, built or started on the way."""
    assert up({"api": 2, "worker": 1}) == (
        *("up", "-d", "--no-build", "--no-deps", "--scale", "api=2", "--scale", "worker=1"),
        *("api", "worker"),
    )
    assert stop(["api"]) == ("stop", "api")
    assert start(["api"]) == ("start", "api")
    project = Project("shop", Path("/srv/shop"), (Path("/srv/shop/a.yml"),), Path("/srv/shop/prod.env"))
    assert project.words(Path("/o.json")) == (
        *("-p", "shop", "--project-directory", "/srv/shop", "--env-file", "/srv/shop/prod.env"),
        *("-f", "/srv/shop/a.yml", "-f", "/o.json"),
    )


@pytest.mark.parametrize(("version", "major"), [("1.29.2", 1), ("v2.24.5", 2), ("5.0.1", 5), ("dev", 0)])
def test_the_version_decides_not_the_name(version: str, major: int) -> None:
    assert Program(STANDALONE, version).major == major


def test_compose_asks_the_engine_that_we_ask() -> None:
    environ = {"DOCKER_HOST": "tcp://other:2375", "DOCKER_CERT_PATH": "/certs", "SECRET": "x"}
    assert engine_variables("unix:///run/d.sock", environ) == {
        "DOCKER_HOST": "unix:///run/d.sock",
        "DOCKER_CERT_PATH": "/certs",
    }
