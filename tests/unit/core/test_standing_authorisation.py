"""A standing authorisation is read back as written or refused, and counts when a slow model says so."""

from itertools import permutations
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actions.registry import ACTIONS
from console.config.loader import load_strategy
from console.config.paths import BUNDLED
from console.core.clock import Stamp
from console.core.moments import written
from console.core.standing_authorisation import (
    DOES,
    StandingAuthorisation,
    Terms,
    in_force_until,
    make,
    not_in_force,
    parse,
    rules,
    short_of,
)
from console.core.state import Approval, Signed, Standing
from console.core.statement import MAX_BYTES, StatementError, signed_text, split
from console.core.strategy import Environment
from tests.unit.core.kit import at

DAY_S = 86_400
PRODUCTION = load_strategy(BUNDLED / "strategy.yaml", ACTIONS).strategy.environments["production"]
TERMS = Terms("production", PRODUCTION, "5" * 64, "6" * 64)
ONE = make(TERMS, at(0))
words = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1)
moments = st.integers(0, 4_000_000_000).map(lambda second: second * 1_000_000)


# -- the text ------------------------------------------------------------------------------------------


def test_it_is_a_text_for_people() -> None:
    lines = ONE.text.splitlines()
    assert lines[:3] == [
        "warroom standing 1",
        "environment: production",
        "trigger: error_rate: error_rate > 10% for 5m",
    ]
    assert "target: newest good release" in lines
    assert [line for line in lines if line.startswith("does: ")] == [f"does: {words}" for words in DOES]
    assert "does: code only: data is kept, and never restored" in lines
    assert lines[-4:] == [
        f"strategy: {'5' * 64}",
        f"roster: {'6' * 64}",
        "issued: 2025-10-09T09:00:00Z",
        "expires: 2025-11-08T09:00:00Z",
    ]


def test_its_triggers_are_all_automatic_rungs_or_those_that_are_named() -> None:
    automatic = [name for name, metric in PRODUCTION.metrics.items() if metric.rungs.automatic]
    assert ONE.metrics == tuple(automatic) == tuple(rules(PRODUCTION))
    assert len(automatic) > 1
    assert make(TERMS, at(0), metrics=("error_rate",)).metrics == ("error_rate",)
    backwards = make(TERMS, at(0), metrics=tuple(reversed(automatic)))
    assert backwards.text == ONE.text, "the same for everybody, in whatever order they are named"


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"metrics": ("cpu_usage",)}, "cpu_usage has no automatic rung in production; error_rate, "),
        ({"metrics": ("no_such",)}, "no_such has no automatic rung"),
        ({"for_s": 30 * DAY_S + 1.0}, "for a second at least, and for 30 d 0 h at most"),
        ({"for_s": 0.0}, "for a second at least"),
        ({"for_s": -5.0}, "for a second at least"),
    ],
)
def test_what_cannot_be_signed_is_not_made(how: dict[str, Any], why: str) -> None:
    with pytest.raises(StatementError, match=why):
        make(TERMS, at(0), **how)


def without(environment: Environment) -> Environment:
    """The environment, where there are no standing authorisations."""
    assert environment.automatic is not None
    none = environment.automatic.model_copy(update={"standing_for": None})
    return environment.model_copy(update={"automatic": none})


def test_where_there_are_none_none_is_made() -> None:
    with pytest.raises(StatementError, match="production has no standing authorisations"):
        make(replace(TERMS, environment=without(PRODUCTION)), at(0))


@given(words, st.lists(words, max_size=4), words, words, moments, moments)
def test_what_was_written_is_read(
    environment: str, triggers: list[str], strategy: str, roster: str, issued: int, expires: int
) -> None:
    made = StandingAuthorisation(
        environment=environment,
        triggers=tuple(triggers),
        strategy=strategy,
        roster=roster,
        issued=issued,
        expires=expires,
    )
    assert parse(made.text) == made
    assert len(made.id) == 12


