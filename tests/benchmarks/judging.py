"""Ten thousand open promotions in a database, judged one after the other, and the bare read of each one's row.

They are a large organisation's: 200 services that go from staging through fifty zones, each promotion with three
changes by two people, a yes, a check and a stay behind it, and with locks, freezes and alerts to be looked through. The
policy has every gate that is built. About half could ship; the rest wait for something.

The *bare read* is one SELECT of the promotion's row by its number, by the database's own driver and nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import event, insert, text
from sqlalchemy.engine import Engine, make_url
from sqlmodel import Session, SQLModel

import bot.outgoing  # noqa: F401 - so that every table is known
from bot import gates
from bot.alerts.models import Alert
from bot.catalog import Catalog, PersonEntry, PromoteThrough, Service, Team
from bot.database import Database, upgrade
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Check, Contributor, Deploy, Target
from bot.deploys.views import RangeState
from bot.events import CheckStatus, DeployStatus, Via
from bot.gates import Situation
from bot.locks.models import DeclaredFreeze, Lock
from bot.people import Group, Profile
from bot.ports import Direction
from bot.promotions import judging, rules
from bot.promotions.gathering import situation
from bot.promotions.models import Approval, Promotion, PromotionChange, State

SERVICES = 200
ZONES = 50
OPEN = SERVICES * ZONES
TEAMS = 40
CARRIED = 3
"""Changes in each."""
TOGETHER = 50
"""Judged in one transaction, as what waits at the same moment is."""
_STRIDE = 89
"""The transactions are gone through in steps of so many: also where time runs out, all kinds were judged."""
LONGEST = 35.0
"""Seconds after which no more are judged; it is told how many were."""

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_PLACES = ("staging", *(f"zone-{number}" for number in range(ZONES)))
_POLICY = (
    gates.Lock(), gates.Freeze(), gates.Order(), gates.Soak(timedelta(minutes=30)), gates.Smoke(("e2e",)),
    gates.Batch(changes=5, lines=2000), gates.Approval(), gates.Train(), gates.Health(),
)  # fmt: skip


def catalogue() -> Catalog:
    """The shipmate.yml of this organisation."""
    teams = [
        Team(name=f"team-{number:02}", channel=f"#team-{number:02}", approvers=(f"@leads-{number:02}",))
        for number in range(TEAMS)
    ]
    services = [
        Service(
            name=f"service-{number:03}", channel="#deploys", team=teams[number % TEAMS], environments=_PLACES,
            repo=f"acme/service-{number:03}", promote_through=PromoteThrough.GITHUB_DEPLOYMENT, gates=_POLICY,
        )
        for number in range(SERVICES)
    ]  # fmt: skip
    return Catalog(
        default_channel="#deploys",
        unknown=Service(name="unknown", channel="#deploys", known=False),
        teams={team.name: team for team in teams},
        services={service.name: service for service in services},
        people=tuple(
            PersonEntry(slack=_slack_id(number), github=f"dev-{number:02}", name=f"Dev {number}")
            for number in range(TEAMS)
        ),
    )


def measure(url: str) -> dict[str, Any]:
    """Fill the empty database at this address, and judge what is in it.

    Seconds of each: ``bare`` (the bare read), ``judged`` (judged from the database), ``pure`` (the gates alone, of
    what was gathered); ``statements`` for each; how many were ``shippable``.
    """
    upgrade(url)
    return asyncio.run(_measure(url))


async def _measure(url: str) -> dict[str, Any]:
    database = Database(url)
    database.start()
    try:
        for table, kept in rows():
            await database.write(partial(_keep, table, kept))
        if not database.is_sqlite:  # as PostgreSQL does by itself, a minute later
            await database.write(_analyze)
        bare = _read_barely(url)
        counted = _Counter()
        event.listen(Engine, "before_cursor_execute", counted)
        judged, known = await _judge(database)
        event.remove(Engine, "before_cursor_execute", counted)
    finally:
        await database.close()
    pure, shippable = [], 0
    for one in known:
        began = time.perf_counter()
        judgement = gates.judge(_POLICY, one)
        pure.append(time.perf_counter() - began)
        shippable += judgement.open
    found = {"bare": bare, "judged": judged, "pure": pure}
    return {
        **{name: [round(one, 7) for one in seconds] for name, seconds in found.items()},
        "statements": counted.number / len(judged), "shippable": shippable,
    }  # fmt: skip


async def _judge(database: Database) -> tuple[list[float], list[Situation]]:
    """What ``judging.judge`` does, in its two steps, so that the facts can be judged again without a database."""
    desk = Desk(catalogue(), "https://github.com", NOW)
    took: list[float] = []
    known: list[Situation] = []

    def judge(numbers: Sequence[int], session: Session) -> None:
        for number in numbers:
            began = time.perf_counter()
            promotion = session.get(Promotion, number)
            assert promotion is not None
            facts = situation(session, desk, promotion, NOW)
            judging.judge_situation(session, desk, promotion, facts)
            took.append(time.perf_counter() - began)
            known.append(facts)

    until, groups = time.perf_counter() + LONGEST, OPEN // TOGETHER
    for turn in range(groups):
        if time.perf_counter() > until:
            break
        first = 1 + turn * _STRIDE % groups * TOGETHER
        await database.read(partial(judge, range(first, first + TOGETHER)))
    return took, known


def _read_barely(url: str) -> list[float]:
    row = f"SELECT * FROM {Promotion.__tablename__} WHERE id = "
    read: Callable[[int], Any]
    if url.startswith("sqlite"):
        import sqlite3

        file = sqlite3.connect(str(make_url(url).database))
        connection: Any = file

        def read(number: int) -> Any:
            return file.execute(f"{row}?", (number,)).fetchone()

    else:
        import psycopg

        server = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        connection = server

        def read(number: int) -> Any:
            return server.execute(f"{row}%s", (number,)).fetchone()

    took = []
    for number in range(1, OPEN + 1):
        began = time.perf_counter()
        found = read(number)
        took.append(time.perf_counter() - began)
        assert found[0] == number
    connection.close()
    return took


class _Counter:
    """Counts statements."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, *_told: object) -> None:
        self.number += 1


