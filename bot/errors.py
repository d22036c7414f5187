"""Errors by audience and by remedy: shown to the person, worth another try, hopeless, or unknown.

An adapter turns every vendor error into one of these; an engine decides by class alone.
"""

from __future__ import annotations


class UserError(Exception):
    """A refusal shown, word for word, to the person who asked: it says why and who can, or how to mend it."""


class ConfigurationError(UserError):
    """Settings or shipmate.yml cannot be used; ``faults`` holds one plain sentence for each fault found."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class OutgoingError(Exception):
    """A call to another system did not end well; the subclass says what may be done next."""


class RetryLater(OutgoingError):
    """It certainly had no effect and may be tried again.

    ``delay`` is in seconds where the other side named one (``Retry-After``), else None: the caller backs off.
    ``rate_limited`` is true for a 429, which also pauses the channel or method.
    """

    def __init__(self, reason: str, *, delay: float | None = None, rate_limited: bool = False) -> None:
        super().__init__(reason)
        self.delay = delay
        self.rate_limited = rate_limited


class Doubtful(OutgoingError):
    """It may or may not have had its effect (time-out, connection cut after sending, a 5xx to a write).

    The caller must look for the effect before it tries again.
    """


class GiveUp(OutgoingError):
    """Trying again will not help. ``code`` is the other side's own word; ``mend`` says what a person can do."""

    def __init__(self, code: str, mend: str = "") -> None:
        super().__init__(f"{code}: {mend}" if mend else code)
        self.code = code
        self.mend = mend


class PlaceUnreachable(GiveUp):
    """This channel or person cannot be written to (missing, archived, not invited); other places are unaffected."""


class MessageGone(GiveUp):
    """The message to be edited no longer exists or may no longer be edited: post it anew."""


class Unauthorised(GiveUp):
    """Our credentials do not suffice (revoked token, missing scope): a person must mend it before this works again.

    Nothing is lost meanwhile: callers keep what they have and ask again from time to time.
    """
