"""What a webhook's sender must be able to do: prove itself, name each delivery, and say what happened.

A source decides nothing and stores nothing; the route in ``handlers.webhooks`` asks its questions in order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from bot.events import Event
from bot.inbox import Lane

Headers = Mapping[str, str]


def _told_apart(headers: Headers, body: bytes) -> str:
    """Nothing: each delivery has a name of its own."""
    return ""


class DeliveryError(Exception):
    """A delivery is turned away: ``reason`` says why, ``mend`` what its sender can do. Neither holds a secret."""

    status: ClassVar[int]
    """The HTTP status of the answer."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(f"{reason} {mend}")
        self.reason = reason
        self.mend = mend


class Malformed(DeliveryError):
    """It cannot be read as what this source sends."""

    status = 400


class Unauthorised(DeliveryError):
    """It does not prove that it comes from who it claims."""

    status = 401


class UnknownSource(DeliveryError):
    """Nobody of this name is known here."""

    status = 404


class TooLarge(DeliveryError):
    """It is larger than any delivery needs to be."""

    status = 413


class NotStored(DeliveryError):
    """It may be good, and could not be taken or kept just now: the one refusal that is our own fault."""

    status = 503


@dataclass(frozen=True, kw_only=True)
class Source:
    """One kind of sender, as plain functions over a delivery's headers and raw body.

    ``verify`` raises Unauthorised unless the body was signed with the secret. ``check`` raises Malformed unless the
    delivery is complete and readable. ``delivery_id`` is the sender's own name for it, the same when it is sent again
    (Malformed without one); where the sender gives none, it is made of the body and of when it came (the header
    RECEIVED_AT). ``about`` stands before the names of all deliveries that are of the same thing, where a body alone
    does not tell whether it is said again or anew: after another one about it, it is anew. ``keep`` gives the headers
    worth storing, never one that proves identity. ``translate`` is pure and gives what happened; a delivery of no
    interest gives nothing. ``lane`` is the queue it waits in.
    """

    verify: Callable[[Headers, bytes, str], None]
    check: Callable[[Headers, bytes], None]
    delivery_id: Callable[[Headers, bytes], str]
    keep: Callable[[Headers], dict[str, str]]
    translate: Callable[[Headers, bytes], list[Event]]
    lane: Callable[[Headers], Lane]
    about: Callable[[Headers, bytes], str] = _told_apart


def header(headers: Headers, name: str) -> str | None:
    """The value of a header whatever the case of its name, without surrounding space; None where absent or empty."""
    value = headers.get(name)
    if value is None:
        value = next((held for key, held in headers.items() if key.casefold() == name.casefold()), "")
    return value.strip() or None
