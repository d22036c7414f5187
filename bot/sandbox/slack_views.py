"""Views: modals opened by a trigger within three seconds, stacked at most three deep; App Home tabs; what is filled in.

A modal belongs to the person whose trigger opened it. docs.slack.dev/surfaces/modals and the reference of views.*.
Decided here: a modal opened while others are open takes their place; pushing where nothing is open is ``not_found``.
"""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack_blocks import check_view
from bot.sandbox.slack_calls import Call, Refusal, answer, invalid_arguments
from bot.sandbox.slack_chat import refuse_blocks
from bot.sandbox.slack_forms import State, kept_state
from bot.sandbox.slack_shapes import stored_blocks
from bot.sandbox.world import APP_ID, BOT_ID, TEAM_ID, Json

TRIGGER_SECONDS = 3.0
DEEPEST = 3
LARGEST = 250_000
"""Of a view's JSON, in bytes."""


@dataclass(kw_only=True)
class Trigger:
    """What a person's act lets the app do once, for three seconds."""

    person: str
    made: float
    used: bool = False


@dataclass
class Views:
    """Triggers given out, views open, home tabs, what people filled in, and the options once suggested to them.

    ``watchers`` hear of each change: the kind (``modal`` or ``home``) and whose it is. ``patience`` is how long a
    trigger may be used (real seconds).
    """

    triggers: dict[str, Trigger] = field(default_factory=dict)
    open: dict[str, Json] = field(default_factory=dict)
    stacks: dict[str, list[str]] = field(default_factory=dict)
    homes: dict[str, Json] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    suggested: dict[str, dict[str, Json]] = field(default_factory=dict)
    watchers: list[Callable[[str, str], None]] = field(default_factory=list)
    patience: float = TRIGGER_SECONDS
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # Triggers

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
        if time.monotonic() - trigger.made > self.patience:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger

    # Modals

    def stack(self, person: str) -> list[Json]:
        """A person's open modals, the last one on top."""
        return [self.open[name] for name in self.stacks.get(person, [])]

    def owner(self, identity: str) -> str | None:
        """Whose view this is, if it is open."""
        for person, stack in self.stacks.items():
            if identity in stack:
                return person
        return next((person for person, home in self.homes.items() if home["id"] == identity), None)

    def begin(self, view: Json, person: str) -> Json:
        """Open a modal; what the person had open is gone."""
        self._free_external_id(view, None)
        self._forget(person, 0)
        return self._put_on_top(view, person)

    def push(self, view: Json, person: str) -> Json:
        """Put a modal on top of the person's others, or refuse."""
        stack = self.stacks.get(person, [])
        if not stack:
            raise Refusal("not_found")
        if len(stack) >= DEEPEST:
            raise Refusal("push_limit_reached")
        self._free_external_id(view, None)
        return self._put_on_top(view, person)

    def _put_on_top(self, view: Json, person: str) -> Json:
        stack = self.stacks.setdefault(person, [])
        stored = self._stored(view, f"V{next(self._numbers):08d}")
        if stack:
            stored |= {"root_view_id": stack[0], "previous_view_id": stack[-1]}
        stack.append(stored["id"])
        self._keep(stored)
        self._tell("modal", person)
        return stored

    def replace(self, old: Json, view: Json) -> Json:
        """Put a view in another's place, with its id; what was filled in stays where the inputs are the same."""
        self._free_external_id(view, old["id"])
        stored = self._stored(view, old["id"])
        stored |= {"root_view_id": old["root_view_id"], "previous_view_id": old["previous_view_id"]}
        self._keep(stored)
        person = self.owner(old["id"]) or ""
        if stored["type"] == "home":
            self.homes[person] = stored
        self._tell(stored["type"], person)
        return stored

    def pop(self, person: str) -> None:
        """Close the modal on top."""
        self._forget(person, max(0, len(self.stacks.get(person, [])) - 1))
        self._tell("modal", person)

    def clear(self, person: str) -> None:
        """Close all of a person's modals."""
        self._forget(person, 0)
        self._tell("modal", person)

    def _forget(self, person: str, left: int) -> None:
        stack = self.stacks.get(person, [])
        for name in stack[left:]:
            self.open.pop(name, None)
            self.states.pop(name, None)
        del stack[left:]

    # Home tabs

    def publish(self, view: Json, person: str) -> Json:
        """Show a person's home tab."""
        old = self.homes.get(person)
        self._free_external_id(view, old["id"] if old else None)
        stored = self._stored(view, old["id"] if old else f"V{next(self._numbers):08d}")
        self.homes[person] = stored
        self._keep(stored)
        self._tell("home", person)
        return stored

    # Both

    def find(self, identity: str) -> Json | None:
        """The open view or home tab with this id."""
        return self.open.get(identity)

    def _keep(self, stored: Json) -> None:
        identity = stored["id"]
        self.open[identity] = stored
        self.states[identity] = kept_state(stored["blocks"], self.states.get(identity, {}))

    def _free_external_id(self, view: Json, keep: str | None) -> None:
        external = view.get("external_id")
        if external and any(one["external_id"] == external and one["id"] != keep for one in self.open.values()):
            raise Refusal("duplicate_external_id")

    def _stored(self, view: Json, identity: str) -> Json:
        """A view as Slack keeps it, with an id, a hash and its place in the stack."""
        modal: Json = {
            "title": {"type": "plain_text", "text": "", "emoji": True},
            "close": None,
            "submit": None,
            "submit_disabled": False,
        }
        return {
            "id": identity,
            "team_id": TEAM_ID,
            "app_id": APP_ID,
            "app_installed_team_id": TEAM_ID,
            "bot_id": BOT_ID,
            "callback_id": "",
            "private_metadata": "",
            "external_id": "",
            **modal,
            "clear_on_close": False,
            "notify_on_close": False,
            "previous_view_id": None,
            "root_view_id": identity,
            **view,
            "blocks": stored_blocks(view["blocks"]),
            "state": {"values": {}},
            "hash": f"{int(time.time())}.{secrets.token_hex(4)}",
        }

    def _tell(self, kind: str, person: str) -> None:
        for watcher in self.watchers:
            watcher(kind, person)


