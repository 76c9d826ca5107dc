"""Deploy ready: before the gate, see that the release can run where it is to run."""

from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from actions.images import frozen_images, images_of
from console.core.strategy import Environment
from console.targets.deploy import Deployment, Running

SLOT = "deploy-ready"


class DeployReady(Action):
    """Have the deployment target look, or try it dry; and say what runs now."""

    repeatable = True
    serves = "code"
    fills: ClassVar = {SLOT: "the release can run where it is deployed"}

    @classmethod
    def belongs(cls, environment: Environment) -> bool:
        """Of a pipeline nothing can be seen from here, and a drill's keeper needs nothing but the commit."""
        return environment.deploy.kind not in ("pipeline", "keeper")

    @staticmethod
    def preview(inputs: Inputs, _world: World) -> Preview:
        """Looks, and changes nothing."""
        code = inputs.code
        return Preview(
            words=f"see that {code.target.tag} can run: images, configuration, what it needs, ports, disk",
            effects=tuple(f"look for {image}" for image in code.images.values())
            or (f"ask whether {code.target.tag} can be deployed",),
            params={
                "commit": code.restored,
                "version": code.answers,
                "release": code.target.tag,
                **frozen_images(code.images),
            },
        )

    _looked: tuple[list[str], Running] | None = None

    async def probe(self) -> Finding:
        """A look leaves nothing."""
        return Finding("not done", "a look leaves nothing that could be half done")

    async def perform(self, report: Report) -> None:
        """Look, and say each thing that is lacking."""

        def progress(words: str) -> None:
            report(words)
            report.line(words)

        deployer, params = self.world.deployer, self.params
        wish = Deployment(params["commit"], params["version"], self.token, report.left_s, images_of(params))
        lacking = await deployer.ready(wish, progress)
        for sentence in lacking:
            report.line(sentence)
        self._looked = lacking, await deployer.settled()

    async def verify(self) -> Proof:
        """Nothing is lacking."""
        if self._looked is None:
            raise ActionError("nobody has looked to the end: retry")
        lacking, running = self._looked
        if lacking:
            raise ActionError("; ".join(lacking))
        words = f"{self.params['release']} can run; now {running.words}"
        return Proof(words, evidence=(Slot(SLOT, words, self.params["commit"]),))
