"""The outbox as the engine sees it: what waits, as light rows, and the small transactions that settle it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from bot import outbox
from bot.outbox import Card, CardState, Effect, Lane, Note, SendState
from bot.ports import Posted

LOOK_AHEAD = 2_000
"""Rows of each kind that the engine keeps in view."""

DIGEST_LINES = 200
"""Cards in one digest: as many lines as fit Slack's total of about 12,000 characters."""

DIGEST = "digest"
"""The kind of card that others are folded into; its subject is ``place/number``."""


CARD_COLUMNS = ("id", "kind", "place", "lane", "urgent", "created_at", "version", "ts", "sent_at")
NOTE_COLUMNS = ("id", "kind", "place", "lane", "created_at", "thread")


@dataclass(frozen=True)
class Waiting:
    """A card or note that waits to be sent. ``thread`` is its parent card's id."""

    sort: str
    """``card`` or ``note``."""
    id: int
    kind: str
    place: str
    lane: int
    urgent: bool
    created_at: datetime
    version: int = 1
    ts: str | None = None
    sent_at: datetime | None = None
    thread: int | None = None

    @property
    def name(self) -> tuple[str, int]:
        """What it is called within the engine."""
        return self.sort, self.id

    @property
    def key(self) -> str:
        """What names it in the message's metadata."""
        return f"{self.sort}:{self.id}"

    @property
    def order(self) -> tuple[int, bool, int, int]:
        """Pages before approvals before the feed; then requests and ends before progress; then age."""
        return self.lane, not self.urgent, self.sort == "note", self.id


@dataclass(frozen=True)
class WaitingEffect:
    """An effect that waits to be done."""

    id: int
    kind: str
    key: str
    lane: int
    data: dict[str, object]
    created_at: datetime
    due_at: datetime | None


def waiting(session: Session) -> tuple[list[Waiting], list[WaitingEffect]]:
    """Everything that waits, in order of lanes."""
    connection = session.connection()
    cards = connection.execute(
        sql_select(*(col(getattr(Card, name)) for name in CARD_COLUMNS))
        .where(col(Card.version) > col(Card.sent_version), col(Card.state) == CardState.LIVE.value)
        .order_by(col(Card.lane), col(Card.id))
        .limit(LOOK_AHEAD)
    ).mappings()
    notes = connection.execute(
        sql_select(*(col(getattr(Note, name)) for name in NOTE_COLUMNS))
        .outerjoin(Card, col(Note.thread) == col(Card.id))
        .where(col(Note.state) == SendState.PENDING.value)
        # A reply waits until the card it answers has been posted, or is known not to be.
        .where(
            or_(
                col(Card.id).is_(None),
                col(Card.ts).is_not(None),
                col(Card.state) != CardState.LIVE.value,
                col(Card.version) <= col(Card.sent_version),
            )
        )
        .order_by(col(Note.lane), col(Note.id))
        .limit(LOOK_AHEAD)
    ).mappings()
    effects = session.exec(
        select(Effect)
        .where(Effect.state == SendState.PENDING.value)
        .order_by(col(Effect.lane), col(Effect.id))
        .limit(LOOK_AHEAD)
    ).all()
    rows = [Waiting(sort="card", **row) for row in cards]
    rows += [Waiting(sort="note", **row, urgent=True) for row in notes]
    acts = [
        WaitingEffect(row.id or 0, row.kind, row.key, row.lane, row.data, row.created_at, row.due_at) for row in effects
    ]
    return sorted(rows, key=lambda row: row.order), acts


def settle_card(
    session: Session, row: Waiting, now: datetime, *, posted: Posted | None = None, shown: str | None = None
) -> None:
    """The card shows (or, with nothing to show, need not show) what it had at ``row.version``."""
    card = session.get(Card, row.id)
    if card is None:
        return
    first = card.ts is None and posted is not None
    if posted is not None:
        card.channel, card.ts = posted.channel, posted.ts
        card.sent_at = now
    if shown is not None:
        card.hash = shown
    card.sent_version = max(card.sent_version, row.version)
    card.urgent = card.urgent and card.version > card.sent_version
    card.error = None
    if first:
        outbox.ring(session)  # notes in its thread may go now


def found_card(session: Session, row: Waiting, posted: Posted, now: datetime) -> None:
    """A doubtful post turns out to stand there; what it shows is not known, so that the next look edits it."""
    card = session.get(Card, row.id)
    if card is not None and card.ts is None:
        card.channel, card.ts, card.sent_at, card.hash = posted.channel, posted.ts, now, None
        outbox.ring(session)


