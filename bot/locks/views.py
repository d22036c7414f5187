"""What templates see of locks and freezes: small frozen records, already chosen and ordered, never escaped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.deploys.views import PersonView
from bot.locks.rules import Stage


@dataclass(frozen=True)
class Backlog:
    """How much waits because of a lock; whoever knows promotions counts it."""

    changes: int = 0
    people: int = 0
    doubtful: int = 0
    """Promotions that wait because of it if the call to their pipeline, of which nothing is known, did not arrive."""
    asking: tuple[str, ...] = ()
    """Where promotions wait on whose own cards the Go is said."""


@dataclass(frozen=True, kw_only=True)
class LockCard:
    """One lock in its channel. ``scope`` is how people name it; ``owner`` None for one that set itself.

    ``over_at`` is when it ran out or was lifted, ``lifted_by`` whoever lifted it. ``extend_until`` (seconds since 1970)
    goes into the value of the Extend button, so that two clicks extend once; None where it cannot be extended.
    """

    lock_id: int
    stage: Stage
    scope: str
    reason: str
    owner: PersonView | None
    rollbacks: bool
    began_at: datetime
    ends_at: datetime | None
    over_at: datetime | None
    ran_out: bool
    lifted_by: PersonView | None
    go_at: datetime | None
    go_by: PersonView | None
    waiting_changes: int
    waiting_people: int
    extend_until: int | None
    waiting_doubtful: int = 0
    room: str | None = None
    """The channel in which what set it is dealt with, while it holds."""
    still: tuple[str, ...] = ()
    """Of one that lifted itself: what held there already and holds on, so that no Go is asked for this one."""
    asking: tuple[str, ...] = ()
    """Where promotions wait on whose own cards the Go is said, and not on this one."""


@dataclass(frozen=True, kw_only=True)
class GoCard:
    """A lock is over, and a person's Go is asked for; ``waits`` is false once it was said or something else came of it.

    ``by`` is whoever unlocked it; ``owner`` None for one that set itself. ``holds`` is whether it holds again.
    ``scopes`` are those of all locks that were lifted with it, in the same channel and for the same cause.
    """

    lock_id: int
    scopes: tuple[str, ...]
    asking: tuple[str, ...]
    """Where promotions wait: on their cards the Go is said."""
    offers: bool
    """Whether it is said here, as of a Hold on what leaves with a train, of which there is no other card."""
    reason: str
    owner: PersonView | None
    ran_out: bool
    by: PersonView | None
    waits: bool
    holds: bool
    ends_at: datetime | None
    go_at: datetime | None
    go_by: PersonView | None


class LockSaid(StrEnum):
    """What a note says of a lock."""

    ENDS_SOON = "ends_soon"
    """To its owner: it runs out in a few minutes."""
    STILL_HOLDS = "still_holds"
    """To its owner, or its channel: it has no end, and holds yet."""
    EXTENDED = "extended"
    """To its owner: somebody else gave it another end."""
    LIFTED = "lifted"
    """To its owner: somebody else lifted it."""


@dataclass(frozen=True, kw_only=True)
class LockNote:
    """What is said aloud of a lock; ``by`` is whoever did it, None where it came by itself."""

    said: LockSaid
    lock_id: int
    scope: str
    reason: str
    owner: PersonView | None
    by: PersonView | None
    began_at: datetime
    ends_at: datetime | None
    extend_until: int | None


@dataclass(frozen=True, kw_only=True)
class FreezeCard:
    """One declared freeze in the channel of whom it concerns. ``service`` None for all of them.

    ``over`` is whether it holds nothing any more: it was lifted, or it ended by itself.
    """

    freeze_id: int
    service: str | None
    reason: str
    owner: PersonView
    begins: datetime
    ends: datetime
    over: bool
    lifted_at: datetime | None
    lifted_by: PersonView | None


@dataclass(frozen=True, kw_only=True)
class FreezeNote:
    """A freeze was lifted before its end. ``service`` None for all of them.

    ``yours`` is whether whoever declared it reads this.
    """

    freeze_id: int
    service: str | None
    reason: str
    by: PersonView
    yours: bool = False


@dataclass(frozen=True, kw_only=True)
class LockRow:
    """One lock of ``/ship locks``."""

    lock_id: int
    stage: Stage
    scope: str
    reason: str
    owner: PersonView | None
    began_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class FreezeRow:
    """One freeze of ``/ship locks``; ``freeze_id`` None for one of shipmate.yml, which nobody can lift here."""

    freeze_id: int | None
    services: tuple[str, ...]
    """Empty for all of them."""
    reason: str
    owner: PersonView | None
    begins: datetime
    ends: datetime
    holds: bool
    """Whether it has begun."""


@dataclass(frozen=True, kw_only=True)
class LocksReply:
    """`/ship locks`: what holds or waits for a Go, and the freezes that hold or are near; ``more`` counts the rest."""

    locks: tuple[LockRow, ...]
    freezes: tuple[FreezeRow, ...]
    more: int
