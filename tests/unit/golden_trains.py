"""Views of trains and their departures, for the golden files: what each template is shown with."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from bot.departures.states import Outcome, State
from bot.deploys.views import ChangeView, PersonView
from bot.events import TrainAct
from bot.promotions.views import AbleView, GateLine
from bot.trains.telling import PassengerSaid, Said, TrainSaid
from bot.trains.views import (
    AboardCard,
    BoardingService,
    BoardingView,
    CancelModal,
    Choice,
    ComingView,
    DepartureCard,
    DepartureDetails,
    DepartureNote,
    HoldModal,
    LeftBehind,
    PassengerNote,
    RemoveModal,
    RollModal,
    ServiceAboard,
    Standing,
    TrainNote,
    TrainsReply,
    TrainView,
)
from tests.unit.golden_deploys import BURNS

TWO = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
"""14:00 in Paris."""
RUN = "https://github.example/acme/checkout/actions/runs/991"
BEFORE = (TrainAct.CANCEL, TrainAct.DEPART, TrainAct.HOLD, TrainAct.REMOVE)

ANA = PersonView(name="Ana", slack_id="U0ANA")
BEN = PersonView(name="Ben", slack_id="U0BEN")
CHI = PersonView(name="Chi", slack_id="U0CHI")
DEE = PersonView(name="Dee", slack_id="U0DEE")
EVE = PersonView(name="Eve", slack_id="U0EVE")


def change(number: int, title: str, *authors: PersonView) -> ChangeView:
    """One change."""
    return ChangeView(
        label=f"#{number}",
        title=title,
        url=f"https://github.example/acme/checkout/pull/{number}",
        authors=authors,
        change_id=number,
    )


RETRY = change(812, "Retry payments once after a time-out", ANA)
BUMP = change(816, "Bump stripe from 11 to 12", CHI)
BASKET = change(820, "Keep the basket on log-out", ANA)
INDEX = change(71, "Search by colour", BEN)
SMOKE = GateLine(gate="smoke", state="blocked", reason="e2e failed (run 991)", can=(BEN,))
SOAK = GateLine(gate="soak", state="waiting", reason="soaks in staging for 30 min", until=TWO - timedelta(minutes=5))
YES = GateLine(gate="approval", state="waiting", reason="needs 1 yes (@payments-leads)")
BACK = GateLine(
    gate="order", state="blocked",
    reason="#820 was rolled back from production: bring a fix, or say why it may go in again",
)  # fmt: skip
NOBODY_LEFT = "Nobody else is left who can: Dee wrote #812. What helps: somebody more in the group that approves."
ABLE = (
    AbleView(person=DEE, online=True, from_at=None),
    AbleView(person=EVE, online=False, from_at=TWO + timedelta(hours=20)),
)
CHECKOUT = ServiceAboard(
    service="checkout",
    promotion_id=12,
    seen="9f8e7d6c",
    sha="a1b2c3d4e5f60718293a4b5c6d7e8f9001122334",
    stands=Standing.WAITS,
    after=(),
    changes=(RETRY, BUMP),
    more=1,
    closed=(),
    wants_yes=False,
    able=(),
    approved_by=(),
    percent=None,
    took=None,
    url=None,
    trouble=None,
)
CART = dataclasses.replace(CHECKOUT, service="cart", promotion_id=13, sha="0c0ffee0" * 5, changes=(BASKET,), more=0)
SEARCH = dataclasses.replace(CHECKOUT, service="search", promotion_id=14, sha="beefbeef" * 5, changes=(INDEX,), more=0)
LATE = LeftBehind(
    change=BASKET, service="checkout", reason="soak ends after it leaves", until=TWO + timedelta(minutes=20)
)
RED = LeftBehind(change=INDEX, service="search", reason="e2e failed")
OFF = LeftBehind(change=INDEX, service="search", reason="removed by Chi: too risky", by=CHI)
SEALED = DepartureCard(
    departure_id=5,
    seen="5eed5eed",
    train="web",
    environment="production",
    at=TWO,
    clock="14:00",
    zone="Europe/Paris",
    extra=False,
    state=State.SEALED,
    outcome=None,
    stages=2,
    stage=1,
    aboard=(CART, CHECKOUT, SEARCH),
    left=(LATE,),
    more_left=0,
    missing_ready=(),
    ready=0,
    ready_required=False,
    batch=False,
    conductor=CHI,
    backup=EVE,
    sealed_at=TWO - timedelta(minutes=15),
    departed_at=None,
    ended_at=None,
    ended_by=None,
    ended_reason=None,
    held_by=None,
    hold_reason=None,
    review_at=None,
    stopped_reason=None,
    over_freeze=None,
    returning=False,
    decide_by=None,
    on_failure="hold",
    next_at=TWO + timedelta(hours=2),
    ran=False,
    may=BEFORE,
)
WANTS_YES = (
    dataclasses.replace(CART, approved_by=(DEE,)),
    dataclasses.replace(CHECKOUT, closed=(SOAK, YES), wants_yes=True, able=ABLE),
    dataclasses.replace(SEARCH, closed=(YES,), wants_yes=True, able=ABLE),
)
EACH = dataclasses.replace(SEALED, aboard=WANTS_YES)
BATCH = dataclasses.replace(EACH, batch=True, may=(TrainAct.APPROVE, *BEFORE))
ASKS_READY = dataclasses.replace(
    SEALED, missing_ready=(RETRY, BUMP), ready=2, may=(*BEFORE, TrainAct.READY, TrainAct.UNREADY)
)
HELD = dataclasses.replace(
    SEALED,
    state=State.HELD,
    aboard=(CART, CHECKOUT, dataclasses.replace(SEARCH, closed=(SMOKE,))),
    hold_reason="search: smoke: e2e failed (run 991)",
    decide_by=TWO + timedelta(minutes=30),
)
BY_DEE = dataclasses.replace(
    SEALED,
    state=State.HELD,
    held_by=DEE,
    hold_reason="payments look slow since 13:40",
    review_at=TWO + timedelta(minutes=30),
    may=(TrainAct.CANCEL, TrainAct.DEPART, TrainAct.RELEASE, TrainAct.REMOVE),
)
CART_LIVE = dataclasses.replace(CART, stands=Standing.LIVE, took=timedelta(seconds=192), url=RUN)
UNDER_WAY = dataclasses.replace(
    SEALED,
    state=State.DEPARTED,
    aboard=(CART_LIVE, dataclasses.replace(CHECKOUT, stands=Standing.ROLLING, percent=40, url=RUN), SEARCH),
    stage=2,
    departed_at=TWO,
    may=(),
)
FIRST_STAGE = dataclasses.replace(
    UNDER_WAY,
    stage=1,
    aboard=(
        dataclasses.replace(CART, stands=Standing.STARTING),
        dataclasses.replace(CHECKOUT, after=("cart",)),
        dataclasses.replace(SEARCH, after=("cart",), closed=(SMOKE,)),
    ),
)
FAILED = dataclasses.replace(
    CHECKOUT, stands=Standing.FAILED, trouble="the rollout failed after 2 min", url=RUN, took=timedelta(minutes=2)
)
STOPPED = dataclasses.replace(
    UNDER_WAY,
    aboard=(CART_LIVE, FAILED, SEARCH),
    stopped_reason="checkout failed: the rollout failed",
    decide_by=TWO + timedelta(minutes=34),
    may=(TrainAct.ROLL_BACK, TrainAct.ROLL_ON),
)
RETURNING = dataclasses.replace(
    UNDER_WAY,
    aboard=(
        dataclasses.replace(CART, stands=Standing.GOING_BACK),
        dataclasses.replace(CHECKOUT, stands=Standing.BACK),
        dataclasses.replace(SEARCH, stands=Standing.STUCK, trouble="its pipeline answered 502", url=RUN),
        dataclasses.replace(SEARCH, service="ledger", stands=Standing.OFF, trouble="rejected by Dee"),
    ),
    returning=True,
    may=(),
)
ARRIVED = dataclasses.replace(
    UNDER_WAY,
    state=State.CLOSED,
    outcome=Outcome.ARRIVED,
    aboard=tuple(
        dataclasses.replace(one, stands=Standing.LIVE, took=timedelta(minutes=3), url=RUN)
        for one in (CART, CHECKOUT, SEARCH)
    ),
    ended_at=TWO + timedelta(minutes=11),
)
MISSED = dataclasses.replace(
    SEALED,
    state=State.CLOSED,
    outcome=Outcome.MISSED,
    aboard=(),
    left=(),
    sealed_at=None,
    ended_at=TWO + timedelta(minutes=50),
    ended_reason="nobody was there to let it go",
    may=(TrainAct.RUN,),
)
CANCELLED = dataclasses.replace(
    SEALED,
    state=State.CLOSED,
    outcome=Outcome.CANCELLED,
    ended_at=TWO,
    ended_by=CHI,
    ended_reason="not before the migration is through",
    may=(),
)
CARDS: dict[str, object] = {
    "sealed, and all is open": SEALED,
    "sealed, two want a yes each": EACH,
    "sealed, one yes for all": BATCH,
    "sealed, its list still being read": dataclasses.replace(
        BATCH, aboard=(dataclasses.replace(CART, unread=True, changes=(), closed=(YES,), wants_yes=True),)
    ),
    "sealed, and asks who is ready": ASKS_READY,
    "sealed, and waits for who is ready": dataclasses.replace(ASKS_READY, ready_required=True, conductor=None),
    "sealed, one removed, nobody conducts": dataclasses.replace(
        SEALED, aboard=(CART,), left=(OFF, LATE, RED), more_left=4, conductor=None, backup=None, next_at=None
    ),
    "sealed, and an incident is open": dataclasses.replace(
        SEALED, aboard=(dataclasses.replace(CART, incidents=(BURNS,)),)
    ),
    "under way, and an incident is open": dataclasses.replace(
        UNDER_WAY, aboard=(dataclasses.replace(CART_LIVE, incidents=(BURNS,)),)
    ),
    "held by a gate": HELD,
    "held by two gates": dataclasses.replace(HELD, aboard=WANTS_YES),
    "held by what is no gate": dataclasses.replace(
        HELD, aboard=(CART,), hold_reason="cart: something else is on its way to production, or no run asks yet"
    ),
    "held by Dee": BY_DEE,
    "under way, the first stage": FIRST_STAGE,
    "under way, the second": UNDER_WAY,
    "over a freeze": dataclasses.replace(UNDER_WAY, over_freeze="Chi", stages=1, stage=1),
    "stopped": STOPPED,
    "stopped, rolls back by itself": dataclasses.replace(STOPPED, on_failure="rollback", conductor=None),
    "stopped, a yes has expired": dataclasses.replace(
        STOPPED, aboard=(CART_LIVE, WANTS_YES[2]), stopped_reason="it does not go on: search: approval: needs 1 yes"
    ),
    "sealed, one is to be answered for, and nobody is left to approve another": dataclasses.replace(
        SEALED,
        aboard=(
            dataclasses.replace(CART, closed=(BACK,), reentries=("#820",)),
            dataclasses.replace(CHECKOUT, closed=(YES,), wants_yes=True, stuck=NOBODY_LEFT),
        ),
    ),
    "going back": RETURNING,
    "arrived": ARRIVED,
    "arrived, besides the timetable": dataclasses.replace(ARRIVED, extra=True),
    "not all is live": dataclasses.replace(
        ARRIVED, outcome=Outcome.FAILED, aboard=(CART_LIVE, FAILED), ended_reason="checkout failed"
    ),
    "rolled back": dataclasses.replace(
        ARRIVED, outcome=Outcome.ROLLED_BACK, ended_by=CHI, ended_reason="checkout failed", aboard=RETURNING.aboard[1:2]
    ),
    "cancelled": CANCELLED,
    "missed": MISSED,
    "missed, and run after all": dataclasses.replace(MISSED, ran=True, ended_by=CHI, may=()),
    "nothing aboard": dataclasses.replace(MISSED, outcome=Outcome.EMPTY, left=(LATE,), may=(), ended_reason=None),
}


def said(what: Said, card: DepartureCard, **more: object) -> DepartureNote:
    """One note of a departure."""
    return dataclasses.replace(DepartureNote(said=what.value, card=card, who=None, why=None), **more)  # type: ignore[arg-type]


NOTES: dict[str, object] = {
    "sealed": said(Said.SEALED, dataclasses.replace(SEALED, left=(LATE, RED))),
    "sealed, some want a yes": said(Said.SEALED, dataclasses.replace(EACH, conductor=None, left=())),
    "held by a gate": said(Said.HELD, HELD, why=HELD.hold_reason, can=(BEN,)),
    "held by a gate, nobody can be named": said(
        Said.HELD, dataclasses.replace(HELD, conductor=None, backup=None), why=HELD.hold_reason
    ),
    "held, two want a yes": said(
        Said.HELD, dataclasses.replace(HELD, aboard=WANTS_YES), why="checkout: approval: needs 1 yes", can=(DEE, EVE)
    ),
    "held by Dee": said(Said.HELD, BY_DEE, who=DEE, why=BY_DEE.hold_reason),
    "still held by Dee": said(Said.REVIEW, BY_DEE, who=DEE, why=BY_DEE.hold_reason),
    "released": said(Said.RELEASED, SEALED, who=CHI),
    "left": said(Said.DEPARTED, UNDER_WAY),
    "left late": said(Said.DEPARTED, UNDER_WAY, late=True, who=CHI),
    "missed": said(Said.MISSED, MISSED, next_at=TWO + timedelta(hours=2)),
    "missed, and three before it": said(Said.MISSED, MISSED, earlier=3),
    "missed, and nothing could have gone": said(Said.MISSED, MISSED, nothing=True, next_at=TWO + timedelta(hours=2)),
    "not back yet": said(Said.STILL_RETURNING, RETURNING, waits=("cart", "ledger")),
    "stopped, and others can help": said(
        Said.STOPPED, STOPPED, why="it does not go on: search: approval: needs 1 yes", can=(DEE, EVE)
    ),
    "rolls on without": said(Said.ROLLED_ON, UNDER_WAY, who=CHI, passed=("cart", "checkout")),
    "one change off": said(
        Said.REMOVED, SEALED, service="checkout", changes=(BASKET,), who=CHI, why="removed by Chi: too risky"
    ),
    "a service fell off": said(Said.REMOVED, SEALED, service="search", why="search was rejected by Dee: no"),
    "stopped": said(Said.STOPPED, STOPPED, why=STOPPED.stopped_reason),
    "still stopped": said(Said.STILL_STOPPED, STOPPED, why=STOPPED.stopped_reason),
    "stopped, rolls back by itself": said(
        Said.STOPPED,
        dataclasses.replace(STOPPED, on_failure="rollback", conductor=None, backup=None),
        why="cart failed",
    ),
    "rolls on": said(Said.ROLLED_ON, UNDER_WAY, who=CHI),
    "rolled back": said(Said.ROLLED_BACK, RETURNING, who=CHI),
    "rolled back by policy": said(Said.ROLLED_BACK, RETURNING, why="checkout failed"),
    "cancelled": said(Said.CANCELLED, CANCELLED, who=CHI, why=CANCELLED.ended_reason),
    "arrived": said(Said.ARRIVED, ARRIVED),
    "arrived in part": said(Said.ARRIVED, dataclasses.replace(ARRIVED, outcome=Outcome.FAILED)),
    "went back": said(Said.ARRIVED, dataclasses.replace(ARRIVED, outcome=Outcome.ROLLED_BACK)),
    "nothing of it went": said(Said.ARRIVED, dataclasses.replace(ARRIVED, outcome=Outcome.CANCELLED)),
}
CHANGED = TrainNote(
    said=TrainSaid.CHANGED.value,
    train="web",
    before=(TWO, TWO + timedelta(hours=20)),
    after=(TWO + timedelta(hours=1), TWO + timedelta(hours=21)),
    zone="Europe/Paris",
)
TRAIN_NOTES: dict[str, object] = {
    "other times": CHANGED,
    "other times, one sealed": dataclasses.replace(CHANGED, kept=("the web 14:00",), kept_changes=4),
    "all of it": dataclasses.replace(
        CHANGED, joins=("search",), leaves=("cart", "ledger"), to="canary", closes=timedelta(minutes=30), after=()
    ),
    "boarding closes at the departure": dataclasses.replace(CHANGED, before=(), after=(), closes=timedelta()),
    "runs no more": TrainNote(said=TrainSaid.REMOVED.value, train="web"),
}
ABOARD = PassengerNote(
    said=PassengerSaid.ABOARD.value,
    departure_id=5,
    seen="5eed5eed",
    train="web",
    environment="production",
    at=TWO,
    changes=(RETRY,),
    left=(),
    who=None,
    why=None,
    next_at=TWO + timedelta(hours=2),
    conductor=CHI,
    zone="Europe/Paris",
)
PASSENGER_NOTES: dict[str, object] = {
    "aboard": ABOARD,
    "two aboard, and when": dataclasses.replace(
        ABOARD,
        changes=(RETRY, BASKET),
        live_from=TWO + timedelta(minutes=10),
        live_to=TWO + timedelta(minutes=25),
    ),
    "aboard, is asked": dataclasses.replace(ABOARD, asks_ready=True),
    "aboard, and held": dataclasses.replace(ABOARD, held="held: waits for checkout: approval: needs 1 yes"),
    "aboard, is waited for": dataclasses.replace(ABOARD, asks_ready=True, ready_required=True, conductor=None),
    "left behind": dataclasses.replace(ABOARD, said=PassengerSaid.LEFT.value, changes=(BASKET,), left=(LATE,)),
    "two left behind, and nothing comes": dataclasses.replace(
        ABOARD, said=PassengerSaid.LEFT.value, changes=(BASKET, INDEX), left=(LATE, RED), next_at=None
    ),
    "taken off": dataclasses.replace(
        ABOARD, said=PassengerSaid.REMOVED.value, changes=(INDEX,), left=(OFF,), who=CHI, why=OFF.reason
    ),
    "taken off, no more is known": dataclasses.replace(
        ABOARD, said=PassengerSaid.REMOVED.value, why="search was rejected by Dee: no"
    ),
    "cancelled": dataclasses.replace(ABOARD, said=PassengerSaid.CANCELLED.value, who=CHI, why="a migration first"),
    "missed": dataclasses.replace(ABOARD, said=PassengerSaid.MISSED.value, why="nobody was there to let it go"),
}
COMING = ComingView(
    at=TWO + timedelta(hours=2),
    clock="16:00",
    closes_at=TWO + timedelta(minutes=105),
    conductor=DEE,
    backup=None,
)
BOARDING = BoardingView(
    aboard=(
        BoardingService(service="cart", sha="0c0ffee0" * 5, soaks_until=None, changes=(BASKET,), more=0),
        BoardingService(
            service="checkout",
            sha="a1b2c3d4" * 5,
            soaks_until=TWO + timedelta(minutes=20),
            changes=(RETRY, BUMP),
            more=7,
        ),
        BoardingService(service="ledger", sha="beefbeef" * 5, soaks_until=None, changes=(), more=0, unread=True),
    ),
    left=(RED, LeftBehind(change=None, service="web", reason="the train is full (20)")),
    more_left=3,
)
WEB = TrainView(
    name="web",
    services=("cart", "checkout", "search"),
    environment="production",
    zone="Europe/Paris",
    running=(SEALED,),
    missed=None,
    coming=COMING,
    boarding=BOARDING,
    later=(
        dataclasses.replace(COMING, at=TWO + timedelta(hours=20), clock="Wed 4 Mar 10:00", conductor=CHI),
        dataclasses.replace(COMING, at=TWO + timedelta(hours=24), clock="Wed 4 Mar 14:00", conductor=None),
    ),
)
NOBODY = dataclasses.replace(
    WEB, name="mobile", running=(), boarding=dataclasses.replace(BOARDING, aboard=(), left=(), more_left=0)
)
REPLIES: dict[str, object] = {
    "no train": TrainsReply(trains=()),
    "one": TrainsReply(trains=(WEB,)),
    "one, held": TrainsReply(trains=(dataclasses.replace(WEB, running=(HELD,)),)),
    "one, stopped half way": TrainsReply(trains=(dataclasses.replace(WEB, running=(STOPPED,), later=()),)),
    "one, the last was missed": TrainsReply(trains=(dataclasses.replace(WEB, running=(), missed=MISSED),)),
    "one, its timetable has ended": TrainsReply(
        trains=(dataclasses.replace(WEB, running=(), coming=None, boarding=None, later=()),)
    ),
    "three": TrainsReply(trains=(WEB, NOBODY, dataclasses.replace(WEB, name="data", running=(BY_DEE, UNDER_WAY)))),
    "more than are shown": TrainsReply(trains=(WEB,), more=3),
    "how departures ended": TrainsReply(
        trains=(
            dataclasses.replace(NOBODY, running=(RETURNING, ARRIVED, CANCELLED)),
            dataclasses.replace(NOBODY, running=(dataclasses.replace(ARRIVED, outcome=Outcome.FAILED),)),
        ),
    ),
}
GOES_WITH = AboardCard(
    promotion_id=12, service="checkout", environment="production", sha="a1b2c3d4" * 5, train="web", clock="14:00",
    at=TWO, over=False, zone="Europe/Paris",
)  # fmt: skip
SAMPLES: dict[str, dict[str, object]] = {
    "cards/departure": CARDS,
    "notes/departure": NOTES,
    "notes/train": TRAIN_NOTES,
    "notes/passenger": PASSENGER_NOTES,
    "replies/train": REPLIES,
    "cards/aboard": {"sealed": GOES_WITH, "over": dataclasses.replace(GOES_WITH, over=True)},
    "modals/roll_train": {
        "on": RollModal(card=STOPPED, back=False, services=("checkout",)),
        "back": RollModal(card=STOPPED, back=True, services=("checkout", "cart")),
        "nothing to take back": RollModal(card=STOPPED, back=True, services=()),
    },
    "modals/hold_train": {"asked": HoldModal(card=SEALED)},
    "modals/cancel_train": {
        "asked": CancelModal(card=SEALED),
        "the last one": CancelModal(card=dataclasses.replace(SEALED, next_at=None, aboard=())),
    },
    "modals/remove_train": {
        "asked": RemoveModal(
            card=SEALED,
            choices=(
                Choice(value="13", words="all of cart"),
                Choice(value="13:820", words="#820 Keep the basket on log-out (cart)"),
                Choice(value="14", words="all of search"),
            ),
            chosen="14",
        ),
    },
    "modals/details_train": {
        "sealed": DepartureDetails(card=EACH),
        "held": DepartureDetails(card=dataclasses.replace(HELD, missing_ready=(RETRY,), left=(LATE, RED, OFF))),
        "stopped": DepartureDetails(card=STOPPED),
        "missed": DepartureDetails(card=MISSED),
        "cancelled": DepartureDetails(card=CANCELLED),
    },
}
"""Views by template and by what they show."""
