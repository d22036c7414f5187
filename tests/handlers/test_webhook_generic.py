"""Our own form: an alert, several, or a flag; signed or with the secret shown; and all sources' ways of showing it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.events import AlertLevel, AlertReported, FlagChanged, Human
from bot.inbox import RECEIVED_AT
from handlers.webhooks import SOURCES
from handlers.webhooks.generic import ID_SECONDS
from handlers.webhooks.source import Malformed, Unauthorised
from tests.handlers import recorded
from tests.handlers.recorded import CAME, SECRET, alert, at, basic, compact, digest, read


def test_an_alert_tells_whatever_it_likes() -> None:
    """Times in any zone, numbers as labels."""
    found = alert("generic", "firing")
    assert recorded.differs(
        found, source="generic", fingerprint="checkout/5xx", service="checkout", name="Checkout 5xx",
        environment="production", started_at=at(13, 12, 30), at=CAME, level=AlertLevel.CRITICAL, version="1.4.2",
        summary="7 % of requests fail", url="https://monitoring.example.test/checkout", paths=("checkout/pay.py",),
        dashboard="https://grafana.example.test/d/checkout", runbook="https://runbooks.example.test/checkout",
        labels={"region": "eu", "replicas": "3"}, undated=True,
    ) == {}  # fmt: skip


def test_an_end_may_name_no_beginning() -> None:
    """All of its key end."""
    found = alert("generic", "resolved")
    assert (found.fingerprint, found.started_at, found.resolved_at) == ("checkout/5xx", None, at(13, 30))


def test_without_a_time_it_is_of_when_it_came() -> None:
    """And without a key it is known by whose it is, where, and its name."""
    headers = {RECEIVED_AT: CAME.isoformat()}
    [found] = SOURCES["generic"].translate(headers, b'{"name": "disk", "state": "firing"}')
    assert isinstance(found, AlertReported)
    assert (found.fingerprint, found.started_at, found.at, found.undated) == ("disk", CAME, CAME, False)
    [other] = SOURCES["generic"].translate(
        headers, compact({"name": "disk", "state": "firing", "service": "cart", "labels": {"env": "staging"}})
    )
    assert isinstance(other, AlertReported)
    assert other.fingerprint == "cart/staging/disk"
    [over] = SOURCES["generic"].translate(
        headers, compact({"name": "disk", "state": "resolved", "service": "Cart", "environment": "Staging"})
    )
    assert isinstance(over, AlertReported)
    assert over.fingerprint == other.fingerprint
    assert SOURCES["generic"].translate({}, b'{"name": "disk", "state": "firing"}') == []


@pytest.mark.parametrize(
    "said", ["2026-11-21T14:12:30+01:00", 1795266750, 1795266750000, "1795266750", "1795266750000"]
)
def test_a_time_may_be_a_number(said: object) -> None:
    """Shells count seconds, browsers milliseconds."""
    [found] = SOURCES["generic"].translate(
        {RECEIVED_AT: CAME.isoformat()}, compact({"name": "disk", "state": "firing", "started_at": said})
    )
    assert isinstance(found, AlertReported)
    assert found.started_at == at(13, 12, 30)


def test_of_several_those_that_can_be_read_are_told() -> None:
    """A state that nobody knows is no state."""
    first, last = read("generic", "several")
    assert isinstance(first, AlertReported)
    assert isinstance(last, AlertReported)
    assert (first.name, first.started_at, last.name, last.resolved_at) == ("A", at(13, 12, 30), "C", CAME)


def test_a_flag_is_told_likewise() -> None:
    """By its own id where it has one; else what it says is it."""
    [found] = read("generic", "flag")
    assert recorded.differs(
        found, source="generic", external_id="f-1", flag="new-basket", project="shop", environment="production",
        summary="25 % → 50 %", by=Human(login="ana", name="ana"), url="https://flags.example.test/new-basket",
        at=at(13, 12, 30), labels={"project": "shop", "flag": "new-basket", "tag:checkout": "true"},
    ) == {}  # fmt: skip
    [one], [same], [other] = (
        SOURCES["generic"].translate({RECEIVED_AT: CAME.isoformat()}, compact({"flag": "x", "summary": said}))
        for said in ("on", "on", "off")
    )
    assert isinstance(one, FlagChanged)
    assert isinstance(same, FlagChanged)
    assert isinstance(other, FlagChanged)
    assert one.external_id == same.external_id != other.external_id


def test_the_same_words_mean_something_new_a_moment_later() -> None:
    """A second try at once is the first one's; when it came is told with it, so that a turned clock is heard too."""
    body = b'{"name": "disk", "state": "firing"}'
    now, soon, later = (
        SOURCES["generic"].delivery_id({RECEIVED_AT: (CAME + timedelta(seconds=seconds)).isoformat()}, body)
        for seconds in (0, ID_SECONDS - 1, ID_SECONDS)
    )
    assert now == soon != later


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"state": "resolved"}, True),
        ({"state": "firing", "level": "critical", "at": "2026-11-21T13:12:30Z"}, True),
        ({"state": "firing", "labels": {"env": "staging"}}, False),
        ({"state": "firing", "key": "another"}, False),
        ({"flag": "disk"}, False),
    ],
)
def test_what_tells_of_one_alert_is_about_the_same(other: dict[str, object], same: bool) -> None:
    """So that what fires, ends and fires again within a second is heard thrice, and twins of a storm once each."""
    about = SOURCES["generic"].about
    assert (about({}, b'{"name": "disk", "state": "firing"}') == about({}, compact({"name": "disk", **other}))) is same
    several = compact({"alerts": [{"name": "disk", **other}, {"name": "b"}, 7]})
    assert about({}, several) == about({}, several) != about({}, compact({"alerts": []}))


