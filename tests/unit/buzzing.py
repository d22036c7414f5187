"""Whose phone Slack makes buzz: by a message in their own conversation, or by a mention in a new message anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sqlmodel import col, select

from bot.delivery import Outgoing, Showing
from bot.outbox import Card, Note
from bot.outgoing.kinds import Kinds
from bot.ports import Message
from tests.unit.alarming import Here
from tests.unit.rooming import Rooming

_MENTION = re.compile(r"<@([UW][A-Z0-9]+)>")
_SOMEBODY = re.compile(r"[UW][A-Z0-9]+")


@dataclass
class Slack:
    """Sends all that is to be sent, each once and as it stands then, and keeps whom that notifies.

    An edit of a card notifies nobody, so that only its first message counts.
    """

    here: Rooming
    buzzed: list[tuple[str, str]] = field(default_factory=list)
    """Who was notified, and by what."""
    posted: list[tuple[str, str, Message]] = field(default_factory=list)
    """Every message: what it is, where it went, and what it says."""
    _read: set[str] = field(default_factory=set)

    def sends(self) -> None:
        """Whatever is new goes out."""
        session, outgoing = self.here.session, self._outgoing
        for card in session.exec(select(Card).order_by(col(Card.lane), col(Card.id))).all():
            if self._is_new(f"card:{card.id}") and card.kind in outgoing.cards:
                showing = outgoing.cards[card.kind].load(session, card, self.here.now)
                self._post(card.kind, card.place, showing)
                if showing is None:
                    self._read.discard(f"card:{card.id}")  # it may be worth saying later
                else:
                    card.ts = card.ts or f"17000000{card.id}.000100"
        for note in session.exec(select(Note).order_by(col(Note.lane), col(Note.id))).all():
            if self._is_new(f"note:{note.id}") and note.kind in outgoing.notes:
                said = f"{note.kind}: {note.data.get('said', '')}"
                self._post(said, note.place, outgoing.notes[note.kind].load(session, note, self.here.now))
        session.flush()

    def forgets(self) -> None:
        """What was sent so far is of no interest."""
        self.sends()
        self.buzzed.clear()
        self.posted.clear()

    def shows(self, kind: str, place: str, *, first: bool = False, subject: str | None = None) -> Message:
        """The latest card of a kind (or the one of ``subject``) in a place, as it would be sent now.

        ``first``: nobody has read it yet.
        """
        rows = select(Card).where(Card.kind == kind, Card.place == place).order_by(col(Card.id).desc())
        card = next(one for one in self.here.session.exec(rows) if subject in (None, one.subject))
        card.ts = None if first else card.ts or "1.0"
        showing = self._outgoing.cards[kind].load(self.here.session, card, self.here.now)
        assert showing is not None
        return self.here.renderer.message(showing.template, showing.view, key="k")

    def standing(self, kind: str, place: str) -> Sequence[Message]:
        """The cards of a kind that stand in a place, as they are now."""
        rows = select(Card).where(Card.kind == kind, Card.place == place, col(Card.ts).is_not(None))
        load = self._outgoing.cards[kind].load
        found = [load(self.here.session, card, self.here.now) for card in self.here.session.exec(rows).all()]
        return [self.here.renderer.message(one.template, one.view, key="k") for one in found if one is not None]

    def of(self, slack_id: str) -> Sequence[str]:
        """What notified somebody, in order."""
        return [what for who, what in self.buzzed if who == slack_id]

    def to(self, place: str) -> Sequence[str]:
        """What was posted in a place, in order."""
        return [what for what, where, _ in self.posted if where == place]

    @cached_property
    def _outgoing(self) -> Outgoing:
        here = self.here
        nobody = Here(here.session)
        return Kinds(
            here.catalog, "https://github.com", nobody, nobody, nobody, lambda: here.now, here.reactions.settle,  # type: ignore[arg-type]  # only what loads is asked
            renderer=here.renderer,
        ).outgoing()  # fmt: skip

    def _is_new(self, name: str) -> bool:
        new = name not in self._read
        self._read.add(name)
        return new

    def _post(self, what: str, place: str, showing: Showing | None) -> None:
        if showing is None:
            return
        message = self.here.renderer.message(showing.template, showing.view, key="k")
        self.posted.append((what, place, message))
        own = {place} if _SOMEBODY.fullmatch(place) else set()
        mentioned = set(_MENTION.findall(json.dumps(list(message.blocks)) + message.text))
        self.buzzed += [(who, what) for who in sorted(own or mentioned)]
