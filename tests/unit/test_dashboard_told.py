"""What the dashboard and `/ship status` say of what is out again, whom something waits for, and who was called."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlmodel import Session

from bot.answers.dashboard import Asked
from bot.answers.dashboard.changes import carried
from bot.answers.dashboard.pipelines import FEW
from bot.answers.dashboard.pipelines import MOST as MOST_SERVICES
from bot.answers.dashboard.views import Shipped
from bot.answers.oncall import on_call
from bot.answers.status import status
from bot.events import Act, Human, IncidentAct, LockPlaced
from bot.rendering import Renderer
from tests.unit.alarming import BAKERS, Alarms, alarms, paged
from tests.unit.promoting import World, world
from tests.unit.railway import railway
from tests.unit.reports import carrying, minute, pull
from tests.unit.rooming import Rooming
from tests.unit.test_dashboard_answer import cell, locked, shown


def tags(rows: tuple[Shipped, ...]) -> list[tuple[str, bool, bool, bool]]:
    """Of each rollout to production its build, and whether it is live, out again, a rollback."""
    return [(one.sha[:1], one.live, one.out, one.rollback) for one in rows if one.environment == "production"]


def rolled_back(here: World) -> None:
    """A build of Ana's is live, and Eve declares that it goes out again; the pipeline carries that out."""
    here.meet("U0DEE", "U0EVE", "U0ANA")
    here.raised()
    here.turn(40)
    here.act(Act.APPROVE)
    here.turn(41)
    here.call()
    here.ship("b", promotion=here.present().id)
    here.turn(50)
    here.roll_back(who="U0EVE")
    here.turn(51)
    here.call()
    here.ship("a", number="back", promotion=here.present().id, creator=Human(login="shipmate-bot"))
    here.session.flush()


def test_a_rollback_is_told_with_who_asked_for_it_and_what_it_took_out_is_not_live(sqlite_session: Session) -> None:
    here = world(sqlite_session)
    rolled_back(here)
    found = shown(sqlite_session, here.desk)
    rows = [one for one in found.shipped if one.environment == "production"]
    assert rows[0].who == ("Eve",), "not the bot, which only called the pipeline"
    assert tags(found.shipped)[:2] == [("a", True, False, True), ("b", False, True, False)]


