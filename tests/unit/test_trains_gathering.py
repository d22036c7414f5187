"""What boarding is decided by: builds, what each brings, and why others are behind, all from what is recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, col, select

from bot.catalog import Catalog, Train
from bot.deploys import service as deploys
from bot.deploys.models import Change, Deploy
from bot.events import Act, ChangeMerged, CheckFinished, CheckStatus, LockAct, LockActed, LockPlaced, MergedPull
from bot.gates import Approval, Freeze, Lock, Order, Smoke, Soak
from bot.locks.models import Lock as Brake
from bot.ports import Range
from bot.promotions.models import Promotion, State
from bot.trains.boarding import Candidate, Removal, board
from bot.trains.gathering import candidates
from tests.unit.promoting import OVEN, World
from tests.unit.reports import REPO, carrying, minute, pull, report, sha_of

GATES = (Lock(), Freeze(), Order(), Soak(timedelta(minutes=30)), Smoke(("e2e",)), Approval())
WEB = Train(
    name="web",
    services=("oven",),
    to="production",
    departs=("0 14 * * *",),
    zone=ZoneInfo("UTC"),
    stages=(("oven",),),
)
LEAVES = minute(120)


@dataclass
class Station(World):
    """The small world, with a train that goes to production."""

    @property
    def catalog(self) -> Catalog:
        """The catalogue with this one service and its train."""
        return replace(super().catalog, trains={"web": WEB})

    def reach(self, sha: str, at: float, found: Range, *, to: str = "staging", status: str = "succeeded") -> Deploy:
        """A build's rollout ends there, and the forge tells what it carries."""
        self.at = at
        self.tell(report(sha, status, at, number=f"{to}{sha}{at}", environment=to))
        deploy = self.session.exec(select(Deploy).order_by(col(Deploy.id).desc())).all()[0]
        deploys.range_read(self.session, self.catalog, deploy.id or 0, deploy.previous_sha, found, self.now)
        self.reactions.settle(self.session, self.now)
        return deploy

    def passes(self, sha: str, status: CheckStatus = CheckStatus.PASSED, run: int = 1) -> None:
        """Its smoke test ends."""
        self.tell(
            CheckFinished(
                repo=REPO, sha=sha_of(sha), name="e2e", status=status, run=run, url=None, at=self.now, main=False
            )
        )

    def candidate(self, *removed: Removal) -> Candidate:
        """The service as boarding sees it."""
        (one,) = candidates(self.session, self.desk, WEB, LEAVES, self.now, {"oven": removed})
        return one

    def labels(self) -> list[tuple[str, list[str]]]:
        """Each build with what it brings, the newest first."""
        return [(one.sha[0], [change.label for change in one.changes]) for one in self.candidate().builds]

    def behind(self) -> list[tuple[str, str]]:
        """What is behind all builds, and why."""
        return [(one.change.label, one.reason) for one in self.candidate().behind]

    def left(self) -> dict[str, str]:
        """Who does not board, and why."""
        boarding = board(WEB, [self.candidate()], LEAVES)
        return {one.change.label: one.reason for one in boarding.left if one.change is not None}

    def aboard(self) -> list[str]:
        """Who boards."""
        return [change.label for pick in board(WEB, [self.candidate()], LEAVES).aboard for change in pick.changes]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is gathered is the same on either engine."""
    return sqlite_url


@pytest.fixture
def here(session: Session) -> Station:
    """Build a is live everywhere; b brought #11 to staging at 12:10 and c #12 at 12:20. Both passed."""
    station = Station(session, replace(OVEN, gates=GATES))
    station.lives("a")
    station.reach("b", 10, carrying(pull(11, "b")))
    station.reach("c", 20, carrying(pull(12, "c")))
    station.passes("b")
    station.passes("c")
    return station


def test_each_build_brings_what_came_before_it(here: Station) -> None:
    """The newest goes with all of it, since nothing speaks against it."""
    assert here.labels() == [("c", ["#11", "#12"]), ("b", ["#11"])]
    assert [one.succeeded_at for one in here.candidate().builds] == [minute(20), minute(10)]
    assert here.aboard() == ["#11", "#12"]
    assert here.left() == {}


def test_a_build_that_soaks_beyond_the_departure_stays(here: Station) -> None:
    """It is judged as of the departure, not of now."""
    here.reach("d", 100, carrying(pull(13, "d")))
    here.passes("d")
    assert here.aboard() == ["#11", "#12"]
    assert here.left() == {"#13": "soak ends after it leaves"}


