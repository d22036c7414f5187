"""A company with locks: its teams and services, what people do to locks, and what is then to be seen."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from bot import people, work
from bot.audit import Fact
from bot.catalog import Catalog, Freeze, Service, Team
from bot.deploys import targets
from bot.deploys.service import target_of
from bot.events import FreezeDeclared, LockAct, LockActed, LockPlaced
from bot.locks import service
from bot.locks.models import Lock
from bot.outbox import Card, Note
from bot.ports import Member
from tests.unit.stores import NOON

DEE, EVE, XYZ = "U0DEE", "U0EVE", "U0XYZ"
NAMES = {DEE: "Dee", EVE: "Eve", XYZ: "Xavier"}
PAYMENTS = Team(name="payments", channel="#payments", members=(DEE, EVE))
SHOP = Team(name="shop", channel="#shop")
CATALOG = Catalog(
    default_channel="#deploys",
    unknown=Service(name="unknown", channel="#deploys", known=False),
    teams={"payments": PAYMENTS, "shop": SHOP},
    services={
        "checkout": Service(
            name="checkout", channel="#payments", team=PAYMENTS, environments=("staging", "production")
        ),
        "ledger": Service(name="ledger", channel="#payments", team=PAYMENTS, environments=("staging", "production")),
        "cart": Service(name="cart", channel="#shop", team=SHOP, environments=("staging", "production")),
    },
    freezes=(
        Freeze(begins=NOON + timedelta(days=20), ends=NOON + timedelta(days=30), services=None, reason="Holidays"),
        Freeze(begins=NOON - timedelta(days=9), ends=NOON - timedelta(days=8), services=None, reason="Long over"),
        Freeze(begins=NOON, ends=NOON + timedelta(days=1), services=("cart",), reason="Sale"),
    ),
)


def later(**more: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(**more)


def settled(session: Session) -> None:
    """The people and targets that the stories speak of."""
    for slack_id, name in NAMES.items():
        people.saw(session, Member(slack_id, name), NOON)
    for name in CATALOG.services:
        for environment in ("staging", "production"):
            target_of(session, name, environment)
    session.flush()
    work.take_touched(session)


def read_anew(session: Session, at: datetime) -> None:
    """Slack was asked just now who everybody is: what it said more than an hour ago is not relied on."""
    for slack_id, name in NAMES.items():
        profile = people.profile_of(session, slack_id)
        people.saw(session, Member(slack_id, name, guest=profile is not None and profile.guest), at)


def lock(
    session: Session,
    scope: str = "checkout",
    reason: str = "rollback in progress",
    *,
    by: str = DEE,
    at: datetime = NOON,
    until: datetime | None = None,
    rollbacks: bool = True,
) -> str:
    """Somebody locks; returns what they are told."""
    event = LockPlaced(
        scope=scope, reason=reason, ends_at=until, rollbacks=rollbacks, slack_id=by, called=NAMES[by], channel=None,
        at=at,
    )  # fmt: skip
    read_anew(session, at)
    return service.place(session, CATALOG, event, at)


def act(
    session: Session,
    what: LockAct,
    named: str | int,
    *,
    by: str = DEE,
    at: datetime = NOON,
    until: datetime | None = None,
) -> str:
    """Somebody lifts, extends or says Go, by a lock's number or by what they type."""
    number, typed = (named, None) if isinstance(named, int) else (None, named)
    event = LockActed(act=what, lock=number, scope=typed, until=until, slack_id=by, called=NAMES[by], at=at)
    read_anew(session, at)
    return service.act(session, CATALOG, event, at)


def unlock(session: Session, named: str | int = "checkout", **more: Any) -> str:
    """Somebody unlocks."""
    return act(session, LockAct.LIFT, named, **more)


def facts(
    session: Session, at: datetime = NOON, where: str = "checkout/production", **more: Any
) -> list[tuple[str, bool]]:
    """What the gate of a target sees: each lock's reason, and whether it has ended and waits for a Go."""
    name, _, environment = where.partition("/")
    found = service.facts_for(session, CATALOG, name, environment, more.get("promotion"), at)
    return [(one.reason, one.ended) for one in found]


def asked_go(session: Session) -> list[str]:
    """Where a Go was asked for, each time."""
    return [card.place for card in session.exec(select(Card).where(Card.kind == "lock_go").order_by(col(Card.id)))]


def notes(session: Session) -> list[tuple[str, str]]:
    """What was said so far, and where."""
    rows = session.exec(select(Note).order_by(col(Note.id))).all()
    return [(row.data["said"], row.place) for row in rows]


def touched(session: Session) -> set[str]:
    """The targets that are to be judged again."""
    names = {target.id: f"{target.service}/{target.environment}" for target in targets.every(session)}
    return {names[number] for kind, number in work.take_touched(session) if kind == "target"}


def due(session: Session, at: datetime) -> list[int]:
    """The clock comes at an instant, however often something is due; returns which locks it looked at."""
    looked = []
    while found := [subject for subject in work.due(session, at) if subject[0] == service.LOCK]:
        for subject in found:
            assert work.take_due(session, subject, at)
            service.due(session, CATALOG, subject[1], at)
            looked.append(subject[1])
    return looked


def only(session: Session) -> Lock:
    """The one lock there is."""
    return session.exec(select(Lock)).one()


def tags(session: Session) -> list[tuple[str, str | None]]:
    """The facts on record about locks and freezes."""
    rows = session.exec(select(Fact).order_by(col(Fact.id))).all()
    return [(row.tag, row.who) for row in rows if row.subject.startswith(("lock:", "freeze:"))]


def failed(session: Session, cause: str = "failure:7", at: datetime = NOON) -> bool:
    """A production deploy has failed."""
    return service.set_by_itself(session, CATALOG, cause, "Checkout", "Production", "deploy 7 failed", at)


def freeze(session: Session, of: str | None = "checkout", *, by: str = DEE, **more: Any) -> str:
    """Somebody declares a freeze for three days, unless told otherwise."""
    event = FreezeDeclared(
        service=of, begins=more.get("begins", NOON), ends=more.get("ends", later(days=3)),
        reason=more.get("reason", "db move"), slack_id=by, called=NAMES[by], at=NOON,
    )  # fmt: skip
    return service.declare_freeze(session, CATALOG, event, NOON)


def frozen(session: Session, of: str, at: datetime = NOON) -> list[str]:
    """The reasons of the freezes that the gate sees."""
    return [one.reason for one in service.freezes_for(session, CATALOG, of, at)]