def _analyze(session: Session) -> None:
    session.connection().execute(text("ANALYZE"))


# --- what is in the database ------------------------------------------------------------------------------------------


def _keep(table: type[SQLModel], rows: Sequence[dict[str, Any]], session: Session) -> None:
    session.execute(insert(table), rows)


def rows() -> Sequence[tuple[type[SQLModel], list[dict[str, Any]]]]:
    """Every row, table by table, in an order in which each finds what it refers to."""
    numbers = range(OPEN)
    targets = [
        {"id": _target(number, place), "service": _service(number), "environment": name}
        for number in range(SERVICES)
        for place, name in enumerate(_PLACES)
    ]
    return (
        (Target, targets),
        (Deploy, [_build(number) for number in numbers]),
        (Check, [_check(number) for number in numbers]),
        (Change, [_change(number) for number in range(OPEN * CARRIED)]),
        (Contributor, [_part(number, role) for number in range(OPEN * CARRIED) for role in ("author", "merger")]),
        (Promotion, [_promotion(number) for number in numbers]),
        (PromotionChange, [_carries(number) for number in range(OPEN * CARRIED)]),
        (Approval, [_yes(number) for number in numbers]),
        (Lock, [_lock(number) for number in range(0, SERVICES, 10)]),
        (DeclaredFreeze, [_freeze(number) for number in range(5)]),
        (Alert, [_alert(number) for number in range(0, SERVICES, 10)]),
        (Profile, [_member(number) for number in range(TEAMS)]),
        (Group, [_group(number) for number in range(TEAMS)]),
    )


def _service(number: int) -> str:
    return f"service-{number % SERVICES:03}"


def _target(number: int, place: int) -> int:
    return 1 + number % SERVICES * len(_PLACES) + place


def _zone(number: int) -> int:
    """The place of the zone that a promotion goes to."""
    return 1 + number // SERVICES


def _sha(number: int) -> str:
    return f"{number:040x}"


def _slack_id(number: int) -> str:
    return f"U0DEV{number % TEAMS:02}"


def _label_number(number: int) -> int:
    return 1 + number


def _build(number: int) -> dict[str, Any]:
    """It succeeded in the environment before; every eighth too lately."""
    at = NOW - timedelta(minutes=10 if number % 8 == 1 else 60)
    return {
        "id": 1 + number, "target": _target(number, _zone(number) - 1), "repo": f"acme/{_service(number)}",
        "sha": _sha(number), "status": DeployStatus.SUCCEEDED.value, "status_at": at, "began_at": at,
        "told": {}, "range": RangeState.COMPLETE.value,
    }  # fmt: skip


