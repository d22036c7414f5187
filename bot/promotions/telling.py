"""A promotion's card with all its copies, and what must be heard besides: edits do not notify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, or_
from sqlmodel import Session, col, select

from bot import outbox, work
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Change
from bot.gates import Situation
from bot.gates.lock import each_lock
from bot.outbox import Card, Lane, Note, SendState
from bot.people import Available
from bot.promotions.gathering import changes_of, target_of
from bot.promotions.models import Promotion, PromotionChange
from bot.promotions.views import Said

PROMOTION = "promotion"
"""Its kind of card and of work."""

SAID = "promotion_said"
"""Its kind of note."""

DEPARTURE = "departure"
"""The kind of card of what shows a promotion that leaves with a train, and the kind of work that shows it anew."""

LOCK, FREEZE = "lock", "freeze"
"""What holds changes back, as a note to an author names it."""

# A held statement: to build one costs more than to run it, and every judgement asks what was said.
_TOLD_OF_BRAKES = (
    select(Note)
    .where(
        or_(
            and_(col(Note.key) >= bindparam("held"), col(Note.key) < bindparam("held_end")),
            and_(col(Note.key) >= bindparam("freed"), col(Note.key) < bindparam("freed_end")),
        )
    )
    .order_by(col(Note.id))
)

_LOOKED_BACK = 50
"""How many of the latest messages to somebody are looked at."""

ASKED = 3
"""How many people at most are asked by a message of their own."""


def show(session: Session, desk: Desk, promotion: Promotion, now: datetime) -> None:
    """Show it anew, wherever its card stands; the one in its team's channel is made where it is not there.

    One that leaves with a train is a line of its departure's card instead.
    """
    subject, channel = str(promotion.root), _channel(session, desk, promotion)
    standing = {card.place: card for card in outbox.cards_about(session, PROMOTION, subject)}
    for card in standing.values():
        if card.place == channel or _is_copy(card):
            outbox.show_newer(session, card, urgent=True)
    if promotion.departure is not None:
        work.touch(session, DEPARTURE, promotion.departure)
    elif channel not in standing:
        outbox.touch_card(session, PROMOTION, subject, channel, now, lane=Lane.APPROVAL, urgent=True)


def ask(session: Session, desk: Desk, promotion: Promotion, able: Sequence[Available], now: datetime) -> None:
    """Send a copy of the card to a few of those who could say yes and are at work."""
    asked = {card.place for card in copies(session, promotion)}
    for one in [one for one in able if one.works_now and one.slack_id not in asked][: ASKED - len(asked)]:
        outbox.touch_card(session, PROMOTION, str(promotion.root), one.slack_id, now, lane=Lane.APPROVAL, urgent=True)


def copies(session: Session, promotion: Promotion) -> Sequence[Card]:
    """The cards that were sent to people."""
    return [card for card in outbox.cards_about(session, PROMOTION, str(promotion.root)) if _is_copy(card)]


def _is_copy(card: Card) -> bool:
    return card.place.startswith(("U", "W"))


def say(
    session: Session, desk: Desk, promotion: Promotion, said: Said, now: datetime, *, of: str = "", **data: Any
) -> bool:
    """Say this in the thread of its card, once for each ``of``; returns whether it is news."""
    card = _shown_on(session, desk, promotion)
    channel = card.place if card is not None else _channel(session, desk, promotion)
    return outbox.add_note(
        session, SAID, f"{PROMOTION}:{promotion.id}:{said.value}:{of}:{channel}", channel, now,
        thread=card, lane=Lane.APPROVAL, promotion=promotion.id, said=said.value, **data,
    )  # fmt: skip


def stands(session: Session, desk: Desk, promotion: Promotion) -> bool:
    """Whether its card has been read already: what it asks for now would otherwise go unheard."""
    card = _shown_on(session, desk, promotion)
    return card is not None and card.ts is not None


def tell_authors(
    session: Session, desk: Desk, promotion: Promotion, known: Situation,
    carried: Sequence[tuple[PromotionChange, Change]], now: datetime,
) -> None:  # fmt: skip
    """Each author of what is ``carried`` hears once that locks or a freeze hold it back, and once that none does.

    Further ones while it waits are not said, nor is what they heard of for another promotion that it holds back too;
    and nobody is told of what they set themselves.
    """
    holding = _holders(desk, known)
    held, freed = _heard(session, promotion)
    over = {(note.place, _holder_of(note)) for note in freed}
    waiting = {note.place: note for note in held if (note.place, _holder_of(note)) not in over}
    if not holding and not waiting:
        return
    for place, change in _authors_of(session, desk, carried):
        of_others = sorted(holder for holder, set_by in holding.items() if set_by != place)
        if of_others and place not in waiting:
            known_already = _heard_elsewhere(session, promotion, place)
            about = next((holder for holder in of_others if holder in known_already), of_others[0])
            _tell_author(session, promotion, Said.HELD, about, place, change, now, silent=about in known_already)
    for place, note in waiting.items():
        if all(set_by == place for set_by in holding.values()):
            _tell_author(session, promotion, Said.GOES_ON, _holder_of(note), place, note.data["change"], now)


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


def tell_alert(session: Session, desk: Desk, promotion: Promotion, alert: int, now: datetime, *, authors: bool) -> None:
    """An alert fires on what it brought: said once in the thread of its card, and to each of its ``authors``."""
    say(session, desk, promotion, Said.ALERT, now, of=str(alert), alert=alert)
    for place, change in _authors(session, desk, promotion) if authors else ():
        outbox.add_note(
            session, SAID, f"{PROMOTION}:{promotion.id}:{Said.ALERT.value}:{alert}:{place}", place, now,
            thread=outbox.find_card(session, "change", str(change), place),
            promotion=promotion.id, said=Said.ALERT.value, alert=alert, change=change,
        )  # fmt: skip


def tell_alert_over(session: Session, desk: Desk, promotion: Promotion, alert: int, now: datetime) -> None:
    """It is over: said wherever it was said that it fires."""
    key = f"{PROMOTION}:{promotion.id}:{Said.ALERT.value}:{alert}:"
    heard = session.exec(select(Note).where(Note.key >= key, Note.key < f"{key[:-1]};").order_by(col(Note.id))).all()
    for note in heard:
        change = {"change": note.data["change"]} if "change" in note.data else {}
        outbox.add_note(
            session, SAID, note.key.replace(f":{Said.ALERT.value}:", f":{Said.ALERT_OVER.value}:", 1), note.place, now,
            thread=session.get(Card, note.thread) if note.thread is not None else None,
            promotion=promotion.id, said=Said.ALERT_OVER.value, alert=alert, **change,
        )  # fmt: skip


Holder = tuple[str, int]
"""``lock`` or ``freeze``, and its number; a lock sorts after a freeze."""


def _holders(desk: Desk, known: Situation) -> Mapping[Holder, str | None]:
    """The locks and declared freezes that hold it back, each with who set it."""
    policy = {gate.name for gate in desk.catalog.service(known.run.service).gates}
    found: dict[Holder, str | None] = {}
    if "lock" in policy:
        found |= {(LOCK, lock.id): lock.set_by for lock, _ in each_lock(known)}
    if "freeze" in policy and not known.run.rollback:
        found |= {
            (FREEZE, freeze.id): freeze.set_by
            for freeze in known.freezes
            if freeze.id is not None and freeze.holds(known.now)
        }
    return found


def _holder_of(note: Note) -> Holder:
    """What a note to an author is about."""
    sort = FREEZE if FREEZE in note.data else LOCK
    return sort, note.data[sort]


def _heard_elsewhere(session: Session, promotion: Promotion, place: str) -> frozenset[Holder]:
    """What somebody heard of as holding another promotion that still waits for it."""
    told = session.exec(
        select(Note)
        .where(Note.kind == SAID, Note.place == place, Note.state != SendState.MOOT.value)
        .order_by(col(Note.id).desc())
        .limit(_LOOKED_BACK)
    ).all()
    return frozenset(
        _holder_of(note)
        for note in told
        if note.data["said"] == Said.HELD.value
        and not note.key.startswith(_key_of(promotion, Said.HELD))
        and not outbox.noted(session, note.key.replace(f":{Said.HELD.value}:", f":{Said.GOES_ON.value}:", 1))
    )


def _heard(session: Session, promotion: Promotion) -> tuple[Sequence[Note], Sequence[Note]]:
    """What authors were told of what holds this line back: that it does, and that it does no more."""
    held, freed = (_key_of(promotion, said) for said in (Said.HELD, Said.GOES_ON))
    between = {"held": held, "held_end": f"{held[:-1]};", "freed": freed, "freed_end": f"{freed[:-1]};"}
    told = session.exec(_TOLD_OF_BRAKES, params=between).all()
    return [one for one in told if one.key.startswith(held)], [one for one in told if one.key.startswith(freed)]


def _key_of(promotion: Promotion, said: Said) -> str:
    """How the keys of what authors are told of a line's locks begin."""
    return f"{PROMOTION}:{promotion.root}:{said.value}:"