@pytest.mark.parametrize("body", [b"{}", b'{"name": "x"}', b'{"name": "x", "state": "purple"}', b'{"state": "firing"}'])
def test_what_is_neither_is_refused_with_an_example(body: bytes) -> None:
    """Whoever writes it reads the answer."""
    with pytest.raises(Malformed, match='"state": "firing"'):
        SOURCES["generic"].check({}, body)


def test_it_may_sign() -> None:
    """A signature that is wrong is not mended by the secret beside it."""
    SOURCES["generic"].verify({"X-Shipmate-Signature": f"sha256={digest(b'{}')}"}, b"{}", SECRET)
    with pytest.raises(Unauthorised):
        SOURCES["generic"].verify(
            {"X-Shipmate-Signature": f"sha256={digest(b'x')}", "Authorization": f"Bearer {SECRET}"}, b"{}", SECRET
        )


SHOWING = ("alertmanager", "grafana", "datadog", "generic")


@pytest.mark.parametrize("source", SHOWING)
@pytest.mark.parametrize("given", [f"Bearer {SECRET}", f"bearer  {SECRET}", SECRET, basic(SECRET)])
def test_a_sender_that_cannot_sign_shows_the_secret(source: str, given: str) -> None:
    """After Bearer, alone, or as the password of basic auth, whatever the name."""
    SOURCES[source].verify({"authorization": given}, b"{}", SECRET)


@pytest.mark.parametrize("source", SHOWING)
@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer x", "Basic", "Basic %%%", basic("x"), f"Token {SECRET}", "Bearer \udcff"]
)
def test_who_does_not_is_told_which_variable_holds_it(source: str, given: str | None) -> None:
    """Whatever bytes the header holds."""
    with pytest.raises(Unauthorised, match=f"{source.upper()}_WEBHOOK_SECRET"):
        SOURCES[source].verify({} if given is None else {"Authorization": given}, b"{}", SECRET)


@pytest.mark.parametrize("source", SHOWING)
def test_an_empty_secret_opens_nothing(source: str) -> None:
    """Nobody proves anything by it."""
    with pytest.raises(Unauthorised):
        SOURCES[source].verify({"Authorization": "Bearer "}, b"{}", "")
