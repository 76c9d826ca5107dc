"""Which backup of an environment file goes with the release that is gone back to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core.env_backups import EnvBackup, EnvManifest, Rules, choose, judge
from console.core.env_rules import EnvironmentFile
from console.core.plan import Release

GOOD, BAD = Release("v1.5.0", "a" * 40, "1" * 40), Release("v1.5.3", "b" * 40, "2" * 40)
ONSET = 1_000


def backup(taken: int = 0, release: Release | None = None, name: str = "one") -> EnvBackup:
    manifest = EnvManifest(
        environment="mainnet-staging",
        sha256="f" * 64,
        bytes=10,
        mode="0600",
        taken=taken,
        keys=("A",),
        release=release.tag if release else "",
        commit=release.commit if release else "",
    )
    return EnvBackup(name, f"/backups/{name}/env.backup", manifest)


def rules(**changes: Any) -> Rules:
    told: dict[str, Any] = {"target": GOOD, "running": BAD, "onset": ONSET, "rotated": {}, "older": "refused"}
    return Rules(**{**told, **changes})


def test_the_targets_own_fits_whenever_it_was_taken() -> None:
    assert judge(backup(ONSET + 5, GOOD), rules()).why == "it is v1.5.0's"


def test_one_that_ends_before_the_onset_fits() -> None:
    assert judge(backup(ONSET - 1), rules()).fits
    assert "after the onset" in judge(backup(ONSET + 1), rules()).why


def test_the_bad_releases_own_is_refused_even_from_before_the_onset() -> None:
    judged = judge(backup(ONSET - 1, BAD), rules())
    assert (judged.fits, judged.why) == (False, "it is v1.5.3's own, the release to get away from")


def test_one_of_a_release_that_was_judged_bad_is_refused() -> None:
    """What an incident before this one has saved as its way back is no way forward."""
    other = Release("v1.5.2", "c" * 40, "3" * 40)
    judged = judge(backup(ONSET - 1, other), rules(bad=frozenset({"v1.5.2"})))
    assert (judged.fits, judged.why) == (False, "it is v1.5.2's, which was judged bad")
    assert judge(backup(ONSET - 1, other), rules()).fits


def test_the_targets_own_is_used_before_a_newer_one_of_another_release() -> None:
    own, other = backup(10, GOOD, "own"), backup(20, None, "other")
    chosen, _ = choose([own, other], rules())
    assert chosen is not None
    assert chosen.backup.name == "own"


def test_one_without_a_manifest_is_refused_with_the_reason() -> None:
    told = EnvBackup("one", "/x", None, "it has no manifest")
    assert judge(told, rules()).why == "it has no manifest"


def test_one_older_than_a_rotation_is_refused_or_keeps_todays_values() -> None:
    old, rotated = backup(10, GOOD), {"JWT_SECRET": 20, "RPC_KEY": 5}
    refused = judge(old, rules(rotated=rotated))
    assert (refused.fits, refused.keeps) == (False, ())
    assert "older than the rotation of JWT_SECRET" in refused.why
    merged = judge(old, rules(rotated=rotated, older="merged"))
    assert (merged.fits, merged.keeps) == (True, ("JWT_SECRET",))
    assert "JWT_SECRET rotated since, today's stay" in merged.why


def test_of_several_rotations_of_a_key_the_last_counts() -> None:
    told = EnvironmentFile.model_validate(
        {
            "path": ".env",
            "backups": "backups/env-*/env.backup",
            "rotated": [
                {"key": "A", "at": "2026-01-02T00:00:00Z"},
                {"key": "A", "at": "2026-01-01T00:00:00Z"},
            ],
        }
    )
    assert told.rotations == {"A": 1_767_312_000_000_000}


BACKUPS = st.lists(
    st.builds(backup, st.integers(0, 2 * ONSET), st.sampled_from([None, GOOD, BAD])), max_size=6
)


@given(
    BACKUPS,
    st.dictionaries(st.sampled_from(["A", "B"]), st.integers(0, 2 * ONSET)),
    st.sampled_from(["refused", "merged"]),
)
def test_the_chosen_one_is_the_newest_that_may_be_used(
    backups: list[EnvBackup], rotated: dict[str, int], older: str
) -> None:
    """It is never the bad release's, never one that would bring back what was rotated."""
    told = rules(rotated=rotated, older=older)
    chosen, judged = choose(backups, told)
    assert len(judged) == len(backups)
    fit = [one for one in judged if one.fits]
    assert (chosen is None) is (not fit)
    if chosen is None:
        return
    manifest = chosen.backup.manifest
    assert manifest is not None
    assert manifest.commit != BAD.commit
    assert manifest.commit == GOOD.commit or manifest.taken <= ONSET
    since = {key for key, at in rotated.items() if at > manifest.taken}
    assert set(chosen.keeps) == since
    assert older == "merged" or not since
    known = [one.backup.manifest for one in fit if one.backup.manifest]
    taken = [one.taken for one in known]
    own = [one.taken for one in known if one.commit == GOOD.commit]
    assert manifest.taken == max(own or taken)


@pytest.mark.parametrize(
    "pattern", ["backups/env.backup", "backups/*/*", "a-*/b-*/env.backup", "*.backup", "backups/x-*/"]
)
def test_a_pattern_names_a_folder_for_each_backup(pattern: str) -> None:
    with pytest.raises(ValueError, match="backups"):
        EnvironmentFile.model_validate({"path": ".env", "backups": pattern})
