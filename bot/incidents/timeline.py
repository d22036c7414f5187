"""What happened in an incident, line by line, in UTC and with where it can be read.

Whoever changes something about an incident writes its line, with a key that makes it the same however often it is
heard. Messages come by a shortcut (their words are known) or by a reaction (they are read first, by an effect).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert
from sqlmodel import Session, col, select

from bot import outbox
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import MessageKept
from bot.incidents import finding, naming
from bot.incidents.models import Entry, Incident
from bot.incidents.states import EntryKind
from bot.outbox import Lane
from bot.ports import Heard

MESSAGE_READ = "message_read"
"""The kind of effect that reads a message by its place: ``incident``, ``channel``, ``ts``."""

LONGEST_TEXT = 1000
"""Characters of one line that are kept: a timeline is read, and the permalink leads to the rest."""

LONGEST_KEY = 255

# Held: a storm of alerts writes hundreds of lines a second.
_CALLED = select(Entry.id).where(Entry.incident == bindparam("of_incident"), Entry.key == bindparam("of_key"))
_ADD = insert(Entry)


def enter(
    session: Session,
    incident_id: int,
    kind: EntryKind,
    key: str,
    text: str,
    at: datetime,
    *,
    who: str | None = None,
    url: str | None = None,
) -> bool:
    """Write a line, once for each ``key`` of an incident; returns whether it is new.

    ``who`` is whose doing or words it is, as people read it. ``text`` may come from outside: it is kept as it is, and
    made harmless wherever it is shown.
    """
    connection, key = session.connection(), key[:LONGEST_KEY]
    if connection.execute(_CALLED, {"of_incident": incident_id, "of_key": key}).first() is not None:
        return False
    connection.execute(
        _ADD,
        {
            "incident": incident_id,
            "key": key,
            "kind": kind.value,
            "text": _kept(text),
            "who": who,
            "url": url,
            "at": at,
        },
    )
    return True


def became(session: Session, incident_id: int, key: str, text: str, at: datetime) -> bool:
    """What a line told of has come to this by now: it says so instead; returns whether there is such a line."""
    row = _entry(session, incident_id, key)
    if row is None:
        return False
    row.text, row.at = _kept(text), at
    session.add(row)
    session.flush()
    return True


def entries(session: Session, incident_id: int, *, latest: int | None = None) -> Sequence[Entry]:
    """The lines of an incident in order; only the ``latest`` of them where that is said."""
    statement = select(Entry).where(Entry.incident == incident_id)
    found = session.exec(statement.order_by(col(Entry.at).desc(), col(Entry.id).desc()).limit(latest)).all()
    return found[::-1]


def count(session: Session, incident_id: int) -> int:
    """How many lines an incident has."""
    found: int = session.exec(select(func.count()).select_from(Entry).where(Entry.incident == incident_id)).one()
    return found


def message_kept(session: Session, desk: Desk, event: MessageKept, now: datetime) -> str:
    """Somebody wants a message on the timeline; returns what they are told. One that is there already stays one line.

    The message is read by an effect in any case: who wrote it and where it can be read, only Slack tells.
    """
    incident = finding.of_place(session, event.incident, event.channel)
    if incident is None:
        raise UserError(
            "This channel is no incident's room, so I do not know whose timeline is meant: use the message's shortcut "
            "and choose the incident there."
        )
    at = said_at(event.ts)
    if at is None:
        raise UserError("Slack does not say which message that is, so nothing was kept. Try the shortcut once more.")
    number, key = incident.id or 0, message_key(event.channel, event.ts)
    known = _entry(session, number, key) is not None
    if event.text is not None and event.text.strip():
        who = naming.person_called(session, desk, event.author) if event.author else None
        enter(session, number, EntryKind.MESSAGE, key, naming.read_out(session, desk, event.text), at, who=who)
    outbox.add_effect(
        session, MESSAGE_READ, f"{MESSAGE_READ}:{number}:{event.channel}:{event.ts}", now, lane=Lane.APPROVAL,
        incident=number, channel=event.channel, ts=event.ts,
    )  # fmt: skip
    if known:
        return f"It stands on the timeline of {naming.called(incident)} already."
    return f"Kept on the timeline of {naming.called(incident)}."


def message_heard(session: Session, desk: Desk, data: Mapping[str, Any], heard: Heard | None) -> None:
    """A message was read: it is entered, or its line gets what was not known of it. One that is gone is not entered."""
    if heard is None:
        return
    channel, ts = str(data["channel"]), str(data["ts"])
    incident = finding.of_place(session, int(data["incident"]), channel)
    if incident is None or incident.id is None:
        return
    who = naming.person_called(session, desk, heard.author) if heard.author else None
    key = message_key(channel, ts)
    row = _entry(session, int(data["incident"]), key) or _entry(session, incident.id, key)
    if row is not None:
        row.who, row.url = row.who or who, row.url or heard.permalink
        session.add(row)
        session.flush()
    elif heard.text.strip():
        words = naming.read_out(session, desk, heard.text)
        enter(session, incident.id, EntryKind.MESSAGE, key, words, heard.at, who=who, url=heard.permalink)


def message_key(channel: str, ts: str) -> str:
    """What makes a message the same."""
    return f"message:{channel}:{ts}"


def said_at(ts: str) -> datetime | None:
    """When a message was written, as Slack's name for it says (seconds since 1970); None where it is no such name."""
    seconds, _, rest = ts.partition(".")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 11 and (not rest or rest.isdecimal())):
        return None
    return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(rest[:6].ljust(6, "0")))


def moved(session: Session, from_: Incident, into: Incident) -> None:
    """Every line of one incident is another's now; one whose key is taken there says whose it was."""
    taken = set(session.exec(select(Entry.key).where(Entry.incident == into.id)).all())
    for row in entries(session, from_.id or 0):
        if row.key in taken:
            row.key = f"{from_.id}:{row.key}"[:LONGEST_KEY]
        row.incident = into.id or 0
        session.add(row)
    session.flush()


def _entry(session: Session, incident_id: int, key: str) -> Entry | None:
    return session.exec(select(Entry).where(Entry.incident == incident_id, Entry.key == key[:LONGEST_KEY])).first()


def _kept(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_TEXT else words[: LONGEST_TEXT - 1].rstrip() + "…"
