"""The pure rules of locks and freezes: scopes, where a lock stands, when it nags, and the ends that people type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import UserError
from bot.locks import ends, rules, words
from bot.locks.rules import Known, Look, Scope, ScopeKind, Stage
from tests.unit.stores import NOON

UTC_ZONE, PARIS = ZoneInfo("UTC"), ZoneInfo("Europe/Paris")
KNOWN = Known(
    pipelines={
        "checkout": ("staging", "production"),
        "Ledger": ("staging", "production"),
        "payments": (),
        "acme/fork": (),
    },
    teams=("payments", "shop"),
    others=("canary",),
)


# --- scopes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kind", "name"),
    [
        ("checkout", ScopeKind.SERVICE, "checkout"),
        ("  CHECKOUT ", ScopeKind.SERVICE, "checkout"),
        ("ledger", ScopeKind.SERVICE, "Ledger"),
        ("service:payments", ScopeKind.SERVICE, "payments"),
        ("team:payments", ScopeKind.TEAM, "payments"),
        ("Team: Shop", ScopeKind.TEAM, "shop"),
        ("shop", ScopeKind.TEAM, "shop"),
        ("production", ScopeKind.ENVIRONMENT, "production"),
        ("environment:Staging", ScopeKind.ENVIRONMENT, "staging"),
        ("canary", ScopeKind.ENVIRONMENT, "canary"),
        ("checkout/production", ScopeKind.TARGET, "checkout/production"),
        ("Checkout/PRODUCTION", ScopeKind.TARGET, "checkout/production"),
        ("service:checkout/staging", ScopeKind.TARGET, "checkout/staging"),
        ("acme/fork", ScopeKind.SERVICE, "acme/fork"),
        ("everything", ScopeKind.EVERYTHING, ""),
        ("ALL", ScopeKind.EVERYTHING, ""),
    ],
)
def test_a_word_names_what_it_covers(typed: str, kind: ScopeKind, name: str) -> None:
    assert rules.read_scope(typed, KNOWN) == Scope(kind, name)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "Say what to lock: a service (checkout)"),
        ("payments", "is a service and a team. Say which you mean: service:payments or team:payments."),
        ("chekout", "did you mean “checkout”?"),
        ("prodution", "did you mean “production”?"),
        ("xyzzy", "I know nothing called “xyzzy”. I can lock a service (checkout)"),
        ("team:shp", "I know no team “shp”; did you mean “shop”?"),
        ("team:xyzzy", "I know no team “xyzzy”; I know payments and shop."),
        ("checkout/prod", "checkout has no environment “prod”"),
        ("checkout/xyzzy", "it has staging and production."),
        ("payments/production", "payments has no environment “production”; none of it is known yet."),
    ],
)
def test_a_word_that_names_nothing_or_too_much_is_refused_with_the_way_on(typed: str, told: str) -> None:
    with pytest.raises(UserError) as refused:
        rules.read_scope(typed, KNOWN)
    assert told in str(refused.value)


def test_a_refusal_speaks_of_what_was_asked_for() -> None:
    with pytest.raises(UserError, match="Say what to unlock"):
        rules.read_scope(" ", KNOWN, act="unlock")
    with pytest.raises(UserError, match="I know none yet"):
        rules.read_scope("team:x", Known(pipelines={}))


@pytest.mark.parametrize("scope", [
    Scope(ScopeKind.EVERYTHING), Scope(ScopeKind.ENVIRONMENT, "production"), Scope(ScopeKind.TEAM, "payments"),
    Scope(ScopeKind.SERVICE, "payments"), Scope(ScopeKind.TARGET, "checkout/production"),
])  # fmt: skip
def test_what_is_to_be_typed_for_a_scope_means_that_scope(scope: Scope) -> None:
    assert rules.read_scope(scope.typed, KNOWN) == scope
    assert scope.called


COVERS = {
    Scope(ScopeKind.EVERYTHING): "all of them",
    Scope(ScopeKind.ENVIRONMENT, "Production"): "cp lp",
    Scope(ScopeKind.TEAM, "Payments"): "cs cp",
    Scope(ScopeKind.SERVICE, "CHECKOUT"): "cs cp",
    Scope(ScopeKind.TARGET, "Checkout/production"): "cp",
    Scope(ScopeKind.PROMOTION, "7"): "",
}


@pytest.mark.parametrize("scope", COVERS)
def test_a_scope_covers_what_it_says_and_nothing_else(scope: Scope) -> None:
    places = {
        "cs": ("checkout", "staging", "payments"),
        "cp": ("checkout", "production", "payments"),
        "ls": ("ledger", "staging", None),
        "lp": ("ledger", "production", None),
    }
    covered = {
        short
        for short, (service, environment, team) in places.items()
        if rules.covers(scope, service, environment, team=team)
    }
    wanted = set(places) if COVERS[scope] == "all of them" else set(COVERS[scope].split())
    assert covered == wanted


def test_a_hold_covers_its_own_promotion_alone() -> None:
    hold = Scope(ScopeKind.PROMOTION, "7")
    assert [rules.covers(hold, "checkout", "production", promotion=one) for one in (7, 8, None)] == [True, False, False]


# --- where a lock stands ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Brake:
    """A lock, as far as its stage is concerned."""

    began_at: datetime = NOON
    ends_at: datetime | None = NOON + timedelta(hours=4)
    nagged_at: datetime | None = None
    ended_at: datetime | None = None
    lifted_at: datetime | None = None
    closed: bool = False


def later(**more: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(**more)


ENDLESS = Brake(ends_at=None)


@pytest.mark.parametrize(
    ("lock", "now", "stage"),
    [
        (Brake(), NOON, Stage.HOLDS),
        (Brake(), later(hours=3, minutes=59), Stage.HOLDS),
        (Brake(), later(hours=4), Stage.WANTS_GO),
        (Brake(ended_at=later(hours=4)), later(hours=1), Stage.WANTS_GO),
        (Brake(lifted_at=NOON), NOON, Stage.WANTS_GO),
        (Brake(lifted_at=NOON, closed=True), NOON, Stage.OVER),
        (Brake(closed=True), later(days=9), Stage.OVER),
        (ENDLESS, later(days=900), Stage.HOLDS),
        (replace(ENDLESS, lifted_at=NOON), NOON, Stage.WANTS_GO),
    ],
)
def test_a_lock_stands_where_its_end_and_its_lifting_say(lock: Brake, now: datetime, stage: Stage) -> None:
    """Also before the clock has seen the end: nothing ships in between."""
    assert rules.stage(lock, now) is stage


@pytest.mark.parametrize(
    ("lock", "now", "look"),
    [
        (Brake(), later(hours=3, minutes=44), Look.NOTHING),
        (Brake(), later(hours=3, minutes=45), Look.NAG),
        (Brake(nagged_at=NOON), later(hours=3, minutes=50), Look.NOTHING),
        (Brake(), later(hours=4), Look.END),
        (Brake(nagged_at=NOON), later(days=2), Look.END),
        (Brake(ended_at=later(hours=4)), later(hours=5), Look.NOTHING),
        (Brake(lifted_at=NOON), later(hours=5), Look.NOTHING),
        (Brake(closed=True), later(hours=5), Look.NOTHING),
        (ENDLESS, later(hours=2, minutes=59), Look.NOTHING),
        (ENDLESS, later(hours=3), Look.NAG),
        (ENDLESS, later(hours=40), Look.NAG),
        (replace(ENDLESS, nagged_at=later(hours=40)), later(hours=42), Look.NOTHING),
        (replace(ENDLESS, nagged_at=later(hours=40)), later(hours=43), Look.NAG),
    ],
)
def test_what_is_due_is_one_thing_however_long_nobody_looked(lock: Brake, now: datetime, look: Look) -> None:
    assert rules.look(lock, now) is look


def test_the_next_look_is_the_nag_then_the_end_then_never() -> None:
    assert rules.next_look(Brake()) == later(hours=3, minutes=45)
    assert rules.next_look(Brake(nagged_at=NOON)) == later(hours=4)
    assert rules.next_look(ENDLESS) == later(hours=3)
    for over in (Brake(ended_at=NOON), Brake(lifted_at=NOON), Brake(closed=True)):
        assert rules.next_look(over) is None


def test_a_lock_that_ends_within_minutes_is_not_nagged_when_it_is_set() -> None:
    assert rules.nagged_from_the_start(later(minutes=15), NOON) == NOON
    assert rules.nagged_from_the_start(later(minutes=16), NOON) is None
    assert rules.nagged_from_the_start(None, NOON) is None


@settings(deadline=None)
@given(st.integers(1, 40 * 60), st.one_of(st.none(), st.integers(1, 40 * 60)))
def test_looking_at_each_next_look_always_finds_something_to_do(minutes: int, end: int | None) -> None:
    """Or the clock would come again and again for nothing."""
    lock = Brake(ends_at=later(minutes=end) if end is not None else None)
    at = rules.next_look(lock)
    assert at is not None
    assert rules.look(lock, at) is not Look.NOTHING
    assert rules.look(lock, at - timedelta(seconds=1)) is Look.NOTHING
    assert rules.look(lock, at + timedelta(minutes=minutes)) is not Look.NOTHING


# --- what is given with it ----------------------------------------------------------------------------------------


def test_a_reason_is_asked_for_and_kept_on_one_line() -> None:
    assert rules.checked_reason("  rollback\n in  progress ", of="a lock") == "rollback in progress"
    with pytest.raises(UserError, match="Say why: a freeze needs a reason"):
        rules.checked_reason(" \n", of="a freeze")
    with pytest.raises(UserError, match="has 501 characters; 500"):
        rules.checked_reason("x" * 501, of="a lock")


def test_an_end_is_four_hours_unless_said_and_never_past_or_far() -> None:
    assert rules.checked_end(None, NOON) == later(hours=4)
    assert rules.checked_end(later(days=30), NOON) == later(days=30)
    for end, told in ((NOON, "in the past"), (later(days=30, seconds=1), "30 days at most")):
        with pytest.raises(UserError, match=told):
            rules.checked_end(end, NOON)


@pytest.mark.parametrize(
    ("begins", "ends_in", "told"),
    [
        (2, 1, "must end after it begins"),
        (2, 2, "must end after it begins"),
        (-5, -1, "over already"),
        (1, 61, "60 days"),
    ],
)
def test_a_freeze_that_cannot_be_is_refused(begins: int, ends_in: int, told: str) -> None:
    with pytest.raises(UserError, match=told):
        rules.check_freeze(later(days=begins), later(days=ends_in, seconds=1 if ends_in == 61 else 0), NOON)


def test_a_freeze_may_have_begun_and_last_sixty_days() -> None:
    rules.check_freeze(later(days=-1), later(days=59), NOON)
    rules.check_freeze(NOON, later(days=60), NOON)


# --- ends ---------------------------------------------------------------------------------------------------------


def utc(written: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "end"),
    [
        ("for 2h", "2026-03-02T14:00"),
        ("2h", "2026-03-02T14:00"),
        ("for 1h30m", "2026-03-02T13:30"),
        ("90 min", "2026-03-02T13:30"),
        ("for 2 hours 30 minutes", "2026-03-02T14:30"),
        ("for 3d", "2026-03-05T12:00"),
        ("FOR 1 week", "2026-03-09T12:00"),
        ("until 18:00", "2026-03-02T17:00"),
        ("until 18h", "2026-03-02T17:00"),
        ("18:00", "2026-03-02T17:00"),
        ("until 11:00", "2026-03-03T10:00"),
        ("till tomorrow 9:00", "2026-03-03T08:00"),
        ("until friday 09:00", "2026-03-06T08:00"),
        ("until FRI 09.00", "2026-03-06T08:00"),
        ("until monday 18:00", "2026-03-02T17:00"),
        ("until monday 09:00", "2026-03-09T08:00"),
        ("until 2026-12-01 09:00", "2026-12-01T08:00"),
        ("until 2026-12-01T09:00", "2026-12-01T08:00"),
        ("until 2026-07-01T09:00", "2026-07-01T07:00"),
        ("until 2026-12-01T09:00+02:00", "2026-12-01T07:00"),
        ("until 2026-12-01T09:00Z", "2026-12-01T09:00"),
        # the hour that is skipped ends where it ends; of the hour that comes twice it is the later
        ("until 2026-03-29 02:30", "2026-03-29T01:00"),
        ("until 2026-10-25 02:30", "2026-10-25T01:30"),
    ],
)
def test_an_end_is_read_in_the_zone_of_who_typed_it(typed: str, end: str) -> None:
    """It is 13:00 on a Monday in Paris."""
    assert ends.read_end(typed, PARIS, NOON) == utc(end)


@pytest.mark.parametrize(
    ("typed", "zone", "end"),
    [
        ("until 18:00", "Asia/Kathmandu", "2026-03-02T12:15"),
        ("until 17:00", "Asia/Kathmandu", "2026-03-03T11:15"),
        ("until 2026-10-04 02:10", "Australia/Lord_Howe", "2026-10-03T15:30"),
        ("until 2026-04-05 01:45", "Australia/Lord_Howe", "2026-04-04T15:15"),
        ("until tuesday 01:00", "Pacific/Kiritimati", "2026-03-09T11:00"),
        ("until today 23:00", "America/New_York", "2026-03-03T04:00"),
    ],
)
def test_zones_of_half_and_quarter_hours_and_the_other_side_of_midnight(typed: str, zone: str, end: str) -> None:
    assert ends.read_end(typed, ZoneInfo(zone), NOON) == utc(end)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("until friday", "Say the time too: until friday 09:00."),
        ("until 2026-12-01", "Say the time too"),
        ("until 25:00", "I cannot read “until 25:00” as an end. Say for 2h"),
        ("until frday 09:00", "did you mean “friday”?"),
        ("until 2026-02-30 09:00", "names a day that does not exist"),
        ("until 2026-02-30T09:00", "I cannot read"),
        ("until today 09:00", "is over already: it is 13:00"),
        ("until 2025-01-01 09:00", "is over already"),
        ("until 2025-01-01T09:00Z", "is over already"),
        ("for 2", "The unit is missing: 2h is two hours."),
        ("for ever", "is no length of time I know. Say for 30m"),
        ("for 0h", "is no length of time"),
        ("for", "is no length of time"),
        ("", "I cannot read"),
        ("until", "I cannot read"),
        ("until x y z", "I cannot read"),
    ],
)
def test_an_end_that_cannot_be_read_is_refused_with_what_was_expected(typed: str, told: str) -> None:
    with pytest.raises(UserError) as refused:
        ends.read_end(typed, PARIS, NOON)
    assert told in str(refused.value)


@given(
    st.sampled_from(sorted(available_timezones())),
    st.datetimes(datetime(2026, 3, 3), datetime(2027, 12, 31)),  # noqa: DTZ001 - a local time, in the zone drawn
)
def test_a_local_time_is_met_or_was_skipped_and_the_end_is_where_the_gap_ends(zone: str, written: datetime) -> None:
    """In every zone there is: the instant reads as typed, or else nothing reads so and the next minute that exists is
    meant.
    """
    at = written.replace(second=0, microsecond=0)
    here = ZoneInfo(zone)
    end = ends.read_end(f"until {at:%Y-%m-%d %H:%M}", here, utc("2026-02-28T00:00"))
    read = end.astimezone(here).replace(tzinfo=None)
    before = (end - timedelta(seconds=1)).astimezone(here).replace(tzinfo=None)
    assert read == at or before < at < read


@pytest.mark.parametrize(
    ("typed", "end", "rest"),
    [
        ("rollback in progress for 2h", "2026-03-02T14:00", "rollback in progress"),
        ("for 2h rollback in progress", "2026-03-02T14:00", "rollback in progress"),
        ("for 2 hours db", "2026-03-02T14:00", "db"),
        ("db move until friday 09:00", "2026-03-06T08:00", "db move"),
        ("until friday 18:00 db move", "2026-03-06T17:00", "db move"),
        ("waits until the fix is in", None, "waits until the fix is in"),
        ("waits for 2 reviewers", None, "waits for 2 reviewers"),
        ("looking for Ana until 18:00", "2026-03-02T17:00", "looking for Ana"),
        ("holds until", None, "holds until"),
        ("rollback", None, "rollback"),
        ("", None, ""),
    ],
)
def test_an_end_is_taken_out_of_a_sentence_and_prose_is_left_alone(typed: str, end: str | None, rest: str) -> None:
    assert ends.take_end(typed, PARIS, NOON) == ends.Ending(utc(end) if end else None, rest)


@pytest.mark.parametrize("typed", ["x until 25:00", "until the fix is in", "for ana to come back", "x until frid 9"])
def test_what_begins_as_an_end_and_is_none_is_said_to_be_none(typed: str) -> None:
    with pytest.raises(UserError):
        ends.take_end(typed, PARIS, NOON)


def test_an_instant_is_spoken_with_its_zone_and_with_its_day_unless_it_is_today() -> None:
    assert ends.spoken(later(hours=4), PARIS, NOON) == "17:00 (Europe/Paris)"
    assert ends.spoken(later(days=4), UTC_ZONE, NOON) == "Fri 6 Mar 12:00 (UTC)"
    assert ends.spoken(utc("2027-01-01T00:00"), UTC_ZONE, NOON) == "Fri 1 Jan 2027 00:00 (UTC)"


# --- what follows the command -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "ends_at", "reason"),
    [
        ("checkout 2h rolling", later(hours=2), "rolling"),
        ("checkout 1h30m rolling", later(hours=1, minutes=30), "rolling"),
        ("checkout 2 hours 30 minutes rolling back", later(hours=2, minutes=30), "rolling back"),
        ("checkout 2h", later(hours=2), ""),
        ("checkout 2h outage until 18:00", utc("2026-03-02T17:00"), "2h outage"),
        ("checkout 2 errors a minute", None, "2 errors a minute"),
        ("checkout 5xx since the deploy", None, "5xx since the deploy"),
        ("checkout rolling 2h", None, "rolling 2h"),
    ],
)
def test_a_length_right_behind_the_scope_needs_no_for(typed: str, ends_at: datetime | None, reason: str) -> None:
    """Whoever is in a hurry leaves it out, and must not be held to four hours without a word."""
    assert words.read_lock(typed, PARIS, NOON) == words.LockWords("checkout", reason, ends_at, True)


def test_a_lock_is_typed_with_its_end_before_or_after_the_reason() -> None:
    wanted = words.LockWords("checkout", "rollback in progress", later(hours=2), True)
    assert words.read_lock("checkout rollback in progress for 2h", PARIS, NOON) == wanted
    assert words.read_lock("checkout for 2h rollback in progress", PARIS, NOON) == wanted
    strict = words.read_lock("checkout --no-rollbacks rollback in progress for 2h", PARIS, NOON)
    assert strict == replace(wanted, rollbacks=False)
    assert words.read_lock("", PARIS, NOON) == words.LockWords("", "", None, True)
    assert words.read_lock("checkout", PARIS, NOON) == words.LockWords("checkout", "", None, True)


def test_a_freeze_is_typed_with_or_without_a_service_and_a_beginning() -> None:
    monday = utc("2026-03-09T08:00")
    assert words.read_freeze("checkout until monday 09:00 db move", PARIS, NOON) == words.FreezeWords(
        "checkout", NOON, monday, "db move"
    )
    assert words.read_freeze("until monday 09:00 db move", PARIS, NOON) == words.FreezeWords(
        None, NOON, monday, "db move"
    )
    assert words.read_freeze("everything for 2h db move", PARIS, NOON).service is None
    weekend = words.read_freeze("checkout from friday 18:00 until monday 09:00 db move", PARIS, NOON)
    assert weekend == words.FreezeWords("checkout", utc("2026-03-06T17:00"), monday, "db move")


@pytest.mark.parametrize("typed", ["", "checkout", "checkout db move", "checkout from friday 18:00 db move"])
def test_a_freeze_without_an_end_is_asked_for_one(typed: str) -> None:
    with pytest.raises(UserError, match="Say until when, and why"):
        words.read_freeze(typed, PARIS, NOON)
