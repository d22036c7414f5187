"""What each scope is for that incidents' rooms need: the scene that cannot be played without it, by the adapter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.slack import SlackChat
from bot.errors import Unauthorised
from bot.ports import Message
from bot.rendering import manifest_file
from bot.sandbox.server import Sandbox
from bot.sandbox.slack_manifest import read_manifest
from tests.conftest import UNHURRIED, unhurried

WRITTEN = yaml.safe_load(manifest_file().read_text(encoding="utf-8"))
GRANTED = frozenset(WRITTEN["oauth_config"]["scopes"]["bot"])

Scene = Callable[[Sandbox, SlackChat], Awaitable[None]]


class Lacking(Exception):
    """Slack refused for want of this scope, or did not tell of something."""


def _room(*, private: bool) -> Scene:
    async def scene(sandbox: Sandbox, chat: SlackChat) -> None:
        """A room is made, Ana is let in, it says what it is about, and in the end it is closed."""
        room = await chat.open_room("inc-checkout-5xx", "room:7", private=private)
        assert await chat.invite(room.channel, ["U0ANA"]) == {}
        await chat.set_topic(room.channel, "SEV3")
        await chat.archive(room.channel)
        made = sandbox.world.channels[room.channel]
        assert (made.private, made.topic, made.archived, "U0ANA" in made.members) == (private, "SEV3", True, True)

    return scene


async def _pinned(sandbox: Sandbox, chat: SlackChat) -> None:
    """The card stands on top of the room."""
    room = await chat.open_room("inc-checkout-5xx", "room:7", private=False)
    at = await chat.post(room.channel, Message(text="checkout 5xx", blocks=[], key="card:7"))
    await chat.pin(at)
    assert sandbox.slack.messages(room.name)[0].pinned_at is not None


async def _bookmarked(sandbox: Sandbox, chat: SlackChat) -> None:
    """The runbook stands in the room's head, once."""
    room = await chat.open_room("inc-checkout-5xx", "room:7", private=False)
    for _ in range(2):
        await chat.bookmark(room.channel, "Runbook", "https://runbooks.example/checkout")
    assert len(sandbox.world.channels[room.channel].bookmarks) == 1


def _documented(*, paid: bool) -> Scene:
    async def scene(sandbox: Sandbox, chat: SlackChat) -> None:
        """The postmortem's draft lies in the room: as its canvas, or as a file where the plan has none."""
        sandbox.slack.paid_plan = paid
        room = await chat.open_room("inc-checkout-5xx", "room:7", private=False)
        assert await chat.put_document(room.channel, "Postmortem", "# Draft", "Draft") is not None
        shared = [file.name for one in sandbox.slack.messages(room.name) for file in one.files]
        assert (sandbox.world.channels[room.channel].canvas is not None, shared) == (
            (True, []) if paid else (False, ["postmortem.md"])
        )

    return scene


async def _written_on(sandbox: Sandbox, chat: SlackChat) -> None:
    """The draft of another end comes below the first one, once."""
    room = await chat.open_room("inc-checkout-5xx", "room:7", private=False)
    for text in ("First", "Second", "Second"):
        await chat.put_document(room.channel, "Postmortem", f"# {text}", text)
    canvas = sandbox.world.channels[room.channel].canvas
    assert canvas is not None
    assert canvas.markdown == "# First\n---\n\n# Second"


async def _kept(sandbox: Sandbox, chat: SlackChat) -> None:
    """Ana puts a pin on what Ben said, and the app is told."""
    del chat
    bodies: list[dict[str, object]] = []

    async def hear(request: web.Request) -> web.Response:
        bodies.append((await request.json())["event"])
        return web.Response()

    application = web.Application()
    application.router.add_post("/slack/events", hear)
    async with TestServer(application, host="127.0.0.1") as app:
        sandbox.connect(str(app.make_url("")))
        said = await sandbox.slack.say("ben", "I see time-outs", channel="#deploys")
        await sandbox.slack.react("ana", "#deploys", said.ts, "pushpin")

        for _ in range(3):  # what happened long before these is told by then, if it is told at all
            before = len(bodies)
            sandbox.slack.leave("eve", "#deploys")
            sandbox.slack.join("eve", "#deploys")
            await _more_than(bodies, before, sandbox)
        if not any(one["type"] == "reaction_added" for one in bodies):
            raise Lacking("reactions:read")


async def _more_than(bodies: list[dict[str, object]], before: int, sandbox: Sandbox) -> None:
    await sandbox.slack.until(lambda: len(bodies) > before)


NEEDED: Mapping[str, Scene] = MappingProxyType(
    {
        "bookmarks:read": _bookmarked,
        "bookmarks:write": _bookmarked,
        "canvases:read": _written_on,
        "canvases:write": _documented(paid=True),
        "channels:manage": _room(private=False),
        "files:write": _documented(paid=False),
        "groups:write": _room(private=True),
        "pins:write": _pinned,
        "reactions:read": _kept,
    }
)


@pytest.mark.parametrize("scope", sorted(NEEDED))
async def test_with_the_whole_manifest_the_scene_plays_and_without_the_scope_it_does_not(scope: str) -> None:
    """Played twice: as the manifest asks, and without this one scope, which is named."""
    await _played(scope, GRANTED)
    with pytest.raises((Lacking, Unauthorised), match=scope):
        await _played(scope, GRANTED - {scope})


async def _played(scope: str, granted: frozenset[str]) -> None:
    async with unhurried(scopes=granted, manifest=read_manifest(WRITTEN)) as sandbox:
        chat = SlackChat(sandbox.slack.bot_token, f"{sandbox.url}/api/", timeout=UNHURRIED)
        try:
            await NEEDED[scope](sandbox, chat)
        finally:
            await chat.close()
