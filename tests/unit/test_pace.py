"""When what may be sent: pure arithmetic over a given clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.pace import MAX_BACKOFF, Bucket, Limits, Pace, backoff

STEPS = st.lists(st.floats(0, 10, allow_nan=False), max_size=60)


@given(rate=st.floats(0.1, 20), size=st.integers(1, 30), steps=STEPS)
def test_a_bucket_never_gives_more_than_its_rate_and_its_size(rate: float, size: int, steps: list[float]) -> None:
    """In any time: as many as the rate gives, and once its size on top."""
    bucket = Bucket(rate, size)
    now, taken = 0.0, 0
    for step in steps:
        now += step
        while bucket.wait(now) == 0:
            bucket.take(now)
            taken += 1
        assert taken <= size + rate * now + 1e-6


@given(rate=st.floats(0.1, 20), size=st.integers(1, 30), steps=STEPS)
def test_whoever_waits_as_long_as_told_finds_a_token(rate: float, size: int, steps: list[float]) -> None:
    """And had they come noticeably sooner, there would have been none."""
    bucket = Bucket(rate, size)
    now = 0.0
    for step in steps:
        now += step
        bucket.take(now) if bucket.wait(now) == 0 else None
        wait = bucket.wait(now)
        if wait > 0.01:
            assert bucket.wait(now + wait - 0.005) > 0
        assert bucket.wait(now + wait) < 1e-6
        now += wait


def test_time_that_stands_still_or_runs_back_gives_nothing() -> None:
    """A clock that is looked at twice at once fills no bucket."""
    bucket = Bucket(1.0, 1)
    bucket.take(5.0)
    assert bucket.wait(5.0) == 1.0
    assert bucket.wait(4.0) == 1.0


def test_a_channel_takes_a_short_burst_and_then_one_a_second() -> None:
    """Slack's rule; another channel is not concerned."""
    pace = Pace(Limits())
    for _ in range(3):
        assert pace.post_wait("#a", 100.0) == 0
        pace.posting("#a", 100.0)
    assert pace.post_wait("#a", 100.0) == pytest.approx(1.0)
    assert pace.post_wait("#a", 101.0) == 0
    assert pace.post_wait("#b", 100.0) == 0


def test_a_refusal_pauses_its_channel_alone() -> None:
    """For as long as Slack said."""
    pace = Pace(Limits())
    pace.post_limited("#a", 30.0, 100.0)
    assert pace.post_wait("#a", 100.0) == 30.0
    assert pace.post_wait("#a", 130.0) == 0
    assert pace.post_wait("#b", 100.0) == 0
    assert pace.update_wait(100.0) == 0


def test_a_second_channels_refusal_pauses_the_method() -> None:
    """Slack limits the method itself, then; edits are another method."""
    pace = Pace(Limits())
    pace.post_limited("#a", 30.0, 100.0)
    pace.post_limited("#b", 5.0, 110.0)
    assert pace.post_wait("#c", 110.0) == 5.0
    assert pace.post_wait("#c", 115.0) == 0
    assert pace.update_wait(110.0) == 0


def test_a_refusal_after_the_first_one_ended_pauses_its_channel_only() -> None:
    """They have nothing to do with each other."""
    pace = Pace(Limits())
    pace.post_limited("#a", 3.0, 100.0)
    pace.post_limited("#b", 5.0, 110.0)
    assert pace.post_wait("#c", 110.0) == 0


def test_a_channel_that_waits_for_another_reason_makes_no_method_limited() -> None:
    """A doubt or an outage in one channel, and a 429 in another, are not two 429s."""
    pace = Pace(Limits())
    pace.post_failed("#a", 60.0, 100.0)
    pace.post_limited("#b", 5.0, 101.0)
    assert pace.post_wait("#a", 101.0) == 59.0
    assert pace.post_wait("#c", 101.0) == 0


def test_edits_are_limited_for_the_whole_workspace() -> None:
    """A burst of twenty, then fifty a minute; a 429 pauses them all, and posts go on."""
    pace = Pace(Limits())
    for _ in range(20):
        assert pace.update_wait(100.0) == 0
        pace.updating(100.0)
    assert pace.update_wait(100.0) == pytest.approx(1.2)
    pace.updates_limited(30.0, 100.0)
    assert pace.update_wait(100.0) == 30.0
    assert pace.post_wait("#a", 100.0) == 0


def test_without_limits_nothing_waits() -> None:
    """For benchmarks, and for chats other than Slack."""
    pace = Pace(Limits(per_channel=None, updates_per_minute=None))
    for _ in range(1000):
        assert pace.post_wait("#a", 1.0) == 0
        pace.posting("#a", 1.0)
        assert pace.update_wait(1.0) == 0
        pace.updating(1.0)
    assert pace.backlog_wait("#a", 1000, 1.0) == 0


def test_failures_of_a_channel_are_counted_until_something_goes_out() -> None:
    """So that its tries get rarer."""
    pace = Pace(Limits())
    for _ in range(3):
        pace.post_failed("#a", 1.0, 100.0)
    assert pace.channel("#a").failures == 3
    pace.post_succeeded("#a")
    assert pace.channel("#a").failures == 0


def test_the_tail_of_a_burst_waits_as_long_as_it_is() -> None:
    """What the fortieth of a burst has to wait: the ones before it, one a second, less the short burst."""
    pace = Pace(Limits())
    assert pace.backlog_wait("#a", 0, 100.0) == 0
    assert pace.backlog_wait("#a", 2, 100.0) == 0
    assert pace.backlog_wait("#a", 3, 100.0) == pytest.approx(1.0)
    assert pace.backlog_wait("#a", 40, 100.0) == pytest.approx(38.0)


def test_a_pause_makes_no_backlog() -> None:
    """When Slack is away for an hour, ten deploys still get a card each: folding them would bring none forward."""
    pace = Pace(Limits())
    pace.post_limited("#a", 3600.0, 100.0)
    pace.posts_paused_until = 3700.0
    assert pace.backlog_wait("#a", 9, 100.0) < 30
    assert pace.backlog_wait("#a", 60, 100.0) > 30


@given(attempts=st.integers(0, 10_000), jitter=st.floats(0, 1))
def test_backoff_grows_to_a_limit_and_is_never_nothing(attempts: int, jitter: float) -> None:
    """Half of it is certain, the other half spreads those who failed together."""
    assert 0.25 <= backoff(attempts, jitter) <= MAX_BACKOFF
    assert backoff(attempts, jitter) <= backoff(attempts + 1, jitter)
    assert backoff(attempts, 0.0) <= backoff(attempts, jitter) <= backoff(attempts, 1.0)
