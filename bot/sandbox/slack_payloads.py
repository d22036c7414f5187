"""What an interaction tells the app: payloads as docs.slack.dev/reference/interaction-payloads gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bot.sandbox.slack_events import VERIFICATION_TOKEN
from bot.sandbox.slack_forms import State, field_of, initial_state, state_of, stateful
from bot.sandbox.slack_shapes import message_json
from bot.sandbox.world import APP_ID, TEAM_DOMAIN, TEAM_ID, Channel, Json, Message, Person

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack


class Payloads:
    """Writes what the app of one Slack is told."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def _of(self, kind: str, person: Person) -> Json:
        return {
            "type": kind,
            "user": {"id": person.slack_id, "username": person.key, "name": person.key, "team_id": person.team_id},
            "api_app_id": APP_ID,
            "token": VERIFICATION_TOKEN,
            "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _trigger(self, person: Person) -> Json:
        return {"trigger_id": self._slack.views.trigger(person.slack_id)}

    def _stamp(self) -> str:
        return f"{self._slack.workspace.clock.now().timestamp():.6f}"

    # Elements

    def action(self, block: Json, element: Json, use: Json, *, known: Mapping[str, Json]) -> Json:
        """One entry of ``actions``. ``use`` has ``chosen`` (an option's value), or fields such as ``selected_date``.

        LookupError for an option that is not there.
        """
        action: Json = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "action_ts": self._stamp(),
        }
        for name in ("text", "value", "style", "placeholder", "initial_option", "initial_options", "initial_date"):
            if name in element:
                action[name] = element[name]
        given = dict(use)
        chosen = given.pop("chosen", None)
        if element["type"] == "overflow":
            element = element | {"type": "static_select"}
        field = field_of(str(element["type"]))
        if chosen is not None:
            given[field] = chosen
        if field in given and field in ("selected_option", "selected_options"):
            given[field] = state_of(element, given[field], known=known)[field]
        return action | given

    def remember(self, state: State, block: Json, element: Json, action: Json) -> None:
        """Put what was chosen into the state."""
        field = field_of(str(element["type"]))
        if any(element is one for _, one in stateful([block])) and field in action:
            state[block["block_id"]][element["action_id"]] = {"type": element["type"], field: action[field]}

    def message_action(self, person: Person, channel: Channel, message: Message, action: Json) -> Json:
        """``block_actions`` from a message; an ephemeral one is told without its content."""
        ephemeral = message.ephemeral_for is not None
        payload = self._of("block_actions", person) | self._trigger(person)
        payload |= {
            "container": self._message_container(channel, message),
            "channel": _place(channel),
            "state": {"values": message.answers},
            "response_url": self._slack.responses.issue("actions", channel, person.slack_id, message),
            "actions": [action],
        }
        return payload if ephemeral else payload | {"message": message_json(message)}

    def view_action(self, person: Person, view: Json, state: State, action: Json) -> Json:
        """``block_actions`` from a view: no channel and no response_url."""
        payload = self._of("block_actions", person) | self._trigger(person)
        return payload | {
            "container": {"type": "view", "view_id": view["id"]},
            "view": view | {"state": {"values": state}},
            "actions": [action],
        }

    def suggestion(self, person: Person, block: Json, element: Json, text: str) -> Json:
        """``block_suggestion``, but for where it was typed."""
        return self._of("block_suggestion", person) | {
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "value": text,
        }

    def in_message(self, channel: Channel, message: Message) -> Json:
        """Where something was typed: a message."""
        return {
            "container": self._message_container(channel, message),
            "channel": _place(channel),
            "message": message_json(message),
        }

    def in_view(self, view: Json, state: State) -> Json:
        """Where something was typed: a view."""
        return {
            "container": {"type": "view", "view_id": view["id"]},
            "view": view | {"state": {"values": state}},
        }

    @staticmethod
    def _message_container(channel: Channel, message: Message) -> Json:
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": message.ephemeral_for is not None,
        }
        return container | {"thread_ts": message.thread_ts} if message.is_reply else container

    # Views

    def submission(self, person: Person, view: Json, state: State) -> Json:
        """``view_submission``; ``response_urls`` for conversations chosen where the view asked for them."""
        urls: list[Json] = []
        for block, element in stateful(view["blocks"]):
            field = field_of(str(element["type"]))
            chosen = state[block["block_id"]][element["action_id"]].get(field)
            if element.get("response_url_enabled") and chosen:
                channel = self._slack.workspace.channel(chosen)
                urls.append(
                    {
                        "block_id": block["block_id"],
                        "action_id": element["action_id"],
                        "channel_id": chosen,
                        "response_url": self._slack.responses.issue("actions", channel, person.slack_id),
                    }
                )
        payload = self._of("view_submission", person) | self._trigger(person)
        return payload | {"view": view | {"state": {"values": state}}, "response_urls": urls}

    def closed(self, person: Person, view: Json, state: State, *, cleared: bool) -> Json:
        """``view_closed``."""
        shown = view | {"state": {"values": state}}
        return self._of("view_closed", person) | {"view": shown, "is_cleared": cleared}

    # Shortcuts

    def _of_shortcut(self, kind: str, person: Person, name: str) -> Json:
        """What both kinds have: as clicks, but without the app's id, and a person by one of their names."""
        payload = self._of(kind, person) | self._trigger(person)
        del payload["api_app_id"]
        return payload | {"user": {"id": person.slack_id, name: person.key, "team_id": person.team_id}}

    def global_shortcut(self, person: Person, callback_id: str) -> Json:
        """``shortcut``: no channel, no response_url."""
        payload = self._of_shortcut("shortcut", person, "username")
        return payload | {"callback_id": callback_id, "action_ts": self._stamp()}

    def message_shortcut(self, person: Person, callback_id: str, channel: Channel, message: Message) -> Json:
        """``message_action``."""
        payload = self._of_shortcut("message_action", person, "name")
        return payload | {
            "callback_id": callback_id,
            "action_ts": self._stamp(),
            "message_ts": message.ts,
            "channel": _place(channel),
            "message": message_json(message),
            "response_url": self._slack.responses.issue("actions", channel, person.slack_id, message),
        }


def message_state(message: Message) -> State:
    """The state of a message's inputs, as far as they were used."""
    for block_id, elements in initial_state(message.blocks).items():
        kept = message.answers.setdefault(block_id, {})
        for action_id, shown in elements.items():
            kept.setdefault(action_id, shown)
    return message.answers


def _place(channel: Channel) -> Json:
    return {"id": channel.id, "name": place_name(channel)}


def place_name(channel: Channel) -> str:
    """What payloads call a conversation: a channel's name, or what kind of conversation it is."""
    if channel.person:
        return "directmessage"
    return "privategroup" if channel.private else channel.name
