"""The Web API's views: modals opened by a trigger within three seconds, stacked at most three deep; App Home tabs.

A modal belongs to the person whose trigger opened it. Errors are those of the methods' reference.
"""

from __future__ import annotations

import itertools
import json
import secrets
import time
from dataclasses import dataclass, field

from bot.sandbox.slack_blocks import check_view
from bot.sandbox.slack_calls import Call, Refusal, answer, invalid_arguments
from bot.sandbox.slack_chat import refuse_blocks
from bot.sandbox.slack_shapes import stored_blocks
from bot.sandbox.world import APP_ID, BOT_ID, TEAM_ID, Json

TRIGGER_SECONDS = 3.0
DEEPEST = 3
LARGEST = 250_000


@dataclass(kw_only=True)
class Trigger:
    """What a person's act lets the app do once, for three seconds."""

    person: str
    made: float
    used: bool = False


@dataclass
class Views:
    """Triggers given out, views open, home tabs."""

    triggers: dict[str, Trigger] = field(default_factory=dict)
    open: dict[str, Json] = field(default_factory=dict)
    stacks: dict[str, list[str]] = field(default_factory=dict)
    homes: dict[str, Json] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def trigger(self, person: str) -> str:
        """A fresh trigger id for an act of this person."""
        if len(self.triggers) > 1000:
            for old in list(self.triggers)[:500]:
                del self.triggers[old]
        name = f"{next(self._numbers)}.{time.time_ns() // 1_000_000}.{secrets.token_hex(8)}"
        self.triggers[name] = Trigger(person=person, made=time.monotonic())
        return name

    def use_trigger(self, name: str) -> Trigger:
        """Spend a trigger, or refuse: unknown, spent, or older than three seconds."""
        trigger = self.triggers.get(name)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if time.monotonic() - trigger.made > TRIGGER_SECONDS:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger

    def store(self, view: Json, *, owner: str, keep_id: str | None = None) -> Json:
        """Keep a view as Slack does, with an id, a hash and its place in the stack."""
        external = view.get("external_id")
        taken = [one for one in self.open.values() if external and one["external_id"] == external]
        if any(one["id"] != keep_id for one in taken):
            raise Refusal("duplicate_external_id")
        identity = keep_id or f"V{next(self._numbers):08d}"
        stored: Json = {
            "id": identity,
            "team_id": TEAM_ID,
            "app_id": APP_ID,
            "app_installed_team_id": TEAM_ID,
            "bot_id": BOT_ID,
            "callback_id": "",
            "private_metadata": "",
            "external_id": "",
            "title": {"type": "plain_text", "text": "", "emoji": True},
            "close": None,
            "submit": None,
            "clear_on_close": False,
            "notify_on_close": False,
            "previous_view_id": None,
            "root_view_id": identity,
            **view,
            "blocks": stored_blocks(view["blocks"]),
            "state": {"values": {}},
            "hash": f"{int(time.time())}.{secrets.token_hex(4)}",
        }
        if keep_id is not None and keep_id in self.open:
            old = self.open[keep_id]
            stored |= {"root_view_id": old["root_view_id"], "previous_view_id": old["previous_view_id"]}
        self.open[identity] = stored
        stack = self.stacks.setdefault(owner, [])
        if view["type"] == "modal" and identity not in stack:
            if stack:
                stored |= {"root_view_id": stack[0], "previous_view_id": stack[-1]}
            stack.append(identity)
        return stored


def _view(call: Call, *types: str) -> Json:
    view = call.arguments.structure("view", error="invalid_arguments")
    if view is None:
        raise invalid_arguments("missing required field: view")
    refuse_blocks(check_view(view), error="invalid_arguments")
    if view["type"] not in types:
        raise invalid_arguments("unsupported view type [json-pointer:/view/type]")
    if len(json.dumps(view)) > LARGEST:
        raise Refusal("view_too_large")
    checked: Json = view
    return checked


def open_view(call: Call) -> Json:
    """``views.open``."""
    view = _view(call, "modal")
    trigger = call.slack.views.use_trigger(call.arguments.required("trigger_id"))
    call.slack.views.stacks[trigger.person] = []
    return answer(view=call.slack.views.store(view, owner=trigger.person))


def push(call: Call) -> Json:
    """``views.push``: at most three deep."""
    view = _view(call, "modal")
    trigger = call.slack.views.use_trigger(call.arguments.required("trigger_id"))
    if len(call.slack.views.stacks.get(trigger.person, [])) >= DEEPEST:
        raise Refusal("push_limit_reached")
    return answer(view=call.slack.views.store(view, owner=trigger.person))


def update(call: Call) -> Json:
    """``views.update`` by id or external id; an old ``hash`` is refused."""
    view = _view(call, "modal", "home")
    views = call.slack.views
    identity, external = call.arguments.string("view_id"), call.arguments.string("external_id")
    if identity is None and external is None:
        raise invalid_arguments("missing required field: view_id")
    old = views.open.get(identity or "") or next(
        (one for one in views.open.values() if external and one["external_id"] == external), None
    )
    if old is None:
        raise Refusal("not_found")
    seen = call.arguments.string("hash")
    if seen is not None and seen != old["hash"]:
        raise Refusal("hash_conflict")
    owner = next((person for person, stack in views.stacks.items() if old["id"] in stack), "")
    return answer(view=views.store(view, owner=owner, keep_id=old["id"]))


def publish(call: Call) -> Json:
    """``views.publish``: a person's home tab; an old ``hash`` is refused."""
    view = _view(call, "home")
    person = call.person("user_id", "invalid_arguments")
    views = call.slack.views
    old = views.homes.get(person.slack_id)
    seen = call.arguments.string("hash")
    if old is not None and seen is not None and seen != old["hash"]:
        raise Refusal("hash_conflict")
    stored = views.store(view, owner=person.slack_id, keep_id=old["id"] if old else None)
    views.homes[person.slack_id] = stored
    return answer(view=stored)
