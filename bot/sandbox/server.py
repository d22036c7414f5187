"""The stand-in world as one HTTP server on loopback: start it, ask it for an environment, connect a bot, stop it.

``/api`` is Slack's Web API, ``/link`` its Socket Mode, ``/commands`` and ``/actions`` its response addresses,
``/github.com/api/v3`` is GitHub's REST API (where an Enterprise server has it), ``/pagerduty`` is PagerDuty's, with its
Events API at ``/pagerduty/events``, ``/_sandbox`` the control door, and ``/`` the page.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import mimetypes
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from aiohttp import web

from bot.sandbox.acme import acme_forge, acme_workspace
from bot.sandbox.clock import Clock
from bot.sandbox.control import Control
from bot.sandbox.control_clock import ADDRESS as CLOCK
from bot.sandbox.flags import Flags
from bot.sandbox.github import GitHub
from bot.sandbox.github_action_shapes import Shapes
from bot.sandbox.github_answers import API
from bot.sandbox.github_api import RestApi
from bot.sandbox.github_app import APP_ID
from bot.sandbox.monitoring import Monitoring
from bot.sandbox.pagerduty import PagerDuty
from bot.sandbox.pagerduty_acme import BOT_EMAIL
from bot.sandbox.pagerduty_api import API as PAGERDUTY
from bot.sandbox.pagerduty_api import RestApi as PagerDutyApi
from bot.sandbox.pagerduty_events import EVENTS, EventsApi
from bot.sandbox.pagerduty_shapes import Shapes as PagerDutyShapes
from bot.sandbox.pipeline import Pipeline
from bot.sandbox.slack import Slack
from bot.sandbox.slack_files import PLACE
from bot.sandbox.slack_manifest import Manifest
from bot.sandbox.workspace import Workspace

PAGE = Path(__file__).parent / "page"
LONGEST_LINE = 65_536
"""Of a request: the Slack SDK sends most arguments in the address, and Slack takes long ones."""
_LOOPBACK_NAMES = {"localhost"}


class Sandbox:
    """Slack, GitHub and PagerDuty, standing in: in memory, with secrets of its own for every run; it is not Slack.

    ``slack``, ``github``, ``pagerduty``, ``monitoring`` and ``flags`` are what tests and stories drive; ``world`` is
    who is there, ``clock`` what time it is; ``pipelines`` end with it. ``scopes`` are what the app was granted (None =
    what its ``manifest`` asks for; without one, all it may need). Methods are called on the loop that ``start`` ran in.
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
        self.pagerduty = PagerDuty(self.clock, rate_limits=rate_limits)
        self.monitoring = Monitoring(self.clock)
        self.flags = Flags(self.clock)
        self.pipelines: list[Pipeline] = []
        self.control = Control(self)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; afterwards ``url`` is the address, of a free port if none was named."""
        application = web.Application(client_max_size=30 * 1024 * 1024, middlewares=[self._local_only])
        application.router.add_routes(self._routes())
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=0.5, max_line_size=LONGEST_LINE, max_field_size=LONGEST_LINE
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        address = self._runner.addresses[0]
        self.port = address[1]
        self.url = f"http://{self.host}:{self.port}"
        self.slack.url = self.url
        self.github.shapes = Shapes(f"{self.url}{API}", f"{self.url}/github.com")
        self.pagerduty.shapes = PagerDutyShapes(f"{self.url}{PAGERDUTY}", f"{self.url}/pagerduty.com")

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/api/{method}", self.slack.api.handle),
            web.post(f"{PLACE}/{{ticket}}", self.slack.api.upload),
            web.get("/link/", self.slack.sockets.handle),
            web.post("/commands/{rest:.*}", self.slack.responses.handle),
            web.post("/actions/{rest:.*}", self.slack.responses.handle),
            *RestApi(self.github).routes(API),
            *RestApi(self.github).beside(API),
            *EventsApi(self.pagerduty).routes(),
            *PagerDutyApi(self.pagerduty).routes(),
            *self.control.routes(),
            web.get("/github.com/{rest:.*}", _elsewhere),
            web.get("/pagerduty.com/{rest:.*}", _elsewhere),
            web.get("/dashboards/{rest:.*}", _elsewhere),
            web.get("/runbooks/{rest:.*}", _elsewhere),
            web.get("/archives/{rest:.*}", _to_page),
            web.get("/docs/{rest:.*}", _to_page),
            web.get("/files/{user}/{id}/{name}", self.slack.api.download),
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
        for pipeline in self.pipelines:
            await pipeline.close()
        await self.control.close()
        await self.slack.stop()
        await self.github.hooks.close()
        await self.pagerduty.hooks.close()
        await self.monitoring.close()
        await self.flags.close()
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

    def environment(
        self, *, socket_mode: bool = False, github_app: bool = False, clock: bool = False, api: bool = False
    ) -> dict[str, str]:
        """The settings a bot needs to live here.

        With ``github_app`` it signs in as the App instead of by token; with ``clock`` it follows the world's clock;
        with ``api`` its API is open to whoever shows Monitoring's token.
        """
        settings = {
            "SLACK_API_URL": f"{self.url}/api/",
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "GITHUB_API_URL": f"{self.url}{API}",
            "GITHUB_WEBHOOK_SECRET": self.github.webhook_secret,
            "PAGERDUTY_API_URL": f"{self.url}{PAGERDUTY}",
            "PAGERDUTY_EVENTS_URL": f"{self.url}{EVENTS}",
            "PAGERDUTY_API_KEY": self.pagerduty.api_key,
            "PAGERDUTY_FROM": BOT_EMAIL,
            "PAGERDUTY_ROUTING_KEY": self.pagerduty.account.services["PSCHECKOUT"].routing_key,
            "PAGERDUTY_WEBHOOK_SECRET": self.pagerduty.hooks.secret,
            "ALERTMANAGER_WEBHOOK_SECRET": self.monitoring.secret,
            "LAUNCHDARKLY_WEBHOOK_SECRET": self.flags.secret,
        }
        if github_app:
            settings |= {"GITHUB_APP_ID": str(APP_ID), "GITHUB_APP_PRIVATE_KEY": self.app.private_key}
        else:
            settings["GITHUB_TOKEN"] = self.github.token
        if api:
            settings["SHIPMATE_API_TOKEN"] = self.monitoring.token
        if clock:
            settings["SHIPMATE_CLOCK_URL"] = f"{self.url}{CLOCK}"
        if socket_mode:
            settings["SLACK_APP_TOKEN"] = self.slack.app_token
        return settings

    def connect(self, bot_url: str) -> None:
        """Where the bot is: what happens from now on is told to it. Call again when it moves."""
        address = bot_url.rstrip("/")
        self.slack.bot_url = self.github.hooks.bot_url = address
        self.pagerduty.hooks.bot_url = self.monitoring.bot_url = self.flags.bot_url = address

    async def settle(self) -> None:
        """Wait until every webhook and report queued so far was answered or has failed."""
        await self.github.hooks.settle()
        await self.pagerduty.hooks.settle()
        await self.monitoring.settle()
        await self.flags.settle()


def _is_loopback(host: str) -> bool:
    name = (urlsplit(f"//{host}").hostname or "").lower()
    if name in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _page(request: web.Request) -> web.StreamResponse:
    path = request.match_info["path"] or "index.html"
    content = await asyncio.to_thread(_content, path)
    if content is None:
        raise web.HTTPNotFound(text="There is nothing here.")
    kind, _ = mimetypes.guess_type(path)
    return web.Response(body=content, content_type=kind, headers={"Cache-Control": "no-store"})


def _content(path: str) -> bytes | None:
    """What is in a file of the page, None where there is no such file; no name leads out of the page's folder."""
    try:
        file = (PAGE / path).resolve()
        return _read(file, file.stat().st_mtime_ns) if file.is_relative_to(PAGE) and file.is_file() else None
    except (OSError, ValueError):  # longer than a name can be, or with what no name can have
        return None


@functools.lru_cache
def _read(file: Path, changed_at: int) -> bytes:
    """The page is dozens of small files, and read whole each time it is opened; one that was changed is read anew."""
    return file.read_bytes()


async def _to_page(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/")


async def _elsewhere(request: web.Request) -> web.StreamResponse:
    return web.Response(
        text=f"In the real world this is the page {request.path.partition('/')[2]}.\n"
        "The sandbox keeps no pages of others; go back to continue the story.\n",
        content_type="text/plain",
    )
