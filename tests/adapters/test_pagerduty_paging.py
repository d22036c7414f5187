"""Waking people through the stand-in PagerDuty over real HTTP, on a network that fails: nobody is woken twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.adapters.pagerduty import PagerDutyPager
from bot.adapters.pagerduty_paging import LONGEST_NOTE, LONGEST_TITLE
from bot.errors import Doubtful, GiveUp, OutgoingError, RetryLater, Unauthorised
from bot.ports import Call, ChangeEvent, Pager, PagerState
from bot.sandbox.pagerduty_records import Incident
from bot.sandbox.server import Sandbox
from tests.adapters.between import Between
from tests.conftest import UNHURRIED

KEY = "shipmate:7:3:a1b2"
CHECKOUT = "PSCHECKOUT"
POLICY = "PEPAYMENTS"


@pytest.fixture
async def pager(sandbox: Sandbox, network: Between) -> AsyncIterator[PagerDutyPager]:
    """The bot's PagerDuty, behind a network that can fail."""
    made = connected(sandbox, network.url)
    yield made
    await made.close()


def connected(sandbox: Sandbox, address: str, **more: Any) -> PagerDutyPager:
    """The bot's PagerDuty at this address."""
    settings = {name: value.replace(sandbox.url, address) for name, value in sandbox.environment().items()}
    options: dict[str, Any] = {
        "from_email": settings["PAGERDUTY_FROM"],
        "routing_key": settings["PAGERDUTY_ROUTING_KEY"],
        "events_url": settings["PAGERDUTY_EVENTS_URL"],
        "timeout": UNHURRIED,
    }
    return PagerDutyPager(settings["PAGERDUTY_API_KEY"], settings["PAGERDUTY_API_URL"], **(options | more))


def call(**more: Any) -> Call:
    """A page to Ana for what she shipped."""
    facts: dict[str, Any] = {
        "key": KEY,
        "service": CHECKOUT,
        "user": "PUANA",
        "title": "checkout 5xx, 12 min after #812 went live",
        "details": "Likely change 1 of 2, confidence high",
        "url": "https://acme.slack.example/archives/C1",
    }
    return Call(**(facts | more))


def incidents(sandbox: Sandbox) -> list[Incident]:
    """The incidents there are, oldest first."""
    return sandbox.pagerduty.incidents()


def woken(sandbox: Sandbox) -> list[str]:
    """Whose phones rang, in order."""
    return [one.user.key for one in sandbox.pagerduty.woken()]


# Who is who


async def test_a_user_is_found_by_the_exact_address(pager: PagerDutyPager, sandbox: Sandbox) -> None:
    """PagerDuty searches for a part of it: whoever's address only contains it is somebody else."""
    port: Pager = pager
    assert await port.user_by_email("ana@example.com") == "PUANA"
    assert await port.user_by_email(" ANA@Example.com ") == "PUANA"
    assert await port.user_by_email("na@example.com") is None
    assert await port.user_by_email("ana") is None
    assert await port.user_by_email("nobody@example.com") is None
    del sandbox


# Waking


async def test_a_person_is_woken_by_name(pager: PagerDutyPager, sandbox: Sandbox) -> None:
    """Urgently, in the name of our own user; no policy follows her."""
    paged = await pager.page(call())
    (incident,) = incidents(sandbox)
    assert (paged.incident, paged.url) == (incident.id, f"{sandbox.url}/pagerduty.com/incidents/{incident.id}")
    assert (incident.status, incident.urgency, incident.key) == ("triggered", "high", KEY)
    assert [one.key for one in incident.assignees] == ["ana"]
    assert not incident.escalates
    assert incident.details is not None
    assert incident.details.endswith("https://acme.slack.example/archives/C1")
    assert woken(sandbox) == ["ana"]


@pytest.mark.parametrize("policy", [None, POLICY])
async def test_nobody_named_means_the_policy(policy: str | None, pager: PagerDutyPager, sandbox: Sandbox) -> None:
    """The service's own, where none is given; who is on call hears."""
    await pager.page(call(user=None, policy=policy))
    (incident,) = incidents(sandbox)
    assert incident.escalates
    assert woken(sandbox) == ["dee"]


async def test_a_page_with_a_key_that_is_open_is_that_page(pager: PagerDutyPager, sandbox: Sandbox) -> None:
    """Also once she has it; after it is over, the key is free again."""
    first = await pager.page(call())
    assert await pager.page(call()) == first
    sandbox.pagerduty.acknowledge(incidents(sandbox)[0], sandbox.pagerduty.account.user("ana"))
    sandbox.clock.turn(by=timedelta(days=40))
    assert await pager.page(call()) == first  # PagerDuty lists those of the last month where nobody asks for more
    assert woken(sandbox) == ["ana"]
    assert await pager.page(call(key=f"{KEY}-other", user="PUBEN")) != first
    sandbox.pagerduty.resolve(incidents(sandbox)[0], None)
    assert await pager.page(call()) != first


