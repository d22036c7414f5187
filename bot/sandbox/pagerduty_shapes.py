"""How PagerDuty writes its objects in JSON, for its REST API (version 2) and its webhooks (version 3)."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.sandbox.pagerduty_records import Entry, Incident, Json, Level, Policy, Responder, Service, User


def stamp(at: datetime) -> str:
    """PagerDuty's time in REST: seconds, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_CHANGES = ("trigger", "acknowledge", "resolve", "escalate")


class Shapes:
    """Writes objects with the addresses of one stand-in: ``api`` for REST, ``web`` for pages people open."""

    def __init__(self, api: str, web: str) -> None:
        self.api = api
        self.web = web

    def reference(self, kind: str, places: str, identity: str, summary: str) -> Json:
        """How one object stands inside another."""
        return {
            "id": identity,
            "type": f"{kind}_reference",
            "summary": summary,
            "self": f"{self.api}/{places}/{identity}",
            "html_url": f"{self.web}/{places}/{identity}",
        }

    def whole(self, kind: str, places: str, identity: str, summary: str) -> Json:
        """What every object begins with."""
        return self.reference(kind, places, identity, summary) | {"type": kind}

    def user_reference(self, user: User) -> Json:
        """A person inside something else."""
        return self.reference("user", "users", user.id, user.name)

    def service_reference(self, service: Service) -> Json:
        """A service inside something else."""
        return self.reference("service", "services", service.id, service.name)

    def policy_reference(self, policy: Policy) -> Json:
        """An escalation policy inside something else."""
        return self.reference("escalation_policy", "escalation_policies", policy.id, policy.name)

    def incident_reference(self, incident: Incident) -> Json:
        """An incident inside something else."""
        return self.reference("incident", "incidents", incident.id, incident.title)

    def user(self, user: User) -> Json:
        """A person."""
        return self.whole("user", "users", user.id, user.name) | {
            "name": user.name,
            "email": user.email,
            "time_zone": user.zone,
            "color": "green",
            "avatar_url": "",
            "billed": True,
            "role": user.role,
            "description": None,
            "invitation_sent": False,
            "job_title": None,
            "contact_methods": [],
            "notification_rules": [],
            "teams": [],
        }

    def service(self, service: Service) -> Json:
        """A service."""
        return self.whole("service", "services", service.id, service.name) | {
            "name": service.name,
            "description": None,
            "auto_resolve_timeout": None,
            "acknowledgement_timeout": None,
            "created_at": stamp(service.created_at),
            "status": "active",
            "escalation_policy": self.policy_reference(service.policy),
            "incident_urgency_rule": {"type": "constant", "urgency": service.urgency},
            "alert_creation": "create_alerts_and_incidents",
            "integrations": [],
            "teams": [],
        }

    def policy(self, policy: Policy) -> Json:
        """An escalation policy."""
        return self.whole("escalation_policy", "escalation_policies", policy.id, policy.name) | {
            "name": policy.name,
            "escalation_rules": [
                {
                    "id": f"{policy.id}L{number}",
                    "escalation_delay_in_minutes": int(level.patience.total_seconds() // 60),
                    "targets": [self.user_reference(user) for user in level.on_call],
                }
                for number, level in enumerate(policy.levels, 1)
            ],
            "num_loops": policy.loops,
            "on_call_handoff_notifications": "if_has_services",
            "services": [],
            "teams": [],
            "description": None,
        }

    def on_call(self, policy: Policy, number: int, level: Level) -> list[Json]:
        """Who is on call at one level: always, since the policy names them and no schedule does."""
        return [
            {
                "escalation_policy": self.policy_reference(policy),
                "escalation_level": number,
                "schedule": None,
                "user": self.user_reference(user),
                "start": None,
                "end": None,
            }
            for user in level.on_call
        ]

    def incident(self, incident: Incident) -> Json:
        """An incident."""
        shape = self.whole("incident", "incidents", incident.id, f"[#{incident.number}] {incident.title}") | {
            "incident_number": incident.number,
            "title": incident.title,
            "description": incident.title,
            "created_at": stamp(incident.created_at),
            "updated_at": stamp(incident.changed_at),
            "status": incident.status,
            "incident_key": incident.key,
            "service": self.service_reference(incident.service),
            "assignments": [{"at": stamp(at), "assignee": self.user_reference(user)} for user, at in incident.assigned],
            "assigned_via": "escalation_policy" if incident.escalates else "direct_assignment",
            "last_status_change_at": stamp(incident.changed_at),
            "resolved_at": stamp(incident.resolved_at) if incident.resolved_at else None,
            "acknowledgements": [
                {"at": stamp(at), "acknowledger": self.user_reference(user)} for user, at in incident.acknowledged
            ],
            "last_status_change_by": self._changer(incident),
            "first_trigger_log_entry": {"id": incident.log[0].id, "type": "trigger_log_entry_reference"}
            if incident.log
            else None,
            "escalation_policy": self.policy_reference(incident.policy),
            "teams": [],
            "pending_actions": self._pending(incident),
            "alert_counts": {"all": 0, "triggered": 0, "resolved": 0},
            "urgency": incident.urgency,
            "is_mergeable": True,
            "priority": None,
            "incidents_responders": [self.responder(incident, one) for one in incident.responders],
            "responder_requests": [],
            "resolve_reason": None,
        }
        if incident.details is not None:
            shape["body"] = {"type": "incident_body", "details": incident.details}
        return shape

    def _changer(self, incident: Incident) -> Json:
        """Whoever last changed its status; the service itself where nobody did."""
        changes = (entry for entry in reversed(incident.log) if entry.kind in _CHANGES)
        by = next((entry.by for entry in changes), None)
        return self.user_reference(by) if by is not None else self.service_reference(incident.service)

    @staticmethod
    def _pending(incident: Incident) -> list[Json]:
        """What PagerDuty is about to do by itself, and when."""
        last = incident.level == len(incident.policy.levels) and incident.loops >= incident.policy.loops
        moves = incident.escalates and incident.status == "triggered" and incident.urgency == "high"
        if not moves or last or not incident.assigned:
            return []
        at = incident.assigned[0][1] + incident.policy.levels[incident.level - 1].patience
        return [{"type": "escalate", "at": stamp(at)}]

    def responder(self, incident: Incident, responder: Responder) -> Json:
        """Somebody whose help was asked for."""
        return {
            "state": responder.state,
            "user": self.user_reference(responder.user),
            "incident": self.incident_reference(incident),
            "updated_at": stamp(responder.at),
            "message": responder.message,
            "requester": self.user_reference(responder.requester),
            "requested_at": stamp(responder.at),
        }

    def entry(self, incident: Incident, entry: Entry) -> Json:
        """A line of the log."""
        agent = self.user_reference(entry.by) if entry.by else self.service_reference(incident.service)
        return self.whole(f"{entry.kind}_log_entry", "log_entries", entry.id, entry.summary) | {
            "created_at": stamp(entry.at),
            "agent": agent,
            "channel": {"type": "api"},
            "service": self.service_reference(incident.service),
            "incident": self.incident_reference(incident),
            "teams": [],
            "contexts": [],
        }

    def hooked(self, incident: Incident) -> Json:
        """An incident as a webhook carries it."""
        return {
            "id": incident.id,
            "type": "incident",
            "self": f"{self.api}/incidents/{incident.id}",
            "html_url": f"{self.web}/incidents/{incident.id}",
            "number": incident.number,
            "status": incident.status,
            "incident_key": incident.key,
            "created_at": stamp(incident.created_at),
            "title": incident.title,
            "incident_type": {"name": "incident_default"},
            "service": self.service_reference(incident.service),
            "assignees": [self.user_reference(user) for user in incident.assignees],
            "escalation_policy": self.policy_reference(incident.policy),
            "teams": [],
            "priority": None,
            "urgency": incident.urgency,
            "conference_bridge": None,
            "resolve_reason": None,
        }
