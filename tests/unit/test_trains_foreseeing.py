"""What the authors of a change see of its train, from its merge until it is live: told once, and edited after that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from bot import gates
from bot.answers.views import Ahead, AheadView
from bot.answers.where import where
from bot.catalog import Catalog, Freeze, Train
from bot.deploys import loading
from bot.deploys import service as deploys
from bot.deploys.models import Change, Deploy, DeployChange
from bot.deploys.views import ChangeCard, OnwardView, Seat
from bot.events import CheckFinished, CheckStatus, HoursChosen, LockPlaced
from bot.gates import Lock, Order, Smoke, Soak
from bot.outbox import Card, Note
from bot.outgoing import cards
from bot.trains import foreseeing, history
from tests.unit.promoting import OVEN, World, sha_of
from tests.unit.reports import REPO, carrying, merged, minute, pull, report

WEB = Train(
    name="web", services=("oven",), to="production", departs=("0 14,16 * * *",), zone=ZoneInfo("UTC"),
    stages=(("oven",),), boarding_closes=timedelta(minutes=15),
)  # fmt: skip
GATES = (Lock(), Order(), Soak(timedelta(minutes=30)), gates.Train())
DAY = 24 * 60.0


@dataclass
class Station(World):
    """A world whose oven goes to production by train, at two and at four."""

    train: Train | None = WEB
    freezes: tuple[Freeze, ...] = ()

    @property
    def catalog(self) -> Catalog:
        """The same catalogue with this one train."""
        trains = {self.train.name: self.train} if self.train is not None else {}
        return replace(super().catalog, trains=trains, freezes=self.freezes)

    def usually(self, to_staging: float = 10, to_production: float = 5, times: int = 5, days: float = -5) -> None:
        """It took so many minutes from a merge to staging, and as many to roll out to production, so many times."""
        for number in range(times):
            merged_at = days * DAY + number * 100
            sha = sha_of(str(number + 1))
            change = Change(repo=REPO, number=700 + number - int(days * 10), sha=sha, title="x")
            change.merged_at = minute(merged_at)
            self.session.add(change)
            self.session.flush()
            for environment, ends, lasts in (("staging", to_staging, 1), ("production", 60, to_production)):
                target = deploys.target_of(self.session, "oven", environment)
                began, ended = minute(merged_at + ends - lasts), minute(merged_at + ends)
                deploy = Deploy(
                    target=target.id or 0, repo=REPO, sha=sha, status="succeeded", status_at=ended, began_at=began,
                    in_progress_at=began, range="complete", direction="ahead", previous=target.live,
                )  # fmt: skip
                self.session.add(deploy)
                self.session.flush()
                target.live = deploy.id
                self.session.add(DeployChange(deploy=deploy.id or 0, change=change.id or 0))
        self.session.flush()

    def carries(self, deploy: Deploy, *brought: object) -> None:
        """The forge tells what a rollout carries."""
        found = carrying(*brought)  # type: ignore[arg-type]
        deploys.range_read(self.session, self.catalog, deploy.id or 0, deploy.previous_sha, found, self.now)
        self.reactions.settle(self.session, self.now)
        self.session.flush()

    def staged(self, sha: str, number: int, at: float) -> None:
        """A build is live in staging, with one change."""
        self.at = at
        self.stage(sha, at)
        deploy = self.session.exec(select(Deploy).where(Deploy.sha == sha_of(sha))).one()
        self.carries(deploy, pull(number, sha))

    def expects(self, number: int = 812) -> OnwardView:
        """What the author's card says of the train."""
        change = self.session.exec(select(Change).where(Change.number == number)).one()
        (ride,) = foreseeing.onward(
            self.session, self.desk, change, loading.stages(self.session, self.desk, change), reader="U0ANA"
        )
        return ride

    def versions(self, number: int = 812) -> dict[str, int]:
        """How often the cards of a change were shown, by place."""
        change = self.session.exec(select(Change).where(Change.number == number)).one()
        rows = self.session.exec(select(Card).where(Card.kind == "change", Card.subject == str(change.id))).all()
        return {row.place: row.version for row in rows}

    def step(self, asked: str = "812") -> AheadView:
        """The next step of a change's way, as /ship where tells it."""
        (found,) = where(self.session, self.desk, asked).found
        (step,) = found.ahead
        return step


def station(session: Session, **more: object) -> Station:
    """A station whose service differs in this from the usual one."""
    return Station(session, replace(OVEN, **{"gates": GATES, "undo": timedelta(0), **more}))  # type: ignore[arg-type]


