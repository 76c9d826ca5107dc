"""Where releases are on record: the journal's ledger, a file, or git's tags; and what git says of one."""

from pathlib import Path
from typing import Any

import pytest

from console.core import events as ev
from console.core.releases import OnRecord
from console.core.requests import RecordRelease
from console.core.strategy import Releases
from console.engine import recording
from console.engine.comparison import recorded
from console.engine.grants import RefusedError
from console.engine.ledger import Ledger
from console.targets.git import Clone, GitError
from tests.integration.actions.kit import NOW, Operator, Place, Recorded
from tests.unit.engine.kit import Desktop

FILE = """releases:
  - {tag: v1.5.0, commit: %s, verdict: good, said_by: eng-1, deployed: "2026-02-25T14:00:00Z"}
"""


class Office:
    """A ledger over a real clone."""

    def __init__(self, folder: Path, operator: Operator) -> None:
        self.folder = folder
        self.operator = operator
        self.clone = Place(folder, operator).clone
        self.room = Desktop()

    def read(self, **rules: Any) -> OnRecord:
        rule = Releases.model_validate(rules)
        return Ledger(rule, self.folder, self.clone, lambda: self.room.book.state).read()

    def commit(self, tag: str) -> str:
        return self.operator.git("rev-parse", f"{tag}^{{commit}}")

    async def refusal(self, tag: str, commit: str) -> str:
        with pytest.raises((RefusedError, GitError)) as refused:
            await recording.check(self.clone, RecordRelease(tag, commit))
        assert "\n" not in str(refused.value)
        return str(refused.value)


@pytest.fixture
def office(tmp_path: Path, operator: Operator) -> Office:
    (tmp_path / "releases.yaml").write_text(FILE % operator.git("rev-parse", "v1.5.0^{commit}"))
    return Office(tmp_path, operator)


class TestWhereItIsRead:
    """One place counts, and it is named."""

    def test_the_file_counts_until_the_ledger_has_a_release(self, office: Office) -> None:
        before = office.read(file="releases.yaml")
        assert (before.source, before.words, before.known[0].verdict) == ("file", "releases.yaml", "good")
        office.room.say(ev.ReleaseRecorded("v1.5.1", "b" * 40, {}, (), (), 1))
        after = office.read(file="releases.yaml")
        assert (after.source, [known.tag for known in after.known]) == ("ledger", ["v1.5.1"])

    async def test_without_either_there_are_gits_tags_all_unproven(self, office: Office) -> None:
        office.clone = Clone(office.folder / "new.git", str(office.operator.remote), Recorded(office.folder))
        assert office.read().known == ()  # nothing was fetched yet
        await office.clone.fetch(lambda _line: None, 30)
        found = office.read()
        assert found.words == "git tags, which nobody has judged"
        assert {known.verdict for known in found.known} == {"unproven"}
        assert [known.tag for known in found.known] == ["v1.5.0", "v1.5.1", "v1.5.2", "v1.5.3"]
        assert found.known[0].commit == office.commit("v1.5.0")

    async def test_a_tag_that_was_only_looked_at_is_among_them(self, office: Office) -> None:
        await office.clone.look(30)
        assert "v1.5.3" in [known.tag for known in office.read().known]

    async def test_a_tag_with_a_message_is_on_its_commit(self, office: Office) -> None:
        office.operator.git("tag", "--annotate", "--message", "told", "v2-rc/1", "v1.5.1")
        office.operator.git("push", "--quiet", "--tags", "origin")
        await office.clone.look(30)
        found = {known.tag: known.commit for known in office.read().known}
        assert found["v2-rc/1"] == office.commit("v1.5.1")

    async def test_when_a_tag_was_deployed_nobody_knows(self, office: Office) -> None:
        """So no trouble is put down to it."""
        await office.clone.look(30)
        assert {one.at for one in recorded(office.read(), NOW)} == {None}
        known = recorded(office.read(file="releases.yaml"), NOW)
        assert [one.at is not None for one in known] == [True]

    async def test_a_tag_on_a_file_is_no_release(self, office: Office) -> None:
        office.operator.git("tag", "a-file", office.operator.git("rev-parse", "HEAD:VERSION"))
        office.operator.git("push", "--quiet", "--tags", "origin")
        await office.clone.look(30)
        assert "a-file" not in [known.tag for known in office.read().known]

    def test_what_must_match_goes_with_it(self, office: Office) -> None:
        assert office.read(file="releases.yaml", matching="^v1").matching == "^v1"


class TestWhatGitSays:
    """A release is recorded as the remote has it, or not at all."""

    async def test_a_tag_on_its_commit_may_be_recorded(self, office: Office) -> None:
        await recording.check(office.clone, RecordRelease("v1.5.0", office.commit("v1.5.0")))

    async def test_a_tag_on_another_commit_was_moved(self, office: Office) -> None:
        refusal = await office.refusal("v1.5.0", office.commit("v1.5.1"))
        assert refusal.endswith("find out who moved the tag")

    async def test_a_tag_that_moves_later_is_noticed(self, office: Office) -> None:
        """The remote is asked each time: what was fetched before does not count."""
        before = office.commit("v1.5.0")
        await recording.check(office.clone, RecordRelease("v1.5.0", before))
        office.operator.git("tag", "--force", "v1.5.0", "v1.5.1")
        office.operator.git("push", "--quiet", "--force", "--tags", "origin")
        assert "find out who moved the tag" in await office.refusal("v1.5.0", before)

    async def test_a_commit_that_is_nowhere_is_named(self, office: Office) -> None:
        assert "has no commit" in await office.refusal("v1.5.0", "f" * 40)

    async def test_a_tag_that_the_remote_does_not_have(self, office: Office) -> None:
        assert "has no tag v9: push it" in await office.refusal("v9", office.commit("v1.5.0"))

    async def test_a_remote_that_does_not_answer(self, office: Office) -> None:
        office.clone = Clone(office.folder / "gone.git", str(office.folder / "none"), Recorded(office.folder))
        refusal = await office.refusal("v1.5.0", office.commit("v1.5.0"))
        assert "the remote gave no answer, so nobody knows what v1.5.0 is" in refusal
