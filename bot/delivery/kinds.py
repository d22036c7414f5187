"""What a kind of outgoing thing is to the engine: how it is loaded or done; ``bot.outgoing`` says what each means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.outbox import Card, Note


@dataclass(frozen=True)
class Showing:
    """What a card or note shows now."""

    template: str
    view: object
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CardKind:
    """How a kind of card is loaded from present state (None: nothing to show now), and whether it may fold now.

    ``ahead`` reads at once what loading each of these cards will ask for; the session keeps it. Cards of which
    ``alike`` says the same show the same: of several that are sent together one is loaded.
    """

    load: Callable[[Session, Card, datetime], Showing | None]
    foldable: Callable[[Session, Card], bool]
    ahead: Callable[[Session, Sequence[Card]], None] | None = None
    alike: Callable[[Session, Card], Hashable] | None = None


@dataclass(frozen=True)
class NoteKind:
    """How a kind of note is loaded from present state (None: it is moot).

    ``elsewhere``: it is said in the fallback channel where it cannot be said, or its card shown, where it belongs.
    """

    load: Callable[[Session, Note, datetime], Showing | None]
    elsewhere: bool = False


Settle = Callable[[Session, datetime], None]


@dataclass(frozen=True)
class EffectKind:
    """How a kind of effect is done, and what is written when it is.

    ``postponed`` is written with each try that failed, ``given_up`` when there will be no other.
    """

    run: Callable[[Mapping[str, Any]], Awaitable[Settle]]
    postponed: Callable[[Session, Mapping[str, Any], datetime], None]
    given_up: Callable[[Session, Mapping[str, Any], datetime], None]


@dataclass(frozen=True)
class Outgoing:
    """What the kinds mean; ``find_person`` asks who a ``who:…`` is, and returns what to write of what waits there."""

    cards: Mapping[str, CardKind]
    notes: Mapping[str, NoteKind]
    effects: Mapping[str, EffectKind]
    find_person: Callable[[str], Awaitable[Settle]]
    fallback: str
