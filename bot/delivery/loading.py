"""What waiting rows show now: read for all of them at once, each by its own kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
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
    for row in rows:
        try:
            one = (_card if row.sort == "card" else _note)(session, outgoing, row, now)
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


def _card(session: Session, outgoing: Outgoing, row: Waiting, now: datetime) -> Loaded | None:
    card = session.get(Card, row.id)
    if card is None or card.state != CardState.LIVE:
        return None
    at = Posted(card.channel, card.ts) if card.channel and card.ts else None
    return Loaded(row, outgoing.cards[row.kind].load(session, card, now), card.hash, at)


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
