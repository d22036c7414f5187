"""Boards as they are on a busy night and on a quiet one, for their golden pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.alerts.views import AlertView
from bot.answers.dashboard.views import (
    Asked,
    Board,
    Brake,
    Cell,
    ChangeLine,
    DashboardPage,
    Failure,
    Figures,
    IncidentRow,
    LooseAlert,
    NoticePage,
    Pipeline,
    PromotionRow,
    Rolling,
    Run,
    Shipped,
    TeamPipelines,
    TrainRow,
    Wait,
)
from bot.answers.metrics import ServiceFigures, TeamFigures
from bot.deploys.views import ChangeView, PersonView
from bot.events import DeployStatus
from bot.incidents.states import PageState, State
from bot.incidents.views import IncidentLine, LikelyView, PageLine
from bot.promotions.views import AbleView

NOW = datetime(2026, 3, 3, 2, 30, tzinfo=UTC)
SHA, OLDER = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334", "9f8e7d6c5b4a39281706f5e4d3c2b1a099887766"
RUN = "https://github.example/acme/checkout/actions/runs/991"
ZONE = "Europe/Paris"
STYLE, SCRIPT = "./dashboard/board.css?1", "./dashboard/board.js?1"


def before(minutes: float) -> datetime:
    """So many minutes ago."""
    return NOW - timedelta(minutes=minutes)


RETRY = ChangeLine(
    label="#812", title="Retry payments once", url="https://github.example/acme/checkout/pull/812", authors=("Ana",)
)
ROUND = ChangeLine(label="4b5c6d7", title="Round half to even", url=None, authors=("Ben", "Chi", "Dee", "Eve"))
LIKELY = LikelyView(
    likely_id=1, rank=1, kind="deploy", label="#812", service="checkout", environment="production", at=before(14),
    before=timedelta(minutes=12), confidence="high", evidence=("It went live 12 min before.",), against=(),
    changes=(ChangeView(label="#812", title="Retry payments once", url=None, authors=(PersonView(name="Ana"),)),),
    sha=SHA, url=RUN,
)  # fmt: skip
INCIDENT = IncidentRow(
    line=IncidentLine(
        incident_id=7, title="checkout 5xx", service="checkout", severity=2, state=State.OPEN, watched=False,
        opened_at=before(2), resolved_at=None, firing=1, lead=PersonView(name="Ana"), on_it=(PersonView(name="Chi"),),
        likely=LIKELY, room="C0ROOM1",
    ),
    severity_words="Many customers are badly affected.",
    room_url="https://slack.com/app_redirect?channel=C0ROOM1&team=T1",
)  # fmt: skip
WATCHED = IncidentRow(
    line=IncidentLine(
        incident_id=8, title="mail is slow", service=None, severity=4, state=State.OPEN, watched=True,
        opened_at=before(26 * 60), resolved_at=None, firing=0, lead=None, on_it=(), likely=None, room=None,
        by_hand=True,
        called=(
            PageLine(
                page_id=3, person=PersonView(name="Dee"), role="on_call", way="policy", state=PageState.SENT,
                reason="is on call", asked_at=before(3), next_at=before(-2), then="Eve (on call) is woken",
            ),
            PageLine(
                page_id=2, person=PersonView(name="Ben"), role="author", way="assign", state=PageState.FAILED,
                reason="wrote #812", asked_at=before(4),
            ),
            PageLine(
                page_id=1, person=PersonView(name="Chi"), role="author", way="assign", state=PageState.UNANSWERED,
                reason="merged #812", asked_at=before(9),
            ),
        ),
    ),
    severity_words="Something is wrong that customers do not notice.",
    room_url=None,
)  # fmt: skip
FAILED = Failure(service="ledger", environment="production", sha=OLDER, at=before(40), url=RUN)
WAITS = PromotionRow(
    promotion_id=12, service="cart", environment="production", sha=SHA, state="open", rollback=False, changes=3,
    newest=RETRY, since=before(50),
    waits=(
        Wait(
            gate="lock", reason="cart is locked by Dee: moving the queue", blocked=True, until=None,
            can="members of shop",
        ),
        Wait(gate="approval", reason="needs 1 yes", blocked=False, until=None),
        Wait(gate="soak", reason="soaks in staging for 10 min", blocked=False, until=before(-10)),
    ),
    wants_yes=True,
    able=(
        AbleView(person=PersonView(name="Dee"), online=True, from_at=None),
        AbleView(person=PersonView(name="Eve"), online=True, from_at=before(-300)),
    ),
    more_able=1, percent=None, asks_person=None, url=None,
)  # fmt: skip
ROLLS = PromotionRow(
    promotion_id=13, service="search", environment="production", sha=SHA, state="rolling", rollback=False, changes=1,
    newest=ROUND, since=before(5), waits=(), wants_yes=False, able=(), more_able=0, percent=40, asks_person=None,
    url=RUN,
)  # fmt: skip
DOUBTFUL = PromotionRow(
    promotion_id=14, service="mail", environment="production", sha=SHA, state="starting", rollback=True, changes=0,
    newest=None, since=before(1), waits=(), wants_yes=False, able=(), more_able=0, percent=None,
    asks_person="the call timed out, and nothing tells whether it arrived", url=None,
)  # fmt: skip
LOCK = Brake(
    what="cart", reason="moving the queue", owner="Dee", since=before(60), until=before(-60),
    room_url="https://slack.com/app_redirect?channel=C0ROOM1",
)  # fmt: skip
GO = Brake(
    what="ledger → production", reason="it failed", owner=None, since=before(90), until=None, wants_go=True, number=4,
    can="members of payments",
)  # fmt: skip
FROZEN = Brake(what="everything", reason="the sale", owner=None, since=before(30), until=before(-600), freeze=True)
LATER = Brake(
    what="mail", reason="a move", owner="Eve", since=before(-3000), until=before(-6000), freeze=True, begun=False
)

BUSY = Board(
    now=NOW,
    zone=ZONE,
    asked=Asked(),
    teams=("payments", "shop"),
    services=("cart", "checkout", "ledger", "mail", "search"),
    incidents=(INCIDENT, WATCHED),
    more_incidents=2,
    alerts=(
        LooseAlert(alert=AlertView(name="disk full", since=before(15), url=None), service=None, environment=None),
        LooseAlert(
            alert=AlertView(name="queue long", since=before(200), url="https://grafana.example/d/1"),
            service="mail",
            environment="production",
        ),
    ),
    failures=(FAILED,),
    waiting=(DOUBTFUL, WAITS, ROLLS),
    more_waiting=4,
    goes=(GO,),
    pipelines=(
        TeamPipelines(
            team="payments",
            environments=("staging", "canary", "production"),
            pipelines=(
                Pipeline(
                    service="checkout",
                    cells=(
                        Cell(
                            environment="staging", sha=SHA, since=before(90), url=RUN, newest=RETRY, more=2, ahead=3,
                            onward="production",
                        ),
                        Cell(
                            environment="production", sha=OLDER, since=before(5000), newest=ROUND, rolled_back=True,
                            rolling=Rolling(
                                sha=SHA, status=DeployStatus.IN_PROGRESS, percent=40, since=before(4), url=RUN,
                                stuck=True,
                            ),
                            brakes=(LOCK, FROZEN), alerts=(AlertView(name="checkout 5xx", since=before(2), url=None),),
                            incidents=((7, "checkout 5xx"),),
                        ),
                    ),
                ),
                Pipeline(
                    service="ledger",
                    cells=(
                        Cell(environment="staging", sha=OLDER, since=before(300), ahead=0, onward="canary"),
                        Cell(environment="canary", onward="production"),
                        Cell(
                            environment="production", sha=SHA, since=before(300), failed=FAILED, brakes=(GO,),
                            promotion=WAITS,
                        ),
                    ),
                ),
            ),
        ),
        TeamPipelines(
            team=None,
            environments=("production",),
            pipelines=(
                Pipeline(
                    service="mail",
                    cells=(
                        Cell(
                            environment="production",
                            rolling=Rolling(
                                sha=SHA, status=DeployStatus.PENDING, percent=None, since=before(1), url=None,
                                stuck=False,
                            ),
                        ),
                    ),
                ),
            ),
        ),
    ),
    more_services=1,
    rolling=2,
    trains=(
        TrainRow(
            name="web",
            environment="production",
            services=("cart", "search"),
            zone=ZONE,
            running=(
                Run(
                    at=before(10), state="held", services=("cart", "search"), changes=5, conductor="Chi",
                    held_by="Eve", reason="the bank is down",
                ),
                Run(
                    at=before(70), state="departed", services=("cart",), changes=1, conductor=None, held_by=None,
                    reason=None, left_at=before(69),
                ),
                Run(
                    at=before(-9), state="sealed", services=("search",), changes=2, conductor=None, held_by=None,
                    reason=None,
                ),
            ),
            leaves_at=before(-110),
            closes_at=before(-95),
            conductor="Ben",
        ),
        TrainRow(
            name="old", environment="production", services=("mail",), zone=ZONE, running=(), leaves_at=None,
            closes_at=None, conductor=None,
        ),
    ),
    more_trains=1,
    brakes=(LOCK, GO, FROZEN),
    freezes_near=(LATER,),
    shipped=(
        Shipped(
            service="checkout", environment="production", sha=SHA, status=DeployStatus.SUCCEEDED, rollback=False,
            newest=RETRY, more=2, who=("Ana", "Ben"), at=before(14), took=timedelta(seconds=192), url=RUN,
            live=True,
        ),
        Shipped(
            service="cart", environment="production", sha=SHA, status=DeployStatus.SUCCEEDED, rollback=False,
            newest=RETRY, more=0, who=("Ana",), at=before(20), took=timedelta(seconds=92), url=RUN, out=True,
        ),
        Shipped(
            service="cart", environment="staging", sha=OLDER, status=DeployStatus.SUCCEEDED, rollback=False,
            newest=None, more=0, who=("github-actions",), at=before(30), took=timedelta(seconds=92), url=RUN,
        ),
        Shipped(
            service="ledger", environment="production", sha=OLDER, status=DeployStatus.FAILED, rollback=False,
            newest=None, more=0, who=(), at=before(40), took=timedelta(seconds=20), url=None,
        ),
        Shipped(
            service="mail", environment="production", sha=OLDER, status=DeployStatus.SUCCEEDED, rollback=True,
            newest=ROUND, more=0, who=("Dee",), at=before(3000), took=timedelta(minutes=4), url=RUN,
        ),
    ),
)  # fmt: skip
FIGURES = Figures(
    days=30,
    until=NOW,
    teams=(
        TeamFigures(team="payments", pages=9, right=7, wrong=1, unjudged=1),
        TeamFigures(team="shop", pages=2, right=0, wrong=0, unjudged=2),
    ),
    services=(
        ServiceFigures(
            service="checkout", team="payments", deploys=40, failed=2, incidents=3,
            recovery=timedelta(minutes=14), slow_recovery=timedelta(minutes=48),
            incident_recovery=timedelta(minutes=11),
        ),
        ServiceFigures(
            service="mail", team=None, deploys=0, failed=0, incidents=1, recovery=None, slow_recovery=None
        ),
    ),
)  # fmt: skip
FOLDED = replace(
    BUSY,
    waiting=(*BUSY.waiting, *(replace(ROLLS, promotion_id=20 + number, service=f"s{number}") for number in range(7))),
    pipelines=(
        replace(BUSY.pipelines[0], pipelines=BUSY.pipelines[0].pipelines[:1], calm=BUSY.pipelines[0].pipelines[1:]),
        replace(BUSY.pipelines[1], pipelines=(), calm=BUSY.pipelines[1].pipelines),
        replace(BUSY.pipelines[1], team="shop", pipelines=(), calm=BUSY.pipelines[1].pipelines),
    ),
)
QUIET = Board(now=NOW, zone=ZONE, asked=Asked(service="mail"), teams=(), services=("mail",))


def page(board: Board, figures: Figures) -> DashboardPage:
    """The page that shows it."""
    return DashboardPage(
        now=board.now, zone=board.zone, style=STYLE, script=SCRIPT, every=15, board=board, figures=figures
    )


PAGES = {
    "dashboard": page(BUSY, FIGURES),
    "dashboard_folded": page(FOLDED, Figures(days=30, until=NOW)),
    "dashboard_quiet": page(QUIET, Figures(days=30, until=NOW)),
}
NOTICE = NoticePage(
    now=NOW,
    zone=ZONE,
    style="../dashboard/board.css?1",
    home="../",
    title="This link is too old",
    said="A link to the dashboard is good for an hour.",
    mend=("In Slack, open Shipmate's Home and press Dashboard.",),
)
