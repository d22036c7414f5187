"""What is told of the way that is left: what it waits for, when it is there, what production does not have yet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.answers.ahead import usual_range
from bot.answers.drift import drift
from bot.answers.home import home
from bot.answers.locks import freeze_meant, scopes_offered
from bot.answers.status import status
from bot.answers.targets import promotable
from bot.answers.views import Ahead, AheadView
from bot.answers.where import where
from bot.deploys import service as deploys
from bot.deploys.models import Deploy, Target
from bot.errors import UserError
from bot.events import Act, FreezeDeclared, LockPlaced
from bot.gates import Approval, Lock, Order, Soak
from tests.unit.promoting import DAYS_AGO, World, sha_of, world
from tests.unit.reports import carrying, pull, report

SOAK = Soak(timedelta(minutes=30))


def usually_take(here: World, *minutes: float) -> None:
    """Rollouts to production took so long, some time ago; the last of them is live, and so is it in staging."""
    for number, length in enumerate(minutes):
        began = DAYS_AGO - 5000 + 100 * number
        for status_, at in (("in_progress", began), ("succeeded", began + length)):
            here.tell(report("a", status_, at, number=f"old{number}", environment="production", began=began))


def begun(here: World) -> None:
    """A build whose gates are all open as soon as it is read."""
    here.lives("a")
    here.at += 1
    here.stage("b")
    here.read()


def step(here: World, asked: str = "801") -> AheadView:
    """The next step of a change's way."""
    (found,) = where(here.session, here.desk, asked).found
    (ahead,) = found.ahead
    return ahead


def test_with_a_soak_to_wait_for_it_is_there_when_that_ends_and_a_rollout_took_its_usual_time(session: Session) -> None:
    """Half of the last rollouts took between four and eight minutes."""
    here = world(session, gates=(Lock(), SOAK))
    usually_take(here, 2, 4, 6, 8, 10)
    promotion = here.raised()
    ahead = step(here)
    assert (ahead.ahead, ahead.promotion_id) == (Ahead.ABOARD, promotion.id)
    assert [gate.gate for gate in ahead.closed] == ["soak"]
    soaked = ahead.closed[0].until
    assert soaked is not None
    assert (ahead.from_at, ahead.to_at) == (soaked + timedelta(minutes=4), soaked + timedelta(minutes=8))


def test_with_too_few_rollouts_to_tell_nobody_says_when(session: Session) -> None:
    here = world(session, gates=(Lock(), SOAK))
    usually_take(here, 2, 4)
    here.raised()
    ahead = step(here)
    assert (ahead.from_at, ahead.to_at) == (None, None)


def test_where_a_yes_is_missing_it_says_so_and_how_long_after_that(session: Session) -> None:
    here = world(session, gates=(Lock(), Approval()))
    usually_take(here, 2, 4, 6, 8, 10)
    here.raised()
    ahead = step(here)
    assert [gate.gate for gate in ahead.closed] == ["approval"]
    assert ahead.from_at is None
    assert ahead.after_yes == timedelta(minutes=8, seconds=10), "the undo time counts too"


def test_what_is_locked_is_there_at_no_time_that_a_clock_could_tell(session: Session) -> None:
    """A lock that runs out waits for a person's Go."""
    here = world(session, gates=(Lock(), SOAK))
    usually_take(here, 2, 4, 6)
    here.raised()
    here.tell(
        LockPlaced(
            scope="oven", reason="fire", ends_at=None, rollbacks=True, slack_id="U0DEE", called="Dee", channel=None,
            at=here.now,
        )
    )  # fmt: skip
    ahead = step(here)
    assert ahead.from_at is None
    assert ahead.closed[0].gate == "lock"
    (one,) = status(session, here.desk, "oven").services
    shown = {target.environment: target for target in one.targets}
    assert [lock.reason for lock in shown["production"].locks] == ["fire"]
    assert shown["staging"].locks == (), "nothing is promoted there"
    assert [line.state for line in shown["production"].promotions] == ["open"]


def test_on_its_way_it_is_there_after_its_usual_time_from_the_beginning(session: Session) -> None:
    here = world(session, gates=(Lock(), Order()), undo=timedelta(0))
    usually_take(here, 10, 10, 10)
    begun(here)
    assert step(here).ahead is Ahead.STARTING
    here.call()
    began = here.at
    here.tell(report("b", "in_progress", began, number="pb", environment="production", began=began))
    ahead = step(here)
    assert ahead.ahead is Ahead.ROLLING
    assert ahead.to_at == here.now + timedelta(minutes=10)
    here.at += 60
    assert step(here).to_at == here.now, "never in the past"


def carries(here: World, deploy: Deploy, number: int) -> None:
    """The forge tells what a rollout carried: one change."""
    found = carrying(pull(number, deploy.sha))
    deploys.range_read(here.session, here.catalog, deploy.id or 0, deploy.previous_sha, found, here.now)
    here.reactions.settle(here.session, here.now)


