"""Whom an answer means: somebody of the roster, by handle or contact; else nobody, with the reason."""

import pytest

from console.core.clock import Stamp
from console.core.live import OnDuty
from console.core.on_call import ByCommand
from console.core.on_duty import (
    Answer,
    NobodyError,
    by_roster,
    of_json,
    of_output,
    on_duty,
    source_words,
    whole_words,
)
from console.core.roster import Roster
from console.core.strategy import EscalationPath
from tests.unit.core.kit import at
from tests.unit.engine.kit import environment

ROSTER = Roster.model_validate(
    {
        "schema": "warroom.roster/1",
        "people": [
            {"handle": "eng-1", "roles": ["engineer"], "contact": "one@example.org"},
            {"handle": "eng-10", "roles": ["engineer"], "contact": "mailto:ten@example.org"},
            {"handle": "oncall-1", "roles": ["on-call-engineer"]},
            {"handle": "gone", "roles": ["on-call-engineer"], "valid_until": "2020-01-01"},
            {"handle": "lead-1", "roles": ["team-lead"]},
        ],
    }
)
ENVIRONMENT = environment(on_call={"kind": "command", "argv": ["who"]})


def meant(*names: str) -> OnDuty:
    return on_duty(ENVIRONMENT, ROSTER, Answer(names, 7), at())


@pytest.mark.parametrize(
    ("said", "handle"),
    [
        ("eng-1", "eng-1"),
        ("  ENG-1 ", "eng-1"),
        ("one@example.org", "eng-1"),
        ("MAILTO:One@Example.org", "eng-1"),
        ("ten@example.org", "eng-10"),
        ("on call: eng-10 (primary)", "eng-10"),
        ("eng-10/wallet", "eng-10"),
        ("On call <one@example.org>", "eng-1"),
    ],
)
def test_somebody_is_named_by_handle_or_contact(said: str, handle: str) -> None:
    assert meant(said) == OnDuty((handle,), "command", at(), 7)


def test_the_first_name_that_means_somebody_counts() -> None:
    assert meant("Wallet rota", "mailto:ten@example.org", "mailto:one@example.org").people == ("eng-10",)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("ghost", "`ghost` is no handle and no contact of the roster"),
        ("eng-100", "`eng-100` is no handle"),
        ("x-eng-1", "`x-eng-1` is no handle"),
        ("eng-1 and eng-10", "`eng-1 and eng-10` names eng-1 and eng-10"),
        ("gone", "gone counted only until 2020-01-01, says the roster"),
        ("\x1b[2J", r"`\x1b[2J` is no handle"),
    ],
)
def test_nobody_is_meant_by_what_names_nobody_or_two(said: str, why: str) -> None:
    with pytest.raises(NobodyError) as caught:
        meant(said)
    assert why in str(caught.value)


def test_the_roster_names_all_who_hold_the_first_role_today() -> None:
    assert by_roster(ENVIRONMENT, ROSTER, at()).people == ("oncall-1",)
    path = EscalationPath(roles=["team-lead", "ceo"], every="5m")  # type: ignore[arg-type]
    rule = ENVIRONMENT.authorisation.model_copy(update={"escalation": path})
    other = ENVIRONMENT.model_copy(update={"authorisation": rule})
    assert by_roster(other, ROSTER, at()).people == ("lead-1",)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("eng-1\n", Answer(("eng-1",))),
        ("\n eng-1 \nand more", Answer(("eng-1",))),
        ('{"person": "eng-1", "until": "1970-01-01T00:01:00Z"}', Answer(("eng-1",), 60_000_000)),
        ('{"person": "eng-1", "until": "1970-01-01T01:01:00+01:00"}', Answer(("eng-1",), 60_000_000)),
        ('{"person": "eng-1", "until": 60}', Answer(("eng-1",), 60_000_000)),
        ('{"person": "eng-1"}', Answer(("eng-1",))),
    ],
)
def test_what_a_command_prints(text: str, answer: Answer) -> None:
    assert of_output(text) == answer


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it printed nothing"),
        ("{", "no JSON: "),
        ("{}", "there is no text at `person`"),
        ('{"person": 3}', "there is no text at `person`"),
        ('{"person": "eng-1", "until": "tomorrow"}', "until when is no moment: `tomorrow`"),
        ('{"person": "eng-1", "until": true}', "until when is no moment: `True`"),
        ('{"person": "eng-1", "until": 1e300}', "until when is no moment"),
        ('{"person": "eng-1", "until": {}}', "until when is no moment: `{}`"),
    ],
)
def test_what_a_command_prints_and_should_not(text: str, why: str) -> None:
    with pytest.raises(NobodyError) as caught:
        of_output(text)
    assert why in str(caught.value)


def test_a_dotted_path_goes_through_lists() -> None:
    raw = b'{"shifts": [{"user": {"email": "one@example.org"}, "end": 60}]}'
    assert of_json(raw, "shifts.0.user.email", "shifts.0.end") == Answer(("one@example.org",), 60_000_000)
    for nowhere in ("shifts.1.user.email", "shifts.x", "shifts.0.user.email.0", "user"):
        with pytest.raises(NobodyError):
            of_json(raw, nowhere, None)


def test_in_words_it_says_from_where_until_when_how_old_and_why_the_roster() -> None:
    now: Stamp = at(130)
    known = OnDuty(("eng-1",), "calendar", at(), at(3600).utc_us)
    assert source_words(known, now) == "calendar, 02:10 old"
    assert whole_words(known, now) == "eng-1 (calendar, 02:10 old) until 10:00:00Z"
    lacking = OnDuty(
        ("eng-1",), "roster", at(), trouble="the calendar did not say it: no event of it is of now"
    )
    words = "roster, 02:10 old, because the calendar did not say it: no event of it is of now"
    assert source_words(lacking, now) == words


def test_a_source_has_a_rhythm_and_a_limit_of_its_own_accord() -> None:
    source = ByCommand(kind="command", argv=["who"])
    assert (source.every, source.limit) == (300.0, 10.0)