def test_a_merge_tells_its_author_at_once_which_train_it_catches_and_when_it_is_there(session: Session) -> None:
    here = station(session)
    here.usually(to_staging=10, to_production=5)
    here.tell(merged(812, "b"))
    assert set(here.versions()) == {"U0ANA"}
    ride = here.expects()
    assert (ride.seat, ride.train, ride.before) == (Seat.EXPECTED, "web", "staging")
    assert (ride.departs_at, ride.or_at) == (minute(120), None)
    assert ride.staged is not None
    assert ride.live is not None
    assert (ride.staged.from_at, ride.live.from_at, ride.live.few) == (minute(10), minute(125), False)
    assert (ride.soak_ends_at, ride.in_hours) == (minute(40), True)
    card = session.exec(select(Card).order_by(col(Card.id).desc())).first()
    assert card is not None
    showing = cards.change_card(session, here.desk, card)
    assert showing is not None
    assert isinstance(showing.view, ChangeCard)
    assert showing.view.onward == (ride,)
    assert not cards.change_may_fold(session, card), "a digest of rollouts has no line for it"


def test_a_merge_that_no_train_carries_or_that_is_heard_of_late_makes_no_card(session: Session) -> None:
    here = station(session)
    here.train = None
    here.tell(merged(811, "c"))
    here.train, here.at = WEB, 61
    here.tell(merged(812, "b"))
    assert here.versions(811) == here.versions(812) == {}


def test_which_of_several_services_of_a_repository_it_is_shows_once_a_rollout_carries_it(session: Session) -> None:
    here = station(session)
    other = replace(here.service, name="grill")
    catalog = replace(here.catalog, services={"oven": here.service, "grill": other})
    change = Change(repo=REPO, number=1, sha=sha_of("b"), title="x", merged_at=here.now)
    desk = replace(here.desk, catalog=catalog)
    assert not foreseeing.goes_by_train(desk, change)
    assert foreseeing.goes_by_train(here.desk, change)


def test_without_a_history_nobody_can_tell_which_one_it_catches(session: Session) -> None:
    here = station(session)
    here.tell(merged(812, "b"))
    ride = here.expects()
    assert (ride.unknown, ride.departs_at, ride.live, ride.staged) == ("arrival", minute(120), None, None)


def test_what_is_longer_ago_than_a_month_says_nothing(session: Session) -> None:
    here = station(session)
    here.usually(days=-31)
    here.tell(merged(812, "b"))
    assert here.expects().unknown == "arrival"
    here.usually(to_staging=10, times=2)
    ride = here.expects()
    assert ride.unknown is None
    assert ride.live is not None
    assert ride.live.few


def test_a_build_in_staging_only_has_to_soak_and_is_held_against_the_hours_of_whoever_reads(session: Session) -> None:
    here = station(session)
    here.usually()
    here.tell(merged(812, "b"))
    here.tell(HoursChosen(slack_id="U0ANA", begins=480, ends=12 * 60 + 60, at=here.now))
    here.staged("b", 812, 50)
    ride = here.expects()
    assert (ride.departs_at, ride.staged) == (minute(120), None)
    assert (ride.soak_ends_at, ride.in_hours) == (minute(80), False)
    here.at = 90
    assert here.expects().soak_ends_at is None, "it has soaked"


def test_what_soaks_until_after_it_leaves_is_expected_aboard_of_the_next_one(session: Session) -> None:
    here = station(session)
    here.usually()
    here.tell(merged(812, "b"))
    here.staged("b", 812, 100)
    ride = here.expects()
    assert (ride.seat, ride.departs_at) == (Seat.EXPECTED, minute(240))


def checked(status: CheckStatus, run: int, at: float) -> CheckFinished:
    """The smoke test of the build ended."""
    return CheckFinished(
        repo=REPO, sha=sha_of("b"), name="e2e", status=status, run=run, url=None, at=minute(at), main=False, title=None,
        author=None,
    )  # fmt: skip


def test_a_failing_smoke_test_leaves_it_behind_until_it_passes_and_the_card_is_shown_again(session: Session) -> None:
    here = station(session, gates=(*GATES, Smoke(("e2e",))))
    here.usually()
    notes = session.exec(select(Note)).all()
    here.tell(merged(812, "b"))
    here.staged("b", 812, 20)
    before = here.versions()["U0ANA"]
    here.tell(checked(CheckStatus.FAILED, 1, 25))
    assert here.versions()["U0ANA"] > before
    ride = here.expects()
    assert (ride.seat, ride.departs_at, ride.next_at) == (Seat.LEFT, minute(120), minute(240))
    assert ride.reason is not None
    assert "e2e" in ride.reason
    here.tell(checked(CheckStatus.PASSED, 2, 30))
    assert here.expects().seat is Seat.EXPECTED
    assert session.exec(select(Note)).all() == notes, "an edit is enough"


