"""A promotion's card with all its copies, and what must be heard besides: edits do not notify."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from bot import outbox
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.gates import Situation
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
    """Each author hears once of a lock that holds their change back, and once that it holds it back no more."""
    holding = {lock.id for lock in known.locks if not (promotion.rollback and lock.rollbacks)}
    for lock in sorted(holding):
        for place, change in _authors(session, desk, promotion):
            _tell_author(session, promotion, Said.HELD, lock, place, change, now)
    heard = f"{PROMOTION}:{promotion.root}:{Said.HELD.value}:"
    told = session.exec(select(Note).where(Note.key >= heard, Note.key < f"{heard[:-1]};")).all()
    for note in told:
        if note.data["lock"] not in holding:
            _tell_author(session, promotion, Said.GOES_ON, note.data["lock"], note.place, note.data["change"], now)


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
