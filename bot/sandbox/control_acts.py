"""What the control door lets people do: each wish becomes one act in the stand-in Slack."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from bot.sandbox.slack import Slack
from bot.sandbox.slack_sending import Answer
from bot.sandbox.world import Json

Act = Callable[[Slack, str, Json], Awaitable[Json]]


async def command(slack: Slack, person: str, wish: Json) -> Json:
    """Type a slash command."""
    return answered(await slack.command(person, wish["command"], wish.get("text", ""), channel=_channel(wish)))


async def click(slack: Slack, person: str, wish: Json) -> Json:
    """Use an element of a message or of a view."""
    use = wish["click"]
    common: dict[str, Any] = {
        "action_id": use["action_id"],
        "block_id": use.get("block_id"),
        "chosen": use.get("chosen"),
        "choice": {name: value for name, value in use.items() if name.startswith("selected_") or name == "value"},
        "values": use.get("values"),
    }
    if "view_id" in use:
        return answered(await slack.click_view(person, use["view_id"], **common))
    return answered(await slack.click(person, use["channel"], use["ts"], **common))


async def say(slack: Slack, person: str, wish: Json) -> Json:
    """Write a message."""
    message = await slack.say(person, wish["say"], channel=_channel(wish), thread_ts=wish.get("thread_ts"))
    return {"ts": message.ts}


async def react(slack: Slack, person: str, wish: Json) -> Json:
    """Put an emoji on a message, or take it off."""
    use = wish["react"]
    await slack.react(person, use["channel"], use["ts"], use["name"], remove=bool(use.get("remove")))
    return {}


async def submit(slack: Slack, person: str, wish: Json) -> Json:
    """Submit a modal."""
    use = wish["submit"]
    result = await slack.submit(person, use["view_id"], use.get("values") or {})
    return {
        "action": result.action,
        "errors": dict(result.errors),
        "status": result.answer.status,
        "view": result.view,
    }


async def close(slack: Slack, person: str, wish: Json) -> Json:
    """Cancel a modal, or close all."""
    use = wish["close"]
    return answered(await slack.close(person, use["view_id"], everything=bool(use.get("all"))))


async def shortcut(slack: Slack, person: str, wish: Json) -> Json:
    """Use a shortcut."""
    use = wish["shortcut"]
    message = (use["channel"], use["ts"]) if "ts" in use else None
    return answered(await slack.shortcut(person, use["callback_id"], message=message))


async def suggest(slack: Slack, person: str, wish: Json) -> Json:
    """Type into an external select."""
    use = wish["suggest"]
    found = await slack.suggest(
        person,
        use.get("value", ""),
        action_id=use["action_id"],
        block_id=use.get("block_id"),
        view_id=use.get("view_id"),
        message=(use["channel"], use["ts"]) if "ts" in use else None,
    )
    told: Json = {"options": found.options, "status": found.answer.status}
    return told | {"option_groups": found.option_groups} if found.option_groups else told


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
    "home": home,
}


async def act(slack: Slack, wish: Json) -> Json:
    """Do what somebody (``as``) wishes; LookupError, ValueError or ConnectionError where it cannot be done."""
    wanted = [name for name in ACTS if name in wish]
    if len(wanted) != 1:
        raise ValueError(f"say what to do, one of: {', '.join([*ACTS, 'scene'])}")
    return await ACTS[wanted[0]](slack, wish["as"], wish)


def answered(answer: Answer) -> Json:
    """An answer of the app, for the page."""
    return {"status": answer.status, "answer": answer.body, "at": time.time()}


def _channel(wish: Json) -> str:
    return str(wish.get("channel", "#general"))