def test_a_young_build_is_expected_aboard_while_its_checks_run(session: Session) -> None:
    """Nobody reads that they are left behind in the minutes before a check reports; after half an hour they do."""
    here = station(session, gates=(*GATES, Smoke(("e2e",))))
    here.usually()
    here.tell(merged(812, "b"))
    here.staged("b", 812, 20)
    ride = here.expects()
    assert (ride.seat, ride.departs_at, ride.once) == (Seat.EXPECTED, minute(120), "e2e has not reported")
    assert ride.live is not None
    here.at = 51
    ride = here.expects()
    assert (ride.seat, ride.reason, ride.once) == (Seat.LEFT, "e2e has not reported", None)


def test_a_failed_rollout_to_staging_leaves_it_behind(session: Session) -> None:
    here = station(session)
    here.usually()
    here.tell(merged(812, "b"))
    here.tell(report("b", "failed", 9, number="sb", environment="staging"))
    ride = here.expects()
    assert (ride.seat, ride.reason) == (Seat.LEFT, "its rollout to staging failed")


def locked(here: Station, until: float | None) -> None:
    """Dee locks the oven."""
    here.tell(
        LockPlaced(
            scope="oven", reason="fire", ends_at=minute(until) if until is not None else None, rollbacks=True,
            slack_id="U0DEE", called="Dee", channel=None, at=here.now,
        )
    )  # fmt: skip


def test_a_lock_leaves_it_behind_until_it_ends_and_shows_its_card_again(session: Session) -> None:
    here = station(session)
    here.train = replace(WEB, departs=("0 14-18 * * *",))
    here.usually()
    here.tell(merged(812, "b"))
    here.staged("b", 812, 20)
    before = here.versions()["U0ANA"]
    locked(here, 200)
    assert here.versions()["U0ANA"] > before
    ride = here.expects()
    assert (ride.seat, ride.departs_at, ride.until) == (Seat.LEFT, minute(120), minute(200))
    assert ride.next_at == minute(240), "that at three is locked too"
    assert ride.reason is not None
    assert "fire" in ride.reason


def test_a_lock_leaves_behind_also_what_is_not_built_yet(session: Session) -> None:
    here = station(session)
    here.usually()
    locked(here, None)
    here.tell(merged(812, "b"))
    ride = here.expects()
    assert (ride.seat, ride.departs_at, ride.next_at) == (Seat.LEFT, minute(120), minute(240))


def test_a_freeze_at_its_time_is_named_and_the_next_one_is_caught(session: Session) -> None:
    here = station(session)
    here.freezes = (Freeze(begins=minute(110), ends=minute(130), services=None, reason="Black Friday"),)
    here.usually()
    here.tell(merged(812, "b"))
    ride = here.expects()
    assert (ride.departs_at, ride.frozen_at, ride.frozen_by) == (minute(240), minute(120), "Black Friday")


def test_a_full_train_leaves_it_behind_and_takes_what_was_built_before(session: Session) -> None:
    here = station(session)
    here.train = replace(WEB, capacity=1)
    here.usually()
    here.tell(merged(811, "c"), merged(812, "b"))
    here.staged("c", 811, 15)
    here.staged("b", 812, 20)
    assert here.expects(811).seat is Seat.EXPECTED
    ride = here.expects(812)
    assert (ride.seat, ride.reason) == (Seat.LEFT, "the train is full (1)")


def test_sealed_it_is_aboard_and_where_says_what_its_promotion_waits_for(session: Session) -> None:
    here = station(session)
    here.usually()
    here.reactions.begin(session, here.now)
    here.tell(merged(812, "b"))
    here.staged("b", 812, 20)
    step = here.step()
    assert step.ahead is Ahead.UNASKED
    assert step.by_train
    assert step.onward is not None
    assert step.onward.departs_at == minute(120)
    assert step.onward.whose is not None
    assert step.onward.whose.name == "Ana"
    before = here.versions()["U0ANA"]
    here.turn(105)
    assert here.versions()["U0ANA"] > before
    ride = here.expects()
    assert (ride.seat, ride.departs_at) == (Seat.SEALED, minute(120))
    assert ride.live is not None
    assert ride.live.from_at == minute(125)
    step = here.step()
    assert (step.ahead, step.by_train, step.onward) == (Ahead.NEXT, True, replace(ride, whose=None))
    here.read(pull(812, "b"))
    step = here.step()
    assert (step.ahead, step.by_train) == (Ahead.ABOARD, False), "its gates say when it leaves"
    here.turn(120)
    here.ship("b", "in_progress")
    deploy = session.exec(select(Deploy).order_by(col(Deploy.id).desc())).first()
    assert deploy is not None
    here.carries(deploy, pull(812, "b"))
    assert here.expects().seat is Seat.GONE
    here.at = 180
    assert here.expects().live is None, "it takes longer than it usually does"