@pytest.mark.parametrize("how", ["accept_then_cut", "accept_then_answer"])
async def test_a_page_whose_answer_was_lost_wakes_once(
    how: str, pager: PagerDutyPager, sandbox: Sandbox, network: Between
) -> None:
    """It is doubtful; the second call finds it by its key."""
    network.spoil(how, path="/incidents", status=503)
    with pytest.raises(Doubtful):
        await pager.page(call())
    paged = await pager.page(call())
    assert [one.id for one in incidents(sandbox)] == [paged.incident]
    assert woken(sandbox) == ["ana"]
    assert len(network.posts("/incidents")) == 2, "each call is sent once"


async def test_a_page_that_is_open_and_not_listed_yet_is_looked_for_again(
    pager: PagerDutyPager, sandbox: Sandbox, network: Between
) -> None:
    """It is there, so nobody else is to be woken in its place; a page that is refused otherwise is refused."""
    first = await pager.page(call())
    network.spoil("answer", verb="GET", path="/incidents", status=200, body={"incidents": []}, times=2)
    with pytest.raises(RetryLater, match="does not list it yet"):
        await pager.page(call())
    with pytest.raises(GiveUp):
        await pager.page(call(key=f"{KEY}-other", user="PUNOBODY"))
    assert await pager.page(call()) == first
    assert woken(sandbox) == ["ana"]


async def test_a_page_that_never_arrived_is_sent_by_the_next(
    pager: PagerDutyPager, sandbox: Sandbox, network: Between
) -> None:
    """Nobody can tell the two apart."""
    network.spoil("cut", path="/incidents")
    with pytest.raises(Doubtful):
        await pager.page(call())
    assert incidents(sandbox) == []
    await pager.page(call())
    assert woken(sandbox) == ["ana"]


async def test_where_nothing_listens_it_is_not_doubtful(sandbox: Sandbox) -> None:
    """It certainly never left."""
    pager = connected(sandbox, "http://127.0.0.1:9")
    try:
        with pytest.raises(RetryLater):
            await pager.page(call(user=None))
        with pytest.raises(RetryLater):
            await pager.record_change(change())
    finally:
        await pager.close()


async def test_a_rate_limit_says_when_to_come_back(pager: PagerDutyPager, sandbox: Sandbox, network: Between) -> None:
    """By ``ratelimit-reset``; a page is tried once more at once, and then left to whoever asked."""
    assert await pager.page(call()) is not None
    network.clear()
    network.spoil("answer", path="/incidents", status=429, times=2, headers={"ratelimit-reset": "42"})
    with pytest.raises(RetryLater) as raised:
        await pager.page(call(key="another"))
    assert (raised.value.rate_limited, raised.value.delay) == (True, 42.0)
    await pager.page(call(key="another"))
    assert len(incidents(sandbox)) == 2


async def test_whoever_opens_it_is_not_who_is_woken(sandbox: Sandbox) -> None:
    """PagerDuty would take it as acknowledged and stay silent: that is refused before it is sent, with its mend."""
    pager = connected(sandbox, sandbox.url, from_email="Ana@example.com")
    try:
        with pytest.raises(GiveUp, match="PAGERDUTY_FROM") as raised:
            await pager.page(call())
        assert raised.value.code == "own_page"
        assert incidents(sandbox) == []
        await pager.page(call(user="PUBEN"))
    finally:
        await pager.close()
    assert woken(sandbox) == ["ben"]


@pytest.mark.parametrize("sender", [None, "nobody@example.com", "s\u0142u\u017cba@example.com"])
async def test_without_a_sender_it_says_what_to_set(sender: str | None, sandbox: Sandbox) -> None:
    pager = connected(sandbox, sandbox.url, from_email=sender)
    try:
        with pytest.raises(GiveUp, match="Set PAGERDUTY_FROM"):
            await pager.page(call())
    finally:
        await pager.close()
    assert incidents(sandbox) == []


@pytest.mark.parametrize("wrong", [{"service": "PNOWHERE"}, {"user": "PUNOBODY"}])
async def test_what_pagerduty_does_not_know_is_told_in_its_words(
    wrong: dict[str, str], pager: PagerDutyPager, sandbox: Sandbox
) -> None:
    with pytest.raises(GiveUp, match="not found"):
        await pager.page(call(**wrong))
    assert incidents(sandbox) == []