@given(st.integers(0, len(ONE.text) - 1), st.characters(codec="utf-8"))
def test_a_changed_character_is_another_text_or_none(index: int, character: str) -> None:
    changed = ONE.text[:index] + character + ONE.text[index + 1 :]
    try:
        found = parse(changed)
    except StatementError:
        return
    assert found.text == changed
    assert (found == ONE) is (found.id == ONE.id) is (changed == ONE.text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begins with `warroom standing 1`"),
        (ONE.text.replace("standing 1", "approval 1"), "begins with `warroom standing 1`"),
        (ONE.text.replace(f"roster: {'6' * 64}\n", ""), "lacks its line `roster`"),
        (ONE.text.replace("issued: 2025", "issued: soon, 2025"), "times cannot be read"),
        (ONE.text + "does: more\n", "not as Warroom writes it"),
        (ONE.text.replace("does: code only", "does: code and data"), "not as Warroom writes it"),
        (ONE.text.replace("target: newest good", "target: newest"), "not as Warroom writes it"),
        (ONE.text.rstrip("\n"), "not as Warroom writes it"),
        (ONE.text.replace("error_rate >", "error_rate\x1b[2J >"), "is not `name: value`"),
        (ONE.text + "x" * MAX_BYTES, "at most 8192 bytes"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(StatementError, match=why):
        parse(text)


def test_what_stands_around_it_is_left_out() -> None:
    signature = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"
    document = f"hello,\n\n{signed_text(ONE.text, signature)}\nbest regards\n"
    assert split(document.replace("\n", "\r\n"), "warroom standing 1") == (ONE.text, signature)


# -- whether it counts ---------------------------------------------------------------------------------

ROLES = ("engineer", "security-lead", "operations-lead")
KEYS = ("SHA256:a", "SHA256:b", "SHA256:c", "SHA256:d")


def yes(person: str, roles: tuple[str, ...], key: str, text: str) -> Approval:
    """That person's signature under it."""
    return Approval(person, roles, "signature", "", at(1), Signed(key, 2**62, text, "signature"))


def environment(needs: dict[str, int]) -> Environment:
    """Production, with another matrix."""
    approvers = [SimpleNamespace(role=role, count=count) for role, count in needs.items()]
    return cast(
        "Environment",
        SimpleNamespace(
            automatic=PRODUCTION.automatic,
            metrics=PRODUCTION.metrics,
            authorisation=SimpleNamespace(approvers=approvers),
        ),
    )


people = st.lists(
    st.tuples(
        st.sampled_from(["eng-1", "eng-2", "sec-1", "ops-1"]),
        st.lists(st.sampled_from(ROLES), max_size=2, unique=True).map(tuple),
        st.sampled_from(KEYS),
    ),
    max_size=4,
    unique_by=lambda one: one[0],
)
matrices = st.dictionaries(st.sampled_from(ROLES), st.integers(1, 2), min_size=1)
Signer = tuple[str, tuple[str, ...], str]


def fewest_missing(signers: list[Signer], needs: dict[str, int]) -> int:
    """By trying every way to seat those who count; obviously right, and slow."""
    seen: list[str] = []
    counted = []
    for _, roles, key in signers:
        if key not in seen:
            seen.append(key)
            counted.append(roles)
    seats = [role for role, count in needs.items() for _ in range(count)]
    counted += [()] * len(seats)
    return min(
        sum(seat not in roles for seat, roles in zip(seats, order, strict=False))
        for order in permutations(counted, len(seats))
    )


@settings(max_examples=200)
@given(people, matrices)
def test_the_quorum_is_what_trying_everything_says(signers: list[Signer], needs: dict[str, int]) -> None:
    standing = Standing(ONE.text, tuple(yes(*one, ONE.text) for one in signers), since=at(1))
    assert len(short_of(standing, environment(needs))) == fewest_missing(signers, needs)


@settings(max_examples=300)
@given(
    signers=people,
    needs=matrices,
    ended=st.sampled_from(["", "", "", "revoked by eng-1: no"]),
    name=st.sampled_from(["production", "production", "production", "testnet"]),
    strategy=st.sampled_from(["5" * 64, "5" * 64, "5" * 64, "7" * 64]),
    roster=st.sampled_from(["6" * 64, "6" * 64, "6" * 64, "7" * 64]),
    lasts_s=st.sampled_from([1, DAY_S, 30 * DAY_S, 30 * DAY_S + 1]),
    wall_s=st.sampled_from([-100, -1, 2, DAY_S - 1, DAY_S, 30 * DAY_S - 1, 30 * DAY_S, 40 * DAY_S]),
    boot_s=st.sampled_from([2, DAY_S - 1, DAY_S, 30 * DAY_S - 1, 30 * DAY_S, None]),
)
def test_it_counts_when_nothing_is_in_the_way(
    signers: list[Signer],
    needs: dict[str, int],
    ended: str,
    name: str,
    strategy: str,
    roster: str,
    lasts_s: int,
    wall_s: int,
    boot_s: int | None,
) -> None:
    """Each condition by itself, in seconds since it was issued; `boot_s` None: after a reboot."""
    issued = at(0).utc_us
    text = replace(ONE, issued=issued, expires=issued + lasts_s * 1_000_000).text
    standing = Standing(text, tuple(yes(*one, text) for one in signers), since=at(1), ended=ended)
    now = Stamp(issued + wall_s * 1_000_000, "boot", at(boot_s or 0).boot_us)
    now = now if boot_s is not None else Stamp(now.utc_us, "another boot", 1)
    counts = (
        not ended
        and (name, strategy, roster) == ("production", "5" * 64, "6" * 64)
        and lasts_s <= 30 * DAY_S
        and -5 <= wall_s < lasts_s
        and (boot_s is None or boot_s < lasts_s)
        and fewest_missing(signers, needs) == 0
    )
    terms = Terms(name, environment(needs), strategy, roster)
    why = not_in_force(standing, terms, now)
    assert (why == "") is counts, why
    assert "\n" not in why


EVERYBODY = (
    ("eng-1", ("engineer",), "SHA256:1"),
    ("eng-2", ("engineer",), "SHA256:2"),
    ("sec-1", ("security-lead",), "SHA256:3"),
)
NEEDS = {"engineer": 2, "security-lead": 1}


def judged(signers: tuple[Signer, ...] = EVERYBODY, **changes: Any) -> str:
    """Why it is not in force, of three who must sign."""
    text = changes.pop("text", ONE.text)
    standing = Standing(text, tuple(yes(*one, text) for one in signers), at(1), changes.pop("ended", ""))
    now = changes.pop("now", at(60))
    return not_in_force(standing, replace(TERMS, **{"environment": environment(NEEDS), **changes}), now)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"signers": EVERYBODY[:1]}, "short of 1 engineer, 1 security-lead"),
        (
            {"signers": (*EVERYBODY[:2], ("sec-1", ("security-lead",), "SHA256:1"))},
            "short of 1 security-lead",
        ),
        ({"ended": "revoked by eng-1: no"}, "revoked by eng-1: no"),
        ({"text": "yes"}, "a statement begins with `warroom standing 1`: this is something else"),
        ({"now": at(30 * DAY_S)}, "it counted until 2025-11-08T09:00:00Z"),
        ({"name": "testnet"}, "it is about production, and this is testnet"),
        (
            {"strategy": "7" * 64},
            "the strategy was edited: it was signed for 55555555, and this is 77777777",
        ),
        ({"roster": "7" * 64}, "the roster was edited: it was signed for 66666666, and this is 77777777"),
        (
            {"environment": without(PRODUCTION)},
            "production has no standing authorisations: its `automatic` section has no `standing_for`",
        ),
        (
            {"text": replace(ONE, triggers=ONE.triggers[::-1]).text},
            "its triggers are not the rules of the strategy",
        ),
    ],
)
def test_the_reason_is_a_sentence(changes: dict[str, Any], why: str) -> None:
    assert judged(**changes) == why


def test_a_claim_counts_for_nothing() -> None:
    claim = Approval("sec-1", ("security-lead",), "claim", "", at(1))
    standing = Standing(ONE.text, (claim,), since=at(1))
    assert short_of(standing, environment({"security-lead": 1})) == ("security-lead",)


def test_the_one_that_counts_longest_says_until_when() -> None:
    """What is short of somebody, or has ended, says nothing."""
    terms = replace(TERMS, environment=environment(NEEDS))
    short, longer = (replace(ONE, expires=ONE.issued + days * DAY_S * 1_000_000) for days in (3, 20))

    def signed(text: str, ended: str = "", signers: tuple[Signer, ...] = EVERYBODY) -> Standing:
        return Standing(text, tuple(yes(*one, text) for one in signers), since=at(1), ended=ended)

    now = Stamp(ONE.issued + 1_000_000, "boot", at(2).boot_us)
    known = [
        signed(short.text),
        signed(longer.text, ended="revoked"),
        signed(longer.text, signers=EVERYBODY[:2]),
    ]
    assert in_force_until(known, terms, now) == written(short.expires)
    assert in_force_until([*known, signed(longer.text)], terms, now) == written(longer.expires)
    assert in_force_until(known[1:], terms, now) == ""