def test_what_missed_the_closing_is_expected_aboard_of_the_next_one_and_shown_so(session: Session) -> None:
    here = station(session)
    here.usually()
    here.reactions.begin(session, here.now)
    here.at = 96
    here.tell(replace(merged(812, "b"), pull=replace(pull(812, "b"), merged_at=minute(96)), at=minute(96)))
    assert here.expects().departs_at == minute(240)
    before = here.versions()["U0ANA"]
    here.turn(105)
    assert here.versions()["U0ANA"] > before
    assert here.expects().departs_at == minute(240)


def test_what_rolls_out_besides_the_train_or_is_live_goes_nowhere_any_more(session: Session) -> None:
    here = station(session)
    here.usually()
    here.tell(merged(812, "b"))
    here.staged("b", 812, 20)
    for status in ("in_progress", "succeeded"):
        here.ship("b", status)
        deploy = session.exec(select(Deploy).order_by(col(Deploy.id).desc())).first()
        assert deploy is not None
        here.carries(deploy, pull(812, "b"))
        change = session.exec(select(Change).where(Change.number == 812)).one()
        assert foreseeing.onward(session, here.desk, change, loading.stages(session, here.desk, change)) == ()


@dataclass
class Record:
    """Rollouts of one service, written down as they would be told."""

    session: Session

    def rollout(self, environment: str, began: float, ended: float, *changes: Change, **more: Any) -> int:
        """It succeeded, with these changes: its target."""
        target = deploys.target_of(self.session, "oven", environment)
        known = {
            "sha": sha_of("b"),
            "status": "succeeded",
            "direction": "ahead",
            "in_progress_at": minute(began),
            **more,
        }
        deploy = Deploy(target=target.id or 0, began_at=minute(began), status_at=minute(ended), **known)
        self.session.add(deploy)
        self.session.flush()
        for change in changes:
            self.session.add(DeployChange(deploy=deploy.id or 0, change=change.id or 0))
        self.session.flush()
        return target.id or 0

    def change(self, number: int, merged_at: float) -> Change:
        """It was merged."""
        change = Change(repo=REPO, number=number, sha=sha_of("b"), title="x", merged_at=minute(merged_at))
        self.session.add(change)
        self.session.flush()
        return change


MONTH = 30 * DAY


def test_a_change_arrives_once_and_only_those_merged_within_a_month_count(session: Session) -> None:
    """One that is rolled out again has not taken until now, and one from long ago may have been there before."""
    record = Record(session)
    again, old, failed = record.change(1, -100), record.change(2, -MONTH - 5), record.change(3, -50)
    staging = record.rollout("staging", -90, -80, again)
    record.rollout("staging", -20, -10, again, old)
    record.rollout("staging", -40, -30, failed, status="failed")
    record.rollout("production", -70, -60, failed)
    assert history.arrivals(session, staging, minute(0)).lengths == (timedelta(minutes=20),)
    assert history.arrivals(session, None, minute(0)).lengths == ()
    assert history.arrived_at(session, staging, again.id or 0) == minute(-80)
    assert history.arrived_at(session, staging, failed.id or 0) is None


def test_rollouts_that_went_forward_within_a_month_say_how_long_one_takes(session: Session) -> None:
    record = Record(session)
    production = record.rollout("production", -100, -95)
    staging = record.rollout("staging", -100, -98)
    record.rollout("production", -90, -81, direction=None)
    record.rollout("production", -80, -50, direction="behind")
    record.rollout("production", -70, -40, in_progress_at=None)
    record.rollout("production", -60, -20, status="failed")
    record.rollout("production", -MONTH - 30, -MONTH - 1)
    told = history.rollouts(session, [production, staging], minute(0))
    assert {target: [one / timedelta(minutes=1) for one in found.lengths] for target, found in told.items()} == {
        production: [5, 9],
        staging: [2],
    }
    assert history.rollouts(session, [], minute(0)) == {}
