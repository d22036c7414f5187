"""The control door, ``/_sandbox/*``: read everything, act as a person, switch faults, follow along live.

For the page and for tests in other processes. It trusts whoever reaches it: the sandbox is on loopback only.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from bot.sandbox.control_acts import act
from bot.sandbox.control_clock import ClockDoor
from bot.sandbox.control_faults import FaultDoor
from bot.sandbox.control_pager import pick_up, told
from bot.sandbox.control_requests import RequestsDoor
from bot.sandbox.control_wishes import only, pace, refusal, text, wish_of
from bot.sandbox.exchanges import Exchange, to_page
from bot.sandbox.slack_shapes import page_json
from bot.sandbox.story import SCENES, Scene
from bot.sandbox.world import BOT_USER_ID, TEAM_NAME, Channel, Json, Message, Person

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

log = logging.getLogger(__name__)
QUEUED = 10_000
"""A page that falls further behind than this is let go; it connects again and gets everything anew."""


class Control:
    """Answers the control door for one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._followers: set[asyncio.Queue[Json | None]] = set()
        self._scenes: dict[str, asyncio.Task[None]] = {}
        self._pager_told: asyncio.Handle | None = None
        self._faults = FaultDoor(sandbox, self._faults_changed)
        logs = [
            sandbox.slack.log, sandbox.github.log, sandbox.pagerduty.log, sandbox.monitoring.log, sandbox.flags.log,
        ]  # fmt: skip
        self._requests = RequestsDoor(logs)
        sandbox.world.watchers.append(self._message_changed)
        sandbox.world.place_watchers.append(self._place_changed)
        sandbox.slack.views.watchers.append(self._view_changed)
        sandbox.world.read_watchers.append(self._was_read)
        for kept in logs:
            kept.watchers.append(self._exchanged)
        sandbox.clock.watchers.append(self._clock_changed)
        sandbox.world.people_watchers.append(self._person_changed)
        sandbox.pagerduty.watchers.append(self._pager_changed)

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.get("/_sandbox/messages", self._messages),
            web.post("/_sandbox/act", self._act),
            web.get("/_sandbox/live", self._live),
            *self._faults.routes(),
            *self._requests.routes(),
            *ClockDoor(self._sandbox.clock).routes(),
        ]

    async def close(self) -> None:
        """End every scene and every follower."""
        for task in self._scenes.values():
            task.cancel()
        await asyncio.gather(*self._scenes.values(), return_exceptions=True)
        for follower in self._followers:
            follower.put_nowait(None)

    # Reading

    async def _messages(self, request: web.Request) -> web.Response:
        return web.json_response(self.snapshot())

    def snapshot(self) -> Json:
        """Everything the page draws."""
        world = self._sandbox.world
        sent = self._requests.before()
        return {
            "workspace": {"name": TEAM_NAME, "bot": BOT_USER_ID},
            "people": [_person(person) for person in world.people.values() if not person.deactivated],
            "pager": told(self._sandbox.pagerduty),
            "channels": [_channel(channel) for channel in world.channels.values()],
            "messages": {
                channel.id: [page_json(message) for message in world.everything(channel)]
                for channel in world.channels.values()
            },
            **self._app(),
            "clock": self._sandbox.clock.told(),
            "scenes": [{"name": name, "summary": scene.summary} for name, scene in SCENES.items()],
            "playing": [name for name, task in self._scenes.items() if not task.done()],
            "read": {person: dict(marks) for person, marks in world.read_marks.items()},
            "requests": sent["requests"],
            "requests_total": sent["total"],
        }

    def _app(self) -> Json:
        """What the app offers and has open, the user groups, and what is wrong."""
        slack = self._sandbox.slack
        return {
            "commands": [
                {"command": one.command, "description": one.description, "usage_hint": one.usage_hint}
                for one in slack.manifest.commands or ()
            ],
            "shortcuts": [
                {
                    "name": one.name,
                    "type": one.type,
                    "callback_id": one.callback_id,
                    "description": one.description,
                }
                for one in slack.manifest.shortcuts or ()
            ],
            "home_tab": slack.manifest.home_tab,
            "messages_read_only": slack.manifest.messages_read_only or not slack.manifest.messages_tab,
            "views": {person: self._stack(person) for person in slack.views.stacks if slack.views.stacks[person]},
            "homes": {person: _owned(view, person) for person, view in slack.views.homes.items()},
            "usergroups": [
                {"id": one.id, "handle": one.handle, "name": one.name, "users": one.users}
                for one in self._sandbox.world.usergroups.values()
                if not one.disabled
            ],
            "faults": self._faults.listed(),
        }

    def _stack(self, person: str) -> list[Json]:
        return [_owned(view, person) for view in self._sandbox.slack.views.stack(person)]

    # Acting

    async def _act(self, request: web.Request) -> web.Response:
        try:
            wish = await wish_of(request)
            if "scene" in wish:
                only(wish, ("as", "scene", "pace"))
                done = self.play(text(wish, "scene"), pace=pace(wish, self._sandbox.pace))
            elif "pager" in wish:
                done = pick_up(self._sandbox.pagerduty, wish)
            else:
                done = await act(self._sandbox.slack, wish)
            return web.json_response({"ok": True, **done})
        except (LookupError, ValueError, TypeError, ConnectionError) as error:
            return refusal(error)

    def play(self, name: str, *, pace: float) -> Json:
        """Begin a scene, unless it is playing already; LookupError if there is none of that name."""
        scene = SCENES.get(name)
        if scene is None:
            raise LookupError(f"there is no scene {name!r}; there are {', '.join(SCENES)}")
        playing = self._scenes.get(name)
        if playing is not None and not playing.done():
            return {"scene": name, "state": "playing"}

        self._publish({"type": "scene", "name": name, "state": "playing"})
        task = asyncio.get_running_loop().create_task(self._play(scene, pace))
        task.add_done_callback(lambda done: self._played(name, done))
        self._scenes[name] = task
        return {"scene": name, "state": "playing"}

    async def _play(self, scene: Scene, pace: float) -> None:
        await scene.play(self._sandbox, pace)

    def _played(self, name: str, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("the scene %r broke off", name, exc_info=error)
            self._publish({"type": "scene", "name": name, "state": "failed", "error": str(error)})
        else:
            self._publish({"type": "scene", "name": name, "state": "done"})

    # Following along

    async def _live(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        queue: asyncio.Queue[Json | None] = asyncio.Queue(QUEUED)
        snapshot = json.dumps({"type": "snapshot", **self.snapshot()})
        self._followers.add(queue)  # before it is sent: what happens meanwhile is told after it
        reading = asyncio.create_task(_until_closed(socket, queue))
        try:
            await socket.send_str(snapshot)
            while (event := await queue.get()) is not None:
                await socket.send_str(json.dumps(event))
        except ConnectionError:
            pass
        finally:
            self._followers.discard(queue)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await socket.close()
        return socket

    def _publish(self, event: Json) -> None:
        self._tell(lambda: event)

    def _tell(self, make: Callable[[], Json]) -> None:
        if not self._followers:
            return
        event = make()
        for follower in list(self._followers):
            if follower.full():
                self._followers.discard(follower)
                follower.get_nowait()
                follower.put_nowait(None)
            else:
                follower.put_nowait(event)

    def _message_changed(self, message: Message) -> None:
        def make() -> Json:
            kind = "message" if message.ephemeral_for is None else "ephemeral"
            place = _channel(self._sandbox.world.channels[message.channel])
            return {"type": kind, "channel": message.channel, "place": place, "message": page_json(message)}

        self._tell(make)

    def _place_changed(self, channel: Channel) -> None:
        self._tell(lambda: {"type": "channel", "place": _channel(channel)})

    def _person_changed(self, person: Person) -> None:
        self._tell(lambda: {"type": "person", "person": _person(person)})

    def _pager_changed(self) -> None:
        """Once for all that happens at the same time: an incident that opens changes several times."""
        if self._pager_told is None and self._followers:
            self._pager_told = asyncio.get_running_loop().call_soon(self._tell_of_pager)

    def _tell_of_pager(self) -> None:
        self._pager_told = None
        self._tell(lambda: {"type": "pager", "pager": told(self._sandbox.pagerduty)})

    def _was_read(self, person: str, channel: str, ts: str) -> None:
        self._tell(lambda: {"type": "read", "person": person, "channel": channel, "ts": ts})

    def _view_changed(self, kind: str, person: str) -> None:
        def make() -> Json:
            if kind == "modal":
                return {"type": "view", "person": person, "stack": self._stack(person)}
            return {"type": "home", "person": person, "view": _owned(self._sandbox.slack.views.homes[person], person)}

        self._tell(make)

    def _faults_changed(self) -> None:
        self._tell(lambda: {"type": "faults", "faults": self._faults.listed()})

    def _clock_changed(self) -> None:
        self._tell(lambda: {"type": "clock", "clock": self._sandbox.clock.told()})

    def _exchanged(self, exchange: Exchange) -> None:
        self._tell(lambda: {"type": "request", **to_page(exchange)})


async def _until_closed(socket: web.WebSocketResponse, queue: asyncio.Queue[Json | None]) -> None:
    async for frame in socket:
        if frame.type is WSMsgType.ERROR:
            break
    await queue.put(None)


def _person(person: Person) -> Json:
    return {
        "id": person.slack_id,
        "key": person.key,
        "name": person.name,
        "real_name": person.real_name,
        "avatar_color": f"#{person.colour}",
        "email": person.email,
        "tz": person.zone,
        "guest": person.guest or person.single_channel_guest,
        "stranger": person.stranger,
        "status": person.status,
        "status_emoji": person.status_emoji,
    }


def _channel(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "person": channel.person,
        "members": sorted(channel.members),
        "private": channel.private,
        "archived": channel.archived,
        "topic": channel.topic,
        "purpose": channel.purpose,
        "bookmarks": [{"title": one["title"], "link": one["link"], "emoji": one["emoji"]} for one in channel.bookmarks],
        "canvas": {"title": channel.canvas.title, "markdown": channel.canvas.markdown} if channel.canvas else None,
    }


def _owned(view: Json, person: str) -> Json:
    return {**view, "person": person}
