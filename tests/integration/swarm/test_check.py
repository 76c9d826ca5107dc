"""`warroom check` of an environment that a swarm deploys."""

from pathlib import Path

from console.core.checked import Sign
from tests.integration.cli.checking import SMALL, about, said
from tests.integration.swarm.kit import BAD, Site


def strategy(folder: Path, site: Site) -> Path:
    """The small strategy, deployed by that swarm."""
    deploy = f'{{kind: swarm, services: {{api: web}}, docker: "{site.swarm.own.url}"}}'
    path = folder / "strategy.yaml"
    path.write_text(SMALL.read_text().replace("deploy: {kind: pipeline}", f"deploy: {deploy}", 1))
    return path


def test_services_that_could_be_updated(site: Site, tmp_path: Path) -> None:
    site.swarm.service("web", site.bad, 2)
    path = strategy(tmp_path, site)
    assert about(said(path), "deploy", Sign.GOOD) == [f"the swarm answers: web: 2 of 2 on {BAD}"]


def test_a_service_that_is_not_there(site: Site, tmp_path: Path) -> None:
    (words,) = about(said(strategy(tmp_path, site)), "deploy", Sign.LACK)
    assert words.endswith("has no service web: `docker service ls` has them")
