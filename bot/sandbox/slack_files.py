"""The Web API's uploads: a place to send a file to, the place itself, and sharing what was sent.

Errors are those of docs.slack.dev/reference/methods. A place takes a file once, of the length that was said, and is
worth nothing afterwards; whoever has its address needs no token.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from aiohttp import web

from bot.sandbox.documents import File
from bot.sandbox.slack_calls import Call, Refusal, answer, invalid_arguments
from bot.sandbox.slack_chat import thread
from bot.sandbox.slack_shapes import file_json
from bot.sandbox.world import BOT_USER_ID, Channel, Json, Message

if TYPE_CHECKING:
    from bot.sandbox.slack import Slack

PLACE = "/upload/v1"
LARGEST = 1_073_741_824
MOST_FILES = 10
MOST_CHANNELS = 100


def place(call: Call) -> Json:
    """``files.getUploadURLExternal``: as a form or in the query; its page says of no other method that JSON is not."""
    name = call.arguments.string("filename")
    length = call.arguments.string("length")
    if name is None or length is None or not length.isdecimal() or int(length) == 0:
        raise Refusal("missing_argument")
    if int(length) > LARGEST:
        raise Refusal("file_upload_size_restricted")
    file = File(id=f"F0{call.slack.workspace.fresh()}", name=name, length=int(length), at=call.slack.workspace.now())
    ticket = secrets.token_urlsafe(24)
    call.slack.uploads[ticket] = file
    return answer(upload_url=f"{call.slack.url}{PLACE}/{ticket}", file_id=file.id)


async def take(slack: Slack, request: web.Request) -> web.Response:
    """What is sent to such a place: raw bytes, or a form with the file in it; answered in plain text."""
    file = slack.uploads.get(request.match_info["ticket"])
    if file is None or file.content is not None:
        return web.Response(status=404, text="not found")
    if request.content_type == "multipart/form-data":
        sent = next((one for one in (await request.post()).values() if isinstance(one, web.FileField)), None)
        content = sent.file.read() if sent is not None else b""
    else:
        content = await request.read()
    if len(content) != file.length:
        return web.Response(status=400, text="the length is not what was said")
    file.content = content
    return web.Response(text=f"OK - {len(content)}")


def show(slack: Slack, identity: str) -> web.Response:
    """A file that was shared, as plain text."""
    found = next((one for one in slack.uploads.values() if one.id == identity and one.shared), None)
    if found is None or found.content is None:
        raise web.HTTPNotFound(text="There is no such file.")
    return web.Response(body=found.content, content_type="text/plain", charset="utf-8")


def complete(call: Call) -> Json:
    """``files.completeUploadExternal``: the files become a message in each channel that is named."""
    sent = call.arguments.structure("files", error="invalid_arguments")
    if not isinstance(sent, list) or not sent or len(sent) > MOST_FILES:
        raise invalid_arguments(f"must provide 1 to {MOST_FILES} items [json-pointer:/files]")
    files = [_uploaded(call, one) for one in sent]
    channels = _shared_in(call)
    for file, one in zip(files, sent, strict=True):
        file.title = str(one.get("title") or file.name)
        file.shared = True
    for channel in channels:
        message = Message(
            channel=channel.id,
            ts=channel.next_ts(),
            user=BOT_USER_ID,
            bot=True,
            text=call.arguments.string("initial_comment") or "",
            files=files,
            thread_ts=thread(call, channel),
        )
        call.slack.workspace.post(channel, message)
        call.slack.events.said(message)
    return answer(files=[file_json(file, call.slack.url) for file in files])


def _uploaded(call: Call, sent: object) -> File:
    identity = sent.get("id") if isinstance(sent, dict) else None
    found = next((one for one in call.slack.uploads.values() if one.id == identity), None)
    if found is None or found.content is None or found.shared:
        raise Refusal("file_not_found")
    return found


def _shared_in(call: Call) -> list[Channel]:
    """The channels to share it in, each once: ``channel_id``, or the ids and people in ``channels``."""
    named = call.arguments.string("channel_id") or call.arguments.string("channels") or ""
    wanted = list(dict.fromkeys(one.strip() for one in named.split(",") if one.strip()))
    if len(wanted) > MOST_CHANNELS:
        raise Refusal("channels_limit_exceeded")
    return [_open_to_us(call, one) for one in wanted]


def _open_to_us(call: Call, where: str) -> Channel:
    workspace = call.slack.workspace
    channel = workspace.direct(where) if where in workspace.people else workspace.channels.get(where)
    if channel is None or not call.visible(channel):
        raise Refusal("channel_not_found")
    if BOT_USER_ID not in channel.members:
        raise Refusal("not_in_channel")
    if channel.archived:
        raise Refusal("posting_to_channel_denied")
    return channel