def checked_view(view: Any, *types: str) -> Json:
    """A view that keeps every rule, or the refusal that lists those it breaks."""
    refuse_blocks(check_view(view), error="invalid_arguments")
    if view["type"] not in types:
        raise invalid_arguments("unsupported view type [json-pointer:/view/type]")
    if len(json.dumps(view).encode()) > LARGEST:
        raise Refusal("view_too_large")
    checked: Json = view
    return checked


def _view(call: Call, *types: str) -> Json:
    view = call.arguments.structure("view", error="invalid_arguments")
    if view is None:
        raise invalid_arguments("missing required field: view")
    return checked_view(view, *types)


def _trigger(call: Call) -> Trigger:
    name = call.arguments.string("trigger_id") or call.arguments.string("interactivity_pointer")
    if name is None:
        raise invalid_arguments("missing required field: trigger_id")
    return call.slack.views.use_trigger(name)


def open_view(call: Call) -> Json:
    """``views.open``."""
    view = _view(call, "modal")
    return answer(view=call.slack.views.begin(view, _trigger(call).person))


def push(call: Call) -> Json:
    """``views.push``: at most three deep."""
    view = _view(call, "modal")
    return answer(view=call.slack.views.push(view, _trigger(call).person))


def update(call: Call) -> Json:
    """``views.update`` by id or external id; an old ``hash`` is refused."""
    views = call.slack.views
    identity, external = call.arguments.string("view_id"), call.arguments.string("external_id")
    if identity is None and external is None:
        raise invalid_arguments("missing required field: view_id")
    view = _view(call, "modal", "home")
    old = views.find(identity or "") or next(
        (one for one in views.open.values() if external and one["external_id"] == external), None
    )
    if old is None:
        raise Refusal("not_found")
    if view["type"] != old["type"]:
        raise invalid_arguments("unsupported view type [json-pointer:/view/type]")
    _same_hash(call, old)
    return answer(view=views.replace(old, view))


def publish(call: Call) -> Json:
    """``views.publish``: a person's home tab; an old ``hash`` is refused."""
    view = _view(call, "home")
    if not call.slack.manifest.home_tab:
        raise Refusal("not_enabled")
    who = call.arguments.required("user_id")
    if who not in call.slack.workspace.people:
        raise invalid_arguments("user not found [json-pointer:/user_id]")
    old = call.slack.views.homes.get(who)
    if old is not None:
        _same_hash(call, old)
    return answer(view=call.slack.views.publish(view, who))


def _same_hash(call: Call, old: Json) -> None:
    seen = call.arguments.string("hash")
    if seen is not None and seen != old["hash"]:
        raise Refusal("hash_conflict")