async def test_a_key_that_may_not_is_told(sandbox: Sandbox) -> None:
    sandbox.pagerduty.api_key = "another"
    settings = sandbox.environment()
    pager = PagerDutyPager("u+old", settings["PAGERDUTY_API_URL"], from_email=settings["PAGERDUTY_FROM"])
    try:
        with pytest.raises(Unauthorised, match="PAGERDUTY_API_KEY"):
            await pager.page(call(user=None))
    finally:
        await pager.close()


async def test_a_long_title_is_cut_to_one_line(pager: PagerDutyPager, sandbox: Sandbox) -> None:
    await pager.page(call(title="checkout 5xx\n" + "x" * 2000))
    title = incidents(sandbox)[0].title
    assert len(title) == LONGEST_TITLE
    assert "\n" not in title


# Asking further people


async def test_responders_are_asked_once_each(pager: PagerDutyPager, sandbox: Sandbox) -> None:
    """Whoever it is assigned to is not asked, nor whoever was."""
    paged = await pager.page(call())
    assert await pager.ask_responders(paged.incident, ["PUANA", "PUBEN"], "You merged #812")
    assert await pager.ask_responders(paged.incident, ["PUBEN", "PUCHI", "PUCHI"], "You merged #812")
    assert await pager.ask_responders(paged.incident, ["PUBEN"], "You merged #812")
    (incident,) = incidents(sandbox)
    assert [(one.user.key, one.requester.key) for one in incident.responders] == [
        ("ben", "shipmate"),
        ("chi", "shipmate"),
    ]
    assert woken(sandbox) == ["ana", "ben", "chi"]


async def test_responders_whose_answer_was_lost_are_asked_once(
    pager: PagerDutyPager, sandbox: Sandbox, network: Between
) -> None:
    paged = await pager.page(call())
    network.spoil("accept_then_cut", path="/responder_requests")
    with pytest.raises(Doubtful):
        await pager.ask_responders(paged.incident, ["PUBEN"], "You merged #812")
    assert await pager.ask_responders(paged.incident, ["PUBEN"], "You merged #812")
    assert woken(sandbox) == ["ana", "ben"]


async def test_an_account_that_cannot_ask_says_no(pager: PagerDutyPager, sandbox: Sandbox) -> None:
    """402: the ability belongs to a larger plan."""
    sandbox.pagerduty.account.abilities.discard("coordinated_responding")
    paged = await pager.page(call())
    assert await pager.ask_responders(paged.incident, ["PUBEN"], "You merged #812") is False


# What becomes of it


async def test_how_it_stands(pager: PagerDutyPager, sandbox: Sandbox) -> None:
    """Open, acknowledged by whom, over; over twice is well."""
    paged = await pager.page(call())
    assert await pager.state(paged.incident) == PagerState()
    sandbox.pagerduty.answer("ana")
    assert await pager.state(paged.incident) == PagerState(acknowledged_by=("PUANA",))
    for _ in range(2):
        await pager.resolve(paged.incident)
        assert (await pager.state(paged.incident)).resolved


async def test_a_policy_takes_over(pager: PagerDutyPager, sandbox: Sandbox, network: Between) -> None:
    """From its first level with anybody else on; a second call while it goes by it wakes nobody anew."""
    paged = await pager.page(call())
    network.spoil("accept_then_cut", verb="PUT", path="/incidents")
    with pytest.raises(Doubtful):
        await pager.escalate(paged.incident, POLICY, ["PUANA"])
    assert [one.user for one in await pager.escalate(paged.incident, POLICY, ["PUANA"])] == ["PUDEE"]
    (incident,) = incidents(sandbox)
    assert incident.escalates
    assert [one.key for one in incident.assignees] == ["dee"]
    assert woken(sandbox) == ["ana", "dee"]
    rung = ["PUANA", "PUDEE"]
    assert [one.user for one in await pager.escalate(paged.incident, None, rung)] == ["PUEVE"]
    assert woken(sandbox) == ["ana", "dee", "eve"]
    assert await pager.escalate(paged.incident, POLICY, [*rung, "PUEVE"]) == ()
    await pager.resolve(paged.incident)
    assert await pager.escalate(paged.incident, POLICY, []) == ()
    assert woken(sandbox) == ["ana", "dee", "eve"]


async def test_a_note_stands_once(pager: PagerDutyPager, sandbox: Sandbox, network: Between) -> None:
    paged = await pager.page(call())
    network.spoil("accept_then_cut", path="/notes")
    with pytest.raises(Doubtful):
        await pager.note(paged.incident, "Rolled back by Ana")
    await pager.note(paged.incident, "Rolled back by Ana")
    await pager.note(paged.incident, "y" * 3000)
    await pager.note(paged.incident, "y" * 3000)
    await pager.note(paged.incident, "  ")
    told = [one["content"] for one in incidents(sandbox)[0].notes]
    assert told[0] == "Rolled back by Ana"
    assert len(told) == 2
    assert len(told[1]) == LONGEST_NOTE


