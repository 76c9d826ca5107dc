"""What is saved of containers without a seal: how they are built up, and none of their secrets."""

import pytest

from console.core.redaction import MASK, Redactor
from console.targets.docker.masking import NoComposeError, masked, secrets_of

COMPOSE = """
# the old one was CANARY-1
name: shop
x-common: &common {user: CANARY-2, name: CANARY-3}
services:
  web:
    image: passportx:v1.5.3
    command: [serve, --token, CANARY-4]
    ports: ["127.0.0.1:8080:80", 443]
    networks: {back: {aliases: [shop]}}
    depends_on: {db: {condition: service_healthy}}
    environment: {<<: *common, image: CANARY-5, DATABASE_URL: "postgres://u:CANARY-6@db/shop", DEBUG: true}
    build: {context: ., args: {NPM: CANARY-7}}
    deploy: {replicas: 2, labels: [auth=CANARY-8]}
    labels: {image: CANARY-9}
    extra_hosts: ["CANARY-10"]
  db:
    image: "https://ci:CANARY-11@registry.example/postgres:15"
    healthcheck: {test: [CMD, psql, CANARY-12], interval: 1s}
    environment: [POSTGRES_PASSWORD=CANARY-13]
    volumes: ["data:/var/lib/known-to-us"]
volumes:
  data: {driver: local, driver_opts: {o: "password=CANARY-14"}}
configs:
  motd: {content: CANARY-15}
secrets:
  key: {file: ./key.txt}
"""


def test_of_a_compose_file_only_what_says_how_it_is_built_up_is_kept() -> None:
    mask = Redactor()
    mask.register("known-to-us")
    text = masked(COMPOSE, mask)
    assert "CANARY" not in text
    assert "known-to-us" not in text
    for kept in (
        "passportx:v1.5.3",
        "127.0.0.1:8080:80",
        "443",
        "service_healthy",
        "./key.txt",
        "replicas: 2",
    ):
        assert kept in text
    assert f"data:/var/lib/{MASK}" in text


@pytest.mark.parametrize("text", ["a: [", "a: !reset null", "\t"], ids=["cut off", "a tag", "no YAML"])
def test_what_cannot_be_read_is_not_guessed_at(text: str) -> None:
    with pytest.raises(NoComposeError) as caught:
        masked(text, Redactor())
    assert "\n" not in str(caught.value)


def test_a_small_file_that_grows_without_end_is_given_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(NoComposeError, match="more than 100,000 entries"):
        masked("\n".join(lines), Redactor())


@pytest.mark.parametrize(
    ("variable", "is_one"),
    [
        ("POSTGRES_PASSWORD=hunter2", True),
        ("API_TOKEN=abcd", True),
        ("WALLET_MNEMONIC=apple bear", True),
        ("DATABASE_URL=postgres://u:pw@db/shop", True),
        ("SETTINGS=host=db password=pw", True),
        ("POSTGRES_PASSWORD_FILE=/run/secrets/pw", False),
        ("AUTH_ENABLED=true", False),
        ("TOKEN=", False),
        ("PATH=/usr/bin", False),
        ("SERVICE_URL=https://example.org/", False),
    ],
)
def test_a_variable_is_secret_by_its_name_or_by_the_password_in_it(variable: str, *, is_one: bool) -> None:
    found = list(secrets_of([{"Config": {"Env": [variable]}}, {"Config": {"Env": None}}]))
    assert found == ([variable.partition("=")[2]] if is_one else [])
