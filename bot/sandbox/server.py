"""The stand-in world as one HTTP server on loopback: start it, ask it for an environment, connect a bot, stop it.

``/api`` is Slack's Web API, ``/link`` its Socket Mode, ``/commands`` and ``/actions`` its response addresses,
``/github.com/api/v3`` is GitHub's REST API (where an Enterprise server has it), ``/_sandbox`` the control door, and
``/`` the page.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from aiohttp import web

from bot.sandbox.acme import acme_forge, acme_workspace
from bot.sandbox.clock import Clock
from bot.sandbox.control import Control
from bot.sandbox.github import GitHub
from bot.sandbox.github_action_shapes import Shapes
from bot.sandbox.github_answers import API
from bot.sandbox.github_api import RestApi
from bot.sandbox.github_app import APP_ID
from bot.sandbox.slack import Slack
from bot.sandbox.slack_manifest import Manifest
from bot.sandbox.world import Workspace

PAGE = Path(__file__).parent / "page"
_LOOPBACK_NAMES = {"localhost"}


class Sandbox:
    """Slack and GitHub, standing in. Everything is in memory; every run has its own secrets; it is not Slack.

    ``slack`` and ``github`` are what tests and stories drive, ``world`` who is in it. ``scopes`` are what the app was
    granted (None = what its ``manifest`` asks for; without one, all it may need). Methods are called on the loop that
    ``start`` ran in.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        rate_limits: bool = True,
        scopes: Iterable[str] | None = None,
        manifest: Manifest | None = None,
        pace: float = 1.0,
    ) -> None:
        if host not in _LOOPBACK_NAMES and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the sandbox listens on loopback only, not on {host}")
        self.host = host
        self.port = port
        self.pace = pace
        self.url = ""
        self.clock = Clock()
        self.world: Workspace = acme_workspace(self.clock)
        self.slack = Slack(self.world, scopes=scopes, rate_limits=rate_limits, manifest=manifest)
        self.github = GitHub(acme_forge(), self.clock, rate_limits=rate_limits)
        self.app = self.github.app
        self.control = Control(self)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; afterwards ``url`` is the address, of a free port if none was named."""
        application = web.Application(client_max_size=30 * 1024 * 1024, middlewares=[self._local_only])
        application.router.add_routes(self._routes())
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        address = self._runner.addresses[0]
        self.port = address[1]
        self.url = f"http://{self.host}:{self.port}"
        self.slack.url = self.url
        self.github.shapes = Shapes(f"{self.url}{API}", f"{self.url}/github.com")

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/api/{method}", self.slack.api.handle),
            web.get("/link/", self.slack.sockets.handle),
            web.post("/commands/{rest:.*}", self.slack.responses.handle),
            web.post("/actions/{rest:.*}", self.slack.responses.handle),
            *RestApi(self.github).routes(API),
            *self.control.routes(),
            web.get("/github.com/{rest:.*}", _elsewhere),
            web.get("/archives/{rest:.*}", _to_page),
            web.get("/{path:.*}", _page),
        ]

    @web.middleware
    async def _local_only(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse other sites' pages and names: a browser would let them reach loopback."""
        origin = request.headers.get("Origin")
        if not _is_loopback(request.host) or (origin is not None and not _is_loopback(urlsplit(origin).netloc)):
            raise web.HTTPForbidden(text="The sandbox answers this machine only.")
        return await handler(request)

    async def stop(self) -> None:
        """Close every connection and forget the rest; may be called twice."""
        await self.control.close()
        await self.slack.stop()
        await self.github.hooks.close()
        self.clock.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Sandbox:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def environment(self, *, socket_mode: bool = False, github_app: bool = False) -> dict[str, str]:
        """The settings a bot needs to live here; with ``github_app`` it signs in as the App instead of by token."""
        settings = {
            "SLACK_API_URL": f"{self.url}/api/",
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "GITHUB_API_URL": f"{self.url}{API}",
            "GITHUB_WEBHOOK_SECRET": self.github.webhook_secret,
        }
        if github_app:
            settings |= {"GITHUB_APP_ID": str(APP_ID), "GITHUB_APP_PRIVATE_KEY": self.app.private_key}
        else:
            settings["GITHUB_TOKEN"] = self.github.token
        if socket_mode:
            settings["SLACK_APP_TOKEN"] = self.slack.app_token
        return settings

    def connect(self, bot_url: str) -> None:
        """Where the bot is: what happens from now on is told to it. Call again when it moves."""
        self.slack.bot_url = self.github.hooks.bot_url = bot_url.rstrip("/")

    async def settle(self) -> None:
        """Wait until every webhook queued so far was answered or has failed."""
        await self.github.hooks.settle()


def _is_loopback(host: str) -> bool:
    name = (urlsplit(f"//{host}").hostname or "").lower()
    if name in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _page(request: web.Request) -> web.StreamResponse:
    file = (PAGE / (request.match_info["path"] or "index.html")).resolve()
    if not file.is_relative_to(PAGE) or not await asyncio.to_thread(file.is_file):
        raise web.HTTPNotFound(text="There is nothing here.")
    return web.FileResponse(file, headers={"Cache-Control": "no-store"})


async def _to_page(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/")


async def _elsewhere(request: web.Request) -> web.StreamResponse:
    return web.Response(
        text=f"In the real world this is GitHub's page /{request.match_info['rest']}.\n"
        "The sandbox keeps no source code; go back to continue the story.\n",
        content_type="text/plain",
    )