def test_a_build_whose_smoke_test_failed_stays(here: Station) -> None:
    """The one before it goes."""
    here.passes("c", CheckStatus.FAILED, run=2)
    here.reach("d", 30, carrying(pull(13, "d")))
    assert here.aboard() == ["#11"]
    assert here.left() == {"#12": "e2e failed", "#13": "e2e has not reported"}


def test_what_staging_went_back_from_stays(here: Station) -> None:
    """Until it comes there again, or something newer does."""
    here.reach("b", 30, carrying(leaving=(pull(12, "c"),)))
    assert here.labels() == [("c", ["#11", "#12"]), ("b", ["#11"])]
    assert here.aboard() == ["#11"]
    assert here.left() == {"#12": "was rolled back in staging"}
    here.reach("d", 40, carrying(pull(13, "d")))
    here.passes("d")
    assert here.labels()[0] == ("d", ["#11", "#13"])
    assert here.aboard() == ["#11", "#13"]


def test_staging_went_back_also_where_the_forge_has_not_told_so_yet(here: Station) -> None:
    """A build that comes again after a newer one says it by itself."""
    here.at = 30
    here.tell(report("b", "succeeded", 30, number="again", environment="staging"))
    assert [(one.sha[0], one.refused) for one in here.candidate().builds] == [
        ("c", "was rolled back in staging"),
        ("b", None),
    ]


def test_staging_may_go_back_to_what_was_never_there(here: Station) -> None:
    """Then nothing that was there before is good, as far as anybody can tell."""
    here.reach("x", 30, carrying(leaving=(pull(12, "c"), pull(11, "b"))))
    assert [(one.sha[0], one.refused) for one in here.candidate().builds] == [
        ("x", None),
        ("c", "was rolled back in staging"),
        ("b", "was rolled back in staging"),
    ]
    assert here.aboard() == []


def test_what_came_to_production_otherwise_is_not_aboard(here: Station) -> None:
    """A hotfix brought one of them: only what is newer than that is left, without it."""
    here.reach("b", 30, carrying(pull(11, "b")), to="production")
    assert here.labels() == [("c", ["#12"])]


def test_what_is_on_its_way_to_production_is_not_aboard(here: Station) -> None:
    """Nothing older than a build that rolls out there boards: it would come after a newer one."""
    here.ask(sha_of("c"))
    going = here.only(State.OPEN)
    here.tell(report("c", "in_progress", 31, number="p"))
    here.session.refresh(going)
    assert going.state == State.ROLLING
    assert here.candidate().builds == ()


def test_a_build_that_never_was_in_staging_counts_from_when_it_went_live(here: Station) -> None:
    """Whatever was in staging before lacks it, as far as anybody can tell."""
    here.reach("x", 30, carrying(pull(77, "x")), to="production")
    assert here.candidate().builds == ()
    here.reach("d", 40, carrying(pull(77, "x"), pull(13, "d")))
    assert here.labels() == [("d", ["#11", "#12", "#13"])]


def test_what_somebody_said_no_to_does_not_go_by_itself(here: Station) -> None:
    """What was only called off, or never got its turn, does."""
    production = here.session.exec(select(Deploy.target).where(Deploy.sha == sha_of("a"))).all()[0]
    said = Promotion(
        target=production, sha=sha_of("c"), state="rejected", via="pipeline", created_at=here.now, expires_at=here.now
    )
    here.session.add(said)
    for state, by, reason in (
        (State.REJECTED, "slack:U0DEE", "rejected by Dee"),
        (State.REJECTED, None, "rejected by somebody"),
        (State.FAILED, None, "its last rollout to production failed"),
        (State.DONE, None, "was live in production before, and is not any more"),
        (State.CANCELLED, "slack:U0DEE", None),
        (State.EXPIRED, None, None),
        (State.SUPERSEDED, None, None),
    ):
        said.state, said.ended_by = state.value, by
        assert [one.refused for one in here.candidate().builds] == [reason, None], state


BACK = (
    "#11 was rolled back from production: bring a fix, or say why it may go in again "
    "(/ship promote oven, and say so on its card)"
)