def test_what_a_rollback_went_past_is_out_and_what_was_before_it_only_shipped(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.lived()
    for at, sha, number in ((10, "b", 901), (20, "c", 902), (30, "d", 903)):
        here.at = at
        here.rollout("cart", sha, pull(number, sha))
    here.at = 40
    back = here.rollout("cart", "b", number="back", found=carrying(leaving=(pull(902, "c"), pull(903, "d"))))
    assert back.previous is not None
    found = shown(sqlite_session, here.desk, service="cart")
    assert tags(found.shipped) == [
        ("b", True, False, True), ("d", False, True, False), ("c", False, True, False), ("b", False, False, False),
        ("a", False, False, False),
    ]  # fmt: skip


def test_what_is_named_beside_a_rollback_is_what_it_took_out_and_never_what_is_live(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.lived()
    here.at = 10
    here.rollout("cart", "b", pull(901, "b"))
    here.at = 20
    live = here.rollout("cart", "c", pull(902, "c"))
    assert not carried(sqlite_session, [live], {live.id})[live.id or 0], "nothing is known to have left with it"
    here.at = 30
    here.rollout("cart", "b", number="back", found=carrying(leaving=(pull(902, "c"),)))
    there = cell(shown(sqlite_session, here.desk), "cart", "production")
    assert there.newest is not None
    assert (there.rolled_back, there.newest.label) == (True, "#902")


def test_a_go_that_is_wanted_waits_for_somebody(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.lived()
    here.tell(
        LockPlaced(
            scope="cart/production", reason="moving", ends_at=minute(60), rollbacks=True, slack_id="U0DEE",
            called="Dee", channel=None, at=here.now,
        )
    )  # fmt: skip
    held = shown(sqlite_session, here.desk)
    assert (held.goes, held.open) == ((), 0), "a lock that holds has its end"
    here.at = 61
    found = shown(sqlite_session, here.desk)
    assert [(one.what, one.can) for one in found.goes] == [("cart → production", "anybody here but guests")]
    assert found.open == 1


def test_a_go_that_a_promotion_asks_for_counts_once(sqlite_session: Session) -> None:
    here = world(sqlite_session)
    here.raised()
    here.tell(
        LockPlaced(
            scope="oven", reason="moving", ends_at=minute(30), rollbacks=True, slack_id="U0DEE", called="Dee",
            channel=None, at=here.now,
        )
    )  # fmt: skip
    here.turn(40)
    found = shown(sqlite_session, here.desk)
    assert (found.goes, found.open, len(found.brakes)) == ((), 1, 1)
    assert found.waiting[0].waits[0].can, "who can say Go is said there"


def test_what_ships_by_itself_waits_for_nobody(sqlite_session: Session) -> None:
    here = world(sqlite_session)
    here.raised()
    assert len(shown(sqlite_session, here.desk).for_somebody) == 1, "a yes is missing"
    here.turn(40)
    here.act(Act.APPROVE)
    here.turn(41)
    here.call()
    here.ship("b", "in_progress", percent=40, promotion=here.present().id)
    found = shown(sqlite_session, here.desk)
    assert (found.for_somebody, found.open, len(found.by_themselves)) == ((), 0, 1)


def test_a_departure_is_told_with_when_it_left(railway_session: Session) -> None:
    here = railway(railway_session)
    here.opened()
    here.ready()
    (run,) = shown(railway_session, here.desk).trains[0].running
    assert (run.state, run.at > here.now, run.left_at) == ("sealed", True, None)
    here.turn(121)
    (run,) = shown(railway_session, here.desk).trains[0].running
    assert (run.state, run.left_at) == ("departed", here.departure().departed_at)
    assert run.left_at is not None


def test_a_service_of_another_team_is_shown_and_that_it_is_none_of_theirs_is_said(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.services = (*here.services, paged("atlas", team=None))
    here.lived()
    found = shown(sqlite_session, here.desk, team="bakers", service="atlas")
    assert found.asked == Asked(service="atlas", not_of="bakers")
    assert [one.service for team in found.pipelines for one in team.pipelines] == ["atlas"]
    assert shown(sqlite_session, here.desk, team="bakers", service="cart").asked == Asked(team="bakers", service="cart")


def test_an_alert_that_names_no_environment_is_told_where_customers_are(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.lived()
    here.rollout("cart", "a", environment="staging", number="s0")
    here.fires("cart", environment=None)
    found = shown(sqlite_session, here.desk)
    assert [len(cell(found, "cart", one).alerts) for one in ("staging", "production")] == [0, 1]
    (service,) = status(sqlite_session, here.desk, "cart").services
    assert {one.environment: len(one.alerts) for one in service.targets} == {"staging": 0, "production": 1}


def test_of_too_many_services_none_is_left_out_with_which_something_is_the_matter(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.services = tuple(paged(f"s{number:03}") for number in range(MOST_SERVICES + 2))
    last, before = f"s{MOST_SERVICES + 1:03}", f"s{MOST_SERVICES:03}"
    here.rollout(last, "a", status="failed")
    here.rollout(before, "a", status="in_progress")
    found = shown(sqlite_session, here.desk)
    assert ([one.service for one in found.failures], found.wrong, found.rolling) == ([last], 1, 1)
    assert cell(found, last, "production").failed is not None
    assert cell(found, before, "production").rolling is not None
    assert found.more_services


def test_of_many_services_those_that_need_somebodys_eyes_come_first_and_the_others_are_folded(
    sqlite_session: Session,
) -> None:
    """On a phone nobody scrolls past thirty calm services; a freeze of everything makes none of them loud."""
    here = Alarms(sqlite_session)
    here.meet("U0DEE")
    last = paged("z99", team=replace(BAKERS, name="zebras"))
    here.services = (*(paged(f"s{number:02}") for number in range(FEW - 1)), last)
    locked(here, "everything", "the sale")
    few = shown(sqlite_session, here.desk)
    assert [(one.team, len(one.pipelines), len(one.calm)) for one in few.pipelines] == [
        ("bakers", FEW - 1, 0),
        ("zebras", 1, 0),
    ]
    here.services = (*here.services, paged("s99"))
    here.rollout("z99", "a", status="failed")
    many = shown(sqlite_session, here.desk)
    assert [(one.team, len(one.pipelines), len(one.calm)) for one in many.pipelines] == [
        ("zebras", 1, 0),
        ("bakers", 0, FEW),
    ]
    assert len(cell(many, "s01", "production").brakes) == 1, "and it is told all the same"


def said(name: str, view: object) -> str:
    """All that a reply says."""
    return str(Renderer().message(name, view, key="k"))


def test_an_incident_by_hand_is_red_and_no_alert_is_said_to_be_over(calm: Rooming) -> None:
    calm.opens("ledger is out of balance", "checkout", severity=1)
    row = shown(calm.session, calm.desk).incidents[0]
    assert row.line.by_hand
    words = said("replies/status", status(calm.session, calm.desk, "checkout"))
    assert "🔴" in words
    assert "no alert belongs to it" in words
    assert "quiet" not in words


def test_who_was_called_and_who_is_next_is_told_until_somebody_is_on_it(burning: Rooming) -> None:
    burning.calls()
    (row,) = shown(burning.session, burning.desk).incidents
    page, asked = row.line.called
    assert (page.person.name, page.next_at) == ("Ana", burning.now + timedelta(minutes=5))
    assert (asked.person.name, asked.then) == ("Chi", None), "who is only asked to come takes nobody's place"
    for name, view in (
        ("replies/status", status(burning.session, burning.desk, "checkout")),
        ("replies/oncall", on_call(burning.session, burning.desk, "checkout")),
    ):
        words = said(name, view)
        assert "no answer yet · none by" in words
        assert str(page.then) in words
    burning.acts(IncidentAct.MINE)
    assert shown(burning.session, burning.desk).incidents[0].line.called == ()
