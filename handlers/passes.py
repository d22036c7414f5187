"""Passes to the dashboard: a link that Slack shows one person, and the session that it opens; signed, never stored.

A link has a number and opens one session: an address stays in browsers' histories and in the logs of whatever stands
between, and opens nothing from there. Both name a Slack person and when they were made, by the bot's own clock. Their
key is derived from what Slack gave us (the signing secret; with Socket Mode alone, the app's token): whoever has that
can speak for Slack in any case. A pass says who somebody is said to be; whether that is a full member of the workspace
still is looked up at each use.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer

from bot.settings import Settings

OPENS = "dashboard/open"
"""Where a link leads, below the bot's own address."""

LINK_LASTS = timedelta(hours=1)
"""A Home is made anew whenever it is opened: a link need not last longer than somebody looks at it."""

SESSION_LASTS = timedelta(hours=12)
"""A day at work."""

USED = "dashboard_link"
"""The kind of work that keeps which links were used, by their number, for as long as they could be used again."""

_NUMBERS = 2**31
"""As many as the column takes in which they are kept. Two links of one hour with the same: the second opens nothing."""

_EARLY = timedelta(minutes=5)
"""How far replicas' clocks may be apart."""


@dataclass(frozen=True)
class Pass:
    """Whose a pass is, and when it was made (aware); ``number`` is a link's."""

    slack_id: str
    at: datetime
    number: int = 0

    def lasts(self, now: datetime, length: timedelta) -> bool:
        """Whether it is still good."""
        return -_EARLY <= now - self.at < length

    def until(self, length: timedelta) -> datetime:
        """When it is good no more by any replica's clock."""
        return self.at + length + _EARLY


def dashboard_link(settings: Settings, slack_id: str, now: datetime) -> str | None:
    """The address that opens the dashboard for this person; None where the bot's own address or its key is not set."""
    signer = _signer(settings, "link")
    if settings.public_url is None or signer is None:
        return None
    return f"{settings.public_url}/{OPENS}?pass={quote(_written(signer, slack_id, now, secrets.randbelow(_NUMBERS)))}"


def read_link(settings: Settings, given: str) -> Pass | None:
    """Whose link this is, used or not; None for one that is none of ours."""
    return _read(_signer(settings, "link"), given)


def session_of(settings: Settings, slack_id: str, now: datetime) -> str:
    """What a browser keeps once its link was good; ValueError where no link can be."""
    signer = _signer(settings, "session")
    if signer is None:
        raise ValueError("without a key there is no link, so no session comes of one")
    return _written(signer, slack_id, now)


def read_session(settings: Settings, given: str) -> Pass | None:
    """Whose session this is; None for one that is none of ours."""
    return _read(_signer(settings, "session"), given)


def _signer(settings: Settings, sort: str) -> URLSafeSerializer | None:
    """What signs; a link is no session, nor the other way round, since each has a key of its own."""
    secret = settings.slack_signing_secret or settings.slack_app_token
    if secret is None:
        return None
    return URLSafeSerializer(
        secret.get_secret_value(),
        salt=f"shipmate.dashboard.{sort}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def _written(signer: URLSafeSerializer, slack_id: str, now: datetime, number: int = 0) -> str:
    return str(signer.dumps([slack_id, int(now.timestamp()), number]))


def _read(signer: URLSafeSerializer | None, given: str) -> Pass | None:
    if signer is None:
        return None
    try:
        slack_id, at, number = signer.loads(given)
        return Pass(str(slack_id), datetime.fromtimestamp(int(at), UTC), int(number))
    except (BadData, ValueError, TypeError, OverflowError, OSError):
        return None
