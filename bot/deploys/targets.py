"""The rows that are locked when something is decided: ``*`` first, then each service in its environment, sorted.

Whoever decides about a target holds ``*`` and that target's row until the transaction ends. So does whoever sets a
brake: a lock over everything and an approval of one promotion meet at ``*``, a narrow lock and an approval also at the
target. On SQLite there is one writer, and nothing to wait for.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import text
from sqlmodel import Session, col, select

from bot.catalog import Catalog
from bot.deploys import statements
from bot.deploys.models import Deploy, Target

EVERYWHERE = ("*", "*")
"""The row that stands for all targets; nothing is ever live there."""

Pair = tuple[str, str]
"""A service and an environment."""

# Two replicas may meet a target for the first time at once: the second waits for the first, then finds its row.
_MAKE = text("INSERT INTO targets (service, environment) VALUES (:service, :environment) ON CONFLICT DO NOTHING")
_EVERY = select(Target).where(col(Target.service) != EVERYWHERE[0])


def hold(session: Session, catalog: Catalog, pairs: Iterable[Pair]) -> Mapping[Pair, Target]:
    """Hold ``*`` and the rows of these targets, in that order, as they stand now; returns them by the pairs given.

    Rows that are missing are made. Names are taken in the catalogue's spelling.
    """
    _held(session, EVERYWHERE)
    asked = {pair: named(catalog, *pair) for pair in pairs}
    held = {spelt: _held(session, spelt) for spelt in sorted(set(asked.values()) - {EVERYWHERE})}
    return {pair: held[spelt] for pair, spelt in asked.items() if spelt in held}


def named(catalog: Catalog, service: str, environment: str) -> Pair:
    """A target in the catalogue's spelling."""
    if (service, environment) == EVERYWHERE:
        return EVERYWHERE
    owner = catalog.service(service)
    return owner.name, owner.configured(environment) or environment


def every(session: Session) -> Sequence[Target]:
    """Every target that was ever met, in the order in which their rows are held."""
    rows = session.exec(_EVERY).all()
    return sorted(rows, key=lambda target: (target.service, target.environment))


def of_deploy(session: Session, deploy: Deploy) -> Target:
    """Where a deploy goes."""
    target = session.get(Target, deploy.target)
    assert target is not None
    return target


def _held(session: Session, pair: Pair) -> Target:
    """The row, held by this transaction; one that it holds already nobody else can have changed since."""
    held = _holding(session)
    target = held.get(pair)
    if target is None or target not in session:
        target = _row(session, pair)
        if target is None:
            session.connection().execute(_MAKE, {"service": pair[0], "environment": pair[1]})
            target = _row(session, pair)
            assert target is not None
        held[pair] = target
    return target


def _holding(session: Session) -> dict[Pair, Target]:
    """What this transaction holds; the next one begins with nothing, and so does a savepoint, which may be undone."""
    session.connection()
    present = session.get_nested_transaction() or session.get_transaction()
    assert present is not None
    of, found = session.info.get("holding", (lambda: None, None))
    held: dict[Pair, Target] = found if of() is present else {}
    session.info["holding"] = (weakref.ref(present), held)  # a session that knew it would outlive its end
    return held


def _row(session: Session, pair: Pair) -> Target | None:
    """The row FOR UPDATE, read afresh: what this session saw of it before may be out of date."""
    called = {"of_service": pair[0], "of_environment": pair[1]}
    return session.exec(statements.TARGET, params=called, execution_options={"populate_existing": True}).first()