def test_what_waits_behind_the_open_one_says_so_and_what_nothing_brings_says_how(session: Session) -> None:
    here = world(session, gates=(Lock(), SOAK, Approval()))
    promotion = here.raised()
    here.at += 1
    here.stage("c")
    deploy = session.exec(select(Deploy).where(Deploy.sha == sha_of("c"))).one()
    carries(here, deploy, 900)
    ahead = step(here, "900")
    assert (ahead.ahead, ahead.sha) == (Ahead.NEXT, promotion.sha)
    here.act(Act.REJECT, reason="no")
    open_one = here.present()
    here.act(Act.REJECT, promotion=open_one, reason="no")
    assert step(here, "900").ahead is Ahead.UNASKED


def test_drift_is_what_staging_has_and_production_has_not(session: Session) -> None:
    here = world(session, gates=(Lock(), SOAK))
    here.raised()
    deploy = session.exec(select(Deploy).where(Deploy.sha == sha_of("b"))).one()
    carries(here, deploy, 801)
    reply = drift(session, here.desk)
    (one,) = reply.services
    assert [line.change.label for line in one.lines] == ["#801"]
    assert one.lines[0].since == deploy.status_at
    assert [person.name for person in one.people] == ["Ana"]
    assert one.promotion is not None
    assert [gate.gate for gate in one.promotion.closed] == ["soak"]
    here.at += 31
    here.ship("b")
    target = _target(session, "production")
    shipped = session.exec(select(Deploy).where(Deploy.target == target, Deploy.sha == sha_of("b"))).one()
    carries(here, shipped, 801)
    assert (drift(session, here.desk).services, drift(session, here.desk).level) == ((), 1)
    with pytest.raises(UserError, match="did you mean"):
        drift(session, here.desk, "ovne")


def test_what_was_rolled_back_is_said_in_status_until_something_newer_is_live(session: Session) -> None:
    here = world(session, gates=(Lock(), Order()), undo=timedelta(0))
    begun(here)
    here.call()
    here.ship("b")
    here.at += 1
    here.roll_back()
    here.call()
    here.at += 1
    here.ship("a", number="back")
    (one,) = status(session, here.desk, "oven").services
    out = next(target.not_running for target in one.targets if target.environment == "production")
    assert out is not None
    assert out.sha == sha_of("b")
    assert [change.label for change in out.changes] == ["#801"]


def test_home_shows_what_waits_for_a_person_and_not_what_they_wrote(session: Session) -> None:
    here = world(session, gates=(Lock(), Approval()), team=None)
    here.raised()
    named = home(session, here.desk, "U0ANA")
    assert named.waits == ()
    assert [one.change.label for one in named.mine] == ["#801"]
    assert named.proven
    assert not home(session, here.desk, "U0STRANGER").proven


def test_menus_offer_what_can_be_promoted_and_locked(session: Session) -> None:
    here = world(session)
    assert promotable(here.catalog) == [("oven", "production")]
    assert promotable(world(session, promote_through=None).catalog) == []
    offered = dict(scopes_offered(session, here.desk))
    assert offered["oven"] == "service:oven"
    assert offered["oven → production"] == "oven/production"
    assert offered["everything"] == "everything"


def test_a_freeze_is_meant_by_its_number_its_service_or_by_being_the_only_one(session: Session) -> None:
    here = world(session)

    def declare(service: str | None) -> None:
        here.tell(
            FreezeDeclared(
                service=service, begins=here.now, ends=here.now + timedelta(hours=3), reason="moving",
                slack_id="U0DEE", called="Dee", at=here.now,
            )
        )  # fmt: skip

    with pytest.raises(UserError, match="No freeze that somebody declared"):
        freeze_meant(session, here.desk, "")
    declare("oven")
    assert freeze_meant(session, here.desk, "") == freeze_meant(session, here.desk, "OVEN") == 1
    declare(None)
    assert freeze_meant(session, here.desk, "everything") == freeze_meant(session, here.desk, "2") == 2
    with pytest.raises(UserError, match=r"could be several.*lift 1"):
        freeze_meant(session, here.desk, "")
    with pytest.raises(UserError, match="No declared freeze is “9”"):
        freeze_meant(session, here.desk, "9")


def test_the_usual_range_is_the_middle_half(session: Session) -> None:
    here = world(session)
    usually_take(here, 1, 5, 6, 7, 60)
    found = usual_range(session, _target(session, "production"))
    assert found is not None
    assert (found.shorter, found.longer) == (timedelta(minutes=5), timedelta(minutes=7))


def _target(session: Session, environment: str) -> int:
    return session.exec(select(Target.id).where(Target.environment == environment)).one() or 0
