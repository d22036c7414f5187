"""The outbox as the engine sees it: what waits, as light rows, and the small transactions that settle it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, case, func, or_, update
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
    attempts: int

    @property
    def name(self) -> str:
        """What it is called within the engine."""
        return f"effect:{self.id}"


def waiting(session: Session, now: datetime) -> tuple[list[Waiting], list[WaitingEffect]]:
    """Everything that waits, in order of lanes; of the effects, those that are due."""
    connection = session.connection()
    rows = [Waiting(sort="card", **row) for row in connection.execute(_POSTS).mappings()]
    rows += [Waiting(sort="card", **row) for row in connection.execute(_EDITS).mappings()]
    rows += [Waiting(sort="note", urgent=True, **row) for row in connection.execute(_NOTES).mappings()]
    effects = [WaitingEffect(**row) for row in connection.execute(_EFFECTS, {"now": now}).mappings()]
    return sorted(rows, key=lambda row: row.order), effects


# Held statements, and not through the ORM: the engine looks after every commit, and settles each message it sends.
_DIRTY = (
    sql_select(
        col(Card.id), col(Card.kind), col(Card.place), col(Card.lane), col(Card.urgent), col(Card.created_at),
        col(Card.version), col(Card.ts), col(Card.sent_at),
    )
    .where(col(Card.version) > col(Card.sent_version), col(Card.state) == CardState.LIVE.value)
    .order_by(col(Card.lane), col(Card.id))
    .limit(LOOK_AHEAD)
)  # fmt: skip
# Apart, so that thousands of edits, which are slow, never hide a message that nobody has seen yet.
_POSTS = _DIRTY.where(col(Card.ts).is_(None))
_EDITS = _DIRTY.where(col(Card.ts).is_not(None))
_NOTES = (
    sql_select(col(Note.id), col(Note.kind), col(Note.place), col(Note.lane), col(Note.created_at), col(Note.thread))
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
)
_EFFECTS = (
    sql_select(
        col(Effect.id), col(Effect.kind), col(Effect.key), col(Effect.lane), col(Effect.data), col(Effect.created_at),
        col(Effect.attempts),
    )
    .where(col(Effect.state) == SendState.PENDING.value)
    # Those put off stay out of view, however many: they must not hide the newer ones.
    .where(or_(col(Effect.due_at).is_(None), col(Effect.due_at) <= bindparam("now")))
    .order_by(col(Effect.lane), col(Effect.id))
    .limit(LOOK_AHEAD)
)  # fmt: skip
_THESE = select(Card).where(col(Card.id).in_(bindparam("of_cards", expanding=True)))
_SHOWS = (
    update(Card)
    .where(col(Card.id) == bindparam("of_card"))
    .values(
        sent_version=case(
            (col(Card.sent_version) < bindparam("shows"), bindparam("shows")), else_=col(Card.sent_version)
        ),
        urgent=and_(col(Card.urgent), col(Card.version) > bindparam("shows")),
        error=None,
    )
)
_SHOWN = _SHOWS.values(
    channel=bindparam("in_channel"),
    ts=bindparam("at_ts"),
    sent_at=bindparam("at"),
    hash=func.coalesce(bindparam("as_hash"), col(Card.hash)),
)
_ANSWERED = select(Note.id).where(Note.thread == bindparam("of_card"), Note.state == SendState.PENDING.value).limit(1)
_SAID = (
    update(Note)
    .where(col(Note.id) == bindparam("of_note"), col(Note.state) == SendState.PENDING.value)
    .values(
        state=bindparam("to_state"), channel=bindparam("in_channel"), ts=bindparam("at_ts"), error=bindparam("fault")
    )
)
_DONE = (
    update(Effect)
    .where(col(Effect.id) == bindparam("of_effect"))
    .values(state=bindparam("to_state"), error=bindparam("fault"))
)


def cards(session: Session, ids: Sequence[int]) -> Sequence[Card]:
    """These cards as they are now."""
    return session.exec(_THESE, params={"of_cards": list(ids)}).all()


def settle_card(
    session: Session, row: Waiting, now: datetime, *, posted: Posted | None = None, shown: str | None = None
) -> None:
    """The card shows (or, with nothing to show, need not show) what it had at ``row.version``."""
    connection = session.connection()
    shows = {"of_card": row.id, "shows": row.version}
    if posted is None:
        connection.execute(_SHOWS, shows)
        return
    at = {"in_channel": posted.channel, "at_ts": posted.ts, "at": now, "as_hash": shown}
    connection.execute(_SHOWN, {**shows, **at})
    if row.ts is None and connection.execute(_ANSWERED, {"of_card": row.id}).first() is not None:
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


def say_elsewhere(session: Session, row: Waiting, kinds: Collection[str], place: str) -> bool:
    """This cannot be shown where it belongs: if it is a note of one of these kinds, it is said in ``place`` instead.

    Of a card, what waits in its thread is. Returns whether there was anything to say.
    """
    which = col(Note.thread) == row.id if row.sort == "card" else col(Note.id) == row.id
    moved = session.connection().execute(
        update(Note)
        .where(which, col(Note.state) == SendState.PENDING.value, col(Note.kind).in_(kinds))
        .values(place=place, thread=None)
    )
    outbox.ring(session)
    return bool(moved.rowcount)


def settle_note(
    session: Session, row: Waiting, state: SendState, posted: Posted | None, error: str | None = None
) -> None:
    """The note was said, or will not be."""
    at = {"in_channel": posted.channel if posted else None, "at_ts": posted.ts if posted else None}
    session.connection().execute(_SAID, {"of_note": row.id, "to_state": state.value, "fault": error, **at})


def settle_effect(session: Session, row: WaitingEffect, state: SendState, error: str | None = None) -> None:
    """The effect was done, or cannot be."""
    session.connection().execute(_DONE, {"of_effect": row.id, "to_state": state.value, "fault": error})


def postpone_effect(session: Session, row: WaitingEffect, due_at: datetime, error: str) -> None:
    """The effect is tried again later."""
    effect = session.get(Effect, row.id)
    if effect is not None:
        effect.attempts += 1
        effect.due_at, effect.error = due_at, error


def last_sent(session: Session, place: str) -> str:
    """When something was last sent to a place, as words; ``never`` when nothing was."""
    at = session.exec(select(func.max(Card.sent_at)).where(Card.place == place)).one()
    return at.isoformat() if at is not None else "never"


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
        select(Card).where(Card.kind == DIGEST, Card.place == place).order_by(col(Card.id).desc()).limit(1)
    ).first()
    number = 1
    if last is not None:
        used = len(session.exec(select(Card.id).where(Card.digest == last.id)).all())
        age = (now - last.created_at).total_seconds()
        if last.state == CardState.LIVE and used < DIGEST_LINES and age < DIGEST_OPEN_SECONDS:
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
