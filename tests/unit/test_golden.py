"""What people read: every template with its golden file, and with hostile, huge and hardly known views.

``SHIPMATE_GOLDEN=write`` writes the golden files anew. The validator below is written from Slack's own tables and
shares nothing with the code it judges.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answers.views import (
    HelpReply,
    HoursView,
    MeReply,
    MyIncident,
    ProofReply,
    SaidReply,
    ServiceStatus,
    StatusReply,
    TargetStatus,
    WhereFound,
    WhereReply,
    Word,
)
from bot.deploys.views import (
    BlindSpotNote,
    BrokenTemplateNote,
    ChangeCard,
    ChangeNote,
    ChangeView,
    DeployCard,
    DigestCard,
    DigestLine,
    FailedCheck,
    GreenBuildNote,
    LinkView,
    Outcome,
    PersonView,
    RangeState,
    RedBuildNote,
    StageView,
    StuckNote,
    StuckView,
    UnreachableNote,
)
from bot.events import DeployStatus, Level
from bot.locks.rules import Stage
from bot.locks.views import FreezeNote, FreezeRow, GoCard, LockCard, LockNote, LockRow, LockSaid, LocksReply
from bot.ports import Message
from bot.rendering import Renderer, templates_folder
from bot.rendering.blocks import Page
from tests.unit import golden_alerts as alerting
from tests.unit import golden_forecasts as forecasting
from tests.unit import golden_incidents as incidents
from tests.unit import golden_promotions as promoting
from tests.unit import golden_rooms as rooms
from tests.unit import golden_trains as trains

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
SHA = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"
OLDER = "9f8e7d6c5b4a39281706f5e4d3c2b1a099887766"
RUN = "https://github.example/acme/checkout/actions/runs/991"
DIFF = "https://github.example/acme/checkout/compare/9f8e7d6...a1b2c3d"

ANA = PersonView(name="Ana", slack_id="U0ANA")
CHI = PersonView(name="Chi")
RETRY = ChangeView(
    label="#812",
    title="Retry payments once after a time-out",
    url="https://github.example/acme/checkout/pull/812",
    authors=(ANA,),
    change_id=41,
)
BUMP = ChangeView(
    label="#816",
    title="Bump stripe from 11 to 12",
    url="https://github.example/acme/checkout/pull/816",
    authors=(CHI,),
    merged_for="dependabot",
    change_id=42,
)
REVERT = ChangeView(
    label="0c0ffee",
    title='Revert "Cache the basket"',
    url=None,
    authors=(ANA, CHI, PersonView(name="Dee")),
    reverts="#799",
)
LINKS = (
    LinkView(name="Diff", url=DIFF),
    LinkView(name="Old vs new", url="https://grafana.example/d/canary?var-old=9f8e7d6&var-new=a1b2c3d"),
    LinkView(name="Run", url=RUN),
)
STUCK = StuckView(running_since=NOON - timedelta(minutes=40), usual=timedelta(minutes=4), url=RUN)


def numbered(first: int, amount: int) -> tuple[ChangeView, ...]:
    """Many changes."""
    return tuple(
        ChangeView(
            label=f"#{number}",
            title=f"Change number {number}",
            url=f"https://github.example/acme/checkout/pull/{number}",
            authors=(ANA,),
        )
        for number in range(first, first + amount)
    )


LIVE = DeployCard(
    service="checkout",
    environment="production",
    status=DeployStatus.SUCCEEDED,
    percent=None,
    rollback=False,
    sha=SHA,
    ref="main",
    version="v1.4.2",
    description=None,
    creator=ANA,
    began_at=NOON,
    ended_at=NOON + timedelta(seconds=192),
    duration=timedelta(seconds=192),
    previous_sha=OLDER,
    first=False,
    range=RangeState.COMPLETE,
    arriving=(RETRY, BUMP),
    leaving=(),
    more=0,
    links=LINKS,
    stuck=None,
)
ROLLING = dataclasses.replace(LIVE, status=DeployStatus.IN_PROGRESS, percent=40, duration=None, ended_at=None)
CHANGE = ChangeCard(change_id=41, change=RETRY, role="author", stages=(), muted=False, muted_everything=False)
STAGED = StageView(
    service="checkout", environment="staging", status=DeployStatus.SUCCEEDED, at=NOON - timedelta(hours=2), url=RUN
)
SHIPPED = StageView(service="checkout", environment="production", status=DeployStatus.SUCCEEDED, at=NOON, url=RUN)
NOTE = ChangeNote(
    outcome=Outcome.LIVE,
    change=RETRY,
    role="author",
    service="checkout",
    environment="production",
    status=DeployStatus.SUCCEEDED,
    duration=timedelta(seconds=192),
    url=RUN,
)
RED = RedBuildNote(
    repo="acme/checkout",
    service="checkout",
    checks=(FailedCheck(name="ci / unit", url=RUN),),
    sha=SHA,
    title="Retry payments once after a time-out",
    author=ANA,
    direct=False,
)
GREEN = GreenBuildNote(
    repo="acme/checkout",
    service="checkout",
    check="ci / unit",
    sha=SHA,
    title="Mend the time-out's test",
    url=RUN,
)
LINE = DigestLine(
    service="checkout", environment="production", status=DeployStatus.SUCCEEDED, sha=SHA, url=RUN, at=NOON
)
PRODUCTION = TargetStatus(
    environment="production",
    live_sha=SHA,
    live_since=NOON,
    live_changes=(RETRY, BUMP),
    under_way=None,
    under_way_sha=None,
    under_way_since=None,
    under_way_percent=None,
    last_failed_at=None,
    last_failed_sha=None,
    last_failed_url=None,
    links=LINKS,
)
ARRIVING = dataclasses.replace(
    PRODUCTION,
    environment="staging",
    under_way=DeployStatus.IN_PROGRESS,
    under_way_sha=OLDER,
    under_way_since=NOON,
    under_way_percent=60,
    last_failed_at=NOON - timedelta(days=1),
    last_failed_sha=SHA,
    last_failed_url=RUN,
)
EMPTY = dataclasses.replace(PRODUCTION, live_sha=None, live_since=None, live_changes=(), links=())
CHECKOUT = ServiceStatus(service="checkout", team="payments", targets=(ARRIVING, PRODUCTION))
CART = ServiceStatus(service="cart", team=None, targets=(EMPTY,))
FOUND = WhereFound(
    change=RETRY, repo="acme/checkout", merged_at=NOON - timedelta(hours=3), stages=(STAGED,), waiting=("production",)
)
ME = MeReply(
    person=ANA, github="ana", github_source="e-mail", level=Level.ALL, muted_changes=(BUMP,), recent=(RETRY, REVERT)
)
WORDS = (
    Word(name="status", usage="status [service]", summary="what is live, and what is on its way", ready=True),
    Word(name="where", usage="where <PR|sha|url>", summary="how far a change got", ready=True),
    Word(name="promote", usage="promote <service> [build]", summary="bring a build to production", ready=False),
)

LOCKED = LockCard(
    lock_id=17,
    stage=Stage.HOLDS,
    scope="checkout",
    reason="rollback in progress",
    owner=PersonView(name="Dee", slack_id="U0DEE"),
    rollbacks=True,
    began_at=NOON,
    ends_at=NOON + timedelta(hours=4),
    over_at=None,
    ran_out=False,
    lifted_by=None,
    go_at=None,
    go_by=None,
    waiting_changes=3,
    waiting_people=2,
    extend_until=int((NOON + timedelta(hours=8)).timestamp()),
)
BY_ITSELF = dataclasses.replace(
    LOCKED,
    scope="checkout → production",
    reason="deploy of a1b2c3d failed",
    owner=None,
    ends_at=None,
    extend_until=None,
    waiting_changes=1,
    waiting_people=1,
)
RAN_OUT = dataclasses.replace(
    LOCKED, stage=Stage.WANTS_GO, over_at=NOON + timedelta(hours=4), ran_out=True, extend_until=None
)
LIFTED_CARD = dataclasses.replace(
    BY_ITSELF, stage=Stage.WANTS_GO, over_at=NOON + timedelta(hours=1), lifted_by=ANA, waiting_changes=0
)
ASKS_GO = GoCard(
    lock_id=17,
    scope="checkout",
    reason="rollback in progress",
    owner=LOCKED.owner,
    ran_out=True,
    by=None,
    waits=True,
    holds=False,
    ends_at=NOON + timedelta(hours=4),
    go_at=None,
    go_by=None,
)
LOCK_NOTE = LockNote(
    said=LockSaid.ENDS_SOON,
    lock_id=17,
    scope="checkout",
    reason="rollback in progress",
    owner=LOCKED.owner,
    by=None,
    began_at=NOON,
    ends_at=LOCKED.ends_at,
    extend_until=LOCKED.extend_until,
)
FROZEN = FreezeNote(
    freeze_id=5,
    service="checkout",
    reason="Moving the database",
    by=ANA,
    begins=NOON,
    ends=NOON + timedelta(days=3),
    lifted=False,
)
LOCK_ROW = LockRow(
    lock_id=17,
    stage=Stage.HOLDS,
    scope="checkout",
    reason="rollback in progress",
    owner=LOCKED.owner,
    began_at=NOON,
    ends_at=LOCKED.ends_at,
)
FREEZE_ROW = FreezeRow(
    freeze_id=5,
    services=("checkout",),
    reason="Moving the database",
    owner=ANA,
    begins=NOON,
    ends=NOON + timedelta(days=3),
    holds=True,
)


def digest(amount: int, services: int) -> DigestCard:
    """A digest of many deploys, of so many services."""
    lines = tuple(
        DigestLine(
            service=f"service-{number % services:03}",
            environment="production" if number % 3 else "staging",
            status=DeployStatus.SUCCEEDED if number % 7 else DeployStatus.CANCELLED,
            sha=f"{number:07x}{SHA}",
            url=f"https://github.example/acme/service-{number % services:03}/actions/runs/{number:010}",
            at=NOON + timedelta(seconds=number),
        )
        for number in range(amount)
    )
    return DigestCard(lines=lines, since=NOON, until=NOON + timedelta(minutes=5))


SAMPLES: dict[str, dict[str, object]] = {
    "cards/deploy": {
        "waits to start": dataclasses.replace(ROLLING, status=DeployStatus.PENDING, percent=None),
        "rolling out": ROLLING,
        "live": LIVE,
        "failed": dataclasses.replace(
            LIVE, status=DeployStatus.FAILED, description="Readiness probe failed: HTTP 503", arriving=(RETRY,)
        ),
        "cancelled": dataclasses.replace(LIVE, status=DeployStatus.CANCELLED, links=(), creator=None, version=None),
        "rolled back": dataclasses.replace(LIVE, rollback=True, arriving=(), leaving=(RETRY, BUMP), more=3),
        "rolling back": dataclasses.replace(ROLLING, rollback=True, arriving=(), leaving=(RETRY,), percent=None),
        "rollback failed": dataclasses.replace(LIVE, rollback=True, status=DeployStatus.FAILED),
        "diverged": dataclasses.replace(LIVE, arriving=(REVERT,), leaving=(RETRY,)),
        "first": dataclasses.replace(LIVE, first=True, previous_sha=None, arriving=(), links=()),
        "the same again": dataclasses.replace(LIVE, previous_sha=SHA, arriving=()),
        "nothing of this service": dataclasses.replace(LIVE, arriving=(), description="Rebuilt for a base image"),
        "being read": dataclasses.replace(ROLLING, range=RangeState.READING, arriving=()),
        "unknown, with what the event says": dataclasses.replace(LIVE, range=RangeState.UNKNOWN, arriving=(REVERT,)),
        "unreadable": dataclasses.replace(LIVE, range=RangeState.UNREADABLE, arriving=()),
        "unknown": dataclasses.replace(LIVE, range=RangeState.UNKNOWN, arriving=()),
        "stuck": dataclasses.replace(ROLLING, stuck=STUCK),
        "fifty changes": dataclasses.replace(LIVE, arriving=numbered(500, 30), more=20),
    },
    "cards/change": {
        "merged": CHANGE,
        "in staging": dataclasses.replace(CHANGE, stages=(STAGED,)),
        "live": dataclasses.replace(CHANGE, stages=(STAGED, SHIPPED)),
        "waits": dataclasses.replace(CHANGE, stages=(dataclasses.replace(SHIPPED, status=DeployStatus.PENDING),)),
        "rolling": dataclasses.replace(
            CHANGE, stages=(STAGED, dataclasses.replace(SHIPPED, status=DeployStatus.IN_PROGRESS)), role="coauthor"
        ),
        "failed": dataclasses.replace(
            CHANGE, stages=(STAGED, dataclasses.replace(SHIPPED, status=DeployStatus.FAILED, url=None)), role="merger"
        ),
        "cancelled": dataclasses.replace(
            CHANGE, stages=(STAGED, dataclasses.replace(SHIPPED, status=DeployStatus.CANCELLED))
        ),
        "left": dataclasses.replace(CHANGE, stages=(STAGED, dataclasses.replace(SHIPPED, left=True))),
        "muted": dataclasses.replace(CHANGE, muted=True),
        "everything muted": dataclasses.replace(CHANGE, muted_everything=True, change=REVERT),
    },
    "cards/lock": {
        "holds": LOCKED,
        "holds, nothing waits": dataclasses.replace(LOCKED, waiting_changes=0, waiting_people=0, rollbacks=False),
        "holds, and one may be on its way": dataclasses.replace(
            LOCKED, waiting_changes=0, waiting_people=0, waiting_doubtful=1
        ),
        "set itself": BY_ITSELF,
        "lifted itself, another holds": dataclasses.replace(
            BY_ITSELF,
            stage=Stage.OVER,
            over_at=NOON + timedelta(hours=1),
            waiting_changes=0,
            still=("lock 18 (Shipmate: rolled back: errors)",),
        ),
        "lifted itself, nothing waits": dataclasses.replace(
            BY_ITSELF, stage=Stage.OVER, over_at=NOON + timedelta(hours=1), waiting_changes=0
        ),
        "set by an incident": dataclasses.replace(BY_ITSELF, reason="incident: checkout 5xx", room="C0INC0007"),
        "ran out": RAN_OUT,
        "set itself and was lifted": LIFTED_CARD,
        "lifted": dataclasses.replace(
            LOCKED, stage=Stage.OVER, over_at=NOON + timedelta(hours=1), lifted_by=ANA, extend_until=None
        ),
        "gone after its end": dataclasses.replace(
            RAN_OUT, stage=Stage.OVER, go_at=NOON + timedelta(hours=5), go_by=ANA
        ),
        "its cause was resolved, and gone": dataclasses.replace(
            LIFTED_CARD, stage=Stage.OVER, lifted_by=None, go_at=NOON + timedelta(hours=5), go_by=CHI
        ),
    },
    "cards/lock_go": {
        "ran out": ASKS_GO,
        "was unlocked": dataclasses.replace(ASKS_GO, ran_out=False, owner=None, by=ANA),
        "lifted itself": dataclasses.replace(ASKS_GO, ran_out=False, owner=None),
        "Go was said": dataclasses.replace(ASKS_GO, waits=False, go_at=NOON, go_by=CHI),
        "locked again": dataclasses.replace(ASKS_GO, waits=False, holds=True),
        "locked again without an end": dataclasses.replace(ASKS_GO, waits=False, holds=True, ends_at=None),
        "over": dataclasses.replace(ASKS_GO, waits=False),
    },
    "cards/digest": {
        "one": DigestCard(lines=(LINE,), since=NOON, until=NOON),
        "an author's changes": dataclasses.replace(digest(12, 3), changes=True),
        "twelve of three": digest(12, 3),
        "two hundred of one": digest(200, 1),
        "two hundred of two hundred": digest(200, 200),
    },
    "notes/change": {
        "watched": dataclasses.replace(NOTE, role="watcher", duration=None),
        "watched, taken out": dataclasses.replace(NOTE, role="watcher", outcome=Outcome.LEFT, duration=None),
        "live": NOTE,
        "failed": dataclasses.replace(NOTE, outcome=Outcome.FAILED, status=DeployStatus.FAILED),
        "failed, with no run and a lock": dataclasses.replace(
            NOTE,
            outcome=Outcome.FAILED,
            status=DeployStatus.FAILED,
            url=None,
            locked="checkout → production: the rollout of a1b2c3d failed",
        ),
        "cancelled": dataclasses.replace(
            NOTE, outcome=Outcome.FAILED, status=DeployStatus.CANCELLED, duration=None, url=None
        ),
        "left": dataclasses.replace(NOTE, outcome=Outcome.LEFT),
        "left by a declared rollback": dataclasses.replace(
            NOTE, outcome=Outcome.LEFT, url=None, by=PersonView(name="Dee"), reason="5xx", channel="#payments"
        ),
        "live, to who co-wrote it": dataclasses.replace(NOTE, role="coauthor"),
        "corrected, to who merged it": dataclasses.replace(
            NOTE, outcome=Outcome.CORRECTED, role="merger", status=DeployStatus.FAILED
        ),
        "corrected": dataclasses.replace(NOTE, outcome=Outcome.CORRECTED, status=DeployStatus.FAILED),
    },
    "notes/lock": {
        "ends soon": LOCK_NOTE,
        "ends soon, and cannot be extended": dataclasses.replace(LOCK_NOTE, ends_at=None, extend_until=None),
        "still holds, to its owner": dataclasses.replace(
            LOCK_NOTE, said=LockSaid.STILL_HOLDS, ends_at=None, extend_until=None
        ),
        "still holds, to the channel": dataclasses.replace(
            LOCK_NOTE, said=LockSaid.STILL_HOLDS, owner=None, ends_at=None, extend_until=None
        ),
        "extended by somebody": dataclasses.replace(LOCK_NOTE, said=LockSaid.EXTENDED, by=ANA),
        "lifted by somebody": dataclasses.replace(LOCK_NOTE, said=LockSaid.LIFTED, by=ANA, extend_until=None),
    },
    "notes/freeze": {
        "one service": FROZEN,
        "everything": dataclasses.replace(FROZEN, service=None),
        "lifted": dataclasses.replace(FROZEN, lifted=True),
        "lifted, to whoever declared it": dataclasses.replace(FROZEN, lifted=True, yours=True),
    },
    "notes/stuck": {
        "two changes": StuckNote(service="checkout", environment="production", changes=(RETRY, BUMP), stuck=STUCK),
        "no address": StuckNote(
            service="checkout", environment="production", changes=(), stuck=dataclasses.replace(STUCK, url=None)
        ),
    },
    "notes/red_build": {
        "to the team": RED,
        "to the team, nobody known": dataclasses.replace(
            RED, author=None, title=None, checks=(FailedCheck(name="ci / unit", url=None),)
        ),
        "to the team, not in Slack": dataclasses.replace(RED, author=CHI),
        "to the author": dataclasses.replace(RED, direct=True),
        "three checks": dataclasses.replace(
            RED, checks=(*RED.checks, FailedCheck(name="ci / end to end", url=RUN), FailedCheck(name="lint", url=None))
        ),
        "thirty checks": dataclasses.replace(
            RED, direct=True, checks=tuple(FailedCheck(name=f"ci / shard {number}", url=RUN) for number in range(30))
        ),
    },
    "notes/green_build": {
        "after a red one": GREEN,
        "little known": dataclasses.replace(GREEN, title=None, url=None),
    },
    "notes/blind_spot": {
        "with deploys": BlindSpotNote(
            first_at=NOON - timedelta(minutes=15),
            last_at=NOON,
            redelivered=3,
            deploys=(LINE, dataclasses.replace(LINE, status=DeployStatus.FAILED, url=None)),
        ),
        "one message": BlindSpotNote(first_at=NOON - timedelta(minutes=15), last_at=NOON, redelivered=1, deploys=()),
        "nothing": BlindSpotNote(first_at=NOON - timedelta(minutes=15), last_at=NOON, redelivered=0, deploys=()),
    },
    "notes/broken_template": {
        "an undefined name": BrokenTemplateNote(template="cards/deploy", error="line 3: 'serivce' is undefined"),
    },
    "notes/unreachable": {
        "a channel by name": UnreachableNote(
            place="#payments-deploys",
            reason="there is no such channel, or it is private and I am not in it",
            mend="create it or invite me, then /invite @Shipmate there",
            service="checkout",
        ),
        "a channel by id": UnreachableNote(place="C0DEPLOYS", reason="it is archived", mend="", service=None),
    },
    "replies/status": {
        "nothing": StatusReply(services=(), more=0),
        "one": StatusReply(services=(CHECKOUT,), more=0),
        "one, nothing live": StatusReply(services=(CART,), more=0),
        "several": StatusReply(services=(CHECKOUT, CART, dataclasses.replace(CART, targets=())), more=4),
    },
    "replies/where": {
        "nothing": WhereReply(asked="99999", found=()),
        "one": WhereReply(asked="812", found=(FOUND,)),
        "one of two services": WhereReply(
            asked="812",
            found=(
                dataclasses.replace(
                    FOUND,
                    stages=(STAGED, SHIPPED, dataclasses.replace(SHIPPED, service="cart", environment="staging")),
                    waiting=("cart · production",),
                ),
            ),
        ),
        "failed in production": WhereReply(
            asked="812",
            found=(
                dataclasses.replace(
                    FOUND, stages=(STAGED, dataclasses.replace(SHIPPED, status=DeployStatus.FAILED)), waiting=()
                ),
            ),
        ),
        "taken out of production": WhereReply(
            asked="812",
            found=(dataclasses.replace(FOUND, stages=(STAGED, dataclasses.replace(SHIPPED, left=True)), waiting=()),),
        ),
        "on its way": WhereReply(
            asked="812",
            found=(dataclasses.replace(FOUND, stages=(dataclasses.replace(STAGED, status=DeployStatus.IN_PROGRESS),)),),
        ),
        "two": WhereReply(
            asked="812",
            found=(
                FOUND,
                WhereFound(change=REVERT, repo="acme/cart", merged_at=None, stages=(), waiting=("staging",)),
                WhereFound(change=BUMP, repo="acme/web", merged_at=NOON, stages=(STAGED, SHIPPED), waiting=()),
            ),
        ),
    },
    "replies/locks": {
        "nothing": LocksReply(locks=(), freezes=(), more=0),
        "one": LocksReply(locks=(LOCK_ROW,), freezes=(), more=0),
        "several": LocksReply(
            locks=(
                LOCK_ROW,
                dataclasses.replace(LOCK_ROW, scope="checkout → production", owner=None, ends_at=None),
                dataclasses.replace(LOCK_ROW, scope="everything", stage=Stage.WANTS_GO),
                dataclasses.replace(LOCK_ROW, stage=Stage.OVER),
            ),
            freezes=(
                FREEZE_ROW,
                dataclasses.replace(FREEZE_ROW, freeze_id=None, owner=None, services=(), holds=False),
                dataclasses.replace(FREEZE_ROW, services=("a", "b", "c", "d", "e", "f", "g")),
            ),
            more=4,
        ),
    },
    "replies/me": {
        "hears all": ME,
        "only failures": dataclasses.replace(ME, level=Level.FAILURES, github_source="link", muted_changes=()),
        "unknown on GitHub, which can be asked": dataclasses.replace(ME, github=None, github_source=None),
        "unknown on GitHub, which cannot be asked": dataclasses.replace(
            ME, github=None, github_source=None, proves=False
        ),
        "a guest": dataclasses.replace(ME, github=None, github_source=None, reads_only=True),
        "nothing, unknown on GitHub": dataclasses.replace(
            ME, level=Level.NONE, github=None, github_source=None, recent=(), muted_changes=(*numbered(1, 14), REVERT)
        ),
        "proven, with hours of her own": dataclasses.replace(
            ME,
            github_source="device",
            proven=True,
            hours=HoursView(begins="08:30", ends="17:00", zone="Europe/Paris", chosen=True),
            muted_changes=(),
            recent=(),
        ),
        "the usual hours": dataclasses.replace(
            ME,
            hours=HoursView(begins="09:00", ends="18:00", zone="Asia/Kathmandu", chosen=False),
            muted_changes=(),
            recent=(),
        ),
    },
    "replies/proof": {
        "a code": ProofReply(code="WDJB-MJHT", url="https://github.example/login/device", until=NOON),
    },
    "replies/help": {
        "asked": HelpReply(words=WORDS),
        "meant": HelpReply(words=WORDS, unknown="promot", meant="promote"),
        "no idea": HelpReply(words=WORDS[:2], unknown="xyzzy"),
        "another command": HelpReply(words=WORDS, unknown="incident", elsewhere="/incident"),
    },
    "replies/said": {
        "taken": SaidReply(text="You hear nothing more about #812."),
        "refused": SaidReply(text="Only members of payments may do this.\nAsk Dee or Eve.", refused=True),
    },
}
SAMPLES |= promoting.SAMPLES | trains.SAMPLES | incidents.SAMPLES | alerting.SAMPLES | rooms.SAMPLES
SAMPLES["replies/where"] |= {
    f"ahead: {name}": dataclasses.replace(promoting.FOUND, ahead=(way,)) for name, way in promoting.WAYS.items()
}
SAMPLES["replies/where"] |= {
    f"by train: {name}": dataclasses.replace(promoting.FOUND, ahead=(way,)) for name, way in forecasting.WAYS.items()
}
SAMPLES["cards/change"] |= {
    f"by train: {name}": dataclasses.replace(CHANGE, onward=rides) for name, rides in forecasting.RIDES.items()
}
SAMPLES["replies/where"] = {
    name: WhereReply(asked="812", found=(view,)) if isinstance(view, WhereFound) else view
    for name, view in SAMPLES["replies/where"].items()
}
HELD = dataclasses.replace(
    PRODUCTION, locks=promoting.LOCK_LINES, promotions=(promoting.WAITING,), not_running=promoting.TAKEN_OUT
)
SAMPLES["replies/status"] |= {
    "live round the gates": StatusReply(
        services=(
            dataclasses.replace(
                CHECKOUT, targets=(dataclasses.replace(PRODUCTION, round=promoting.ROUND, live_more=9),)
            ),
        ),
        more=0,
    ),
    "alerts fire": StatusReply(
        services=(dataclasses.replace(CHECKOUT, targets=(dataclasses.replace(HELD, alerts=promoting.FIRING),)),),
        more=0,
    ),
    "held back": StatusReply(services=(dataclasses.replace(CHECKOUT, targets=(HELD,)),), more=0),
    "an incident is open": StatusReply(
        services=(
            dataclasses.replace(
                CHECKOUT,
                incident=incidents.LINE,
                targets=(
                    dataclasses.replace(
                        PRODUCTION,
                        locks=(incidents.LOCKED,),
                        promotions=(incidents.HELD_BACK,),
                        alerts=promoting.FIRING,
                    ),
                ),
            ),
        ),
        more=0,
    ),
    "two, one held back": StatusReply(services=(dataclasses.replace(CHECKOUT, targets=(HELD,)), CART), more=0),
}
SAMPLES["home/home"] |= {
    "incidents are open": dataclasses.replace(
        promoting.EMPTY_HOME,
        incidents=(MyIncident(line=incidents.LINE, waits=True), MyIncident(line=incidents.QUIET_LINE, waits=False)),
    )
}
EVERY = [(template, name) for template, views in SAMPLES.items() for name in views]


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    """One renderer for all: it compiles each template once."""
    return Renderer()


def show(renderer: Renderer, template: str, view: object) -> Message:
    """The message, modal or Home, which Slack would take; of a modal the text is what frames it."""
    if template.startswith("modals/"):
        modal = renderer.modal(template, view, callback_id="c1", private_metadata="{}")
        frame = [modal[name] for name in ("title", "submit", "close") if name in modal]
        assert [fault for text in frame for fault in outside("frame", len(text["text"]), 24)] == []
        assert ("submit" in modal) is any(block["type"] == "input" for block in modal["blocks"])
        message = Message(text="\n".join(text["text"] for text in frame), blocks=modal["blocks"], key="k1")
        assert faults(message, most=100, budget=250_000) == []
        return message
    if template.startswith("home/"):
        message = Message(text="home", blocks=renderer.home(template, view)["blocks"], key="k1")
        assert faults(message, most=100, budget=250_000) == []
        return message
    message = renderer.message(template, view, key="k1")
    assert faults(message) == []
    return message


def texts(blocks: Any) -> list[dict[str, Any]]:
    """Every text object, however deep."""
    if isinstance(blocks, dict):
        own = [blocks] if blocks.get("type") in ("mrkdwn", "plain_text") else []
        return own + [found for value in blocks.values() for found in texts(value)]
    if isinstance(blocks, list):
        return [found for value in blocks for found in texts(value)]
    return []


def faults(message: Message, *, most: int = 50, budget: int = 13_200) -> list[str]:
    """What Slack would refuse, by the limits in its reference of blocks, block elements and composition objects."""
    blocks = list(message.blocks)
    found = [
        *outside("blocks", len(blocks), most),
        *outside("all blocks", len(json.dumps(blocks, ensure_ascii=False)), budget),
        *outside("notification", len(message.text), 4000),
    ]
    for text in texts(blocks):
        found += outside("text", len(text.get("text", "")), 3000)
        if text["type"] == "mrkdwn" and text.get("verbatim") is not True:
            found.append("mrkdwn that Slack would read on its own")
        if "<" in re.sub(r"<(?:https?://|!date\^|@[UW]|#C)[^<>]*>", "", text["text"]):
            found.append(f"a broken token in {text['text']!r}")
    for block in blocks:
        found += faults_of_block(block)
        for element in [*block.get("elements", []), *filter(None, [block.get("accessory")])]:
            found += faults_of_button(element) if element["type"] == "button" else []
            found += faults_of_options(element)
    return found


def outside(name: str, size: int, limit: int, least: int = 1) -> list[str]:
    """The fault, if it is one."""
    return [] if least <= size <= limit else [f"{name}: {size}, not {least} to {limit}"]


def faults_of_block(block: dict[str, Any]) -> list[str]:
    """What is wrong with one block."""
    elements = block.get("elements", [])
    match block["type"]:
        case "section":
            fields = block.get("fields", [])
            empty = [] if "text" in block or fields else ["an empty section"]
            long = [fault for field in fields for fault in outside("field", len(field["text"]), 2000)]
            return [*outside("fields", len(fields), 10, 0), *long, *empty]
        case "context":
            return outside("context elements", len(elements), 10)
        case "actions":
            names = [button["action_id"] for button in elements]
            twice = ["the same action twice"] if len(set(names)) < len(names) else []
            return [*outside("buttons", len(elements), 25), *twice]
        case "divider":
            return []
        case "input":
            element = block["element"]
            longest = outside("max_length", element.get("max_length", 1), 3000)
            return [*outside("label", len(block["label"]["text"]), 2000), *longest, *faults_of_options(element)]
    return [f"an unexpected {block['type']}"]


def faults_of_options(element: dict[str, Any]) -> list[str]:
    """What is wrong with the choices of a menu."""
    options = element.get("options")
    if options is None:
        return []
    limit = 5 if element["type"] == "overflow" else 100
    long = [fault for one in options for fault in outside("option", len(one["text"]["text"]), 75)]
    values = [fault for one in options for fault in outside("option's value", len(one["value"]), 150)]
    return [*outside("options", len(options), limit), *long, *values]


def faults_of_button(button: dict[str, Any]) -> list[str]:
    """What is wrong with one button."""
    kind = [] if button["text"]["type"] == "plain_text" else ["a label that is not plain text"]
    return [
        *kind,
        *outside("label", len(button["text"]["text"]), 75),
        *outside("value", len(button.get("value", "")), 2000, 0),
        *outside("action", len(button["action_id"]), 255),
    ]


def with_every_word(view: Any, words: str) -> Any:
    """The same view with each text in it replaced."""
    if isinstance(view, Enum):
        return view
    if isinstance(view, str):
        return words
    if isinstance(view, tuple):
        return tuple(with_every_word(part, words) for part in view)
    if dataclasses.is_dataclass(view) and not isinstance(view, type):
        parts = {field.name: with_every_word(getattr(view, field.name), words) for field in dataclasses.fields(view)}
        return dataclasses.replace(view, **parts)
    return view


def skeleton(words: str) -> list[int]:
    """How much live syntax a text has: tokens, entities that end them, formatting, quotes, lines."""
    edges = re.findall(r"(?<![^\W_])_|_(?![^\W_])", words)
    quotes = re.findall(r"^(?:>|&gt;)", words, re.MULTILINE)
    return [*(words.count(mark) for mark in "<>*`~\n"), len(edges), len(quotes)]


def skeletons(message: Message) -> list[list[int]]:
    """The skeletons of everything in a message."""
    return [skeleton(message.text), *(skeleton(text["text"]) for text in texts(list(message.blocks)))]


@pytest.mark.parametrize("template", SAMPLES)
def test_a_template_says_what_its_golden_file_says(renderer: Renderer, template: str) -> None:
    shown = {}
    for name, view in SAMPLES[template].items():
        message = show(renderer, template, view)
        shown[name] = {"text": message.text.split("\n"), "blocks": list(message.blocks)}
    written = json.dumps(shown, ensure_ascii=False, indent=1) + "\n"
    golden = GOLDEN / f"{template}.json"
    if os.environ.get("SHIPMATE_GOLDEN") == "write":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(written, encoding="utf-8")
    assert written == golden.read_text(encoding="utf-8")


def test_no_field_of_a_view_hides_a_function_of_the_templates() -> None:
    functions = {*Page().functions, "link", "count", "dots"}
    views = [view for views in SAMPLES.values() for view in views.values() if dataclasses.is_dataclass(view)]
    assert {field.name for view in views for field in dataclasses.fields(view)} & functions == set()


def test_every_template_has_samples_and_no_golden_file_is_left_over() -> None:
    """A new template is not forgotten, nor an old file kept."""
    folder = templates_folder()
    templates = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*/*.j2")}
    assert templates >= set(SAMPLES)
    folders = ("cards/", "notes/", "replies/", "modals/", "home/")
    assert {name for name in templates if name.startswith(folders)} == set(SAMPLES)
    assert {str(path.relative_to(GOLDEN).with_suffix("")) for path in GOLDEN.rglob("*/*.json")} == set(SAMPLES)


HOSTILE = (
    "<!channel> <!here> <@U1> <#C1>",
    "<!subteam^S1> <https://evil.example|ok>",
    "*x* `y` _z_ ~s~ ```code``` __init__",
    "@here @channel #general https://evil.example",
    "<!date^1^{time}|soon> &amp; &lt;!channel&gt;",
    "one \n> quote \u2028>>> more \r\n*x*",
    ">>> quote",
    "\u202eright to left \x00\x01\u200b @\u200bhere \ud83d",
    "{{ view }} {% if %} \x000 |> *x",
    "Retry <!channel> <@U1> *x* `y` <https://evil|ok>",
)
GROUPED = ("cards/digest", "replies/said")
"""The one groups by words, the other keeps its own lines, so other words may make other lines."""


@pytest.mark.parametrize(("template", "name"), EVERY)
def test_words_from_outside_do_nothing(renderer: Renderer, template: str, name: str) -> None:
    """Every text of every view is hostile, and no more syntax is alive than with harmless words."""
    view = SAMPLES[template][name]
    for words in HOSTILE:
        hostile = show(renderer, template, with_every_word(view, words))
        for shown in [hostile.text, *(text["text"] for text in texts(list(hostile.blocks)))]:
            assert not re.search(r"<(?!!date\^\d+\^\{)", shown), words
            assert not re.search(r"&(?!amp;|lt;|gt;)", shown), words
            assert not re.search(r"@(here|channel|everyone)\b", shown), words
            assert not re.search("[\x00-\x09\x0b-\x1f\u2028\u202e\u200b\ud800-\udfff]", shown), words
            assert not re.search(r"\*x\*|`y`|_z_|~s~|```|_init_", shown), words
        if template not in GROUPED:
            harmless = show(renderer, template, with_every_word(view, "w" * len(words)))
            assert skeletons(hostile) == skeletons(harmless), words


@settings(max_examples=settings().max_examples // 2)
@given(
    sample=st.sampled_from([pair for pair in EVERY if pair[0] not in GROUPED]),
    words=st.text(
        st.one_of(st.sampled_from("<>&*_~`|@#!^:/\\\n\r\t \u2028\u202e\x00a1"), st.characters()), max_size=40
    ),
)
def test_no_words_whatever_make_syntax(renderer: Renderer, sample: tuple[str, str], words: str) -> None:
    template, name = sample
    view = SAMPLES[template][name]
    hostile = show(renderer, template, with_every_word(view, f"a{words}a"))
    harmless = show(renderer, template, with_every_word(view, "a" * (len(words) + 2)))
    assert skeletons(hostile) == skeletons(harmless)


@settings(max_examples=settings().max_examples // 2)
@given(
    sample=st.sampled_from(EVERY),
    length=st.integers(1, 50_000),
    filling=st.sampled_from(["x", "& ", "<", "*_", "é", "\U0001f600", "word "]),
    repeat=st.sampled_from([1, 7, 400]),
)
def test_a_message_fits_however_long_its_parts_are(
    renderer: Renderer, sample: tuple[str, str], length: int, filling: str, repeat: int
) -> None:
    template, name = sample
    huge = with_every_word(SAMPLES[template][name], (filling * length)[:length])
    message = show(renderer, template, many_times(huge, repeat))
    assert message.text.strip()


def many_times(view: Any, repeat: int) -> Any:
    """The same view with each list in it as many times as long."""
    lists = {
        field.name: getattr(view, field.name) * repeat
        for field in dataclasses.fields(view)
        if isinstance(getattr(view, field.name), tuple)
    }
    return dataclasses.replace(view, **lists)


def test_a_thousand_changes_make_a_short_card_that_counts_them(renderer: Renderer) -> None:
    message = show(renderer, "cards/deploy", dataclasses.replace(LIVE, arriving=numbered(1, 1000), more=234))
    assert f"<{DIFF}|and 1,224 more changes>" in message.blocks[1]["text"]["text"]
    assert len(message.text) < 1000


@pytest.mark.parametrize("services", [1, 7, 200])
def test_a_digest_of_two_hundred_names_each_deploy(renderer: Renderer, services: int) -> None:
    """A folded deploy is visible only here."""
    view = digest(200, services)
    shown = " ".join(text["text"] for text in texts(list(show(renderer, "cards/digest", view).blocks)))
    assert [line.sha for line in view.lines if line.sha[:7] not in shown] == []


def test_the_first_words_on_a_phone_are_outcome_service_and_number(renderer: Renderer) -> None:
    """A phone shows some 80 characters of the notification text."""
    card = show(renderer, "cards/deploy", LIVE).text[:80]
    note = show(renderer, "notes/change", NOTE).text[:80]
    assert [word for word in ("✅", "checkout", "live", "production", "#812") if word not in card] == []
    assert [word for word in ("✅", "live", "production", "#812") if word not in note] == []


def test_where_says_first_how_far_it_got_and_bad_news_before_good(renderer: Renderer) -> None:
    """What failed in production is not reported as live in staging."""
    said = {
        name: show(renderer, "replies/where", SAMPLES["replies/where"][name]).text.split("\n")[0]
        for name in ("failed in production", "taken out of production", "on its way", "one of two services")
    }
    assert said["failed in production"].startswith("🔴 #812 failed in production, and is live in staging")
    assert said["taken out of production"].startswith("⏪ #812 was taken out of production, and is live in staging")
    assert said["on its way"].startswith("🔀 #812 is on its way")
    assert said["one of two services"].startswith("✅ #812 is live in checkout staging")


def test_a_channel_card_notifies_nobody_and_a_red_build_its_author(renderer: Renderer) -> None:
    assert "<@" not in json.dumps(list(show(renderer, "cards/deploy", LIVE).blocks))
    assert "<@U0ANA>, can you look?" in show(renderer, "notes/red_build", RED).text


def test_a_card_in_progress_has_no_text_that_ticks(renderer: Renderer) -> None:
    """Two renderings differ only if what they show differs, or every poll would be an edit."""
    assert renderer.message("cards/deploy", ROLLING, key="k1") == renderer.message("cards/deploy", ROLLING, key="k1")
    assert "<!date^" in show(renderer, "cards/deploy", ROLLING).blocks[0]["text"]["text"]
