"""A promotion's card with all its copies, and what must be heard besides: edits do not notify."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from bot import outbox
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.gates import Situation
from bot.gates.lock import each_lock
from bot.outbox import Card, Lane, Note
from bot.people import Available
from bot.promotions.gathering import changes_of, target_of
from bot.promotions.models import Promotion
from bot.promotions.views import Said

PROMOTION = "promotion"
"""Its kind of card and of work."""

SAID = "promotion_said"
"""Its kind of note."""

ASKED = 3
"""How many people at most are asked by a message of their own."""


def show(session: Session, desk: Desk, promotion: Promotion, now: datetime) -> Card:
    """Show it anew, wherever its card stands; the one in its team's channel is made where it is not there."""
    for card in copies(session, promotion):
        outbox.touch_card(session, PROMOTION, card.subject, card.place, now, urgent=True)
    return outbox.touch_card(
        session, PROMOTION, str(promotion.root), _channel(session, desk, promotion), now,
        lane=Lane.APPROVAL, urgent=True,
    )  # fmt: skip


def ask(session: Session, desk: Desk, promotion: Promotion, able: Sequence[Available], now: datetime) -> None:
    """Send a copy of the card to a few of those who could say yes and are at work."""
    asked = {card.place for card in copies(session, promotion)}
    for one in [one for one in able if one.works_now and one.slack_id not in asked][: ASKED - len(asked)]:
        outbox.touch_card(session, PROMOTION, str(promotion.root), one.slack_id, now, lane=Lane.APPROVAL, urgent=True)


def copies(session: Session, promotion: Promotion) -> Sequence[Card]:
    """The cards that were sent to people."""
    found = session.exec(select(Card).where(Card.kind == PROMOTION, Card.subject == str(promotion.root))).all()
    return [card for card in found if card.place.startswith(("U", "W"))]


def say(
    session: Session, desk: Desk, promotion: Promotion, said: Said, now: datetime, *, of: str = "", **data: Any
) -> bool:
    """Say this in the thread of its card, once for each ``of``; returns whether it is news."""
    channel = _channel(session, desk, promotion)
    card = outbox.find_card(session, PROMOTION, str(promotion.root), channel)
    return outbox.add_note(
        session, SAID, f"{PROMOTION}:{promotion.id}:{said.value}:{of}:{channel}", channel, now,
        thread=card, lane=Lane.APPROVAL, promotion=promotion.id, said=said.value, **data,
    )  # fmt: skip


def stands(session: Session, desk: Desk, promotion: Promotion) -> bool:
    """Whether its card has been read already: what it asks for now would otherwise go unheard."""
    card = outbox.find_card(session, PROMOTION, str(promotion.root), _channel(session, desk, promotion))
    return card is not None and card.ts is not None


def tell_authors(session: Session, desk: Desk, promotion: Promotion, known: Situation, now: datetime) -> None:
    """Each author hears once that locks hold their change back, and once that none does any more.

    Further locks while it waits are not said, and nobody is told of what they locked themselves.
    """
    holding = [lock for lock, _ in each_lock(known)]
    held, freed = _heard(session, promotion, Said.HELD), _heard(session, promotion, Said.GOES_ON)
    over = {(note.place, note.data["lock"]) for note in freed}
    waiting = {note.place: note for note in held if (note.place, note.data["lock"]) not in over}
    for place, change in _authors(session, desk, promotion):
        of_others = sorted(lock.id for lock in holding if lock.set_by != place)
        if of_others and place not in waiting:
            _tell_author(session, promotion, Said.HELD, of_others[0], place, change, now)
    for place, note in waiting.items():
        if all(lock.set_by == place for lock in holding):
            _tell_author(session, promotion, Said.GOES_ON, note.data["lock"], place, note.data["change"], now)


def tell_authors_of_no(
    session: Session, desk: Desk, promotion: Promotion, said: Said, who: str, why: str | None, now: datetime
) -> None:
    """Each author hears that what carries their change was rejected or cancelled (``said``), by whom and why.

    But for whoever did it.
    """
    for place, change in _authors(session, desk, promotion):
        if f"slack:{place}" != who:
            outbox.add_note(
                session, SAID, f"{PROMOTION}:{promotion.id}:{said.value}::{place}", place, now,
                thread=outbox.find_card(session, "change", str(change), place),
                promotion=promotion.id, said=said.value, who=who, why=why, change=change,
            )  # fmt: skip


def _heard(session: Session, promotion: Promotion, said: Said) -> Sequence[Note]:
    """What authors were told of this line's locks."""
    key = f"{PROMOTION}:{promotion.root}:{said.value}:"
    return session.exec(select(Note).where(Note.key >= key, Note.key < f"{key[:-1]};").order_by(col(Note.id))).all()


def _authors(session: Session, desk: Desk, promotion: Promotion) -> list[tuple[str, int]]:
    """Where to write to everybody whose change is aboard, with the first of their changes."""
    places: dict[str, int] = {}
    for row, change in changes_of(session, promotion.id):
        if not row.leaving:
            for _, place in loading.author_slack_ids(session, desk, change):
                places.setdefault(place, row.change)
    return list(places.items())


def _tell_author(
    session: Session, promotion: Promotion, said: Said, lock: int, place: str, change: int, now: datetime
) -> None:
    outbox.add_note(
        session, SAID, f"{PROMOTION}:{promotion.root}:{said.value}:{lock}:{place}", place, now,
        thread=outbox.find_card(session, "change", str(change), place),
        promotion=promotion.id, said=said.value, lock=lock, change=change,
    )  # fmt: skip


def _channel(session: Session, desk: Desk, promotion: Promotion) -> str:
    return desk.catalog.service(target_of(session, promotion).service).channel
