"""``GET /``: the dashboard, for whoever came from Slack or holds the API's token; everybody else learns how to get in.

``/dashboard/open`` is where the link in somebody's Home leads: it opens one session and goes on to ``/``, so that no
pass stays in an address, and one that was left in a log opens nothing. Nothing else here changes anything: there is no
POST.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import quote, urlsplit

from aiohttp import web
from sqlmodel import Session

from bot import people, work
from bot.answers import dashboard
from bot.answers.dashboard.views import Asked, DashboardPage, Figures, NoticePage
from bot.app import Bot
from bot.database import DatabaseUnavailable
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.rendering import Renderer
from handlers import passes
from handlers.api.access import refusal
from handlers.api.dashboard import assets

PAGE = "pages/dashboard.html"
NOTICE = "pages/notice.html"

EVERY = 15
"""Seconds after which an open page is read again."""

COUNTED_AGAIN = timedelta(minutes=1)
"""How long figures of thirty days are shown before they are counted anew: many pages ask for them all day."""

MOST_COUNTED = 200
"""Teams and services of which figures are kept."""

SHARED = 20
"""How many times as long as a page took to make it is shown to those that read it again by themselves.

So a hundred open pages of a large organisation cost a twentieth of one processor, and those of a small one are as of
now. Whoever opens or reloads a page gets one made for them.
"""

SHARED_AT_MOST = 30.0
"""Seconds: a page that was slow to make because the database was away for a while is not shown for long after."""

MOST_SHARED = 20
"""Pages that are kept for that: each may be some hundred kilobytes."""

COOKIE_KEPT = timedelta(days=30)
"""Longer than a session lasts: so is somebody known by it who has to be told how to come again."""

ARGUMENTS = ("team", "service")

SECURE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""What every answer says to a browser: nothing from elsewhere, no inline script, no address told to anybody."""

REFRESHES = "X-Shipmate-Refresh"
"""The header by which the page's own script reads it: a browser must not ask its reader for a password then."""

SLACK = "slack.com"


def add_routes(app: web.Application, bot: Bot, renderer: Renderer) -> None:
    """Open them."""
    door = Door(bot, renderer)
    app.router.add_get("/", door.shown)
    app.router.add_get(f"/{passes.OPENS}", door.opened, allow_head=False)  # whoever only tries a link does not use it
    for name in assets.ASSETS:
        app.router.add_get(f"/dashboard/{name}", partial(assets.served, name))


