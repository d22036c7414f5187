"""What people did, as it is stored and read again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import GithubLinked, Level, PreferenceChosen
from handlers.slack import acts

PARIS = ZoneInfo("Europe/Paris")
INSTANTS = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, PARIS))
ACTS = st.one_of(
    st.builds(PreferenceChosen, slack_id=st.text(), scope=st.text(), level=st.sampled_from(Level), at=INSTANTS),
    st.builds(GithubLinked, slack_id=st.text(), login=st.none() | st.text(), at=INSTANTS),
)


@given(ACTS)
def test_an_act_means_after_storing_what_it_meant_before(act: acts.Act) -> None:
    (read,) = acts.translate({}, acts.body(act))
    assert read == act


def test_the_stored_body_is_small_plain_json_in_utc() -> None:
    at = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
    body = acts.body(PreferenceChosen(slack_id="U0ANA", scope="change:12", level=Level.NONE, at=at))
    assert body == (
        b'{"act":"preference","slack_id":"U0ANA","scope":"change:12","level":"none","at":"2026-03-03T12:00:00+00:00"}'
    )


def test_an_event_of_slacks_has_no_meaning_yet_and_is_stored_without_its_password() -> None:
    event = {"token": "shhh", "type": "event_callback", "event_id": "Ev1", "event": {"type": "tokens_revoked"}}
    body = acts.event_body(event)
    assert json.loads(body) == {"type": "event_callback", "event_id": "Ev1", "event": {"type": "tokens_revoked"}}
    assert acts.translate({}, body) == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"act":"promote"}',
        b'{"act":"preference","slack_id":"U1","scope":"all","level":"loud","at":"2026-03-03T12:00:00+00:00"}',
        b'{"act":"preference","slack_id":"U1","scope":"all","level":"none","at":"2026-03-03T12:00:00"}',
        b"not json",
    ],
)
def test_what_we_never_wrote_is_refused_rather_than_guessed(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        acts.translate({}, body)
