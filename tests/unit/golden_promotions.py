"""Views of promotions, drift and Home, for the golden files: what each template is shown with."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from bot.alerts.views import AlertView
from bot.answers.locks import LockModal
from bot.answers.views import (
    Ahead,
    AheadView,
    AlarmView,
    AskView,
    DriftLine,
    DriftReply,
    EndedLine,
    HomeView,
    LockLine,
    PromotionLine,
    RolledBackLine,
    ServiceDrift,
    TakenOut,
    WaitsForMe,
    WhereFound,
)
from bot.deploys.views import ChangeView, LinkView, PersonView, RangeState, StageView
from bot.events import Act, DeployStatus
from bot.gates.judging import PASSED
from bot.locks.rules import Stage
from bot.locks.views import FreezeRow, LockRow, LocksReply
from bot.promotions.models import State
from bot.promotions.states import MAY
from bot.promotions.views import (
    AbleView,
    ApprovalView,
    BarredView,
    DecisionView,
    DetailsModal,
    GateLine,
    HoldingLock,
    LiveView,
    NextBuild,
    PromoteModal,
    PromotionCard,
    PromotionNote,
    ReasonModal,
    RejectionView,
    RollbackModal,
    RoundView,
    Said,
    SizedChange,
    TryingView,
)
from tests.unit import golden_trains as trains
from tests.unit.golden_deploys import BURNS

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
SHA = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"
OLDER = "9f8e7d6c5b4a39281706f5e4d3c2b1a099887766"
NEWER = "c3d4e5f60718293a4b5c6d7e8f9001122334a1b2"
RUN = "https://github.example/acme/checkout/actions/runs/991"

ANA = PersonView(name="Ana", slack_id="U0ANA")
CHI = PersonView(name="Chi", slack_id="U0CHI")
DEE = PersonView(name="Dee", slack_id="U0DEE")
EVE = PersonView(name="Eve", slack_id="U0EVE")


def change(number: int, title: str, *authors: PersonView, merged_for: str | None = None) -> ChangeView:
    """One change."""
    return ChangeView(
        label=f"#{number}",
        title=title,
        url=f"https://github.example/acme/checkout/pull/{number}",
        authors=authors,
        merged_for=merged_for,
        change_id=number,
    )


RETRY = change(812, "Retry payments once after a time-out", ANA)
BUMP = change(816, "Bump stripe from 11 to 12", CHI, merged_for="dependabot")
BASKET = change(820, "Keep the basket on log-out", ANA)
LINKS = (
    LinkView(name="Diff", url="https://github.example/acme/checkout/compare/9f8e7d6...a1b2c3d"),
    LinkView(name="Old vs new", url="https://grafana.example/d/canary?var-old=9f8e7d6&var-new=a1b2c3d"),
)
NO_LOCK = GateLine(gate="lock", state="open", reason="no lock")
SMOKED = GateLine(gate="smoke", state="open", reason="e2e passed")
QUIET = GateLine(gate="health", state="open", reason="no alert fires")
SOAKING = GateLine(
    gate="soak", state="waiting", reason="soaked for 12 min of 30 min", until=NOON + timedelta(minutes=18)
)
NEEDED = GateLine(gate="approval", state="waiting", reason="needs 1 yes (@payments-leads)")
LOCKED = GateLine(
    gate="lock",
    state="blocked",
    reason="checkout is locked by Dee: rollback in progress",
    until=NOON + timedelta(hours=4),
    can=(DEE,),
)
WANTS_GO = GateLine(
    gate="lock",
    state="blocked",
    reason="the lock on checkout ran out: production waits for somebody's Go",
    go=7,
)
HOLD_OVER = dataclasses.replace(WANTS_GO, reason="the hold of Dee ran out: it waits for somebody's Go", go=8)
ROLLED_BACK = GateLine(
    gate="order",
    state="blocked",
    reason="#812 was rolled back from production: bring a fix, or say why it may go in again",
)
FIRING = tuple(
    AlertView(name=name, since=NOON + timedelta(minutes=12), url=url)
    for name, url in (("checkout 5xx", "https://grafana.example/d/5xx"), ("p99", None), ("queue", None), ("disk", None))
)
ABLE = (
    AbleView(person=DEE, online=True, from_at=None),
    AbleView(person=CHI, online=None, from_at=None),
    AbleView(person=EVE, online=False, from_at=NOON + timedelta(hours=20)),
)
DEES_YES = ApprovalView(person=DEE, at=NOON - timedelta(minutes=4), counts=True)
OPEN = PromotionCard(
    promotion_id=12,
    seen="9f8e7d6c",
    service="checkout",
    environment="production",
    before="staging",
    state=State.OPEN.value,
    rollback=False,
    sha=SHA,
    reason=None,
    requested_by=None,
    range=RangeState.COMPLETE,
    changes=(RETRY, BUMP),
    leaving=(),
    more=0,
    changes_in_all=2,
    additions=214,
    deletions=37,
    gates=(NO_LOCK, SMOKED, QUIET, SOAKING, NEEDED),
    ships_at=NOON + timedelta(minutes=18),
    ships_at_said="13:18 (Europe/Paris)",
    only_approval=False,
    approvals=(),
    able=ABLE,
    reentries=(),
    held=False,
    next=None,
    undo_until=None,
    called=False,
    asks_person=None,
    deploy=None,
    percent=None,
    duration=None,
    ended_at=None,
    ended_by=None,
    ended_reason=None,
    live=False,
    rolled_back_at=None,
    watched_until=None,
    alerts=(),
    links=LINKS,
    may=tuple(sorted(MAY[State.OPEN])),
)
APPROVED = dataclasses.replace(
    OPEN,
    gates=(NO_LOCK, SMOKED, SOAKING, GateLine(gate="approval", state="open", reason="approved by Dee")),
    approvals=(DEES_YES,),
    able=(),
)
STARTING = dataclasses.replace(
    APPROVED,
    state=State.STARTING.value,
    gates=(NO_LOCK, SMOKED, QUIET),
    ships_at=None,
    undo_until=NOON + timedelta(seconds=10),
    may=tuple(sorted(MAY[State.STARTING])),
)
CALLED = dataclasses.replace(STARTING, called=True, undo_until=None, gates=(), may=())
ROLLING = dataclasses.replace(
    CALLED, state=State.ROLLING.value, deploy=DeployStatus.IN_PROGRESS, percent=40, may=(Act.CANCEL,)
)
ENDED = dataclasses.replace(ROLLING, deploy=None, percent=None, may=(), called=False, ended_at=NOON)
LIVE = dataclasses.replace(
    ENDED,
    state=State.DONE.value,
    deploy=DeployStatus.SUCCEEDED,
    duration=timedelta(seconds=192),
    live=True,
    watched_until=NOON + timedelta(hours=1),
    links=(*LINKS, LinkView(name="Run", url=RUN)),
)
ROLLBACK = dataclasses.replace(
    OPEN,
    rollback=True,
    sha=OLDER,
    reason="5xx since the last deploy",
    requested_by=DEE,
    changes=(),
    leaving=(RETRY, BUMP),
    additions=None,
    deletions=None,
    gates=(
        GateLine(gate="lock", state="open", reason="no lock stops a rollback"),
        *(GateLine(gate=one, state="open", reason=PASSED) for one in ("freeze", "order", "soak", "health")),
        GateLine(gate="approval", state="open", reason="a rollback needs nobody's yes"),
    ),
    able=(),
    ships_at=None,
)

ROUND = RoundView(
    closed=("soaked for 12 min of 30 min", "approval: 1 of 2, needs 1 yes"), sources=("api", "github"), who=CHI, url=RUN
)
BUGGY = RejectionView(labels=("#812",), who=ANA, at=NOON - timedelta(minutes=10), reason="I found a bug in mine")

WENT_ROUND = dataclasses.replace(LIVE, round=ROUND)
UNAWAITED = dataclasses.replace(
    ROLLING, state=State.CANCELLED.value, unawaited=True, ended_at=NOON, ended_by=ANA, ended_reason="lunch", may=()
)

CARDS: dict[str, object] = {
    "needs a yes, soaks": OPEN,
    "needs a yes only": dataclasses.replace(
        OPEN, gates=(NO_LOCK, SMOKED, QUIET, NEEDED), ships_at=None, only_approval=True
    ),
    "a hotfix besides a train": dataclasses.replace(OPEN, besides="web"),
    "a newer build waits": dataclasses.replace(
        OPEN, next=NextBuild(sha=NEWER, changes=(BASKET,)), approvals=(DEES_YES,)
    ),
    "its approval is void": dataclasses.replace(
        OPEN,
        changes=(RETRY, BUMP, BASKET),
        changes_in_all=3,
        gates=(
            NO_LOCK,
            GateLine(gate="approval", state="waiting", reason="void: 1 change added since Dee approved; needs 1 yes"),
        ),
        approvals=(dataclasses.replace(DEES_YES, counts=False),),
    ),
    "approved, soaks": APPROVED,
    "is being read": dataclasses.replace(
        OPEN, range=RangeState.READING, changes=(), changes_in_all=0, additions=None, deletions=None
    ),
    "cannot be read": dataclasses.replace(
        OPEN,
        range=RangeState.UNREADABLE,
        changes=(),
        changes_in_all=0,
        trouble="GitHub answers “Not Found” about a1b2c3d and 9f8e7d6 of acme/checkout: it has no such commit, or "
        "Shipmate may not read it there",
    ),
    "could not be read": dataclasses.replace(
        OPEN,
        range=RangeState.UNKNOWN,
        changes=(),
        changes_in_all=0,
        trouble="GitHub answered HTTP 502 about the commits of acme/checkout",
    ),
    "is locked, and anybody can": dataclasses.replace(
        OPEN,
        gates=(
            dataclasses.replace(LOCKED, can=(), able="anybody here but guests"),
            dataclasses.replace(LOCKED, can=(), able="members of payments"),
        ),
        ships_at=None,
    ),
    "is locked": dataclasses.replace(OPEN, gates=(LOCKED, SMOKED, NEEDED), ships_at=None),
    "waits for a Go": dataclasses.replace(APPROVED, gates=(WANTS_GO, SMOKED), ships_at=None),
    "waits for a Go and a yes": dataclasses.replace(OPEN, gates=(WANTS_GO, NEEDED), ships_at=None),
    "several locks, one is over": dataclasses.replace(
        APPROVED,
        gates=(LOCKED, dataclasses.replace(LOCKED, reason="everything is locked by Chi: audit", can=()), WANTS_GO),
        ships_at=None,
    ),
    "locked, and rolled back before": dataclasses.replace(
        APPROVED, gates=(LOCKED, ROLLED_BACK), ships_at=None, reentries=("#812",)
    ),
    "rolled back before": dataclasses.replace(APPROVED, gates=(ROLLED_BACK,), ships_at=None, reentries=("#812",)),
    "rolled back before, and somebody said why": dataclasses.replace(
        OPEN, answered=("#812",), answered_by=CHI, answered_reason="the database was full"
    ),
    "rolled back before, and mended": dataclasses.replace(OPEN, mended=("#812", "#816")),
    "rolled back before: some mended, some answered for": dataclasses.replace(
        OPEN, answered=("#812",), answered_by=CHI, answered_reason="the database was full", mended=("#816",)
    ),
    "rejected before": dataclasses.replace(OPEN, rejections=(BUGGY,)),
    "rolls out, and nobody waits": UNAWAITED,
    "rolls out round the gates": dataclasses.replace(ROLLING, round=ROUND),
    "live round the gates": WENT_ROUND,
    "live past us, with every gate open": dataclasses.replace(LIVE, round=dataclasses.replace(ROUND, closed=())),
    "may be on its way, and is locked": dataclasses.replace(
        CALLED,
        may_hold=(dataclasses.replace(LOCKED, until=None),),
        trying=TryingView(tries=3, since=NOON, reason="GitHub answered HTTP 502", next_at=NOON + timedelta(seconds=40)),
    ),
    "some must be proven first": dataclasses.replace(OPEN, able=ABLE[:1], unproven=(CHI, EVE)),
    "all must be proven first, and cannot here": dataclasses.replace(OPEN, able=(), unproven=(CHI,), proves=False),
    "nobody is left to approve": dataclasses.replace(
        OPEN,
        able=(),
        short=1,
        barred=(BarredView(person=DEE, why="wrote #816"), BarredView(person=EVE, why="approved already")),
        approvals=(DEES_YES,),
    ),
    "too few are left to approve": dataclasses.replace(
        OPEN, able=ABLE[:1], short=1, barred=(BarredView(person=CHI, why="merged #816 for a bot"),)
    ),
    "its hold ran out": dataclasses.replace(APPROVED, held=True, gates=(HOLD_OVER,), ships_at=None),
    "is on hold": dataclasses.replace(APPROVED, held=True, gates=(LOCKED, SMOKED), ships_at=None),
    "brings back what was rolled back": dataclasses.replace(OPEN, reentries=("#812",), requested_by=CHI),
    "many changes": dataclasses.replace(
        OPEN,
        changes=tuple(change(number, f"Change number {number}", ANA) for number in range(500, 510)),
        changes_in_all=55,
        more=45,
    ),
    "starts": STARTING,
    "is starting": CALLED,
    "is in doubt": dataclasses.replace(
        CALLED,
        asks_person="the dispatch of deploy.yml did not answer, and nothing in its runs names this promotion",
        may=(Act.TRY_AGAIN, Act.WENT_THROUGH),
    ),
    "waits in its pipeline": dataclasses.replace(ROLLING, deploy=DeployStatus.PENDING, percent=None),
    "is starting, and nobody answers": dataclasses.replace(
        STARTING,
        trying=TryingView(
            tries=3,
            since=NOON,
            reason="GitHub did not answer about a deployment (ClientConnectorError)",
            next_at=NOON + timedelta(seconds=40),
        ),
    ),
    "rolling out": ROLLING,
    "live and watched": LIVE,
    "live, and alerts fire": dataclasses.replace(LIVE, alerts=FIRING),
    "live, and an incident is open": dataclasses.replace(LIVE, incidents=(BURNS,)),
    "live": dataclasses.replace(LIVE, watched_until=None),
    "live no more": dataclasses.replace(LIVE, watched_until=None, live=False),
    "was rolled back": dataclasses.replace(
        LIVE, watched_until=None, live=False, rolled_back_at=NOON + timedelta(minutes=20)
    ),
    "failed": dataclasses.replace(
        ENDED,
        state=State.FAILED.value,
        ended_reason="Readiness probe failed: HTTP 503",
        now_live=LiveView(sha=OLDER, since=NOON - timedelta(days=1)),
        goes_back=True,
    ),
    "failed, and something newer is live": dataclasses.replace(
        ENDED, state=State.FAILED.value, ended_reason="its rollout failed", now_live=LiveView(sha=NEWER, since=NOON)
    ),
    "rejected": dataclasses.replace(
        ENDED, state=State.REJECTED.value, ended_by=DEE, ended_reason="The migration is not backwards compatible"
    ),
    "cancelled": dataclasses.replace(ENDED, state=State.CANCELLED.value, ended_by=ANA),
    "expired": dataclasses.replace(ENDED, state=State.EXPIRED.value, ended_reason="nobody opened its gates in time"),
    "superseded": dataclasses.replace(ENDED, state=State.SUPERSEDED.value),
    "a rollback waits": ROLLBACK,
    "a rollback needs a yes": dataclasses.replace(ROLLBACK, gates=(NO_LOCK, NEEDED), able=ABLE, only_approval=True),
    "a rollback starts": dataclasses.replace(
        ROLLBACK, state=State.STARTING.value, undo_until=NOON + timedelta(seconds=10), may=tuple(MAY[State.STARTING])
    ),
    "rolling back": dataclasses.replace(ROLLBACK, state=State.ROLLING.value, gates=(), called=True, may=(Act.CANCEL,)),
    "rolled back": dataclasses.replace(
        ROLLBACK, state=State.DONE.value, gates=(), live=True, watched_until=NOON + timedelta(hours=1), may=()
    ),
    "a rollback failed": dataclasses.replace(ROLLBACK, state=State.FAILED.value, gates=(), may=()),
}

NOTE = PromotionNote(
    said=Said.REJECTED.value,
    promotion_id=12,
    service="checkout",
    environment="production",
    sha=SHA,
    rollback=False,
    who=DEE,
    reason="The migration is not backwards compatible",
    changes=(RETRY, BUMP),
    url=RUN,
)
DEES_LOCK = HoldingLock(scope="checkout", reason="rollback in progress", owner="Dee", ends_at=NOON + timedelta(hours=4))
NOTES: dict[str, object] = {
    **{said.value.replace("_", " "): dataclasses.replace(NOTE, said=said.value) for said in Said},
    "approval needed, of these": dataclasses.replace(
        NOTE, said=Said.APPROVAL_NEEDED.value, able=ABLE, who=None, reason=None
    ),
    "void, nothing added": dataclasses.replace(NOTE, said=Said.VOID.value, changes=()),
    "an alert fires": dataclasses.replace(NOTE, said=Said.ALERT.value, alert=FIRING[0]),
    "an alert fires, and its incident is open": dataclasses.replace(
        NOTE, said=Said.ALERT.value, alert=FIRING[0], incident=BURNS
    ),
    "an alert fires, to an author": dataclasses.replace(NOTE, said=Said.ALERT.value, changes=(RETRY,), alert=FIRING[1]),
    "an alert fires while it rolls out": dataclasses.replace(
        NOTE, said=Said.ALERT.value, alert=FIRING[0], rolling=True
    ),
    "an alert is over": dataclasses.replace(NOTE, said=Said.ALERT_OVER.value, alert=FIRING[0]),
    "held by Dee": dataclasses.replace(NOTE, said=Said.HELD.value, changes=(RETRY,), lock=DEES_LOCK),
    "held by itself": dataclasses.replace(
        NOTE, said=Said.HELD.value, lock=dataclasses.replace(DEES_LOCK, owner=None, ends_at=None)
    ),
    "held by a hold": dataclasses.replace(
        NOTE,
        said=Said.HELD.value,
        lock=dataclasses.replace(DEES_LOCK, scope="the promotion of checkout to production", hold=True),
    ),
    "another's lock is gone, and it waits": dataclasses.replace(
        NOTE, said=Said.GOES_ON.value, lock=DEES_LOCK, waits=(LOCKED, NEEDED)
    ),
    "held by a freeze": dataclasses.replace(
        NOTE, said=Said.HELD.value, lock=dataclasses.replace(DEES_LOCK, scope="everything", freeze=True)
    ),
    "goes on after a freeze": dataclasses.replace(
        NOTE, said=Said.GOES_ON.value, changes=(RETRY,), lock=dataclasses.replace(DEES_LOCK, freeze=True)
    ),
    "nobody asked, and it rolls": dataclasses.replace(
        NOTE, said=Said.WENT_ROUND.value, changes=(), reason=None, deploy=DeployStatus.IN_PROGRESS
    ),
    "nobody asked, and it failed": dataclasses.replace(
        NOTE, said=Said.WENT_ROUND.value, changes=(), reason=None, deploy=DeployStatus.FAILED
    ),
    "gone back by hand": dataclasses.replace(
        NOTE, said=Said.WENT_ROUND.value, changes=(), reason=None, deploy=DeployStatus.SUCCEEDED, rollback=True
    ),
    "a rollback by hand failed": dataclasses.replace(
        NOTE, said=Said.WENT_ROUND.value, changes=(), reason=None, who=None, deploy=DeployStatus.FAILED, rollback=True
    ),
    "goes on after a lock": dataclasses.replace(NOTE, said=Said.GOES_ON.value, changes=(RETRY,), lock=DEES_LOCK),
    "a rollback was rejected": dataclasses.replace(NOTE, rollback=True, who=None, reason=None),
    "a rollback failed": dataclasses.replace(NOTE, said=Said.FAILED.value, rollback=True, url=None, reason=None),
    "failed, and production has locked itself": dataclasses.replace(
        NOTE,
        said=Said.FAILED.value,
        reason="its rollout failed",
        lock=HoldingLock(scope="checkout/production", reason="the rollout of a1b2c3d failed", owner=None, ends_at=None),
    ),
    "cancelled, and many with it": dataclasses.replace(
        NOTE, said=Said.CANCELLED.value, changes=(RETRY, BUMP, BASKET, RETRY, BUMP, BASKET), more=7
    ),
    "live round the gates": dataclasses.replace(NOTE, said=Said.LIVE.value, who=None, reason=None, round=ROUND),
}

REASON = ReasonModal(
    promotion_id=12,
    seen="9f8e7d6c",
    service="checkout",
    environment="production",
    sha=SHA,
    changes=(RETRY, BUMP),
    more=0,
    rolling=False,
)
GOING_BACK = RollbackModal(
    service="checkout",
    environment="production",
    from_sha=SHA,
    to_sha=OLDER,
    to_live_at=NOON - timedelta(days=1),
    to_deploy=41,
    seen="aa11bb22",
    leaving=(RETRY, BUMP),
    more=0,
    complete=True,
)
DECIDED = DecisionView(
    at=NOON, act="approve", who=DEE, outcome="unchanged", closed=("soak: soaked for 12 min of 30 min",)
)
SAID_WHY = dataclasses.replace(DECIDED, act="acknowledge", who=CHI, reason="the database was full")
DETAILS = DetailsModal(
    card=OPEN,
    sized=(
        SizedChange(change=RETRY, additions=200, deletions=30),
        SizedChange(change=BUMP, additions=None, deletions=None),
    ),
    more=0,
    verdicts=OPEN.gates,
    decisions=(dataclasses.replace(DECIDED, act="include", outcome="superseded", who=None, closed=()), DECIDED),
)
ABOARD = AheadView(
    service="checkout",
    environment="production",
    before="staging",
    ahead=Ahead.ABOARD,
    promotion_id=12,
    sha=SHA,
    closed=(SOAKING,),
    able=(),
    from_at=NOON + timedelta(minutes=20),
    to_at=NOON + timedelta(minutes=24),
    after_yes=None,
)
WANTS_YES = dataclasses.replace(
    ABOARD, closed=(NEEDED,), able=ABLE, from_at=None, to_at=None, after_yes=timedelta(minutes=6)
)
NOT_THERE = dataclasses.replace(ABOARD, closed=(), from_at=None, to_at=None)
STAGED = StageView(
    service="checkout", environment="staging", status=DeployStatus.SUCCEEDED, at=NOON - timedelta(hours=2), url=RUN
)
FOUND = WhereFound(
    change=RETRY,
    repo="acme/checkout",
    merged_at=NOON - timedelta(hours=3),
    stages=(STAGED,),
    waiting=("production",),
    ahead=(ABOARD,),
)
WAITING = PromotionLine(
    promotion_id=12, sha=SHA, state=State.OPEN.value, rollback=False, changes=2, closed=(SOAKING, NEEDED)
)
ASK = AskView(typed="/ship promote checkout")
UNASKED = dataclasses.replace(NOT_THERE, ahead=Ahead.UNASKED, sha=None, promotion_id=None, ask=ASK)
REJECTED = EndedLine(state=State.REJECTED.value, at=NOON, who=DEE, reason="too risky before the weekend")
WAYS: dict[str, AheadView] = {
    "soaks": ABOARD,
    "within a wide range": dataclasses.replace(ABOARD, to_at=NOON + timedelta(minutes=60)),
    "needs a yes": WANTS_YES,
    "needs a yes of who is to be proven, and a word": dataclasses.replace(
        WANTS_YES,
        stuck="Eve could, once GitHub has said who they are: they type /ship me github prove.",
        reentry=True,
    ),
    "is locked": dataclasses.replace(NOT_THERE, closed=(LOCKED,)),
    "waits for a Go": dataclasses.replace(NOT_THERE, closed=(WANTS_GO, NEEDED)),
    "starts": dataclasses.replace(ABOARD, ahead=Ahead.STARTING, closed=()),
    "rolls": dataclasses.replace(ABOARD, ahead=Ahead.ROLLING, closed=()),
    "rolls, nobody knows how long": dataclasses.replace(NOT_THERE, ahead=Ahead.ROLLING),
    "is next": dataclasses.replace(NOT_THERE, ahead=Ahead.NEXT),
    "is not in staging": dataclasses.replace(NOT_THERE, ahead=Ahead.BEFORE, sha=None, promotion_id=None),
    "nothing promotes it": UNASKED,
    "nothing promotes it, and others can ask": dataclasses.replace(
        UNASKED,
        ask=AskView(typed="/ship promote checkout to production", by="members of the team payments", train="web"),
    ),
    "nothing promotes it, and asking would be refused": dataclasses.replace(
        UNASKED,
        ask=AskView(why="checkout → production is being started just now: ask again once it rolls out."),
    ),
    "its own pipeline does": dataclasses.replace(UNASKED, ask=AskView(ours=False)),
    "was rolled back": dataclasses.replace(
        UNASKED,
        back=RolledBackLine(at=NOON, who=DEE, reason="5xx since the last deploy"),
        locks=(
            LockLine(
                scope="checkout/production", reason="rolled back: 5xx", owner="Shipmate", until=None, wants_go=False
            ),
            LockLine(scope="everything", reason="lunch", owner="Eve", until=None, wants_go=True),
        ),
    ),
    "nobody waits": dataclasses.replace(UNASKED, ended=dataclasses.replace(REJECTED, state="unawaited")),
    "was rejected": dataclasses.replace(UNASKED, ended=REJECTED),
    "was rejected, and others can ask": dataclasses.replace(
        UNASKED, ended=REJECTED, ask=dataclasses.replace(ASK, by="full members of the workspace")
    ),
}
DRIFTING = ServiceDrift(
    service="checkout",
    before="staging",
    environment="production",
    before_sha=SHA,
    sha=OLDER,
    lines=(
        DriftLine(change=RETRY, since=NOON - timedelta(days=2)),
        DriftLine(change=BUMP, since=NOON - timedelta(hours=1)),
    ),
    more=0,
    people=(ANA, CHI),
    promotion=WAITING,
)
DRIFTS: dict[str, object] = {
    "checkout": DriftReply(services=(DRIFTING,), level=0, more=0),
    "several": DriftReply(
        services=(
            dataclasses.replace(DRIFTING, more=7),
            dataclasses.replace(
                DRIFTING,
                service="cart",
                promotion=None,
                ask=AskView(typed="/ship promote cart"),
                people=(ANA, CHI, DEE, EVE, ANA, CHI, DEE),
                lines=DRIFTING.lines[:1],
            ),
            dataclasses.replace(DRIFTING, service="search", lines=(), people=(), sha=None, promotion=None),
            dataclasses.replace(
                DRIFTING, service="web", lines=(), people=(), promotion=dataclasses.replace(WAITING, closed=())
            ),
        ),
        level=3,
        more=4,
    ),
    "rolled back and rejected": DriftReply(
        services=(
            dataclasses.replace(
                DRIFTING, promotion=None, ended=REJECTED, out=TakenOut(sha=SHA, since=NOON, changes=(RETRY,)), ask=ASK
            ),
        ),
        level=0,
        more=0,
    ),
    "rejected": DriftReply(
        services=(dataclasses.replace(DRIFTING, promotion=None, ended=REJECTED, ask=ASK),), level=0, more=0
    ),
    "by train, and of its own pipeline": DriftReply(
        services=(
            dataclasses.replace(DRIFTING, promotion=None, ask=dataclasses.replace(ASK, train="web")),
            dataclasses.replace(DRIFTING, service="mail", promotion=None, ask=AskView(ours=False)),
        ),
        level=0,
        more=0,
    ),
    "rolled back, and asked for again": DriftReply(
        services=(dataclasses.replace(DRIFTING, out=TakenOut(sha=SHA, since=NOON, changes=())),), level=0, more=0
    ),
    "none": DriftReply(services=(), level=5, more=0),
    "no pipeline": DriftReply(services=(), level=0, more=0),
}
LOCK_LINES = (
    LockLine(
        scope="checkout", reason="rollback in progress", owner="Dee", until=NOON + timedelta(hours=4), wants_go=False
    ),
    LockLine(scope="all of payments", reason="deploy of a1b2c3d failed", owner="Shipmate", until=None, wants_go=True),
    LockLine(scope="frozen", reason="Holidays", owner="", until=NOON + timedelta(days=4), wants_go=False),
)
TAKEN_OUT = TakenOut(sha=SHA, since=NOON, changes=(RETRY, BUMP))
HOME = HomeView(
    person=ANA,
    waits=(
        WaitsForMe(
            promotion_id=12,
            seen="9f8e7d6c",
            service="checkout",
            environment="production",
            changes=(RETRY, BUMP),
            changes_in_all=2,
            rollback=False,
            closed=(SOAKING, NEEDED),
        ),
    ),
    more_waits=0,
    mine=(FOUND, dataclasses.replace(FOUND, change=BASKET, ahead=(WANTS_YES,))),
    locks=LocksReply(
        locks=(
            LockRow(
                lock_id=17,
                stage=Stage.HOLDS,
                scope="checkout",
                reason="rollback in progress",
                owner=DEE,
                began_at=NOON,
                ends_at=NOON + timedelta(hours=4),
            ),
            LockRow(
                lock_id=18,
                stage=Stage.WANTS_GO,
                scope="all of payments",
                reason="deploy of a1b2c3d failed",
                owner=None,
                began_at=NOON,
                ends_at=None,
            ),
        ),
        freezes=(
            FreezeRow(
                freeze_id=None,
                services=(),
                reason="Holidays",
                owner=None,
                begins=NOON + timedelta(days=3),
                ends=NOON + timedelta(days=9),
                holds=False,
            ),
        ),
        more=2,
    ),
    trains=(
        dataclasses.replace(trains.WEB, boarding=None, running=(dataclasses.replace(trains.HELD, conductor=ANA),)),
        dataclasses.replace(trains.NOBODY, boarding=None, missed=trains.MISSED, coming=None),
    ),
    proven=True,
)
EMPTY_HOME = HomeView(
    person=EVE,
    waits=(),
    more_waits=0,
    mine=(),
    locks=LocksReply(locks=(), freezes=(), more=0),
    trains=(),
    proven=False,
)

SAMPLES: dict[str, dict[str, object]] = {
    "cards/promotion": CARDS,
    "notes/promotion_said": NOTES,
    "replies/drift": DRIFTS,
    "modals/reject": {"two changes": REASON, "many": dataclasses.replace(REASON, more=40)},
    "modals/hold": {"two changes": REASON},
    "modals/cancel": {"open": REASON, "rolling": dataclasses.replace(REASON, rolling=True)},
    "modals/acknowledge": {"one change": dataclasses.replace(REASON, changes=(RETRY,))},
    "modals/roll_back": {
        "two changes": GOING_BACK,
        "not all is known": dataclasses.replace(GOING_BACK, leaving=(), complete=False),
        "one": dataclasses.replace(GOING_BACK, leaving=(RETRY,)),
    },
    "modals/promote": {"asked": PromoteModal()},
    "modals/lock": {"asked": LockModal()},
    "modals/details": {
        "open": DETAILS,
        "live": dataclasses.replace(DETAILS, card=LIVE, verdicts=(), more=3),
        "rolled back before, and somebody said why": dataclasses.replace(
            DETAILS,
            card=dataclasses.replace(
                OPEN, answered=("#812",), answered_by=CHI, answered_reason="the database was full"
            ),
            verdicts=(LOCKED, dataclasses.replace(LOCKED, can=(), able="members of payments")),
            decisions=(SAID_WHY,),
        ),
        "live round the gates": dataclasses.replace(DETAILS, card=WENT_ROUND, verdicts=()),
        "rolls out, and nobody waits": dataclasses.replace(DETAILS, card=UNAWAITED, verdicts=()),
        "rejected before, and rolled back": dataclasses.replace(
            DETAILS,
            card=dataclasses.replace(OPEN, rejections=(BUGGY,), answered=("#812",), answered_by=CHI, mended=("#816",)),
        ),
        "a rollback that was read by nobody": DetailsModal(
            card=dataclasses.replace(
                ROLLBACK, range=RangeState.READING, ended_at=NOON, ended_by=DEE, ended_reason="no"
            ),
            sized=(),
            more=0,
            verdicts=(),
            decisions=(),
        ),
    },
    "home/home": {
        "a guest": dataclasses.replace(EMPTY_HOME, person=PersonView(name="somebody"), reads_only=True),
        "a busy day": HOME,
        "an alert fires": dataclasses.replace(
            HOME,
            alarms=(AlarmView(service="checkout", environment="production", alert=FIRING[0], changes=(RETRY, BUMP)),),
        ),
        "nothing": EMPTY_HOME,
        "nobody can prove who they are": dataclasses.replace(EMPTY_HOME, proves=False),
        "more than is shown": dataclasses.replace(HOME, more_waits=4, waits=HOME.waits * 3, trains=()),
    },
}
"""Views by template and by what they show."""
