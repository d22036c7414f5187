"""Views of deploys, changes and builds, for the golden files."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from bot.deploys.views import (
    BlindSpotNote,
    BrakeView,
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
    OpenIncident,
    Outcome,
    PersonView,
    RangeState,
    RedBuildNote,
    StageView,
    StuckNote,
    StuckView,
    UnreachableNote,
)
from bot.events import DeployStatus

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


BURNS = OpenIncident(number=7, title="checkout 5xx", room="C0INC0007", locked=True)
HAND_LOCKED = BrakeView(
    scope="checkout → production", reason="moving the database", owner="Dee", until=None, wants_go=False
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
        "live, and an incident locks it": dataclasses.replace(LIVE, incidents=(BURNS,), locks=(HAND_LOCKED,)),
        "failed, unlocked, and it waits for a Go": dataclasses.replace(
            LIVE,
            status=DeployStatus.FAILED,
            incidents=(dataclasses.replace(BURNS, room=None, locked=False),) * 3,
            locks=(dataclasses.replace(HAND_LOCKED, wants_go=True),) * 4,
        ),
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
}
