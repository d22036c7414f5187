"""Things to send, written in the transaction that calls for them: cards, notes and effects.

A **card** is a living message, kept only as "there is something newer to show": it is rendered from present state when
it is sent. A **note** is said once. An **effect** is a call to another system. ``bot.delivery`` sends them.

The commit that writes a row is its claim: no second write precedes a send. A process that starts therefore treats each
unsent row it did not write itself as possibly sent, and looks for it before sending (``bot.delivery``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Index, String, UniqueConstraint, bindparam, insert, text
from sqlmodel import Field, Session, SQLModel, select

from bot.database import wake_on_commit

BELL = "outgoing"
"""The bell rung when there is something to send."""


WHO = "who:"
"""The beginning of a place whose person is not looked up yet: ``who:github:ana`` or ``who:email:ana@example.com``."""


class Lane(IntEnum):
    """Who goes first; a lower number overtakes, also under 429."""

    PAGE = 0
    APPROVAL = 1
    FEED = 2


class CardState(StrEnum):
    """What becomes of a card."""

    LIVE = "live"
    """It is to be shown and kept up to date."""
    FOLDED = "folded"
    """It stands as a line in its digest instead."""
    MOOT = "moot"
    """Nobody is to see it: no such person, or another card shows the same."""
    UNREACHABLE = "unreachable"
    """Its place cannot be written to; said once in the fallback channel."""


class SendState(StrEnum):
    """What became of a note or an effect."""

    PENDING = "pending"
    DONE = "done"
    MOOT = "moot"
    """Nobody needs it any more, or nobody is there to read it."""
    FAILED = "failed"
    """It cannot be done; ``error`` says why."""


def _bytewise(length: int, *, unique: bool = False) -> Column[str]:
    """A column that is looked up by how it begins, between two ends: compared byte by byte on both engines.

    In most languages that PostgreSQL may be made for ``;`` comes before ``:``, and nothing would lie between them.
    """
    kind = String(length).with_variant(String(length, collation="C"), "postgresql")
    return Column(kind, nullable=False, unique=unique)


class Card(SQLModel, table=True):
    """One living message. ``place`` is ``#name``, ``C…``, ``U…``, or ``who:…`` until the person is found.

    Dirty while ``version`` is above ``sent_version``. ``ts`` is set once it stands; ``digest`` names the card it is
    folded into. ``urgent`` marks an end or a request, which is shown at once; progress may wait.
    """

    __tablename__ = "cards"
    __table_args__ = (
        UniqueConstraint("kind", "subject", "place"),
        Index(
            "ix_cards_dirty",
            "lane",
            "id",
            sqlite_where=text("version > sent_version"),
            postgresql_where=text("version > sent_version"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=32)
    subject: str = Field(sa_column=_bytewise(64))
    place: str = Field(max_length=255)
    lane: int = Lane.FEED
    state: str = Field(default=CardState.LIVE, max_length=16)
    version: int = 1
    sent_version: int = 0
    urgent: bool = False
    digest: int | None = Field(default=None, foreign_key="cards.id", index=True)
    channel: str | None = Field(default=None, max_length=32)
    ts: str | None = Field(default=None, max_length=32)
    hash: str | None = Field(default=None, max_length=64)
    created_at: datetime
    sent_at: datetime | None = None
    error: str | None = None

    @property
    def key(self) -> str:
        """What names this message in its metadata."""
        return f"card:{self.id}"


class Note(SQLModel, table=True):
    """One message said once, optionally as a reply in a card's thread. ``data`` is what its kind needs to load it."""

    __tablename__ = "notes"
    __table_args__ = (
        Index(
            "ix_notes_pending",
            "lane",
            "id",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_column=_bytewise(255, unique=True))
    kind: str = Field(max_length=32)
    place: str = Field(max_length=255)
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    thread: int | None = Field(default=None, foreign_key="cards.id", index=True)
    lane: int = Lane.FEED
    state: str = Field(default=SendState.PENDING, max_length=16)
    channel: str | None = Field(default=None, max_length=32)
    ts: str | None = Field(default=None, max_length=32)
    created_at: datetime
    error: str | None = None


class Effect(SQLModel, table=True):
    """One act on another system; its kind documents why twice is harmless."""

    __tablename__ = "effects"
    __table_args__ = (
        Index(
            "ix_effects_pending",
            "lane",
            "id",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(sa_column=_bytewise(255, unique=True))
    kind: str = Field(max_length=32)
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    lane: int = Lane.FEED
    state: str = Field(default=SendState.PENDING, max_length=16)
    created_at: datetime
    due_at: datetime | None = None
    attempts: int = 0
    error: str | None = None


# Held statements: to build one costs more than to run it. Notes and effects are written without the ORM, since nobody
# needs the row back.
_CARD = select(Card).where(
    Card.kind == bindparam("of_kind"), Card.subject == bindparam("of_subject"), Card.place == bindparam("of_place")
)
_CARDS = select(Card).where(Card.kind == bindparam("of_kind"), Card.subject == bindparam("of_subject"))
_NOTE_CALLED = select(Note.id).where(Note.key == bindparam("of_key"))
_ADD_NOTE = insert(Note)
_EFFECT_CALLED = select(Effect.id).where(Effect.key == bindparam("of_key"))
_ADD_EFFECT = insert(Effect)


def touch_card(
    session: Session,
    kind: str,
    subject: str,
    place: str,
    now: datetime,
    *,
    lane: Lane = Lane.FEED,
    urgent: bool = False,
) -> Card:
    """There is something newer to show on this card; it is made if it is not there. Folded cards stay folded."""
    card = find_card(session, kind, subject, place)
    if card is None:
        card = Card(kind=kind, subject=subject, place=place, lane=lane, urgent=urgent, created_at=now)
        session.add(card)
        session.flush()
        ring(session)
    else:
        show_newer(session, card, urgent=urgent)
    return card


def show_newer(session: Session, card: Card, *, urgent: bool) -> None:
    """There is something newer to show on this very card."""
    ring(session)
    if card.state == CardState.FOLDED:
        digest = session.get(Card, card.digest)
        if digest is not None:
            digest.version += 1
        return
    if card.state in (CardState.UNREACHABLE, CardState.MOOT):  # somebody may have mended it, or be in Slack by now
        card.state = CardState.LIVE.value
    card.version += 1
    card.urgent = card.urgent or urgent


def unfold(session: Session, card: Card, now: datetime) -> None:
    """Give a folded card a message of its own after all: what it says must be seen."""
    if card.state == CardState.FOLDED:
        card.state, card.urgent = CardState.LIVE.value, True
        card.version += 1
        ring(session)


def find_card(session: Session, kind: str, subject: str, place: str) -> Card | None:
    """The card of this subject in this place."""
    return session.exec(_CARD, params={"of_kind": kind, "of_subject": subject, "of_place": place}).first()


def cards_about(session: Session, kind: str, subject: str) -> Sequence[Card]:
    """The cards of this subject, wherever they are."""
    return session.exec(_CARDS, params={"of_kind": kind, "of_subject": subject}).all()


def add_note(
    session: Session,
    kind: str,
    key: str,
    place: str,
    now: datetime,
    *,
    thread: Card | None = None,
    lane: Lane = Lane.FEED,
    **data: Any,
) -> bool:
    """Say this once, whoever asks for it again; ``key`` is what makes it the same. Returns whether it is new.

    A key that is about a place ends with it, so that it stays the same when the person there is found.
    """
    connection = session.connection()
    if connection.execute(_NOTE_CALLED, {"of_key": key}).first() is not None:
        return False
    connection.execute(
        _ADD_NOTE,
        {
            "kind": kind,
            "key": key,
            "place": place,
            "data": data,
            "thread": thread.id if thread else None,
            "lane": lane.value,
            "state": SendState.PENDING.value,
            "created_at": now,
        },
    )
    ring(session)
    return True


def noted(session: Session, key: str) -> bool:
    """Whether this is being said or has been."""
    return session.exec(select(Note.id).where(Note.key == key, Note.state != SendState.MOOT.value)).first() is not None


def was_sent(session: Session, key: str) -> bool:
    """Whether this was really said."""
    return session.exec(select(Note.id).where(Note.key == key, Note.state == SendState.DONE.value)).first() is not None


def add_effect(
    session: Session,
    kind: str,
    key: str,
    now: datetime,
    *,
    due_at: datetime | None = None,
    lane: Lane = Lane.FEED,
    **data: Any,
) -> bool:
    """Have this done once, whoever asks for it again. Returns whether it is new."""
    connection = session.connection()
    if connection.execute(_EFFECT_CALLED, {"of_key": key}).first() is not None:
        return False
    connection.execute(
        _ADD_EFFECT,
        {
            "kind": kind,
            "key": key,
            "data": data,
            "lane": lane.value,
            "state": SendState.PENDING.value,
            "created_at": now,
            "due_at": due_at,
            "attempts": 0,
        },
    )
    ring(session)
    return True


def rearm_effect(session: Session, key: str) -> None:
    """Have an effect done again although it was done (or failed) before: what it found is out of date."""
    effect = session.exec(select(Effect).where(Effect.key == key)).one()
    if effect.state != SendState.PENDING:
        effect.state, effect.attempts, effect.error, effect.due_at = SendState.PENDING.value, 0, None, None
        ring(session)


def readdress(session: Session, place: str, found: str | None) -> None:
    """A person was looked up: what waited for them goes to their Slack id, or nowhere when nobody was found.

    Somebody named twice in one change (by login and by address) turns out to be one: the second card is moot.
    """
    for card in session.exec(select(Card).where(Card.place == place, Card.state == CardState.LIVE)).all():
        twin = find_card(session, card.kind, card.subject, found) if found else None
        if found is None or twin is not None:
            card.state = CardState.MOOT.value
            if twin is not None:  # what the one was touched for, the other has to show
                show_newer(session, twin, urgent=card.urgent)
        else:
            card.place = found
        session.flush()
    for note in session.exec(select(Note).where(Note.place == place, Note.state == SendState.PENDING)).all():
        key = f"{note.key.removesuffix(place)}{found}"
        if found is None or session.exec(select(Note.id).where(Note.key == key)).first() is not None:
            note.state = SendState.MOOT.value
        else:
            note.place, note.key, note.thread = found, key, _thread_at(session, note, found)
        session.flush()
    ring(session)


def _thread_at(session: Session, note: Note, found: str) -> int | None:
    """The card that a note answers once its person is found: its own, or the one that stands for it there."""
    parent = session.get(Card, note.thread) if note.thread else None
    if parent is None or parent.state != CardState.MOOT:
        return note.thread
    twin = find_card(session, parent.kind, parent.subject, found)
    if twin is None:
        return note.thread
    if twin.state == CardState.FOLDED:  # what is said in a thread needs a message of its own above it
        twin.state, twin.urgent = CardState.LIVE.value, True
        twin.version += 1
    return twin.id


def ring(session: Session) -> None:
    """Have the outbox looked at again once this is committed."""
    wake_on_commit(session, BELL)
