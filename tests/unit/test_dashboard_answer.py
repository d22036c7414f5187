"""What the dashboard shows, each part as the events themselves bring it about; and what it costs as more is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.answers.dashboard import Asked, Board, board, figures
from bot.answers.dashboard.pipelines import MOST as MOST_SERVICES
from bot.answers.dashboard.views import Cell
from bot.answers.metrics import metrics
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import Act, AlertLevel, AlertReported, DeployStatus, FreezeDeclared, IncidentAct, LockPlaced, TrainAct
from bot.gates import Approval
from bot.incidents.models import Likely
from tests.unit.alarming import alarms, paged
from tests.unit.promoting import GATES, World, world
from tests.unit.railway import GATES as BY_TRAIN
from tests.unit.railway import Railway, carried, railway
from tests.unit.reports import BEN, minute, pull
from tests.unit.rooming import Rooming
from tests.unit.together import counted


def room_url(channel: str) -> str:
    """Where a room opens."""
    return f"https://slack.example/archives/{channel}"


def shown(session: Session, desk: Desk, **asked: str) -> Board:
    """The board as of now."""
    return board(session, desk, room_url, **asked)


def cell(found: Board, service: str, environment: str) -> Cell:
    """What one place shows."""
    for team in found.pipelines:
        for pipeline in (*team.pipelines, *team.calm):
            if pipeline.service == service:
                there = pipeline.at(environment)
                assert there is not None
                return there
    raise AssertionError(f"{service} is not shown")


def locked(here: World, scope: str, why: str, who: str = "U0DEE") -> None:
    """Somebody locks."""
    here.tell(
        LockPlaced(
            scope=scope, reason=why, ends_at=None, rollbacks=True, slack_id=who, called="Dee", channel=None, at=here.now
        )
    )  # fmt: skip


# --- nothing ------------------------------------------------------------------------------------------------------


def test_before_anything_happened_there_are_the_services_of_the_catalogue(sqlite_session: Session) -> None:
    here = world(sqlite_session)
    found = shown(sqlite_session, here.desk)
    assert (found.incidents, found.waiting, found.shipped, found.brakes, found.failures) == ((), (), (), (), ())
    assert [(team.team, team.environments) for team in found.pipelines] == [("bakers", ("staging", "production"))]
    assert cell(found, "oven", "production").sha is None
    assert (found.wrong, found.open, found.rolling) == (0, 0, 0)


# --- what is wrong ------------------------------------------------------------------------------------------------


def test_an_open_incident_is_shown_with_who_leads_what_is_likely_and_its_room(burning: Rooming) -> None:
    burning.acts(IncidentAct.MINE)
    found = shown(burning.session, burning.desk)
    (row,) = found.incidents
    assert row.line.lead is not None
    assert (row.line.service, row.line.lead.name) == ("checkout", "Ana")
    assert row.line.likely is not None
    assert row.line.likely.label == "#812"
    assert row.room_url == room_url(burning.room_of())
    there = cell(found, "checkout", "production")
    assert there.incidents == ((row.line.incident_id, row.line.title),)
    assert [one.name for one in there.alerts] == ["checkout 5xx"]
    assert [one.owner for one in there.brakes] == ["Shipmate"], "the incident's own lock"
    assert found.alerts == (), "the alert belongs to the incident"
    assert found.wrong == 1


def test_an_incident_is_gone_once_it_is_resolved(burning: Rooming) -> None:
    burning.over()
    burning.acts(IncidentAct.RESOLVE, text="rolled back")
    found = shown(burning.session, burning.desk)
    assert found.incidents == ()
    assert cell(found, "checkout", "production").incidents == ()


def test_an_alert_that_is_nobodys_and_a_failure_are_wrong_too(sqlite_session: Session) -> None:
    here = world(sqlite_session, gates=())
    here.lives()
    here.at = 5
    here.tell(
        AlertReported(
            source="api", fingerprint="disk", service=None, environment=None, name="disk full", url=None,
            started_at=here.now, at=here.now,
        )
    )  # fmt: skip
    here.ship("b", "failed")
    found = shown(sqlite_session, here.desk)
    assert [(one.alert.name, one.service) for one in found.alerts] == [("disk full", None)]
    assert [(one.service, one.environment, one.sha[:1]) for one in found.failures] == [("oven", "production", "b")]
    assert cell(found, "oven", "production").failed is not None
    here.at = 9
    here.ship("c")
    mended = shown(sqlite_session, here.desk)
    assert (mended.failures, cell(mended, "oven", "production").failed) == ((), None)


# --- what waits ---------------------------------------------------------------------------------------------------


def test_a_promotion_shows_why_it_waits_and_who_can_help_and_then_how_far_it_is(sqlite_session: Session) -> None:
    here = world(sqlite_session, gates=(*GATES[:4], Approval(groups=()), GATES[5]))
    here.meet("U0DEE", "U0EVE", "U0ANA")
    here.raised()
    (row,) = shown(sqlite_session, here.desk).waiting
    assert (row.service, row.environment, row.state, row.changes) == ("oven", "production", "open", 1)
    assert row.newest is not None
    assert (row.newest.label, row.newest.authors) == ("#801", ("Ana",))
    assert [one.gate for one in row.waits] == ["approval", "soak"], "what a person can do comes before time"
    assert row.wants_yes
    locked(here, "oven", "network work")
    (row,) = shown(sqlite_session, here.desk).waiting
    assert (row.waits[0].gate, row.waits[0].blocked) == ("lock", True), "what holds it comes first"
    assert "network work" in row.waits[0].reason


def test_what_ships_shows_how_far_it_is(sqlite_session: Session) -> None:
    here = world(sqlite_session)
    here.raised()
    here.turn(40)
    here.act(Act.APPROVE)
    (row,) = shown(sqlite_session, here.desk).waiting
    assert (row.state, row.waits) == ("starting", ())
    here.turn(41)
    here.call()
    here.ship("b", "in_progress", percent=40, promotion=here.present().id)
    found = shown(sqlite_session, here.desk)
    assert [(one.state, one.percent) for one in found.waiting] == [("rolling", 40)]
    there = cell(found, "oven", "production")
    assert there.rolling is not None
    assert (there.rolling.percent, found.rolling) == (40, 1)
    assert there.promotion == found.waiting[0]
    here.ship("b", "succeeded", promotion=here.present().id)
    assert shown(sqlite_session, here.desk).waiting == ()


def test_those_whose_yes_is_missing_are_named(session: Session) -> None:
    here = Railway(session, train=None)
    here.services = (carried("cart", gates=(*BY_TRAIN[:-2], Approval())),)
    here.opened()
    here.built("cart", "b", 812)
    here.told()
    (row,) = shown(session, here.desk).waiting
    assert {one.person.name for one in row.able} == {"Dee", "Eve"}


# --- pipelines ----------------------------------------------------------------------------------------------------


def test_what_is_live_is_named_by_its_newest_change_and_counted_against_what_comes_next(
    sqlite_session: Session,
) -> None:
    here = world(sqlite_session)
    here.raised("b", "a", pull(812, "b", author=BEN))
    found = shown(sqlite_session, here.desk)
    staging, production = (cell(found, "oven", one) for one in ("staging", "production"))
    assert (staging.onward, production.onward, production.ahead) == ("production", None, None)
    assert (staging.sha or "")[:1] == "b"
    assert (production.sha or "")[:1] == "a"
    assert production.since == minute(-3 * 24 * 60)


def test_changes_ahead_are_those_that_the_next_environment_lacks(session: Session) -> None:
    """Also where one of them went there by itself, and once all of them have."""
    here = alarms(session)
    here.lived()
    for service in here.services:
        here.rollout(service.name, "a", environment="staging", number=f"s0-{service.name}")
    assert cell(shown(session, here.desk), "cart", "staging").ahead == 0
    here.at = 10
    here.rollout("cart", "b", pull(901, "b"), environment="staging", number="s1")
    here.at = 20
    here.rollout("cart", "c", pull(902, "c", author=BEN), pull(903, "c2"), environment="staging", number="s2")
    ahead = cell(shown(session, here.desk), "cart", "staging")
    assert (ahead.ahead, ahead.more) == (3, 1)
    here.at = 25
    here.rollout("cart", "b", pull(901, "b"), number="p1")
    assert cell(shown(session, here.desk), "cart", "staging").ahead == 2
    here.at = 30
    here.rollout("cart", "c", pull(902, "c", author=BEN), pull(903, "c2"), number="p2")
    level = cell(shown(session, here.desk), "cart", "staging")
    assert level.ahead == 0


def test_services_stand_with_their_team_and_those_of_none_come_last(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.services = (*here.services, paged("atlas", team=None, environments=("eu", "us")))
    here.lived()
    found = shown(sqlite_session, here.desk)
    assert [(team.team, [one.service for one in team.pipelines]) for team in found.pipelines] == [
        ("bakers", ["cart", "checkout", "mail"]),
        (None, ["atlas"]),
    ]
    assert found.pipelines[1].environments == ("eu", "us", "production"), (
        "what was deployed comes after what is written"
    )


# --- trains, locks ------------------------------------------------------------------------------------------------


def test_trains_show_when_they_leave_and_what_is_held(session: Session) -> None:
    here = railway(session)
    here.opened()
    (train,) = shown(session, here.desk).trains
    assert (train.name, train.leaves_at, train.closes_at) == ("web", minute(120), minute(105))
    assert (train.running, train.conductor) == ((), "Chi")
    here.sealed()
    here.conduct(TrainAct.HOLD, reason="the bank is down", review_at=minute(180))
    (train,) = shown(session, here.desk).trains
    (run,) = train.running
    assert (run.at, run.state, run.changes, run.services) == (minute(120), "held", 2, ("cart", "checkout"))
    assert (run.conductor, run.held_by, run.reason) == ("Chi", "Chi", "the bank is down")
    assert train.leaves_at == minute(240)


def test_locks_and_freezes_are_listed_and_stand_where_they_hold(session: Session) -> None:
    here = alarms(session)
    here.lived()
    locked(here, "checkout/production", "moving the queue")
    here.tell(
        FreezeDeclared(
            service="cart", begins=minute(60), ends=minute(120), reason="a sale", slack_id="U0DEE", called="Dee",
            at=here.now,
        )
    )  # fmt: skip
    found = shown(session, here.desk)
    assert [(one.what, one.reason, one.owner) for one in found.brakes] == [
        ("checkout → production", "moving the queue", "Dee")
    ]
    assert [(one.what, one.since, one.begun) for one in found.freezes_near] == [("cart", minute(60), False)]
    assert [one.reason for one in cell(found, "checkout", "production").brakes] == ["moving the queue"]
    assert cell(found, "cart", "production").brakes == ()
    here.at = 90
    now = shown(session, here.desk)
    assert [one.reason for one in cell(now, "cart", "production").brakes] == ["a sale"]
    assert [one.freeze for one in now.brakes] == [False, True]


# --- what shipped, and figures ------------------------------------------------------------------------------------


def test_what_shipped_lately_comes_latest_first_with_who_and_how_long(session: Session) -> None:
    here = alarms(session)
    here.lived()
    here.at = 10
    here.rollout("cart", "b", pull(901, "b"), began=7.0)
    here.at = 20
    here.rollout("mail", "c", pull(902, "c", author=BEN), status="failed", began=18.0)
    first, second, *others = shown(session, here.desk).shipped
    assert (first.service, first.status, first.took, first.who) == (
        "mail", DeployStatus.FAILED, timedelta(minutes=2), ("Ben",)
    )  # fmt: skip
    assert (second.service, second.who, second.rollback) == ("cart", ("Ana",), False)
    assert second.newest is not None
    assert second.newest.title == "Change 901"
    assert len(others) == 3


def test_the_figures_are_those_of_ship_metrics(burning: Rooming) -> None:
    burning.calls()
    likely = burning.session.exec(select(Likely)).one()
    burning.acts(IncidentAct.RIGHT, likely=likely.id)
    reply = metrics(burning.session, burning.desk, None, None)
    found = figures(burning.session, burning.desk, Asked())
    assert (found.days, found.teams, found.services) == (reply.days, reply.teams, reply.services)
    assert [(one.team, one.right, one.unjudged) for one in found.teams] == [("bakers", 2, 0)]
    narrowed = figures(burning.session, burning.desk, Asked(service="mail"))
    assert (narrowed.teams, [one.service for one in narrowed.services]) == ((), ["mail"])


# --- narrowing ----------------------------------------------------------------------------------------------------


def test_a_service_asked_for_shows_only_its_own(burning: Rooming) -> None:
    locked(burning, "mail", "mail is moving")
    mine = shown(burning.session, burning.desk, service="CHECKOUT")
    assert mine.asked == Asked(service="checkout")
    assert [[one.service for one in team.pipelines] for team in mine.pipelines] == [["checkout"]]
    assert len(mine.incidents) == 1
    assert "mail is moving" not in {one.reason for one in mine.brakes}
    assert {one.service for one in mine.shipped} == {"checkout"}
    other = shown(burning.session, burning.desk, service="mail")
    assert (other.incidents, other.alerts) == ((), ())
    assert [one.reason for one in other.brakes] == ["mail is moving"]
    assert other.services == mine.services, "every other can be chosen still"


def test_a_team_asked_for_shows_only_its_services(sqlite_session: Session) -> None:
    here = alarms(sqlite_session)
    here.services = (*here.services, paged("atlas", team=None))
    here.lived()
    found = shown(sqlite_session, here.desk, team="Bakers")
    assert found.asked == Asked(team="bakers")
    assert [team.team for team in found.pipelines] == ["bakers"]
    assert "atlas" not in {one.service for one in found.shipped}


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"service": "chekout"}, "did you mean “checkout”"), ({"team": "baker"}, "did you mean “bakers”")],
)
def test_a_name_of_nothing_is_answered_with_the_nearest(
    sqlite_session: Session, asked: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        shown(sqlite_session, alarms(sqlite_session).desk, **asked)


def test_a_service_that_no_catalogue_names_can_be_asked_for_once_it_was_deployed(sqlite_session: Session) -> None:
    here = world(sqlite_session)
    here.ship("a", repo="bakery/kiln")
    found = shown(sqlite_session, here.desk, service="kiln")
    assert [(team.team, [one.service for one in team.pipelines]) for team in found.pipelines] == [(None, ["kiln"])]


# --- what it costs ------------------------------------------------------------------------------------------------


def test_statements_do_not_grow_with_services_promotions_and_deploys(session: Session) -> None:
    """Nor with alerts and locks. Incidents are read one by one: few are open, and so many are shown at most."""
    few, many = (_statements(session, size) for size in (2, 9))
    assert few == many


def _statements(session: Session, size: int) -> int:
    names = tuple(f"s{number}" for number in range(size))
    with session.begin_nested() as savepoint:
        here = Railway(session, train=None)
        here.services = tuple(carried(name, gates=(*BY_TRAIN[:-2], Approval())) for name in names)
        here.opened()
        for number, name in enumerate(names):
            here.built(name, "bcdef0123"[number], 800 + number)
            locked(here, f"{name}/production", "busy")
            here.tell(
                AlertReported(
                    source="api", fingerprint=name, service=name, environment="production", name="slow", url=None,
                    started_at=here.now, at=here.now, level=AlertLevel.INFO,
                )
            )  # fmt: skip
        here.told()
        desk = here.desk
        session.expunge_all()
        with counted(session) as statements:
            found = shown(session, desk)
            figures(session, desk, found.asked)
        savepoint.rollback()
    assert len(found.waiting) == size
    session.expunge_all()
    session.info.pop("touched", None)
    return len(statements)


def test_what_is_too_much_is_counted(sqlite_session: Session) -> None:
    """No page grows without end."""
    here = Railway(sqlite_session, train=None)
    here.services = tuple(replace(carried(f"s{number:03}"), gates=()) for number in range(MOST_SERVICES + 3))
    found = shown(sqlite_session, here.desk)
    assert found.more_services == 3
    assert sum(len(team.pipelines) + len(team.calm) for team in found.pipelines) == MOST_SERVICES