def _check(number: int) -> dict[str, Any]:
    status = CheckStatus.FAILED if number % 16 == 2 else CheckStatus.PASSED
    return {
        "repo": f"acme/{_service(number)}", "sha": _sha(number), "name": "e2e", "status": status.value,
        "run": number, "at": NOW - timedelta(minutes=50),
    }  # fmt: skip


def _change(number: int) -> dict[str, Any]:
    return {
        "id": 1 + number, "repo": f"acme/{_service(number // CARRIED)}", "number": _label_number(number),
        "sha": f"c{number:039x}", "title": "Retry payments", "labels": [], "additions": 40, "deletions": 12,
        "merged_at": NOW - timedelta(hours=2),
    }  # fmt: skip


def _part(number: int, role: str) -> dict[str, Any]:
    """Whoever wrote it is not of the team that approves it."""
    login = f"dev-{(number // CARRIED + (7 if role == 'author' else 9)) % TEAMS:02}"
    return {"change": 1 + number, "role": role, "who": f"github:{login}", "login": login, "bot": False}


def _promotion(number: int) -> dict[str, Any]:
    return {
        "id": 1 + number, "root": 1 + number, "target": _target(number, _zone(number)),
        "repo": f"acme/{_service(number)}", "sha": _sha(number), "state": State.OPEN.value, "rollback": False,
        "via": Via.PIPELINE.value, "created_at": NOW - timedelta(hours=1), "expires_at": NOW + timedelta(days=6),
        "base_sha": "b" * 40, "range": RangeState.COMPLETE.value, "direction": Direction.AHEAD.value, "truncated": 0,
        "seen": _seen(number),
    }  # fmt: skip


def _seen(number: int) -> str:
    carried = range(number * CARRIED, (number + 1) * CARRIED)
    return rules.seen_of(
        repo=f"acme/{_service(number)}", base="b" * 40, sha=_sha(number),
        labels=[f"#{_label_number(one)}" for one in carried], truncated=0, policy=rules.policy_words(_POLICY),
    )  # fmt: skip


def _carries(number: int) -> dict[str, Any]:
    return {
        "promotion": 1 + number // CARRIED, "change": 1 + number, "leaving": False, "position": number % CARRIED,
    }  # fmt: skip


def _yes(number: int) -> dict[str, Any]:
    """One of the team's leads said so; to every fourth of what was there before."""
    seen = "what-was-there-before" if number % 4 == 3 else _seen(number)
    return {
        "promotion": 1 + number, "person": _slack_id(number), "called": "Somebody", "seen": seen, "changes": [],
        "at": NOW - timedelta(minutes=20), "applied_at": NOW - timedelta(minutes=20),
    }  # fmt: skip


def _lock(number: int) -> dict[str, Any]:
    return {
        "scope_kind": "service", "scope": _service(number), "cause": f"person:{_slack_id(number)}",
        "reason": "rollback in progress", "owner": _slack_id(number), "called": "Somebody", "rollbacks": True,
        "began_at": NOW - timedelta(hours=1), "ends_at": NOW + timedelta(hours=3), "closed": False,
        "channel": "#deploys",
    }  # fmt: skip


def _freeze(number: int) -> dict[str, Any]:
    return {
        "service": "", "begins": NOW + timedelta(days=1 + number), "ends": NOW + timedelta(days=1 + number, hours=6),
        "reason": "a busy day", "owner": _slack_id(number), "called": "Somebody",
    }  # fmt: skip


def _alert(number: int) -> dict[str, Any]:
    """It fires in one zone."""
    return {
        "source": "alerts", "fingerprint": f"{number}", "service": _service(number), "environment": "zone-7",
        "name": "HighErrorRate", "started_at": NOW - timedelta(minutes=5), "seen_at": NOW,
    }  # fmt: skip


def _member(number: int) -> dict[str, Any]:
    return {
        "slack_id": _slack_id(number), "name": f"Dev {number}", "guest": False, "active": True, "read_at": NOW,
    }  # fmt: skip


def _group(number: int) -> dict[str, Any]:
    """A team's leads: those whose number fits, and two more."""
    return {
        "handle": f"leads-{number:02}", "members": [_slack_id(number + more) for more in (0, 1, 2)], "read_at": NOW,
    }  # fmt: skip