def repost_card(session: Session, row: Waiting) -> None:
    """The message is gone: it will be posted anew."""
    card = session.get(Card, row.id)
    if card is not None:
        card.ts = card.channel = card.hash = None
        outbox.ring(session)


def close_card(session: Session, row: Waiting, state: CardState, error: str | None) -> None:
    """The card will not be shown."""
    card = session.get(Card, row.id)
    if card is not None:
        card.state, card.error, card.sent_version = state.value, error, max(card.sent_version, row.version)
        outbox.ring(session)


def settle_note(
    session: Session, row: Waiting, state: SendState, posted: Posted | None, error: str | None = None
) -> None:
    """The note was said, or will not be."""
    note = session.get(Note, row.id)
    if note is not None and note.state == SendState.PENDING:
        note.state, note.error = state.value, error
        if posted is not None:
            note.channel, note.ts = posted.channel, posted.ts


def settle_effect(session: Session, row: WaitingEffect, state: SendState, error: str | None = None) -> None:
    """The effect was done, or cannot be."""
    effect = session.get(Effect, row.id)
    if effect is not None:
        effect.state, effect.error = state.value, error


def postpone_effect(session: Session, row: WaitingEffect, due_at: datetime, error: str) -> int:
    """The effect is tried again later; returns how many tries it has had."""
    effect = session.get(Effect, row.id)
    if effect is None:
        return 0
    effect.attempts += 1
    effect.due_at, effect.error = due_at, error
    return effect.attempts


def parent(session: Session, card_id: int | None) -> Card | None:
    """The card in whose thread a note belongs."""
    return session.get(Card, card_id) if card_id is not None else None


def fold(
    session: Session, place: str, rows: Sequence[Waiting], foldable: Callable[[Session, Card], bool], now: datetime
) -> set[int]:
    """Turn waiting cards into lines of the place's digest; returns which. What must not fold stays as it is."""
    digest: Card | None = None
    room = 0
    folded: set[int] = set()
    for row in rows:
        card = session.get(Card, row.id)
        if card is None or card.ts is not None or card.state != CardState.LIVE or not foldable(session, card):
            continue
        if digest is None or room == 0:
            digest, room = _open_digest(session, place, now)
        assert digest.id is not None
        card.state, card.digest = CardState.FOLDED.value, digest.id
        room -= 1
        folded.add(row.id)
        digest.version += 1
    if folded:
        outbox.ring(session)
    return folded


def _open_digest(session: Session, place: str, now: datetime) -> tuple[Card, int]:
    """The place's digest that still has room, else a new one; with how many lines fit."""
    last = session.exec(
        select(Card)
        .where(Card.kind == DIGEST, Card.place == place, Card.state == CardState.LIVE.value)
        .order_by(col(Card.id).desc())
        .limit(1)
    ).first()
    number = 1
    if last is not None:
        used = len(session.exec(select(Card.id).where(Card.digest == last.id)).all())
        age = (now - last.created_at).total_seconds()
        if used < DIGEST_LINES and age < DIGEST_OPEN_SECONDS:
            return last, DIGEST_LINES - used
        number = int(last.subject.rpartition("/")[2]) + 1
    # Urgent: it stands for many, and goes before the cards that are still waiting one by one.
    return outbox.touch_card(session, DIGEST, f"{place}/{number}"[-64:], place, now, urgent=True), DIGEST_LINES


DIGEST_OPEN_SECONDS = 900
"""How long a digest takes lines: later bursts get a new message, below what was said since."""


def oldest(session: Session, now: datetime) -> dict[str, float]:
    """The age in seconds of the oldest thing that waits, by lane; 0 where nothing does."""
    ages = dict.fromkeys((lane.name.lower() for lane in Lane), 0.0)
    dirty = and_(col(Card.version) > col(Card.sent_version), col(Card.state) == CardState.LIVE.value)
    for created_at, lane_of, waits in (
        (col(Card.created_at), col(Card.lane), dirty),
        (col(Note.created_at), col(Note.lane), col(Note.state) == SendState.PENDING.value),
        (
            col(Effect.created_at),
            col(Effect.lane),
            and_(
                col(Effect.state) == SendState.PENDING.value,
                or_(col(Effect.due_at).is_(None), col(Effect.due_at) <= now),
            ),
        ),
    ):
        rows = session.connection().execute(sql_select(lane_of, func.min(created_at)).where(waits).group_by(lane_of))
        for lane, created in rows:
            name = Lane(lane).name.lower()
            ages[name] = max(ages[name], (now - created).total_seconds())
    return ages