def _authors(session: Session, desk: Desk, promotion: Promotion) -> list[tuple[str, int]]:
    """Where to write to everybody whose change is aboard, with the first of their changes."""
    return _authors_of(session, desk, changes_of(session, promotion.id))


def _authors_of(
    session: Session, desk: Desk, carried: Sequence[tuple[PromotionChange, Change]]
) -> list[tuple[str, int]]:
    places: dict[str, int] = {}
    for row, change in carried:
        if not row.leaving:
            for _, place in loading.author_slack_ids(session, desk, change):
                places.setdefault(place, row.change)
    return list(places.items())


def _tell_author(
    session: Session, promotion: Promotion, said: Said, holder: Holder, place: str, change: int, now: datetime,
    *, silent: bool = False,
) -> None:  # fmt: skip
    """Tell them; ``silent`` only keeps that they know, so that they hear when it goes on."""
    sort, number = holder
    about: dict[str, Any] = {sort: number}
    key = f"{_key_of(promotion, said)}{number if sort == LOCK else f'{sort}-{number}'}:{place}"
    new = outbox.add_note(
        session, SAID, key, place, now, thread=outbox.find_card(session, "change", str(change), place),
        promotion=promotion.id, said=said.value, change=change, **about,
    )  # fmt: skip
    if new and silent:
        session.exec(select(Note).where(Note.key == key)).one().state = SendState.MOOT.value
        session.flush()


def _shown_on(session: Session, desk: Desk, promotion: Promotion) -> Card | None:
    """The card in a channel that shows it: its own, or that of the departure that it leaves with."""
    if promotion.departure is not None:
        of_train = select(Card).where(Card.kind == DEPARTURE, Card.subject == str(promotion.departure)).limit(1)
        return session.exec(of_train).first()
    return outbox.find_card(session, PROMOTION, str(promotion.root), _channel(session, desk, promotion))


def _channel(session: Session, desk: Desk, promotion: Promotion) -> str:
    return desk.catalog.service(target_of(session, promotion).service).channel
