"""PagerDuty, spoken to through pdpyras: who is on call, and waking people (``pagerduty_paging``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from bot.adapters.pagerduty_paging import PagerDutyPaging
from bot.adapters.pagerduty_session import PagerDutySession, unreadable
from bot.adapters.reading import instant, items, line, piece, text, whole
from bot.ports import OnCall

PER_PAGE = 100
"""The most that PagerDuty's lists give at once."""

_MOMENT = timedelta(seconds=1)
"""How long a look at a schedule is: its answer names everybody with a shift within."""

_MOST_PAGES = 10


class PagerDutyPager(PagerDutyPaging):
    """The Pager port. ``base_url`` is the REST API's, ``events_url`` that of Events v2; ``timeout`` is seconds a call.

    Without ``from_email`` (a user of the account's, never somebody who is paged) nobody can be woken.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        from_email: str | None = None,
        routing_key: str | None = None,
        events_url: str = "https://events.pagerduty.com",
        timeout: float = 10.0,
    ) -> None:
        super().__init__(
            api_key,
            base_url,
            from_email=from_email,
            routing_key=routing_key,
            events_url=events_url,
            timeout=timeout,
        )
        self._reading = PagerDutySession(api_key, base_url, timeout=timeout, threads=1)
        """Apart from what wakes people, which waits for no question of who is on call."""

    async def close(self) -> None:
        """Let running calls end and close the connections."""
        await super().close()
        await self._reading.close()

    async def on_call(self, service: str) -> Sequence[OnCall]:
        """Who is on call now for a service, by its id, at the first level of its escalation policy; each once."""
        about = f"the service {service}"
        found = piece(await self._reading.get(f"/services/{quote(service, safe='')}", about), "service")
        policy = text(piece(found, "escalation_policy"), "id")
        if not policy:
            raise unreadable(about)
        listed = await self._on_calls(policy, about)
        people: dict[str, OnCall] = {}
        for one in listed:
            person = _on_call(one)
            if person is None or whole(one, "escalation_level") != 1:
                continue
            known = people.get(person.user)
            if known is None or (known.until is not None and (person.until is None or person.until > known.until)):
                people[person.user] = person
        return tuple(people.values())

    async def on_schedule(self, schedule: str, at: datetime) -> Sequence[OnCall]:
        """Whose shift it is at an instant by a schedule, by its id; nobody says until when."""
        about = f"the schedule {schedule}"
        path = f"/schedules/{quote(schedule, safe='')}/users"
        window = {"since": at.isoformat(), "until": (at + _MOMENT).isoformat()}
        answer = await self._reading.get(path, about, **window)
        if not isinstance(answer.get("users"), list):
            raise unreadable(about)
        found = (_on_call({"user": user}) for user in items(answer["users"]))
        return tuple(one for one in found if one is not None)

    async def _on_calls(self, policy: str, about: str) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for page in range(_MOST_PAGES):
            wanted = {"escalation_policy_ids[]": policy, "include[]": "users"}
            answer = await self._reading.get("/oncalls", about, **wanted, limit=PER_PAGE, offset=page * PER_PAGE)
            if not isinstance(answer.get("oncalls"), list):
                raise unreadable(about)
            found += items(answer["oncalls"])
            if answer.get("more") is not True:
                break
        return found


def _on_call(one: Mapping[str, Any]) -> OnCall | None:
    user = piece(one, "user")
    identity = text(user, "id")
    if not identity:
        return None
    return OnCall(
        user=identity,
        email=line(user, "email") or None,
        name=line(user, "name") or line(user, "summary") or identity,
        until=instant(one, "end"),
    )
