"""Who belongs to a group: full members, as read within the hour; whatever cannot be read opens nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

import pytest
from sqlmodel import Session, select

from bot import outbox, people
from bot.catalog import Team
from bot.errors import GiveUp, RetryLater, Unauthorised, UserError
from bot.people import EVERY, STALE, Group, Profile
from bot.ports import Member, OnCall
from bot.work import Work
from tests.unit.refreshed import CATALOG, LEADS, PLAIN, Here, World
from tests.unit.stores import NOON, Clock, opened


@pytest.fixture
async def here(database_url: str):  # type: ignore[no-untyped-def]
    """An empty database, at noon."""
    async with opened(database_url) as database:
        yield Here(database, World(), Clock())


async def test_a_group_counts_nobody_until_it_was_read(here: Here) -> None:
    assert (await here.fact("@payments-leads")).trouble == "I have not read @payments-leads yet"
    await here.want("@Payments-Leads")
    assert await here.read() == 1
    fact = await here.fact("@payments-leads")
    assert (fact.members, fact.trouble, fact.read_at) == (frozenset({"U0DEE", "U0EVE"}), None, NOON)
    assert {kind for kind, _ in here.settled} == {"group", "member"}, "what was judged by it is judged again"


async def test_guests_the_deactivated_and_strangers_never_belong(here: Here) -> None:
    here.world.groups["payments-leads"] = frozenset({"U0DEE", "U0FAY", "U0OLD", "U0NOBODY"})
    here.world.people["U0FAY"] = Member("U0FAY", "Fay", guest=True)
    here.world.people["U0OLD"] = Member("U0OLD", "Old", active=False)
    here.world.people["U0NOBODY"] = cast("Member", None)
    await here.want("@payments-leads")
    await here.read()
    assert (await here.fact("@payments-leads")).members == frozenset({"U0DEE"})
    for word in ("U0FAY", "U0OLD", "U0NOBODY"):
        await here.want(word)
        await here.read()
        fact = await here.fact(word)
        assert (fact.members, fact.trouble) == (frozenset(), None)


async def test_a_membership_read_more_than_an_hour_ago_counts_nobody_and_says_since_when(here: Here) -> None:
    await here.want("@payments-leads")
    await here.read()
    here.world.fault = Unauthorised("missing_scope", "Give the app the bot scope usergroups:read.")
    here.clock.turn(minutes=10)
    await here.read()
    assert (await here.fact("@payments-leads")).trouble is None, "what was read is believed for an hour"
    here.clock.now = NOON + STALE
    fact = await here.fact("@payments-leads")
    assert fact.members == frozenset()
    assert fact.read_at == NOON
    assert fact.trouble == (
        "I could not read @payments-leads for more than an hour: Give the app the bot scope usergroups:read"
    )
    here.world.fault = None
    await here.read()
    assert (await here.fact("@payments-leads")).members == frozenset({"U0DEE", "U0EVE"})


async def test_it_is_read_every_ten_minutes_while_somebody_wants_it_and_then_no_more(here: Here) -> None:
    await here.want("@payments-leads")
    await here.read()
    here.clock.turn(minutes=9)
    await here.want("@payments-leads")
    assert await here.read() == 0
    here.clock.turn(minutes=1)
    assert await here.read() == 1
    assert here.world.asked.count("@payments-leads") == 2
    assert here.world.asked.count("U0DEE") == 1, "who they are is asked less often"
    for _ in range(200):
        here.clock.turn(minutes=10)
        await here.read()
    assert here.world.asked.count("@payments-leads") < 160, "nobody has asked for a day"
    assert await here.database.read(lambda session: session.exec(select(Work)).all()) == []
    await here.want("@payments-leads")
    assert await here.read() == 1


async def test_one_that_cannot_be_read_is_tried_again_each_minute_and_not_at_each_question(here: Here) -> None:
    here.world.fault = GiveUp("plan_upgrade_required", "User groups need a paid plan.")
    await here.want("@payments-leads")
    await here.read()
    assert (await here.fact("@payments-leads")).trouble == (
        "I cannot read @payments-leads: User groups need a paid plan"
    )
    for _ in range(5):
        await here.want("@payments-leads")
        assert await here.read() == 0
    here.clock.turn(minutes=1)
    assert await here.read() == 1


async def test_a_group_that_does_not_exist_is_told(here: Here) -> None:
    await here.want("@nobody")
    await here.read()
    fact = await here.fact("@nobody")
    assert (fact.members, fact.trouble) == (frozenset(), "there is no user group @nobody in Slack")


async def test_a_group_that_is_read_in_part_counts_nobody_until_all_of_it_is(here: Here) -> None:
    """Slack asks us to slow down in the middle: what was read is kept, the rest follows."""
    here.world.people["U0EVE"] = RetryLater("limited", rate_limited=True)
    await here.want("@payments-leads")
    await here.read()
    assert (await here.fact("@payments-leads")).trouble == "I cannot read @payments-leads: limited"
    del here.world.people["U0EVE"]
    here.clock.turn(minutes=1)
    await here.read()
    assert (await here.fact("@payments-leads")).members == frozenset({"U0DEE", "U0EVE"})
    assert here.world.asked.count("U0DEE") == 1


async def test_who_becomes_a_guest_belongs_no_longer_and_it_is_judged_again(here: Here) -> None:
    await here.want("@payments-leads")
    await here.read()
    here.settled.clear()
    here.world.people["U0EVE"] = Member("U0EVE", "Eve", guest=True)
    for _ in range(3):
        here.clock.turn(minutes=10)
        await here.read()
    assert (await here.fact("@payments-leads")).members == frozenset({"U0DEE"})
    assert len(here.settled) == 1


async def test_people_are_named_by_slack_id_login_or_address(here: Here) -> None:
    for word in ("U0DEE", "dee", "Dee@example.com"):
        assert "I have not read who" in str((await here.fact(word)).trouble) or word != "U0DEE"
        await here.want(word)
        await here.read()
        assert (await here.fact(word)).members == frozenset({"U0DEE"})
    for word in ("ghost", "mallory"):
        await here.want(word)
        assert (await here.fact(word)).trouble == (
            f"shipmate.yml does not say who {word} is in Slack: add them under people"
        )


async def test_who_is_on_call_is_known_by_pagerdutys_id_or_by_address(here: Here) -> None:
    here.world.on_duty = (
        OnCall("PUDEE", None, "Dee", NOON + timedelta(hours=8)),
        OnCall("PUEVE", "eve@example.com", "Eve", None),
        OnCall("PUX", "x@example.com", "Xu", None),
    )
    assert (await here.fact("on-call")).trouble == "I have not read who is on call for checkout yet"
    await here.want("on-call")
    await here.read()
    assert (await here.fact("On-Call")).members == frozenset({"U0DEE", "U0EVE"})
    assert (await here.fact("on-call", PLAIN)).trouble == (
        "cart has no pagerduty_service in shipmate.yml, so nobody is on call"
    )


async def test_whose_shift_it_is_by_a_schedule_is_known_by_its_id(here: Here) -> None:
    """Conductors of trains are named so."""
    here.world.on_duty = (OnCall("PUDEE", None, "Dee", None),)
    assert (await here.fact("PSHIFTS")).trouble == "I have not read whose shift it is by the schedule PSHIFTS yet"
    await here.want("PSHIFTS")
    await here.read()
    assert (await here.fact("PSHIFTS")).members == frozenset({"U0DEE"})
    assert "PSHIFTS" in here.world.asked
    here.world.on_duty = ()
    here.clock.turn(minutes=11)
    await here.read()
    assert (await here.fact("PSHIFTS")).trouble == "nobody has a shift by the schedule PSHIFTS"


async def test_a_shift_that_is_over_counts_no_more(here: Here) -> None:
    here.world.on_duty = (OnCall("PUDEE", None, "Dee", NOON + timedelta(minutes=5)),)
    await here.want("on-call")
    await here.read()
    here.clock.turn(minutes=5)
    assert (await here.fact("on-call")).trouble == "nobody is on call for checkout"


async def test_somebody_on_call_whom_nobody_knows_in_slack_is_named(here: Here) -> None:
    here.world.on_duty = (OnCall("PUX", "x@example.com", "Xu", None),)
    await here.want("on-call")
    await here.read()
    assert (await here.fact("on-call")).trouble == (
        "Xu is on call, and I do not know them in Slack: write them under people in shipmate.yml"
    )


async def test_without_pagerduty_on_call_says_what_to_set(here: Here) -> None:
    here.pager = False
    await here.want("on-call")
    await here.read()
    assert (await here.fact("on-call")).trouble == "I cannot read who is on call for checkout: set PAGERDUTY_API_KEY"


async def test_whether_somebody_is_online_is_read_along_and_nobody_waits_for_it(here: Here) -> None:
    here.world.groups["payments-leads"] = frozenset({"U0DEE", "U0EVE", "U0FAY"})
    await here.want("@payments-leads")
    await here.read()

    def online(session: Session) -> dict[str, bool | None]:
        return {row.slack_id: row.online for row in session.exec(select(Profile)).all()}

    assert await here.database.read(online) == {"U0DEE": True, "U0EVE": False, "U0FAY": None}


# Members of a team


def kept(session: Session, handle: str, members: list[str], at: datetime = NOON) -> None:
    """A group as it was read."""
    session.add(Group(handle=handle, members=members, read_at=at))
    for one in members:
        people.saw(session, Member(one, one.title()), at)
    session.flush()


def test_a_team_that_names_nobody_is_every_full_member(session: Session) -> None:
    """As Slack said last: the door asked it before it took in what is applied now, after an outage hours later."""
    everybody = Team(name="payments", channel="#payments")
    people.saw(session, Member("U0ANA", "Ana"), NOON)
    people.saw(session, Member("U0FAY", "Fay", guest=True), NOON)
    people.want_member(session, "U0BEN", NOON)
    for team in (None, everybody):
        assert people.is_member(session, CATALOG, team, "U0ANA", NOON + 2 * STALE)
        assert not people.is_member(session, CATALOG, team, "U0FAY", NOON)
        for unread in ("U0BEN", "U0NEW"):
            with pytest.raises(UserError, match="Slack has not said yet that you are a full member"):
                people.is_member(session, CATALOG, team, unread, NOON)


def test_a_team_is_who_its_words_name(session: Session) -> None:
    kept(session, "payments-leads", ["U0EVE"])
    people.saw(session, Member("U0DEE", "Dee"), NOON)
    assert people.is_member(session, CATALOG, LEADS, "U0EVE", NOON)
    assert people.is_member(session, CATALOG, LEADS, "U0DEE", NOON), "by login"
    assert not people.is_member(session, CATALOG, LEADS, "U0ANA", NOON)


def test_a_stale_team_refuses_with_the_reason_unless_another_word_names_them(session: Session) -> None:
    kept(session, "payments-leads", ["U0EVE"])
    late = NOON + STALE
    people.saw(session, Member("U0DEE", "Dee"), late)
    assert people.is_member(session, CATALOG, LEADS, "U0DEE", late)
    with pytest.raises(UserError, match="the team payments: I could not read @payments-leads for more than an hour"):
        people.is_member(session, CATALOG, LEADS, "U0EVE", late)


def test_who_is_a_full_member_must_have_been_read_within_the_hour(session: Session) -> None:
    def at(instant: datetime) -> tuple[bool, str | None]:
        row = people.profile_of(session, "U0ANA")
        return people.is_full(row, instant), people.doubt(row, "Ana", instant)

    unread = "Slack has not said yet that Ana is a full member"
    assert at(NOON) == (False, unread)
    people.want_member(session, "U0ANA", NOON)
    assert at(NOON) == (False, unread)
    people.saw(session, Member("U0ANA", "Ana"), NOON)
    assert at(NOON + STALE - timedelta(seconds=1)) == (True, None)
    assert at(NOON + STALE) == (False, "Slack has not said for more than an hour that Ana is a full member")
    people.saw(session, Member("U0ANA", "Ana", guest=True), NOON - timedelta(minutes=1))
    assert at(NOON) == (True, None), "what was read before does not count after"
    people.saw(session, Member("U0ANA", "Ana", guest=True), NOON + timedelta(minutes=1))
    assert at(NOON + timedelta(minutes=1)) == (False, None), "known to be none is no doubt"


def test_a_status_that_means_absence_is_kept_until_slack_says_otherwise(session: Session) -> None:
    """With its end, where it has one."""
    until = NOON + timedelta(hours=3)
    people.saw(session, Member("U0DEE", "Dee", away="On holiday", away_until=until), NOON)
    row = people.profile_of(session, "U0DEE")
    assert row is not None
    assert (row.away, row.away_until) == ("On holiday", until)
    people.saw(session, Member("U0DEE", "Dee"), NOON + timedelta(hours=1))
    assert (row.away, row.away_until) == (None, None)


def test_why_slack_does_not_say_who_somebody_is_is_said_with_it(session: Session) -> None:
    people.want_member(session, "U0ANA", NOON)
    row = people.profile_of(session, "U0ANA")
    assert row is not None
    row.trouble = "give the app users:read"
    assert people.doubt(row, "Ana", NOON) == (
        "Slack has not said yet that Ana is a full member: give the app users:read"
    )


def test_somebody_whom_a_door_has_just_read_is_read_again_in_time(session: Session) -> None:
    """Or whoever is deactivated after their click would count for as long as nobody asks."""
    people.saw(session, Member("U0DEE", "Dee"), NOON)
    for minutes in (0, 5):
        people.want_member(session, "U0DEE", NOON + timedelta(minutes=minutes))
    assert session.exec(select(outbox.Effect)).all() == []
    assert [(row.kind, row.due_at) for row in session.exec(select(Work)).all()] == [("member", NOON + EVERY)]


async def test_what_is_believed_again_is_judged_again(here: Here) -> None:
    """Slack was silent for more than an hour, and says the same as before."""
    await here.want("U0DEE")
    await here.want("@payments-leads")
    await here.read()
    here.settled.clear()
    here.clock.now += STALE
    assert await here.read() == 2
    assert {kind for kind, _ in here.settled} == {"group", "member"}


def test_asking_twice_at_once_is_one_question(session: Session) -> None:
    for _ in range(2):
        people.want_group(session, CATALOG, "@payments-leads", NOON, service=None)
        people.want_member(session, "U0ANA", NOON)
    people.want_group(session, CATALOG, "on-call", NOON, service=None)
    keys = session.exec(select(outbox.Effect.key)).all()
    assert sorted(key.partition(":")[0] for key in keys) == ["group", "member"]
