"""Both ways to call Compose, with programs in their place that write down how they are called."""

import os
from pathlib import Path

import pytest

from console.targets.compose.cli import CONFIG, Compose, ComposeError, Project, find, likely, up
from console.targets.process import Programs

DOCKER = """#!/bin/sh
echo "docker $*" >>"$HOME/called"
[ "$1" = compose ] && [ "$PLUGIN" ] || { echo "docker: 'compose' is not a docker command." >&2; exit 1; }
[ "$2" = version ] && { echo "$PLUGIN"; exit 0; }
echo "asked of $DOCKER_HOST"
"""
STANDALONE = """#!/bin/sh
echo "docker-compose $*" >>"$HOME/called"
[ "$1" = version ] && { echo "$STANDALONE"; exit 0; }
[ "$FAILS" ] && { printf 'ERROR: for api  Cannot start\\nit is broken\\n\\n' >&2; exit 1; }
echo "asked of $DOCKER_HOST"
"""


class Machine:
    """A machine with some of Docker's programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "setpriv").symlink_to("/usr/bin/setpriv")

    def install(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def compose(self, **environment: str) -> Compose:

        told = {"PATH": str(self.bin), "HOME": str(self.folder), **environment}
        project = Project("shop", self.folder, (self.folder / "a.yml",))
        return Compose(
            Programs(told, tag=self.folder), project, lambda: {"DOCKER_HOST": "unix:///run/d.sock"}
        )

    @property
    def called(self) -> list[str]:
        return (self.folder / "called").read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


async def test_the_plugin_is_taken_where_both_are_there(machine: Machine) -> None:
    machine.install("docker", DOCKER)
    machine.install("docker-compose", STANDALONE)
    compose = machine.compose(PLUGIN="v2.24.5", STANDALONE="1.29.2")
    program = await compose.program()
    assert (program.words, program.major) == (("docker", "compose"), 2)
    told = await compose.run(up({"api": 1}), machine.folder / "o.json", limit_s=20)
    assert told.out == "asked of unix:///run/d.sock\n"
    project = (
        f"-p shop --project-directory {machine.folder} -f {machine.folder}/a.yml -f {machine.folder}/o.json"
    )
    assert machine.called == [
        "docker compose version --short",
        f"docker compose {project} up -d --no-build --no-deps --scale api=1 api",
    ]


@pytest.mark.parametrize(("version", "major"), [("1.29.2", 1), ("2.24.5", 2)])
async def test_the_program_is_taken_where_there_is_no_plugin(
    machine: Machine, version: str, major: int
) -> None:
    """It may be of version 2 as well, and is looked for once."""
    machine.install("docker", DOCKER)
    machine.install("docker-compose", STANDALONE)
    compose = machine.compose(STANDALONE=version)
    for _ in range(2):
        await compose.run(CONFIG, limit_s=20)
    assert (await compose.program()).major == major
    assert [line.split()[0] for line in machine.called] == ["docker", *["docker-compose"] * 3]


async def test_with_neither_it_says_what_to_install(machine: Machine) -> None:
    machine.install("docker", DOCKER)
    words = "neither `docker compose` nor `docker-compose` answers: install Docker Compose where this engine"
    with pytest.raises(ComposeError, match=words):
        await machine.compose().program()


async def test_why_it_failed_is_one_line(machine: Machine) -> None:
    machine.install("docker-compose", STANDALONE)
    compose = machine.compose(STANDALONE="1.29.2", FAILS="yes")
    words = r"^`docker-compose config` failed: ERROR: for api  Cannot start it is broken$"
    with pytest.raises(ComposeError, match=words):
        await compose.run(CONFIG, limit_s=20)


async def test_a_plan_says_the_way_that_will_be_found(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(machine.bin))
    monkeypatch.setenv("HOME", str(machine.folder))
    machine.install("docker-compose", STANDALONE)
    programs = Programs(
        {"PATH": os.environ["PATH"], "HOME": str(machine.folder), "STANDALONE": "1.29.2"}, tag=machine.folder
    )
    assert likely([("docker-compose",)]) == (await find(programs, [("docker-compose",)])).words
    plugins = machine.folder / ".docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").touch()
    assert likely() == ("docker", "compose")
