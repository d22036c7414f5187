"""What the control door lets people do: each wish becomes one act in the stand-in Slack."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from bot.sandbox.control_wishes import inside, lasting, only, text, texts, values_of
from bot.sandbox.slack import Slack
from bot.sandbox.slack_sending import Answer
from bot.sandbox.world import Json

Act = Callable[[Slack, str, Json], Awaitable[Json]]
_PLACE = ("channel", "ts")
_ELEMENT = ("action_id", "block_id")


async def command(slack: Slack, person: str, wish: Json) -> Json:
    """Type a slash command."""
    words = text(wish, "text", "")
    return answered(await slack.command(person, text(wish, "command"), words, channel=_channel(wish)))


async def click(slack: Slack, person: str, wish: Json) -> Json:
    """Use an element of a message or of a view."""
    use = inside(wish, "click")
    chosen = [name for name in use if name.startswith("selected_")]
    only(use, (*_PLACE, "view_id", *_ELEMENT, "type", "chosen", "value", "values", *chosen), "click: ")
    common: dict[str, Any] = {
        "action_id": text(use, "action_id"),
        **texts(use, ("block_id", "chosen")),
        "choice": {name: value for name, value in use.items() if name in chosen or name == "value"},
        "values": values_of(use),
    }
    if "view_id" in use:
        return answered(await slack.click_view(person, text(use, "view_id"), **common))
    return answered(await slack.click(person, text(use, "channel"), text(use, "ts"), **common))


async def say(slack: Slack, person: str, wish: Json) -> Json:
    """Write a message."""
    message = await slack.say(person, text(wish, "say"), channel=_channel(wish), **texts(wish, ("thread_ts",)))
    return {"ts": message.ts}


async def react(slack: Slack, person: str, wish: Json) -> Json:
    """Put an emoji on a message, or take it off."""
    use = inside(wish, "react")
    only(use, (*_PLACE, "name", "remove"), "react: ")
    remove = bool(use.get("remove"))
    await slack.react(person, text(use, "channel"), text(use, "ts"), text(use, "name"), remove=remove)
    return {}


async def submit(slack: Slack, person: str, wish: Json) -> Json:
    """Submit a modal."""
    use = inside(wish, "submit")
    only(use, ("view_id", "values"), "submit: ")
    result = await slack.submit(person, text(use, "view_id"), values_of(use))
    return {
        "action": result.action,
        "errors": dict(result.errors),
        "status": result.answer.status,
        "view": result.view,
    }


async def close(slack: Slack, person: str, wish: Json) -> Json:
    """Cancel a modal, or close all."""
    use = inside(wish, "close")
    only(use, ("view_id", "all"), "close: ")
    return answered(await slack.close(person, text(use, "view_id"), everything=bool(use.get("all"))))


async def shortcut(slack: Slack, person: str, wish: Json) -> Json:
    """Use a shortcut."""
    use = inside(wish, "shortcut")
    only(use, ("callback_id", *_PLACE), "shortcut: ")
    return answered(await slack.shortcut(person, text(use, "callback_id"), message=_message(use)))


async def suggest(slack: Slack, person: str, wish: Json) -> Json:
    """Type into an external select."""
    use = inside(wish, "suggest")
    only(use, (*_PLACE, "view_id", *_ELEMENT, "value"), "suggest: ")
    found = await slack.suggest(
        person,
        text(use, "value", ""),
        action_id=text(use, "action_id"),
        message=_message(use),
        **texts(use, ("block_id", "view_id")),
    )
    told: Json = {"options": found.options, "status": found.answer.status}
    return told | {"option_groups": found.option_groups} if found.option_groups else told


async def read(slack: Slack, person: str, wish: Json) -> Json:
    """Look at a channel or conversation, as far as the message with this ``ts``."""
    use = inside(wish, "read")
    only(use, ("channel", "ts"), "read: ")
    slack.workspace.mark_read(person, text(use, "channel"), text(use, "ts"))
    return {}


async def join(slack: Slack, person: str, wish: Json) -> Json:
    """Come into a public channel."""
    slack.join(person, text(wish, "join"))
    return {}


async def leave(slack: Slack, person: str, wish: Json) -> Json:
    """Go out of a channel."""
    slack.leave(person, text(wish, "leave"))
    return {}


async def status(slack: Slack, person: str, wish: Json) -> Json:
    """Say in one's profile what one does (``text``, ``emoji``), for a while (``"for": "2h"``); neither clears it."""
    use = inside(wish, "status")
    only(use, ("text", "emoji", "for"), "status: ")
    until = slack.workspace.now() + int(lasting(use, "for").total_seconds()) if "for" in use else 0
    slack.set_status(person, text(use, "text", ""), text(use, "emoji", ""), until=until)
    return {"until": until}


async def home(slack: Slack, person: str, wish: Json) -> Json:
    """Open App Home."""
    statuses = await slack.open_home(person)
    return {"statuses": statuses, "view": slack.home(person)}


ACTS: dict[str, Act] = {
    "command": command,
    "click": click,
    "say": say,
    "react": react,
    "submit": submit,
    "close": close,
    "shortcut": shortcut,
    "suggest": suggest,
    "read": read,
    "join": join,
    "leave": leave,
    "status": status,
    "home": home,
}
ABOUT: dict[str, tuple[str, ...]] = {"command": ("text", "channel"), "say": ("channel", "thread_ts")}
"""What else may be said beside who does it."""


async def act(slack: Slack, wish: Json) -> Json:
    """Do what somebody (``as``) wishes; LookupError, ValueError or ConnectionError where it cannot be done."""
    wanted = [name for name in ACTS if name in wish]
    if len(wanted) != 1:
        raise ValueError(f"say what to do, one of: {', '.join([*ACTS, 'scene', 'pager'])}")
    only(wish, ("as", wanted[0], *ABOUT.get(wanted[0], ())))
    if "as" not in wish:
        raise ValueError(f"as: say who does it, one of {', '.join(one.key for one in slack.workspace.people.values())}")
    return await ACTS[wanted[0]](slack, text(wish, "as"), wish)


def answered(answer: Answer) -> Json:
    """An answer of the app, for the page."""
    return {"status": answer.status, "answer": answer.body, "at": time.time()}


def _channel(wish: Json) -> str:
    return text(wish, "channel", "#general")


def _message(use: Json) -> tuple[str, str] | None:
    return (text(use, "channel"), text(use, "ts")) if "ts" in use else None
