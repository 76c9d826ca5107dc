"""Testnet goes back across a migration: the column that its target does not know was judged and rehearsed."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec

from console.core.events import EvidenceRecorded, PlanFrozen
from console.core.paging import every_event
from console.core.plan import thaw
from console.core.schema_verdict import TARGET_REHEARSED, Difference
from console.drill.result import DrillResult
from console.store.journal import SqliteReader

LIMIT_S = 180


def test_it_goes_back_across_the_migration_rehearsed(tmp_path: Path) -> None:
    argv = [
        sys.executable,
        "-m",
        "console",
        "drill",
        "--headless",
        "--json",
        "--dir",
        str(tmp_path / "drill"),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    result = msgspec.json.decode(done.stdout, type=DrillResult)
    assert (result.outcome, result.reason) == ("recovered", None), done.stderr
    with closing(SqliteReader(Path(result.journal.path), "testnet")) as reader:
        bodies = [event.body for event in every_event(reader)]
    (plan,) = (thaw(bytes(body.plan)) for body in bodies if isinstance(body, PlanFrozen))
    assert plan.code is not None
    verdict = plan.code.schema
    assert verdict is not None
    added = Difference("expanded", "transactions.wallet added, may be null")
    assert (verdict.kind, verdict.differences, verdict.rehearsed) == ("expanded", (added,), True)
    assert TARGET_REHEARSED in {predicate.slot for predicate in plan.predicates}
    proofs = [body for body in bodies if isinstance(body, EvidenceRecorded) and body.slot == TARGET_REHEARSED]
    assert [proof.holds for proof in proofs] == [True]
    (output,) = (path for path in result.artifacts if "rehearse" in path)
    assert "ok   signs to a contact" in Path(output).read_text()
    assert result.data.rows_discarded == 0
