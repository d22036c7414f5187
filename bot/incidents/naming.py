"""How incidents, those who act on them and what may have done it are called in a sentence of ours."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sqlmodel import Session

from bot import people
from bot.alerts.models import FlagChange
from bot.alerts.rollouts import went_back
from bot.deploys import service as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.gates.wording import spoken as length_words
from bot.incidents.models import Incident, Likely
from bot.promotions import words

LONGEST_TITLE = 120
"""Characters of a title within a sentence."""

MOST_LABELS = 3
"""Changes of one deploy that are named in a sentence; the rest are counted."""

IN_SECONDS = 120
"""Seconds below which a length is told in seconds."""

_TOKEN = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")


def called(incident: Incident) -> str:
    """How an incident is called: ``incident 7 (checkout 5xx)``."""
    title = " ".join(incident.title.split())
    shown = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1].rstrip() + "…"
    return f"incident {incident.id} ({shown})" if shown else f"incident {incident.id}"


def capital(sentence: str) -> str:
    """The same as a sentence begins."""
    return sentence[:1].upper() + sentence[1:]


def person_called(session: Session, desk: Desk, slack_id: str | None) -> str:
    """What somebody in Slack is called; “somebody” where Slack has not told yet: nobody reads an id."""
    known = words.person_words(session, desk, f"slack:{slack_id}" if slack_id else None)
    return known if known != slack_id else people.slacks_name(session, known) or "somebody"


def spoken(desk: Desk, at: datetime) -> str:
    """An instant in the catalogue's time zone, which is named; cards say it by the same clock."""
    return f"{words.spoken(desk, at)} ({desk.catalog.timezone.key})"


def length(span: timedelta) -> str:
    """How long something took: ``48 min``; less than two minutes in seconds."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < IN_SECONDS:
        return f"{seconds} s"
    return length_words(timedelta(minutes=span // timedelta(minutes=1)))


def likely_called(session: Session, desk: Desk, likely: Likely) -> str:
    """What a likely change is called: ``#812 (checkout, a1b2c3d)``, ``the flag new-basket``."""
    if likely.kind == "flag":
        flag = session.get(FlagChange, likely.subject)
        return f"the flag {flag.flag} ({flag.summary})" if flag is not None else "a flag"
    deploy = session.get(Deploy, likely.subject)
    target = session.get(Target, deploy.target) if deploy is not None else None
    if deploy is None or target is None:
        return "a deploy"
    if went_back(session, deploy):
        return f"the rollback of {target.service} to {deploy.sha[:7]}"
    labels = [change.label for row, change in deploys.changes_of(session, likely.subject) if not row.leaving]
    if not labels:
        return f"{target.service} {deploy.sha[:7]}"
    more = f" and {len(labels) - MOST_LABELS} more" if len(labels) > MOST_LABELS else ""
    return f"{', '.join(labels[:MOST_LABELS])}{more} ({target.service}, {deploy.sha[:7]})"


def read_out(session: Session, desk: Desk, words: str) -> str:
    """A message as Slack keeps it, as people read it: names for people and channels, a link's label and address."""

    def token(found: re.Match[str]) -> str:
        target, label = found.groups()
        if target.startswith("@"):
            return f"@{label or person_called(session, desk, target[1:])}"
        if target.startswith("#"):
            return f"#{label or target[1:]}"
        if target.startswith("!"):
            return label or f"@{target[1:].partition('^')[0]}"
        return f"{label} ({target})" if label and label != target else target

    plain = _TOKEN.sub(token, words)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
