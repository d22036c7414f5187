"""An incident's card, and what is said aloud besides: in its room, in the team's channel, and to those it concerns.

The kinds and the data of all that incidents say are named here; ``bot.outgoing.incidents`` loads them from present
state when they are sent. Each is said once, however often a step is repeated: after a restart nobody is told twice.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from bot import outbox
from bot.deploys.loading import Desk
from bot.incidents import rollouts, statements
from bot.incidents.models import Incident, Page
from bot.incidents.states import PageState, State
from bot.outbox import Card, Lane, Note

INCIDENT = "incident"
"""Its kind of card and of work; the subject is its number."""

PAGE = "page"
"""The kind of card that wakes one person, in their own conversation with us; the subject is their page's number."""

SAID = "incident_said"
"""A note in an incident's room, or its channel's thread: ``incident``, ``said``, and what ``Said`` names."""

PERSON_SAID = "incident_person"
"""A note to one person: ``incident``, ``said`` (a ``PersonSaid``), and what that names."""


class Said(StrEnum):
    """What is said aloud of an incident. ``who`` is a Slack id, ``called`` a name, ``page`` and ``likely`` numbers."""

    WOULD_WAKE = "would_wake"
    """Nobody is woken for this service; ``pages`` are those who would have been."""
    PAGED = "paged"
    """Somebody is woken (``page``), and why; ``pages`` are those who are asked to come to that."""
    ANSWERED = "answered"
    """Whoever was paged is on it (``page``, or ``who`` where they were not)."""
    NO_ANSWER = "no_answer"
    """Nobody answered ``page``; ``next`` says in words who is woken now."""
    DECLINED = "declined"
    """Whoever was woken by ``page`` said no at the pager; ``next`` says in words who is woken now."""
    NOT_MINE = "not_mine"
    """``who`` says that ``likely`` is not the cause; ``next`` says in words who is woken now."""
    PAGE_FAILED = "page_failed"
    """``page`` could not be sent: ``why``; ``next`` says what is done instead."""
    CALLED_AGAIN = "called_again"
    """Nobody has answered, and the pager calls whoever ``page`` is of once more."""
    EXHAUSTED = "exhausted"
    """The policy of ``page`` has nobody left to call: ``why`` says whom it goes on calling, ``next`` who else is."""
    LIKELY = "likely"
    """Another change is the likely one now (``likely``), by what was heard since."""
    ALERTS = "alerts"
    """Another alert joined it (``alert``)."""
    QUIET = "quiet"
    """None of its alerts fires any more."""
    FIRES_AGAIN = "fires_again"
    """An alert fires again (``alert``)."""
    FLAPS = "flaps"
    """``alert`` comes and goes: it fired again so many ``times`` lately."""
    LEFT = "left"
    """``alert`` belongs to it no more: it is somebody else's (``why``), as was said."""
    ROLLED_BACK = "rolled_back"
    """The likely change is out again (``deploy``), by ``called``."""
    ROLE = "role"
    """``who`` is ``role`` now, as ``called`` said."""
    SEVERITY = "severity"
    """``called`` says that it is ``severity``."""
    UPDATE = "update"
    """How it stands (``update``, the number of a status update)."""
    UPDATE_DUE = "update_due"
    """The next word is due by now (``at``)."""
    TASK = "task"
    """``task`` is to be done, or is (``done``), or has become an issue."""
    MERGED = "merged"
    """It goes on as ``into``; or ``from_`` has joined this one."""
    RESOLVED = "resolved"
    REOPENED = "reopened"
    """``called``, or an alert, opened it again."""
    DOCUMENT = "document"
    """The postmortem's draft is there."""
    NOT_LET_IN = "not_let_in"
    """``called`` could not be let into the room: ``why``."""
    NO_DOCUMENT = "no_document"
    """The postmortem's draft could not be laid into the room: ``why``."""
    NO_ROOM = "no_room"
    """No room can be made: ``why``."""
    UNDONE = "undone"
    """``what`` (a kind of effect) could not be done about its room: ``why``. Nothing else depends on that."""


class PersonSaid(StrEnum):
    """What one person is told."""

    PAGE = "page"
    """They are woken (``page``), by a card that goes on saying how that stands; ``nag`` counts the repetitions, each
    of which is a message of its own, since an edit wakes nobody. Muting never mutes it."""
    ASKED = "asked"
    """They may know something, and are not woken (``likely``, ``why``)."""


def card_places(session: Session, desk: Desk, incident: Incident) -> list[str]:
    """Where its card stands: in the channels of the teams concerned, in the one for all incidents, in its room."""
    # As they joined it: a card that stands somewhere goes on being shown there.
    services = session.exec(statements.SERVICES, params={"of_incident": incident.id}).all()
    named = [incident.service] if incident.service else []
    teams = list(dict.fromkeys(desk.catalog.service(one).channel for one in [*named, *services]))[:_MOST_CHANNELS]
    everybody = [desk.catalog.incidents.channel] if desk.catalog.incidents.channel else []
    room = [incident.room] if incident.room else []
    return list(dict.fromkeys([*(teams or [desk.catalog.default_channel]), *everybody, *room]))


_MOST_CHANNELS = 5
"""Teams in whose channels one incident is told; a storm of alerts would else be told everywhere."""


