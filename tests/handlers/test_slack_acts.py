"""What people did, as it is stored and read again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import Act as PromotionAct
from bot.events import (
    GithubLinked,
    Level,
    LockAct,
    LockActed,
    MessageKept,
    PreferenceChosen,
    PromotionActed,
    RoomJoined,
)
from handlers.slack import acts

PARIS = ZoneInfo("Europe/Paris")
INSTANTS = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, PARIS))
st.register_type_strategy(datetime, INSTANTS)
ACTS = st.one_of(*(st.from_type(kind) for kind in acts.NAMES.values()))
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


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


def test_what_was_stored_before_promotions_came_still_reads_the_same() -> None:
    for stored, meant in (
        (
            b'{"act":"link","slack_id":"U0ANA","login":null,"at":"2026-03-03T12:00:00+00:00"}',
            GithubLinked(slack_id="U0ANA", login=None, at=NOON),
        ),
        (
            b'{"act":"preference","slack_id":"U0ANA","scope":"all","level":"failures","at":"2026-03-03T12:00:00+00:00"}',
            PreferenceChosen(slack_id="U0ANA", scope="all", level=Level.FAILURES, at=NOON),
        ),
    ):
        assert acts.translate({}, stored) == [meant]
        assert acts.body(meant) == stored


def test_what_is_done_to_a_promotion_and_to_a_lock_is_stored_beside_the_name_of_the_act() -> None:
    """Their events have a field called ``act`` themselves, and both must come back."""
    yes = PromotionActed(
        act=PromotionAct.APPROVE, promotion=7, seen="abc", slack_id="U0DEE", called="dee", reason=None, at=NOON
    )
    go = LockActed(act=LockAct.GO, lock=3, scope=None, until=None, slack_id="U0DEE", called="dee", at=NOON)
    assert json.loads(acts.body(yes)) == {
        "act": "promotion", "does": "approve", "promotion": 7, "seen": "abc", "slack_id": "U0DEE", "called": "dee",
        "reason": None, "at": "2026-03-03T12:00:00+00:00",
    }  # fmt: skip
    assert json.loads(acts.body(go))["does"] == "go"


def test_a_field_that_has_a_default_may_be_missing_in_what_was_stored_before_it_came() -> None:
    held = json.loads(
        acts.body(LockActed(act=LockAct.LIFT, lock=3, scope=None, slack_id="U0DEE", called="dee", at=NOON))
    )
    del held["until"]
    (read,) = acts.translate({}, json.dumps(held).encode())
    assert isinstance(read, LockActed)
    assert read.until is None


def test_an_event_of_slacks_without_a_meaning_is_stored_without_its_password() -> None:
    event = {"token": "shhh", "type": "event_callback", "event_id": "Ev1", "event": {"type": "tokens_revoked"}}
    body = acts.event_body(event)
    assert json.loads(body) == {"type": "event_callback", "event_id": "Ev1", "event": {"type": "tokens_revoked"}}
    assert acts.translate({}, body) == []


def heard(**event: object) -> bytes:
    """An event of Slack's, as it is stored."""
    return acts.event_body({"type": "event_callback", "event_id": "Ev1", "event_time": 1772539200, "event": event})


MARKED = {"type": "message", "channel": "C0ROOM1", "ts": "1772539190.000100"}


def test_whoever_comes_into_a_channel_and_a_mark_on_a_message_mean_something() -> None:
    """For incidents: whether it is a room is for the verb to say."""
    assert acts.translate({}, heard(type="member_joined_channel", user="U0ANA", channel="C0ROOM1", inviter="U0B")) == [
        RoomJoined(channel="C0ROOM1", slack_id="U0ANA", at=NOON)
    ]
    for mark in ("pushpin", "memo"):
        assert acts.translate(
            {}, heard(type="reaction_added", user="U0ANA", reaction=mark, item=MARKED, item_user="U0CHI")
        ) == [
            MessageKept(
                incident=None, channel="C0ROOM1", ts="1772539190.000100", text=None, author="U0CHI",
                slack_id="U0ANA", at=NOON,
            )
        ]  # fmt: skip


@pytest.mark.parametrize(
    "event",
    [
        {"type": "reaction_added", "user": "U0ANA", "reaction": "tada", "item": MARKED},
        {"type": "reaction_added", "user": "U0ANA", "reaction": "memo", "item": {"type": "file", "file": "F1"}},
        {"type": "reaction_added", "user": "U0ANA", "reaction": "memo", "item": "C0ROOM1"},
        {"type": "reaction_added", "reaction": "memo", "item": MARKED},
        {"type": "member_joined_channel", "user": "U0ANA"},
        {"type": "member_joined_channel", "user": ["U0ANA"], "channel": "C0ROOM1"},
        {"type": "app_home_opened", "user": "U0ANA"},
        {},
    ],
)
def test_every_other_event_means_nothing(event: dict[str, object]) -> None:
    assert acts.translate({}, heard(**event)) == []


@pytest.mark.parametrize(
    ("authorizations", "late"),
    [
        ([{"user_id": "U0SHIPMATE", "is_bot": True}], 0),
        ([{"user_id": "U0OTHER", "is_bot": True}], 1),
        ([{"user_id": "U0SHIPMATE", "is_bot": False}], 1),
        ([], 1),
        ([7], 1),
        ("U0SHIPMATE", 1),
    ],
)
def test_the_app_is_no_latecomer_to_the_room_it_made(authorizations: object, late: int) -> None:
    """Slack tells of that, too (docs.slack.dev/reference/events/member_joined_channel)."""
    held = {"type": "member_joined_channel", "user": "U0SHIPMATE", "channel": "C0ROOM1"}
    body = {"type": "event_callback", "event_time": 1772539200, "event": held, "authorizations": authorizations}
    assert len(acts.translate({}, json.dumps(body).encode())) == late


@pytest.mark.parametrize("seconds", [None, "1772539200", 10**12, -1, True])
def test_an_event_without_its_time_means_nothing(seconds: object) -> None:
    held = {"type": "member_joined_channel", "user": "U0ANA", "channel": "C0ROOM1"}
    body = json.dumps({"type": "event_callback", "event_time": seconds, "event": held}).encode()
    assert acts.translate({}, body) == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"act":"promote"}',
        b'{"act":"preference","slack_id":"U1","scope":"all","level":"loud","at":"2026-03-03T12:00:00+00:00"}',
        b'{"act":"preference","slack_id":"U1","scope":"all","level":"none","at":"2026-03-03T12:00:00"}',
        b'{"act":"preference","slack_id":7,"scope":"all","level":"none","at":"2026-03-03T12:00:00+00:00"}',
        b'{"act":"preference","slack_id":null,"scope":"all","level":"none","at":"2026-03-03T12:00:00+00:00"}',
        b'{"act":"link","slack_id":"U1","login":"ana","at":"2026-03-03T12:00:00+00:00","proven":true}',
        b'{"act":["link"]}',
        b'["link"]',
        b"not json",
    ],
)
def test_what_we_never_wrote_is_refused_rather_than_guessed(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        acts.translate({}, body)
