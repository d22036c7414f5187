"""The Web API's door: reads arguments from anywhere, checks token, scopes, limits and faults, runs one method.

As Slack does: any verb; a refusal is 200 with ``ok:false``; only 429 and breakdowns have another status. What is no
body of a kind that Slack reads is refused in its words for that (docs.slack.dev/apis/web-api, common errors).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox import (
    slack_bookmarks,
    slack_canvases,
    slack_channels,
    slack_chat,
    slack_conversations,
    slack_files,
    slack_marks,
    slack_people,
    slack_scheduled,
    slack_unfurls,
    slack_views,
)
from bot.sandbox.bodies import parsed
from bot.sandbox.faults import Answered, lost, suffered
from bot.sandbox.slack_calls import Arguments, Call, Refusal, answer, too_deep
from bot.sandbox.world import Json

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack

_COMPACT = (",", ":")
_CUT = "(connection closed without an answer)"


def open_connection(call: Call) -> Json:
    """``apps.connections.open``: where to connect for Socket Mode, for an app-level token."""
    return answer(url=call.slack.sockets.ticket())


@dataclass(frozen=True)
class Method:
    """How a method is run. ``scopes``: any one of them is enough; ``token`` is ``bot``, ``app`` or ``none``."""

    run: Callable[[Call], Json]
    tier: int | None = None
    scopes: tuple[str, ...] = ()
    token: str = "bot"  # noqa: S105  (a kind of token, not one)


_READS = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORIES = ("channels:history", "groups:history", "im:history", "mpim:history")
_MANAGES = ("channels:manage", "groups:write", "im:write", "mpim:write")
_INVITES = ("channels:write.invites", "groups:write.invites", *_MANAGES)
_TOPICS = ("channels:write.topic", "groups:write.topic", "im:write.topic", "mpim:write.topic", *_MANAGES)
METHODS: dict[str, Method] = {
    "api.test": Method(slack_people.api_test, 4, token="none"),  # noqa: S106
    "apps.connections.open": Method(open_connection, 3, token="app"),  # noqa: S106
    "auth.test": Method(slack_people.auth_test),
    "blocks.validate": Method(slack_people.validate_blocks, token="none"),  # noqa: S106
    "bookmarks.add": Method(slack_bookmarks.add, 2, ("bookmarks:write",)),
    "bookmarks.edit": Method(slack_bookmarks.edit, 2, ("bookmarks:write",)),
    "bookmarks.list": Method(slack_bookmarks.listed, 3, ("bookmarks:read",)),
    "bookmarks.remove": Method(slack_bookmarks.remove, 2, ("bookmarks:write",)),
    "bots.info": Method(slack_people.bot_info, 3, ("users:read",)),
    "canvases.create": Method(slack_canvases.create_standalone, 2, ("canvases:write",)),
    "canvases.edit": Method(slack_canvases.edit, 3, ("canvases:write",)),
    "canvases.sections.lookup": Method(slack_canvases.lookup, 3, ("canvases:read",)),
    "chat.delete": Method(slack_chat.delete, 3, ("chat:write",)),
    "chat.deleteScheduledMessage": Method(slack_scheduled.delete, 3, ("chat:write",)),
    "chat.getPermalink": Method(slack_chat.permalink),
    "chat.postEphemeral": Method(slack_chat.post_ephemeral, 4, ("chat:write",)),
    "chat.postMessage": Method(slack_chat.post_message, None, ("chat:write",)),
    "chat.scheduleMessage": Method(slack_scheduled.schedule, 3, ("chat:write",)),
    "chat.scheduledMessages.list": Method(slack_scheduled.listed, 3),
    "chat.unfurl": Method(slack_unfurls.unfurl, 3, ("links:write",)),
    "chat.update": Method(slack_chat.update, 3, ("chat:write",)),
    "conversations.archive": Method(slack_channels.archive, 2, _MANAGES),
    "conversations.canvases.create": Method(slack_canvases.create, 2, ("canvases:write",)),
    "conversations.create": Method(slack_channels.create, 2, _MANAGES),
    "conversations.history": Method(slack_conversations.history, 3, _HISTORIES),
    "conversations.info": Method(slack_conversations.info, 3, _READS),
    "conversations.invite": Method(slack_channels.invite, 3, _INVITES),
    "conversations.join": Method(slack_channels.join, 3, ("channels:join",)),
    "conversations.kick": Method(slack_channels.kick, 3, ("channels:manage", "groups:write")),
    "conversations.list": Method(slack_conversations.listed, 2, _READS),
    "conversations.members": Method(slack_conversations.members, 4, _READS),
    "conversations.open": Method(slack_channels.open_direct, 3, _MANAGES),
    "conversations.rename": Method(slack_channels.rename, 2, _MANAGES),
    "conversations.replies": Method(slack_conversations.replies, 3, _HISTORIES),
    "conversations.setPurpose": Method(slack_channels.set_purpose, 2, _TOPICS),
    "conversations.setTopic": Method(slack_channels.set_topic, 2, _TOPICS),
    "conversations.unarchive": Method(slack_channels.unarchive, 2, _MANAGES),
    "files.completeUploadExternal": Method(slack_files.complete, 4, ("files:write",)),
    "files.getUploadURLExternal": Method(slack_files.place, 4, ("files:write",)),
    "pins.add": Method(slack_marks.pin, 2, ("pins:write",)),
    "pins.list": Method(slack_marks.pins, 2, ("pins:read",)),
    "pins.remove": Method(slack_marks.unpin, 2, ("pins:write",)),
    "reactions.add": Method(slack_marks.react, 3, ("reactions:write",)),
    "reactions.get": Method(slack_marks.reactions, 3, ("reactions:read",)),
    "reactions.remove": Method(slack_marks.unreact, 2, ("reactions:write",)),
    "team.info": Method(slack_people.team_info, 3, ("team:read",)),
    "usergroups.list": Method(slack_people.usergroups, 2, ("usergroups:read",)),
    "usergroups.users.list": Method(slack_people.usergroup_users, 2, ("usergroups:read",)),
    "users.conversations": Method(slack_conversations.mine, 3, _READS),
    "users.getPresence": Method(slack_people.presence, 3, ("users:read",)),
    "users.info": Method(slack_people.user_info, 4, ("users:read",)),
    "users.list": Method(slack_people.user_list, 2, ("users:read",)),
    "users.lookupByEmail": Method(slack_people.lookup_by_email, 3, ("users:read.email",)),
    "users.profile.get": Method(slack_people.profile, 4, ("users.profile:read",)),
    "views.open": Method(slack_views.open_view, 4),
    "views.publish": Method(slack_views.publish, 4),
    "views.push": Method(slack_views.push, 4),
    "views.update": Method(slack_views.update, 4),
}
"""Every method there is: how it is run, its tier, and the scopes of which it needs one (which, may depend on what it
is asked), as docs.slack.dev/reference/methods has them."""


BESIDE = ("response_url", "upload")
"""What faults call the two addresses that Slack gives out and that are no methods."""
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_CHARSETS = ("utf-8", "iso-8859-1")


async def read_arguments(request: web.Request) -> tuple[dict[str, Any], str]:
    """Arguments from the query, then the form or JSON body (which win), and the body as text for the log.

    A token is taken from a form only: apps made since 2021 send none in an address, and JSON goes with a header
    (docs.slack.dev/changelog/2020-11-no-more-tokens-in-querystrings, 2017-10-keeping-up-with-the-jsons).
    """
    values: dict[str, Any] = dict(request.query)
    values.pop("token", None)
    body = ""
    if (request.charset or "utf-8").lower() not in _CHARSETS:
        raise Refusal("invalid_charset")
    if request.content_type == "application/json":
        body, decoded = await _json(request)
        values |= {name: value for name, value in decoded.items() if name != "token"}
    elif request.content_type in _FORMS:
        try:
            form = await request.post()
        except (ValueError, LookupError):
            raise Refusal("invalid_form_data") from None
        values |= {name: value for name, value in form.items() if isinstance(value, str)}
        body = json.dumps({name: value for name, value in values.items() if name != "token"})
    elif request.content_type != "text/plain" and await request.read():
        raise Refusal("invalid_post_type" if "Content-Type" in request.headers else "missing_post_type")
    return values, body


async def _json(request: web.Request) -> tuple[str, dict[str, Any]]:
    """A JSON object, and its text."""
    try:
        body = (await request.read()).decode(request.charset or "utf-8")
        decoded = parsed(body) if body else {}
    except ValueError:
        raise Refusal("invalid_json") from None
    if too_deep(decoded):
        raise Refusal("invalid_json")
    if not isinstance(decoded, dict):
        raise Refusal("json_not_object")
    return body, decoded


class WebApi:
    """Answers calls to the Web API for one Slack."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Take a file where ``files.getUploadURLExternal`` said."""
        began = time.perf_counter()
        fault = self._slack.faults.take("upload", None)
        early = await suffered(fault)
        if early is None:
            taken = await slack_files.take(self._slack, request)
            early = taken.status, taken.text or "", {}, lost(fault)
        return self.finish(request, "upload", {}, "", early, began)

    def finish(
        self, request: web.Request, name: str, args: dict[str, Any], body: str, answered: Answered, began: float
    ) -> web.StreamResponse:
        """Keep a request and its answer for the inspector, and give the answer; no token is kept."""
        status, result, headers, cut = answered
        text = result if isinstance(result, str) else json.dumps(result, separators=_COMPACT)
        self._slack.log.add(
            incoming=True,
            verb=request.method,
            path=request.path,
            method=name,
            args={key: value for key, value in args.items() if key != "token"},
            status=0 if cut else status,
            answer=result,
            began=began,
            request_headers=request.headers,
            request_body=body,
            answer_headers=headers,
            answer_body=_CUT if cut else text,
        )
        if cut:
            return hang_up(request)
        kind = "text/html" if isinstance(result, str) else "application/json"
        return web.Response(body=text.encode(), status=status, headers=headers, content_type=kind, charset="utf-8")

    async def download(self, request: web.Request) -> web.StreamResponse:
        """A shared file, as whoever reads it in the browser sees it."""
        return slack_files.show(self._slack, request.match_info["id"])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        began = time.perf_counter()
        name = request.match_info["method"]
        body = ""
        values: dict[str, Any] = {}
        headers: dict[str, str] = {}
        status, cut = 200, False
        result: Any
        try:
            values, body = await read_arguments(request)
            arguments = Arguments(values)
            fault = self._slack.faults.take(name, self._channel_id(values))
            early = await suffered(fault)
            if early is not None:
                return self.finish(request, name, values, body, early, began)
            method = METHODS.get(name)
            if method is None:
                raise Refusal("unknown_method", req_method=name)
            scopes = self._authorise(request, method, arguments)
            headers = self._headers(method)
            wait = self._limited(name, method, values)
            if wait:
                status, headers["Retry-After"] = 429, str(wait)
                raise Refusal("ratelimited")
            if method.scopes and not scopes.intersection(method.scopes):
                raise Refusal("missing_scope", needed=",".join(method.scopes), provided=",".join(sorted(scopes)))
            result = method.run(Call(slack=self._slack, method=name, arguments=arguments, scopes=scopes))
            cut = lost(fault)
        except Refusal as refusal:
            result = {"ok": False, "error": refusal.error, **refusal.details}
        return self.finish(request, name, values, body, (status, result, headers, cut), began)

    def _channel_id(self, values: dict[str, Any]) -> str | None:
        where = values.get("channel") or values.get("channel_id")
        if not isinstance(where, str):
            return None
        workspace = self._slack.workspace
        channel = workspace.find_channel(where) or workspace.find_direct(where)
        return channel.id if channel is not None else where

    def _authorise(self, request: web.Request, method: Method, arguments: Arguments) -> frozenset[str]:
        if method.token == "none":  # noqa: S105
            return frozenset()
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            token = arguments.string("token") or ""
        if not token:
            raise Refusal("not_authed")
        known = {self._slack.bot_token: "bot", self._slack.app_token: "app"}.get(token)
        if known is None:
            raise Refusal("invalid_auth")
        if self._slack.token_fault is not None:
            raise Refusal(self._slack.token_fault)
        if known != method.token:
            raise Refusal("not_allowed_token_type")
        return self._slack.scopes

    def _headers(self, method: Method) -> dict[str, str]:
        if method.token != "bot":  # noqa: S105
            return {}
        return {
            "x-oauth-scopes": ",".join(sorted(self._slack.scopes)),
            "x-accepted-oauth-scopes": ",".join(method.scopes),
        }

    def _limited(self, name: str, method: Method, values: dict[str, Any]) -> int:
        if not self._slack.rate_limits:
            return 0
        return self._slack.limits.wait(name, method.tier, self._channel_id(values))


def hang_up(request: web.Request) -> web.Response:
    """Close the connection without an answer; the returned response is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
