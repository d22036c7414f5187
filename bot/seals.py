"""The seals over the audit trail: each committed fact's digest, chained to the one before, so that no edit goes unseen.

The leader seals facts once they are committed, one after the other (a hash inside each transaction would serialise
every replica). A changed, removed or re-ordered fact breaks the chain from there on; whoever can write to the database
could make the whole chain anew, so keep the last digest that ``shipmate audit verify`` prints somewhere else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import bindparam, insert
from sqlmodel import Field, Session, SQLModel, col, func, select

from bot.audit import Fact

FIRST = "0" * 64
"""What the first seal is chained to."""

BATCH = 500
"""Facts sealed in one transaction: many more would keep other writers waiting."""

LATE = 10_000
"""How many numbers behind the highest sealed one a fact may still be committed: another replica may be slow."""

READ = 1_000
"""Facts read at once when the chain is walked."""


class Seal(SQLModel, table=True):
    """One link: ``digest`` is over the digest before and the whole of ``fact``. ``position`` counts from 1, no gaps."""

    __tablename__ = "seals"

    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    fact: int = Field(unique=True)
    """No foreign key: that a sealed fact is gone is for ``verify`` to find."""
    digest: str = Field(max_length=64)


@dataclass(frozen=True)
class Fault:
    """Where the chain does not hold: the seal's ``position``, the fact's number, and what is wrong, in a sentence."""

    position: int
    fact: int
    what: str


@dataclass(frozen=True)
class Verified:
    """What walking the chain came to. ``head`` is the last digest; ``unsealed`` counts facts that wait for a seal."""

    sealed: int
    unsealed: int
    head: str
    fault: Fault | None


_LAST = select(Seal).order_by(col(Seal.position).desc()).limit(1)
_UNSEALED = (
    select(Fact)
    .outerjoin(Seal, col(Seal.fact) == col(Fact.id))
    .where(col(Fact.id) > bindparam("after"), col(Seal.fact).is_(None))
    .order_by(col(Fact.id))
    .limit(BATCH)
)
_SEAL = insert(Seal)


def seal(session: Session) -> int:
    """Seal up to BATCH facts that have no seal yet, in their order; returns how many."""
    last = session.exec(_LAST).first()
    highest = session.exec(select(func.max(Seal.fact))).one() or 0
    facts = session.exec(_UNSEALED, params={"after": highest - LATE}).all()
    position, digest = (last.position, last.digest) if last is not None else (0, FIRST)
    links = []
    for fact in facts:
        position, digest = position + 1, chained(digest, fact)
        links.append({"position": position, "fact": fact.id, "digest": digest})
    if links:
        session.connection().execute(_SEAL, links)
    return len(links)


def chained(before: str, fact: Fact) -> str:
    """The digest of a fact that follows one with the digest ``before``: hexadecimal SHA-256."""
    return hashlib.sha256(f"{before}\n{canonical(fact)}".encode()).hexdigest()


def canonical(fact: Fact) -> str:
    """A fact as one line of JSON that is the same on every machine and either database."""
    return json.dumps(plain(fact), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def plain(fact: Fact) -> dict[str, object]:
    """A fact as data."""
    at: datetime = fact.at.astimezone(UTC)
    return {
        "id": fact.id,
        "at": at.isoformat(timespec="microseconds"),
        "tag": fact.tag,
        "subject": fact.subject,
        "who": fact.who,
        "data": fact.data,
    }


def verify(session: Session) -> Verified:
    """Walk the whole chain, up to the first link that does not hold."""
    digest, sealed = FIRST, 0
    fault = None
    for position, (link, fact) in enumerate(_links(session), 1):
        fault = _fault(link, fact, position, digest)
        if fault is not None:
            break
        digest, sealed = link.digest, sealed + 1
    total = session.exec(select(func.count()).select_from(Fact)).one()
    linked = session.exec(select(func.count()).select_from(Fact).join(Seal, col(Seal.fact) == col(Fact.id))).one()
    return Verified(sealed=sealed, unsealed=total - linked, head=digest, fault=fault)


def holds(session: Session, head: str) -> bool:
    """Whether a digest that was printed earlier is a link of the chain."""
    return session.exec(select(Seal.position).where(Seal.digest == head.strip().lower())).first() is not None


def export(
    session: Session, *, since: datetime | None = None, subject: str | None = None
) -> Iterator[dict[str, object]]:
    """Every fact in order, with its seal's position and digest where it has one; only those asked for."""
    after = 0
    while True:
        asked = (
            select(Fact, Seal)
            .outerjoin(Seal, col(Seal.fact) == col(Fact.id))
            .where(col(Fact.id) > after)
            .order_by(col(Fact.id))
            .limit(READ)
        )
        if since is not None:
            asked = asked.where(col(Fact.at) >= since)
        if subject is not None:
            asked = asked.where(Fact.subject == subject)
        found = session.exec(asked).all()
        for fact, link in found:
            after = fact.id or after
            yield {**plain(fact), "seal": _plain_link(link)}
        if len(found) < READ:
            return
        session.expunge_all()


def _plain_link(link: Seal | None) -> dict[str, object] | None:
    return None if link is None else {"position": link.position, "digest": link.digest}


def _links(session: Session) -> Iterator[tuple[Seal, Fact | None]]:
    after = 0
    while True:
        found = session.exec(
            select(Seal, Fact)
            .outerjoin(Fact, col(Fact.id) == col(Seal.fact))
            .where(col(Seal.position) > after)
            .order_by(col(Seal.position))
            .limit(READ)
        ).all()
        for link, fact in found:
            after = link.position
            yield link, fact
        if len(found) < READ:
            return
        session.expunge_all()


def _fault(link: Seal, fact: Fact | None, position: int, before: str) -> Fault | None:
    if link.position != position:
        return Fault(position, link.fact, f"the seal at position {position} is gone: the next one is {link.position}")
    if fact is None:
        return Fault(position, link.fact, f"fact {link.fact} was removed after it was sealed")
    if chained(before, fact) != link.digest:
        return Fault(position, link.fact, f"fact {link.fact} ({fact.tag}) is not what was sealed")
    return None
