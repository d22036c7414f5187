"""The control door, ``/_sandbox/*``: read everything, act as a person, switch faults, follow along live.

For the page and for tests in other processes. It trusts whoever reaches it: the sandbox is on loopback only.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from bot.sandbox.exchanges import Exchange, to_page
from bot.sandbox.faults import FaultKind
from bot.sandbox.github import now
from bot.sandbox.slack_interactions import Answer
from bot.sandbox.slack_shapes import page_json
from bot.sandbox.story import SCENES, Scene
from bot.sandbox.world import BOT_USER_ID, TEAM_NAME, Channel, Json, Message

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

log = logging.getLogger(__name__)
REQUESTS_SHOWN = 200
QUEUED = 10_000
"""A page that falls further behind than this is let go; it connects again and gets everything anew."""


class Control:
    """Answers the control door for one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._followers: set[asyncio.Queue[Json | None]] = set()
        self._scenes: dict[str, asyncio.Task[None]] = {}
        sandbox.world.watchers.append(self._message_changed)
        sandbox.slack.log.watchers.append(self._exchanged)
        sandbox.github.log.watchers.append(self._exchanged)

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.get("/_sandbox/messages", self._messages),
            web.post("/_sandbox/act", self._act),
            web.post("/_sandbox/fault", self._fault),
            web.delete("/_sandbox/fault", self._no_fault),
            web.get("/_sandbox/clock", self._clock),
            web.get("/_sandbox/live", self._live),
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

    async def _clock(self, request: web.Request) -> web.Response:
        return web.json_response({"now": now().isoformat()})

    def snapshot(self) -> Json:
        """Everything the page draws."""
        world = self._sandbox.world
        requests = [*list(self._sandbox.slack.log.rows), *list(self._sandbox.github.log.rows)]
        requests.sort(key=lambda exchange: exchange.at)
        return {
            "workspace": {"name": TEAM_NAME, "bot": BOT_USER_ID},
            "people": [
                {
                    "id": person.slack_id,
                    "key": person.key,
                    "name": person.name,
                    "real_name": person.real_name,
                    "avatar_color": f"#{person.colour}",
                    "email": person.email,
                    "tz": person.zone,
                }
                for person in world.people.values()
                if not person.deactivated
            ],
            "channels": [_channel(channel) for channel in world.channels.values()],
            "messages": {
                channel.id: [page_json(message) for message in world.everything(channel)]
                for channel in world.channels.values()
            },
            "scenes": [{"name": name, "summary": scene.summary} for name, scene in SCENES.items()],
            "playing": [name for name, task in self._scenes.items() if not task.done()],
            "requests": [to_page(exchange) for exchange in requests[-REQUESTS_SHOWN:]],
        }

    # Acting

    async def _act(self, request: web.Request) -> web.Response:
        try:
            wish = await request.json()
            if not isinstance(wish, dict):
                raise ValueError("send a JSON object")
            return web.json_response({"ok": True, **await self._do(wish)})
        except (LookupError, ValueError, KeyError) as error:
            told = f"missing {error}" if isinstance(error, KeyError) else str(error)
            return web.json_response({"ok": False, "error": told}, status=400)

    async def _do(self, wish: Json) -> Json:
        slack = self._sandbox.slack
        if "scene" in wish:
            return self.play(wish["scene"], pace=float(wish.get("pace", self._sandbox.pace)))
        person, channel = wish["as"], wish.get("channel", "#general")
        if "command" in wish:
            return _answered(await slack.command(person, wish["command"], wish.get("text", ""), channel=channel))
        if "click" in wish:
            click = wish["click"]
            return _answered(
                await slack.click(
                    person,
                    click["channel"],
                    click["ts"],
                    action_id=click["action_id"],
                    block_id=click.get("block_id"),
                    chosen=click.get("chosen"),
                    choice={name: value for name, value in click.items() if name.startswith("selected_")},
                )
            )
        if "say" in wish:
            message = await slack.say(person, wish["say"], channel=channel, thread_ts=wish.get("thread_ts"))
            return {"ts": message.ts}
        if "home" in wish:
            return {"statuses": await slack.open_home(person)}
        raise ValueError("say what to do: command, click, say, home or scene")

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

    # Faults

    async def _fault(self, request: web.Request) -> web.Response:
        try:
            wish = await request.json()
            if wish.get("system", "slack") == "github":
                self._sandbox.github.fault(
                    down=bool(wish.get("down")), rate_limited=wish.get("rate_limited"), slow=float(wish.get("slow", 0))
                )
                if "drop_webhooks" in wish:
                    self._sandbox.github.drop_webhooks(bool(wish["drop_webhooks"]))
            else:
                self._sandbox.slack.fault(
                    FaultKind(wish["kind"]),
                    method=wish.get("method"),
                    channel=wish.get("channel"),
                    times=wish.get("times"),
                    seconds=float(wish.get("seconds", 1)),
                    retry_after=int(wish.get("retry_after", 1)),
                )
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            return web.json_response({"ok": False, "error": str(error)}, status=400)
        return web.json_response({"ok": True})

    async def _no_fault(self, request: web.Request) -> web.Response:
        self._sandbox.slack.clear_faults()
        self._sandbox.github.fault()
        self._sandbox.github.drop_webhooks(False)
        return web.json_response({"ok": True})

    # Following along

    async def _live(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        queue: asyncio.Queue[Json | None] = asyncio.Queue(QUEUED)
        await socket.send_str(json.dumps({"type": "snapshot", **self.snapshot()}))
        self._followers.add(queue)
        reading = asyncio.create_task(_until_closed(socket, queue))
        try:
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

    def _exchanged(self, exchange: Exchange) -> None:
        self._tell(lambda: {"type": "request", **to_page(exchange)})


async def _until_closed(socket: web.WebSocketResponse, queue: asyncio.Queue[Json | None]) -> None:
    async for frame in socket:
        if frame.type is WSMsgType.ERROR:
            break
    await queue.put(None)


def _channel(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "person": channel.person,
        "members": sorted(channel.members),
        "private": channel.private,
        "archived": channel.archived,
        "purpose": channel.purpose,
    }


def _answered(answer: Answer) -> Json:
    return {"status": answer.status, "answer": answer.body, "at": time.time()}
