"""What waiting rows show now: read for all of them at once, each by its own kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot.delivery import queue
from bot.delivery.kinds import Outgoing, Showing
from bot.delivery.queue import Waiting
from bot.outbox import Card, CardState, Note, SendState
from bot.ports import Posted


@dataclass(frozen=True)
class Loaded:
    """A row with what it shows now; None: nothing, it is settled without a message."""

    row: Waiting
    showing: Showing | None
    shown: str | None = None
    at: Posted | None = None
    """Where the message to be edited stands, or whose thread to reply in."""


def load(
    session: Session, outgoing: Outgoing, rows: Sequence[Waiting], now: datetime
) -> tuple[list[Loaded], list[tuple[Waiting, Exception]]]:
    """What these rows show, without those settled meanwhile; and those that could not be loaded, with the fault."""
    loaded: list[Loaded] = []
    broken: list[tuple[Waiting, Exception]] = []
    _read_ahead(session, outgoing, [row for row in rows if row.sort == "card"])
    shown: dict[Hashable, Showing | None] = {}
    for row in rows:
        try:
            if row.sort == "card":
                one = _card(session, outgoing, row, now, shown)
            else:
                one = _note(session, outgoing, row, now)
        except Exception as fault:  # noqa: BLE001 - one row that cannot be shown must not stop the others
            broken.append((row, fault))
        else:
            if one is not None:
                loaded.append(one)
    return loaded, broken


def _read_ahead(session: Session, outgoing: Outgoing, rows: Sequence[Waiting]) -> None:
    """One question for all cards, and one for all of a kind, instead of some for each."""
    cards: dict[str, list[Card]] = defaultdict(list)
    for card in queue.cards(session, [row.id for row in rows]) if rows else ():
        cards[card.kind].append(card)
    for kind, found in cards.items():
        ahead = outgoing.cards[kind].ahead
        if ahead is not None:
            ahead(session, found)


def _card(
    session: Session, outgoing: Outgoing, row: Waiting, now: datetime, shown: dict[Hashable, Showing | None]
) -> Loaded | None:
    """What this card shows; ``shown`` is what was loaded before, by what is alike."""
    card = session.get(Card, row.id)
    if card is None or card.state != CardState.LIVE:
        return None
    kind = outgoing.cards[row.kind]
    same = (row.kind, row.id if kind.alike is None else kind.alike(session, card))
    if same not in shown:
        shown[same] = kind.load(session, card, now)
    at = Posted(card.channel, card.ts) if card.channel and card.ts else None
    return Loaded(row, shown[same], card.hash, at)


def _note(session: Session, outgoing: Outgoing, row: Waiting, now: datetime) -> Loaded | None:
    note = session.get(Note, row.id)
    if note is None or note.state != SendState.PENDING:
        return None
    kind, parent = outgoing.notes[row.kind], queue.parent(session, note.thread)
    at = Posted(parent.channel, parent.ts) if parent is not None and parent.channel and parent.ts else None
    if note.thread is not None and at is None:
        refused = parent is not None and parent.state == CardState.UNREACHABLE
        if not (kind.elsewhere and refused):
            return Loaded(row, None)  # what it would answer is not shown
    return Loaded(row, kind.load(session, note, now), None, at)
