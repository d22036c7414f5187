"""The Web API's previews of links: what the app shows below a message that leads to it.

Errors are those of docs.slack.dev/reference/methods/chat.unfurl. Limits: no ``link_shared`` is told, so there are no
unfurl ids either; nobody is asked to sign in (``user_auth_*`` is taken and does nothing).
"""

from __future__ import annotations

from html import unescape

from bot.sandbox.slack_blocks import check_blocks
from bot.sandbox.slack_calls import Call, Refusal, answer
from bot.sandbox.world import APP_ID, BOT_ID, Json, Message

_SOURCES = ("composer", "conversations_history")


def unfurl(call: Call) -> Json:
    """``chat.unfurl``: previews by the addresses in the message; a newer one takes the place of its elder."""
    message = _message(call)
    unfurls = call.arguments.structure("unfurls", error="invalid_unfurls_format")
    if unfurls is None:
        raise Refusal("missing_unfurls")
    if not isinstance(unfurls, dict):
        raise Refusal("invalid_unfurls_format")
    for address, shown in unfurls.items():
        if not isinstance(shown, dict) or ("blocks" in shown and check_blocks(shown["blocks"])):
            raise Refusal("cannot_parse_attachment")
        if address not in unescape(message.text):
            raise Refusal("cannot_unfurl_message")
    kept = [one for one in message.attachments if one.get("from_url") not in unfurls]
    ours = {"is_app_unfurl": True, "bot_id": BOT_ID, "app_id": APP_ID}
    message.attachments = [*kept, *(shown | ours | {"from_url": address} for address, shown in unfurls.items())]
    call.slack.workspace.changed(message)
    return answer()


def _message(call: Call) -> Message:
    """The message that ``channel`` and ``ts`` name."""
    arguments = call.arguments
    if "unfurl_id" in arguments or "source" in arguments:
        for name in ("unfurl_id", "source"):
            if name not in arguments:
                raise Refusal(f"missing_{name}")
        raise Refusal("invalid_unfurl_id" if arguments.string("source") in _SOURCES else "invalid_source")
    for name in ("channel", "ts"):
        if name not in arguments:
            raise Refusal(f"missing_{name}")
    channel = call.slack.workspace.channels.get(arguments.required("channel"))
    if channel is None or not call.visible(channel):
        raise Refusal("cannot_find_channel")
    message = channel.by_ts.get(arguments.required("ts"))
    if message is None or message.deleted:
        raise Refusal("cannot_find_message")
    return message