def show(session: Session, desk: Desk, incident: Incident, now: datetime, *, urgent: bool = True) -> None:
    """There is something newer to show on its cards, wherever they stand, and on those of whoever was woken for it."""
    for place in card_places(session, desk, incident):
        outbox.touch_card(session, INCIDENT, str(incident.id), place, now, lane=Lane.APPROVAL, urgent=urgent)
    for card in _page_cards(session, incident):
        outbox.show_newer(session, card, urgent=urgent)
    if incident.state != State.OPEN:  # while it goes on, whoever locks shows it
        rollouts.show(session, desk, incident, now)


def stands(session: Session, desk: Desk, incident: Incident) -> bool:
    """Whether its card was shown already in its team's channel: an edit of it notifies nobody."""
    card = outbox.find_card(session, INCIDENT, str(incident.id), card_places(session, desk, incident)[0])
    return card is not None and card.ts is not None


def card_in_room(session: Session, incident: Incident) -> Card | None:
    """The card that is pinned in its room, once it has one."""
    return outbox.find_card(session, INCIDENT, str(incident.id), incident.room) if incident.room else None


def say(
    session: Session,
    desk: Desk,
    incident: Incident,
    said: Said,
    key: str,
    now: datetime,
    *,
    outside: bool = False,
    **data: Any,
) -> bool:
    """Say this once (``key`` tells it from the next of its kind): in its room, or else in its channel's thread.

    ``outside``: there though it has a room, since whoever it is for may not be in that. So it is where the room takes
    no words any more. Returns whether it is new.
    """
    name = key_of(incident, said, key)
    about = {"incident": incident.id, "said": said.value, **data}
    if incident.room is not None and not outside and not is_shut(session, incident):
        return outbox.add_note(session, SAID, name, incident.room, now, lane=Lane.APPROVAL, **about)
    place = card_places(session, desk, incident)[0]
    card = outbox.find_card(session, INCIDENT, str(incident.id), place)
    if card is None:  # it is about to be shown: what is said meanwhile stands in its thread, and not beside it
        card = outbox.touch_card(session, INCIDENT, str(incident.id), place, now, lane=Lane.APPROVAL, urgent=True)
    if card.ts is None and card.error is not None:  # that channel cannot be written to: nothing is said in its thread
        return outbox.add_note(session, SAID, name, desk.catalog.default_channel, now, lane=Lane.APPROVAL, **about)
    return outbox.add_note(session, SAID, name, place, now, thread=card, lane=Lane.APPROVAL, **about)


def key_of(incident: Incident, said: Said, key: str) -> str:
    """By what it is known that something was said of an incident."""
    return f"{SAID}:{incident.id}:{said.value}:{key}"[:255]


def is_shut(session: Session, incident: Incident) -> bool:
    """Whether its room was closed, by us or by a person: its card could not be shown there when that was tried last."""
    card = card_in_room(session, incident)
    return incident.archived_at is not None or (card is not None and card.error is not None)


def tell(
    session: Session,
    incident: Incident,
    slack_id: str,
    said: PersonSaid,
    key: str,
    now: datetime,
    **data: Any,
) -> bool:
    """Tell one person, in their own conversation with us, before anything else is sent; returns whether it is new.

    Whoever is woken gets a card. Where that stands already and they are woken again, or asked again, it says how it
    stands now, and a message of its own wakes them. Whoever was told of it before is not told that they may know
    something.
    """
    if said is PersonSaid.PAGE:
        told = _woken_before(session, slack_id, int(data["page"]), now, nag=bool(data.get("nag")))
        if told is not None:
            return told
    elif was_told(session, incident.id or 0, slack_id):
        return False
    name = f"{PERSON_SAID}:{incident.id}:{said.value}:{key}:{slack_id}"[:255]
    return outbox.add_note(
        session, PERSON_SAID, name, slack_id, now, lane=Lane.PAGE, incident=incident.id, said=said.value, **data
    )


def was_told(session: Session, incident_id: int, slack_id: str) -> bool:
    """Whether somebody has heard of an incident in their own conversation: they were woken for it, or asked."""
    if was_woken(session, incident_id, slack_id):
        return True
    begins = f"{PERSON_SAID}:{incident_id}:"
    told = select(Note.id).where(Note.place == slack_id, col(Note.key) >= begins, col(Note.key) < f"{begins[:-1]};")
    return session.exec(told.limit(1)).first() is not None


def was_woken(session: Session, incident_id: int, slack_id: str) -> bool:
    """Whether somebody was woken for an incident, and has a card that goes on saying how it stands."""
    woken = select(Page.id).where(
        Page.incident == incident_id, Page.slack_id == slack_id, Page.state != PageState.SHADOW.value
    )
    return session.exec(woken.limit(1)).first() is not None


def _woken_before(session: Session, slack_id: str, number: int, now: datetime, *, nag: bool) -> bool | None:
    """Have somebody's card show that they are woken; None where it stands already, and they are to be woken anew."""
    card = outbox.find_card(session, PAGE, str(number), slack_id)
    if card is None:
        outbox.touch_card(session, PAGE, str(number), slack_id, now, lane=Lane.PAGE, urgent=True)
        return True
    page = session.get(Page, number)
    if not nag and (page is None or page.asked_at <= card.created_at):
        return False
    outbox.show_newer(session, card, urgent=True)
    return None if card.ts is not None else True


def _page_cards(session: Session, incident: Incident) -> list[Card]:
    """The cards of whoever was woken for an incident, or for one that goes on as this."""
    pages = session.exec(statements.PAGES_SHOWN, params={"of_incident": incident.id}).all()
    if not pages:
        return []
    shown = select(Card).where(Card.kind == PAGE, col(Card.subject).in_([str(number) for number in pages]))
    return list(session.exec(shown.order_by(col(Card.id))).all())  # also of those who are told in somebody's stead