@dataclass
class Door:
    """Answers for the dashboard."""

    bot: Bot
    renderer: Renderer
    _counted: dict[Asked, tuple[datetime, Figures]] = field(default_factory=dict)
    _shared: dict[tuple[str | None, str | None], tuple[str, float]] = field(default_factory=dict)
    """Pages by what was asked for, each with until when (the loop's time) it may be shown to whoever reads again."""
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def shown(self, request: web.Request) -> web.Response:
        """``GET /``."""
        return await self._answered(self._shown, request)

    async def opened(self, request: web.Request) -> web.Response:
        """``GET /dashboard/open?pass=…``."""
        return await self._answered(self._opened, request)

    async def _answered(
        self, answer: Callable[[web.Request], Awaitable[web.Response]], request: web.Request
    ) -> web.Response:
        root = "../" if request.path.rstrip("/").endswith("/open") else "./"
        try:
            response = await answer(request)
        except DatabaseUnavailable as fault:
            response = self._notice(
                503, root, "No answer just now", str(fault), "This page is there again in a moment."
            )
        response.headers.update(SECURE_HEADERS)
        response.headers["Cache-Control"] = "no-store"
        return response

    # --- who may ----------------------------------------------------------------------------------------------------

    async def _opened(self, request: web.Request) -> web.Response:
        now = self.bot.clock()
        found = passes.read_link(self.bot.settings, request.query.get("pass", ""))
        if found is None or not found.lasts(now, passes.LINK_LASTS) or not await self._is_member(found.slack_id):
            stale = found is not None and not found.lasts(now, passes.LINK_LASTS)
            title = "This link is too old" if stale else "This link opens nothing"
            said = "A link to the dashboard is made for one person, by Slack, and good for an hour."
            return self._notice(403, "../", title, said, *_FROM_SLACK)
        if not await self._is_unused(found):
            session = self._session(request)
            if session is not None and session.slack_id == found.slack_id and self._goes_on(session):
                return web.Response(status=303, headers={"Location": "../"})
            said = "A link opens the dashboard once, so that nobody else comes in by one that was left lying about."
            return self._notice(403, "../", "This link was used already", said, *_FROM_SLACK)
        response = web.Response(status=303, headers={"Location": "../"})
        response.set_cookie(
            self._cookie,
            passes.session_of(self.bot.settings, found.slack_id, now),
            max_age=int(COOKIE_KEPT.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )
        return response

    async def _refusal(self, request: web.Request) -> web.Response | None:
        """The answer to whoever may not look, None for whoever may."""
        if "Authorization" in request.headers and refusal(self.bot, request) is None:
            return None
        session = self._session(request)
        if session is not None and self._goes_on(session) and await self._is_member(session.slack_id):
            return None
        if session is not None:
            title = "Your session is over"
            said = "The dashboard stays open for twelve hours after a full member of the workspace came from Slack."
        else:
            title, said = "This is for people of the organisation", "Nothing is shown to whoever is not known here."
        response = self._notice(401, "./", title, said, *_FROM_SLACK, self._by_token(asked=session is None))
        # A challenge has the browser ask for a password: not of somebody from Slack, nor while a script reads.
        asks = session is None and REFRESHES not in request.headers and self.bot.settings.api_token is not None
        response.headers["WWW-Authenticate"] = (
            'Basic realm="Shipmate: any name, and the API token", charset="UTF-8"' if asks else "Slack"
        )
        return response

    def _session(self, request: web.Request) -> passes.Pass | None:
        """The session that a browser kept, be it over; None where it kept none of ours."""
        kept = request.cookies.get(self._cookie)
        return passes.read_session(self.bot.settings, kept) if kept else None

    def _goes_on(self, session: passes.Pass) -> bool:
        return session.lasts(self.bot.clock(), passes.SESSION_LASTS)

    async def _is_unused(self, link: passes.Pass) -> bool:
        """Whether nobody came by this link before; from now on somebody did, on whichever replica."""
        until = link.until(passes.LINK_LASTS)
        return await self.bot.database.write(
            lambda session: work.once(session, passes.USED, link.number, until), urgent=True
        )

    async def _is_member(self, slack_id: str) -> bool:
        """Whether somebody is a full member of the workspace, as Slack said last."""

        def look(session: Session, desk: Desk) -> bool:
            profile = people.profile_of(session, slack_id)
            return profile is not None and profile.full

        return await self.bot.read(look)

    @property
    def _secure(self) -> bool:
        return urlsplit(self.bot.settings.public_url or "").scheme == "https"

    @property
    def _cookie(self) -> str:
        """The name of the session's cookie; browsers let nobody else set one called ``__Host-``, which takes https."""
        return "__Host-shipmate-dashboard" if self._secure else "shipmate-dashboard"

    def _by_token(self, *, asked: bool) -> str:
        """How a screen signs in; ``asked``: its browser asks for the password by itself."""
        if self.bot.settings.api_token is None:
            return "For a screen on the wall, whoever runs Shipmate sets SHIPMATE_API_TOKEN: it is the password then."
        where = "" if asked else " in a private window, where nobody came from Slack before,"
        return f"A screen on the wall signs in{where} with any name, and with SHIPMATE_API_TOKEN as the password."

    # --- what is shown ----------------------------------------------------------------------------------------------

    async def _shown(self, request: web.Request) -> web.Response:
        refused = await self._refusal(request)
        if refused is not None:
            return refused
        team, service = (request.query.get(name, "").replace("\0", "")[:255] or None for name in ARGUMENTS)
        try:
            if REFRESHES in request.headers:
                async with self._making:
                    html = self._kept(team, service) or await self._made(team, service)
            else:
                html = await self._made(team, service)
        except UserError as unknown:
            mend = ("Names are those of shipmate.yml, and of what was deployed.",)
            return self._notice(404, "./", "Nothing of that name", str(unknown), *mend)
        response = web.Response(text=html, content_type="text/html", charset="utf-8")
        response.enable_compression()
        return response

    def _kept(self, team: str | None, service: str | None) -> str | None:
        """A page that was made for somebody else a moment ago; nobody's is anybody's own."""
        html, until = self._shared.get((team, service), ("", 0.0))
        return html if asyncio.get_running_loop().time() < until else None

    async def _made(self, team: str | None, service: str | None) -> str:
        """The page as of now; UserError for a team or a service that there is not."""
        begun = asyncio.get_running_loop().time()
        known = await self.bot.ourselves.learn()
        room_url = partial(_room_url, self.bot.settings.slack_api_url, known.team_id if known is not None else None)
        board, counted = await self.bot.read(
            lambda session, desk: self._read(session, desk, room_url, team=team, service=service)
        )
        self._counted[board.asked] = counted
        if len(self._counted) > MOST_COUNTED:
            self._counted.clear()
        page = DashboardPage(
            now=board.now,
            zone=board.zone,
            style=assets.address("./", "board.css"),
            script=assets.address("./", "board.js"),
            every=EVERY,
            board=board,
            figures=counted[1],
        )
        # In a thread: a page of hundreds of services takes a tenth of a second and more, and clicks are not to wait.
        html = await asyncio.to_thread(self.renderer.page, PAGE, page)
        now = asyncio.get_running_loop().time()
        if len(self._shared) >= MOST_SHARED:
            self._shared.clear()
        self._shared[(team, service)] = html, now + shared_for(now - begun)
        return html

    def _read(
        self, session: Session, desk: Desk, room_url: dashboard.RoomUrl, *, team: str | None, service: str | None
    ) -> tuple[dashboard.Board, tuple[datetime, Figures]]:
        """The page and its figures, which are counted anew only now and then."""
        board = dashboard.board(session, desk, room_url, team=team, service=service)
        counted = self._counted.get(board.asked)
        if counted is None or not timedelta() <= desk.now - counted[0] < COUNTED_AGAIN:
            counted = desk.now, dashboard.figures(session, desk, board.asked)
        return board, counted

    def _notice(self, status: int, root: str, title: str, said: str, *mend: str) -> web.Response:
        page = NoticePage(
            now=self.bot.clock(),
            zone=self.bot.catalog.timezone.key,
            style=assets.address(root, "board.css"),
            home=root,
            title=title,
            said=said,
            mend=mend,
        )
        return web.Response(
            text=self.renderer.page(NOTICE, page), status=status, content_type="text/html", charset="utf-8"
        )


def shared_for(took: float) -> float:
    """How many seconds a page that took so many to make is shown to those that read it again by themselves."""
    return min(SHARED * took, SHARED_AT_MOST)


_FROM_SLACK = ("In Slack, open Shipmate's Home (under Apps) and press Dashboard: that is a new link, made for you.",)


def _room_url(slack_api_url: str, team_id: str | None, channel: str) -> str:
    """The address that opens a channel in Slack; in a stand-in Slack, that of its own page.

    Source: docs.slack.dev, "Deep linking into Slack" (``app_redirect``).
    """
    parts = urlsplit(slack_api_url)
    if parts.hostname == SLACK or (parts.hostname or "").endswith(f".{SLACK}"):
        team = f"&team={quote(team_id)}" if team_id else ""
        return f"https://{SLACK}/app_redirect?channel={quote(channel)}{team}"
    return f"{parts.scheme}://{parts.netloc}/archives/{quote(channel)}"
