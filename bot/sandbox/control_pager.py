"""What the control door shows of the stand-in PagerDuty, and what people do when their phones ring."""

from __future__ import annotations

from bot.sandbox.control_wishes import lasting, one_of, only, text
from bot.sandbox.pagerduty import PagerDuty
from bot.sandbox.pagerduty_records import Incident, Notification, User
from bot.sandbox.pagerduty_shapes import stamp
from bot.sandbox.world import Json

DOES = ("answer", "decline", "silence", "acknowledge", "resolve")
MOST_INCIDENTS = 20
MOST_RINGS = 30


def pick_up(pagerduty: PagerDuty, wish: Json) -> Json:
    """What somebody does about their pager: ``{"as": "ana", "pager": "answer", "after": "2m"}``.

    From now on they ``answer``, ``decline`` where their help is asked for, or sleep through it (``silence``); with
    ``acknowledge`` they take once what rings now, and with ``resolve`` they end what they have.
    """
    only(wish, ("as", "pager", "after"))
    who, does = text(wish, "as"), one_of(wish, "pager", DOES)
    if does == "answer":
        pagerduty.answer(who, after=lasting(wish, "after"))
    elif "after" in wish:
        raise ValueError("after: only who answers does it after a while")
    elif does == "decline":
        pagerduty.decline(who)
    elif does == "acknowledge":
        pagerduty.take(who)
    elif does == "resolve":
        pagerduty.end(who)
    else:
        pagerduty.silence(who)
    return {"woken": [one.at.isoformat() for one in pagerduty.woken(who)]}


def told(pagerduty: PagerDuty) -> Json:
    """PagerDuty as the page draws it: the latest incidents, the newest first, and whose phones rang."""
    latest = pagerduty.incidents()[-MOST_INCIDENTS:]
    return {
        "incidents": [_incident(one) for one in reversed(latest)],
        "rings": [_ring(pagerduty, one) for one in reversed(pagerduty.woken()[-MOST_RINGS:])],
        "people": [
            _person(pagerduty, user, latest)
            for user in pagerduty.account.users.values()
            if user.high and user.role == "user"
        ],
    }


def _incident(incident: Incident) -> Json:
    return {
        "id": incident.id,
        "number": incident.number,
        "title": incident.title,
        "status": incident.status,
        "service": incident.service.name,
        "assigned": [user.name for user in incident.assignees],
        "acknowledged": [user.name for user, _ in incident.acknowledged],
        "responders": [{"name": one.user.name, "state": one.state} for one in incident.responders],
        "notes": [str(note["content"]) for note in incident.notes],
        "at": stamp(incident.created_at),
    }


def _ring(pagerduty: PagerDuty, one: Notification) -> Json:
    incident = pagerduty.account.incidents[one.incident]
    return {"at": stamp(one.at), "name": one.user.name, "method": one.method, "title": incident.title}


def _person(pagerduty: PagerDuty, user: User, incidents: list[Incident]) -> Json:
    return {
        "key": user.key,
        "name": user.name,
        "does": pagerduty.does(user.key),
        "ringing": [one.title for one in incidents if _rings(user, one)],
    }


def _rings(user: User, incident: Incident) -> bool:
    """Whether somebody has not answered yet."""
    asked = any(one.user is user and one.state == "pending" for one in incident.responders)
    return incident.open and (asked or (incident.status == "triggered" and user in incident.assignees))