async def test_an_incident_that_is_not_there(pager: PagerDutyPager) -> None:
    for asked in (
        pager.state("QNOTHING"),
        pager.resolve("QNOTHING"),
        pager.escalate("QNOTHING", POLICY, []),
        pager.note("QNOTHING", "x"),
        pager.ask_responders("QNOTHING", ["PUANA"], "x"),
    ):
        with pytest.raises(GiveUp, match="the incident QNOTHING") as raised:
            await asked
        assert raised.value.code == "not_found"


@pytest.mark.parametrize("status", [500, 429])
async def test_a_question_is_never_doubtful(status: int, pager: PagerDutyPager, network: Between) -> None:
    paged = await pager.page(call())
    network.spoil("answer", verb="GET", status=status, times=9)
    for asked in (pager.state(paged.incident), pager.user_by_email("ana@example.com")):
        with pytest.raises(RetryLater):
            await asked


# Change events


def change(summary: str = "checkout a1b2c3d is live in production") -> ChangeEvent:
    """A deploy."""
    return ChangeEvent(
        summary=summary,
        source="shipmate",
        at=datetime(2026, 11, 21, 14, 0, tzinfo=UTC),
        details={"environment": "production"},
        links={"https://github.example/acme/checkout/compare/a...b": "What changed"},
    )


async def test_a_deploy_is_shown_beside_incidents(pager: PagerDutyPager, sandbox: Sandbox) -> None:
    await pager.record_change(change())
    (shown,) = sandbox.pagerduty.account.services[CHECKOUT].changes
    assert shown["summary"] == "checkout a1b2c3d is live in production"
    assert shown["timestamp"] == "2026-11-21T14:00:00.000Z"
    assert shown["custom_details"] == {"environment": "production"}
    assert shown["links"] == [{"href": "https://github.example/acme/checkout/compare/a...b", "text": "What changed"}]
    await pager.record_change(change("x" * 3000))
    assert len(sandbox.pagerduty.account.services[CHECKOUT].changes[-1]["summary"]) == 1024


@pytest.mark.parametrize(
    ("how", "status", "kind"),
    [
        ("accept_then_cut", 0, Doubtful),
        ("answer", 502, Doubtful),
        ("answer", 429, RetryLater),
        ("answer", 400, GiveUp),
    ],
)
async def test_a_change_event_that_fails_says_how(
    how: str, status: int, kind: type[OutgoingError], pager: PagerDutyPager, network: Between
) -> None:
    body = {"status": "invalid event", "message": "Event object is invalid", "errors": ["Invalid routing key"]}
    network.spoil(how, path="/change/enqueue", status=status, body=body)
    with pytest.raises(OutgoingError) as raised:
        await pager.record_change(change())
    assert type(raised.value) is kind
    if kind is GiveUp:
        assert "Invalid routing key" in str(raised.value)
    assert len(network.posts("/change/enqueue")) == 1


async def test_without_a_routing_key_it_says_what_to_set(sandbox: Sandbox) -> None:
    pager = connected(sandbox, sandbox.url, routing_key=None)
    with pytest.raises(GiveUp, match="PAGERDUTY_ROUTING_KEY"):
        await pager.record_change(change())
    await pager.close()


async def test_somebody_is_on_it(pager: PagerDutyPager, sandbox: Sandbox) -> None:
    """Said from elsewhere, no phone rings on; said again, or of one that is over, it stays as it is."""
    made = await pager.page(call())
    await pager.acknowledge(made.incident)
    await pager.acknowledge(made.incident)
    [incident] = incidents(sandbox)
    assert (incident.status, [user.key for user, _ in incident.acknowledged]) == ("acknowledged", ["shipmate"])
    await pager.resolve(made.incident)
    await pager.acknowledge(made.incident)
    assert incident.status == "resolved"


async def test_one_that_ends_while_somebody_says_that_they_are_on_it_is_over(
    pager: PagerDutyPager, sandbox: Sandbox, network: Between
) -> None:
    """PagerDuty refuses to acknowledge it, and that is well."""
    made = await pager.page(call())
    await pager.resolve(made.incident)
    stood = {"incident": {"id": made.incident, "status": "triggered"}}
    network.spoil("answer", verb="GET", path=f"/incidents/{made.incident}", status=200, body=stood)
    await pager.acknowledge(made.incident)
    [incident] = incidents(sandbox)
    assert (incident.status, incident.acknowledged) == ("resolved", [])