@pytest.mark.parametrize("answer", ["a fix", "a person's word"])
def test_what_a_rollback_took_out_of_production_goes_in_again_only_with_an_answer(here: Station, answer: str) -> None:
    """A revert is one; so is what somebody says of a promotion of that very build."""
    here.reach("b", 30, carrying(pull(11, "b")), to="production")
    here.reach("a", 40, carrying(leaving=(pull(11, "b"),)), to="production")
    assert here.left()["#11"] == "oven → production is locked by Shipmate: went back to aaaaaaa"
    go = here.session.exec(select(Brake)).one()
    here.tell(LockActed(act=LockAct.LIFT, lock=go.id, scope=None, slack_id="U0DEE", called="Dee", at=here.now))
    here.tell(LockActed(act=LockAct.GO, lock=go.id, scope=None, slack_id="U0DEE", called="Dee", at=here.now))
    assert here.aboard() == []
    assert set(here.left().values()) == {BACK}
    if answer == "a fix":
        here.reach("d", 50, carrying(pull(13, "d", reverts=11)))
        here.passes("d")
        assert here.aboard() == ["#11", "#12", "#13"]
    else:
        here.ask(sha_of("c"))
        here.read(pull(11, "b"), pull(12, "c"))
        here.act(Act.ACKNOWLEDGE, "U0ANA", reason="the index is there now")
        assert here.aboard() == [], "what somebody asked for besides the train is a hotfix: no train takes it"
        here.act(Act.CANCEL, "U0ANA", reason="it may wait for the train")
        assert here.aboard() == ["#11", "#12"]


def test_what_was_merged_and_did_not_come_along_is_told(here: Station) -> None:
    """Whether it is built, on its way, or its rollout failed; what went into other branches is not awaited."""
    for number in (11, 12):  # rollouts are built from main
        change = here.session.exec(select(Change).where(Change.number == number)).one()
        change.base = "main"
    here.at = 30
    for number, base in ((21, "main"), (22, "feature"), (23, "main"), (24, "main")):
        merged = replace(pull(number, f"{number}"), merged_at=here.now, base=base)
        here.tell(ChangeMerged(repo=REPO, pull=merged, at=here.now))
    for number, status in ((23, "in_progress"), (24, "failed")):
        here.reach(f"{number}", 31, carrying(pull(number, f"{number}")), status=status)
    assert here.behind() == [
        ("#23", "on its way to staging"),
        ("#24", "its rollout to staging failed"),
        ("#21", "not built yet"),
    ]


def test_a_change_to_other_paths_is_none_of_it(session: Session) -> None:
    """A monorepo's other services are not told of."""
    station = Station(session, replace(OVEN, gates=GATES, paths=("oven/**",)))
    for number, paths in ((21, ("till/main.py",)), (22, ("oven/main.py",))):
        merged: MergedPull = pull(number, f"{number}", paths=paths)
        station.tell(ChangeMerged(repo=REPO, pull=merged, at=station.now))
    assert station.behind() == [("#22", "not built yet")]
    assert station.candidate().builds == ()


def test_nothing_boards_of_what_is_locked(here: Station) -> None:
    """The lock's own words say why."""
    here.tell(
        LockPlaced(
            scope="oven", reason="rehearsal", ends_at=minute(180), rollbacks=True, slack_id="U0DEE", called="Dee",
            channel=None, at=here.now,
        )
    )  # fmt: skip
    assert here.candidate().locked == "oven is locked by Dee: rehearsal"
    assert here.candidate().locked_until == minute(180)
    assert here.left() == {"#11": "oven is locked by Dee: rehearsal", "#12": "oven is locked by Dee: rehearsal"}


def test_nor_of_what_somebody_holds(here: Station) -> None:
    """A Hold on what waits there is a brake on that service."""
    here.ask(sha_of("c"))
    here.act(Act.HOLD, "U0DEE", reason="let me look")
    assert here.candidate().locked == "held by Dee: let me look"


def test_a_range_that_was_not_read_is_said_so(here: Station) -> None:
    """What it brings is known only as far as that."""
    here.stage("d", 30)
    assert [(one.sha[0], one.read) for one in here.candidate().builds] == [("d", False), ("c", True), ("b", True)]


def test_what_was_taken_off_is_handed_on(here: Station) -> None:
    """The build without it goes."""
    twelve = here.candidate().builds[0].changes[-1]
    boarding = board(WEB, [here.candidate(Removal(twelve.id, "removed by Chi: too early"))], LEAVES)
    assert [pick.sha[0] for pick in boarding.aboard] == ["b"]
    assert [(one.change, one.reason) for one in boarding.left] == [(twelve, "removed by Chi: too early")]


def test_nothing_boards_that_nothing_carries_out(here: Station) -> None:
    """A departure would be held for it, and called off for all."""
    here.service = replace(here.service, promote_through=None)
    assert here.aboard() == []
    assert set(here.left().values()) == {"shipmate.yml names no way to promote oven (promote_through)"}


def test_nothing_boards_where_no_environment_comes_before(session: Session) -> None:
    """There is nowhere that a build could have come from."""
    station = Station(session, replace(OVEN, gates=GATES, environments=("production",)))
    station.reach("a", 10, carrying(pull(11, "a")), to="production")
    assert station.candidate().builds == ()
    assert station.behind() == []
