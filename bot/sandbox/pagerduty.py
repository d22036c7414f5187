"""The stand-in PagerDuty: incidents, whom they wake and when, and the people who answer or do not.

Everything is timed by the world's clock: notification rules, escalation, people. Somebody assigned by name is followed
by no policy; a policy's person who does not answer in time loses it to the next level. Nobody answers until told to
(``answer``).
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.sandbox.clock import Clock
from bot.sandbox.exchanges import Log
from bot.sandbox.exhausted import Exhausted, exhausted
from bot.sandbox.pagerduty_acme import acme_account
from bot.sandbox.pagerduty_hooks import Hooks
from bot.sandbox.pagerduty_records import (
    Entry,
    Incident,
    Json,
    Notification,
    Policy,
    Responder,
    Service,
    User,
    Way,
)
from bot.sandbox.pagerduty_shapes import Shapes, stamp


@dataclass
class PagerDutyFaults:
    """What is wrong: ``down`` answers 503, ``cut`` does it and hangs up, ``rate_limited`` is the limit used up."""

    down: bool = False
    rate_limited: Exhausted | None = None
    slow: float = 0.0
    cut: bool = False


class PagerDuty:
    """One account. Methods are called on the loop the sandbox runs in."""

    def __init__(self, clock: Clock, *, rate_limits: bool = False) -> None:
        self.clock = clock
        self.rate_limits = rate_limits
        self.account = acme_account(clock.now())
        self.api_key = f"u+{secrets.token_hex(9)}"
        self.log = Log("pagerduty")
        self.hooks = Hooks(self.log, clock)
        self.shapes = Shapes("", "")
        self.faults = PagerDutyFaults()
        self.notifications: list[Notification] = []
        self.watchers: list[Callable[[], None]] = []
        """Called whenever somebody is told of something, or an incident is different."""
        self._answers: dict[str, timedelta] = {}
        self._declining: set[str] = set()

    # Reading

    def woken(self, who: str | None = None) -> list[Notification]:
        """Every notification that makes a noise, oldest first; of one person if named."""
        user = self.account.user(who) if who is not None else None
        return [one for one in self.notifications if one.wakes and user in (None, one.user)]

    def does(self, who: str) -> str:
        """What somebody does when they are woken: ``answer``, ``decline``, or nothing (``silence``)."""
        user = self.account.user(who)
        if user.id in self._declining:
            return "decline"
        return "answer" if user.id in self._answers else "silence"

    def incidents(self) -> list[Incident]:
        """Every incident, oldest first."""
        return list(self.account.incidents.values())

    # People

    def answer(self, who: str, *, after: timedelta = timedelta(0)) -> None:
        """From now on this person takes what wakes them, so long after; what they slept through, by the same delay."""
        user = self.account.user(who)
        self._declining.discard(user.id)
        self._answers[user.id] = after
        self._wake_up(user)

    def decline(self, who: str) -> None:
        """From now on this person says no where their help is asked for, also to what is open; pages ring on."""
        user = self.account.user(who)
        self._declining.add(user.id)
        self._answers[user.id] = timedelta(0)
        self._wake_up(user)

    def silence(self, who: str) -> None:
        """From now on this person does not answer."""
        user = self.account.user(who)
        self._declining.discard(user.id)
        self._answers.pop(user.id, None)

    def take(self, who: str) -> None:
        """Have somebody take what rings for them now; what they do the next time stays as it is."""
        user = self.account.user(who)
        for incident in self.incidents():
            if incident.status == "triggered" and user in incident.assignees:
                self.acknowledge(incident, user)
            for responder in incident.responders:
                if incident.open and responder.user is user and responder.state == "pending":
                    self.reply(incident, responder, "joined")

    def end(self, who: str) -> None:
        """Have somebody resolve what they have, in PagerDuty itself."""
        user = self.account.user(who)
        for incident in self.incidents():
            if incident.open and user in incident.assignees:
                self.resolve(incident, user)

    def _wake_up(self, user: User) -> None:
        for incident in self.incidents():
            asked = any(one.user is user and one.state == "pending" for one in incident.responders)
            if incident.open and (asked or (incident.status == "triggered" and user in incident.assignees)):
                self._will_answer(user, incident)

    def _will_answer(self, user: User, incident: Incident) -> None:
        after = self._answers.get(user.id)
        if after is None:
            return

        def pick_up() -> None:
            if user.id not in self._answers or not incident.open:
                return
            declines = user.id in self._declining
            if not declines and incident.status == "triggered" and user in incident.assignees:
                self.acknowledge(incident, user)
            for responder in incident.responders:
                if responder.user is user and responder.state == "pending":
                    self.reply(incident, responder, "declined" if declines else "joined")

        if after:
            self.clock.call_later(after, pick_up)
        else:
            pick_up()

    # Incidents

    def open(
        self,
        service: Service,
        title: str,
        *,
        by: User | None,
        key: str | None = None,
        urgency: str | None = None,
        assignees: Sequence[User] = (),
        policy: Policy | None = None,
        details: str | None = None,
    ) -> Incident:
        """Open an incident, for the named people or by a policy (the service's if none is named), and wake them.

        Opened by its own assignee it begins acknowledged, and nobody is told.
        """
        now = self.clock.now()
        incident = Incident(
            id=self.account.fresh("Q"),
            number=len(self.account.incidents) + 1,
            title=title,
            key=key or secrets.token_hex(16),
            service=service,
            policy=policy or service.policy,
            urgency=urgency or service.urgency,
            created_at=now,
            changed_at=now,
            escalates=not assignees,
            details=details,
        )
        self.account.incidents[incident.id] = incident
        self._note(incident, "trigger", by, f"Triggered: {title}")
        self._assign(incident, assignees or incident.policy.levels[0].on_call, by)
        self._tell("triggered", incident, by)
        if by is not None and by in assignees:
            self.acknowledge(incident, by)
        else:
            self._wake(incident)
        return incident

    def acknowledge(self, incident: Incident, by: User | None) -> None:
        """Somebody has it; it wakes nobody further."""
        if incident.status != "triggered":
            return
        incident.status, incident.changed_at = "acknowledged", self.clock.now()
        if by is not None:
            incident.acknowledged.append((by, self.clock.now()))
        self._note(incident, "acknowledge", by, "Acknowledged")
        self._tell("acknowledged", incident, by)

    def resolve(self, incident: Incident, by: User | None, resolution: str | None = None) -> None:
        """It is over."""
        if not incident.open:
            return
        incident.status, incident.changed_at = "resolved", self.clock.now()
        incident.resolved_at, incident.resolved_by, incident.resolution = self.clock.now(), by, resolution
        incident.assigned, incident.acknowledged = [], []
        self._note(incident, "resolve", by, "Resolved")
        self._tell("resolved", incident, by)

    def reassign(self, incident: Incident, assignees: Sequence[User], by: User | None) -> None:
        """Give it to these people; no policy follows."""
        incident.escalates = False
        self._again(incident)
        self._assign(incident, assignees, by)
        self._tell("reassigned", incident, by)
        self._wake(incident)

    def follow(self, incident: Incident, policy: Policy, by: User | None, level: int = 1) -> None:
        """Give it to whoever is on call at a level of a policy, which follows from there."""
        incident.policy, incident.escalates, incident.level, incident.loops = policy, True, level, 0
        self._again(incident)
        self._assign(incident, policy.levels[level - 1].on_call, by)
        self._tell("delegated", incident, by)
        self._wake(incident)

    def escalate(self, incident: Incident, level: int, by: User | None) -> None:
        """Bring it to another level of its policy."""
        incident.level, incident.escalates = level, True
        self._again(incident)
        self._note(incident, "escalate", by, f"Escalated to level {level}")
        self._assign(incident, incident.policy.levels[level - 1].on_call, by)
        self._tell("escalated", incident, by)
        self._wake(incident)

    def _again(self, incident: Incident) -> None:
        incident.status, incident.changed_at = "triggered", self.clock.now()
        incident.acknowledged = []

    def _assign(self, incident: Incident, users: Sequence[User], by: User | None) -> None:
        incident.assigned = [(user, self.clock.now()) for user in users]
        incident.turn += 1
        turn = incident.turn
        self._note(incident, "assign", by, f"Assigned to {', '.join(user.name for user in users)}")
        if incident.escalates:
            patience = incident.policy.levels[incident.level - 1].patience
            self.clock.call_later(patience, lambda: self._unanswered(incident, turn))

    def _wake(self, incident: Incident) -> None:
        """Let everybody know who has it now; who answers at once does it after it was told that they have it."""
        turn = incident.turn
        for user in incident.assignees:
            for way in user.high if incident.urgency == "high" else user.low:
                ring = functools.partial(self._notify, user, incident, way, turn)
                if way.after:
                    self.clock.call_later(way.after, ring)
                else:
                    ring()

    def _notify(self, user: User, incident: Incident, way: Way, turn: int) -> None:
        if incident.status != "triggered" or incident.turn != turn:
            return
        self._heard(user, incident, way)

    def _heard(self, user: User, incident: Incident, way: Way) -> None:
        self.notifications.append(
            Notification(at=self.clock.now(), user=user, incident=incident.id, method=way.method, wakes=way.wakes)
        )
        self._note(incident, "notify", None, f"{user.name} was told by {way.method}")
        if way.wakes:
            self._will_answer(user, incident)

    def _unanswered(self, incident: Incident, turn: int) -> None:
        """Bring it to the next level; what is not urgent stays where it is (PagerDuty docs: Notification urgency)."""
        if incident.status != "triggered" or incident.turn != turn or incident.urgency == "low":
            return
        if incident.level < len(incident.policy.levels):
            self.escalate(incident, incident.level + 1, None)
        elif incident.loops < incident.policy.loops:
            incident.loops += 1
            self.escalate(incident, 1, None)

    # What is said about them

    def add_note(self, incident: Incident, by: User, content: str) -> Json:
        """Write a note."""
        note: Json = {
            "id": self.account.fresh("PN"),
            "user": self.shapes.user_reference(by),
            "channel": {"summary": "The PagerDuty website or APIs"},
            "content": content,
            "created_at": stamp(self.clock.now()),
        }
        incident.notes.append(note)
        self._note(incident, "annotate", by, content)
        data = {"incident": self.shapes.incident_reference(incident), "id": note["id"], "content": content}
        self._send("annotated", incident, by, data | {"trimmed": False, "type": "incident_note"})
        return note

    def add_update(self, incident: Incident, by: User, message: str) -> Json:
        """Publish a status update."""
        update: Json = {
            "id": self.account.fresh("PX"),
            "message": message,
            "created_at": stamp(self.clock.now()),
            "sender": self.shapes.user_reference(by),
        }
        incident.updates.append(update)
        data = {"incident": self.shapes.incident_reference(incident), "id": update["id"], "message": message}
        self._send("status_update_published", incident, by, data | {"trimmed": False, "type": "incident_status_update"})
        return update

    def ask_for_help(self, incident: Incident, requester: User, users: Sequence[User], message: str) -> None:
        """Ask people to join; each is told as for an urgent incident."""
        for user in users:
            responder = Responder(user=user, requester=requester, message=message, at=self.clock.now())
            incident.responders.append(responder)
            self._send_responder("responder.added", incident, responder, requester)
            self._heard(user, incident, user.high[0])

    def reply(self, incident: Incident, responder: Responder, state: str) -> None:
        """Somebody joins, or declines."""
        responder.state = state
        self._changed()
        self._send_responder("responder.replied", incident, responder, responder.user)

    def _send_responder(self, event: str, incident: Incident, responder: Responder, by: User) -> None:
        data = {
            "incident": self.shapes.incident_reference(incident),
            "user": self.shapes.user_reference(responder.user),
            "escalation_policy": None,
            "message": responder.message,
            "state": responder.state,
            "type": "incident_responder",
        }
        self._send(event, incident, by, data)

    def _note(self, incident: Incident, kind: str, by: User | None, summary: str) -> None:
        entry = Entry(id=self.account.fresh("R"), kind=kind, at=self.clock.now(), by=by, summary=summary)
        incident.log.append(entry)
        self._changed()

    def _changed(self) -> None:
        for watcher in self.watchers:
            watcher()

    def _tell(self, what: str, incident: Incident, by: User | None) -> None:
        self._send(what, incident, by, self.shapes.hooked(incident))

    def _send(self, what: str, incident: Incident, by: User | None, data: Json) -> None:
        agent = self.shapes.user_reference(by) if by else self.shapes.service_reference(incident.service)
        self.hooks.send(f"incident.{what}", "incident", agent, data)

    # What goes wrong

    def fault(
        self,
        *,
        down: bool = False,
        rate_limited: float | None = None,
        slow: float = 0.0,
        cut: bool = False,
        lasts: bool = False,
    ) -> None:
        """Answer 503, refuse for so many seconds, be ``slow``, or do it and ``cut`` the line; none = well.

        A limit that ``lasts`` refuses until the next call of this, though it promises to be over after the seconds.
        """
        limit = exhausted(rate_limited, lasts=lasts)
        self.faults = PagerDutyFaults(down=down, rate_limited=limit, slow=slow, cut=cut)
