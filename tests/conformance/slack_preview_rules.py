"""The rules of previews of links that the stand-in keeps: one row each."""

from __future__ import annotations

from tests.conformance.slack_call_rules import answered, docs, refused, unscoped
from tests.conformance.slack_stage import bare, call

ADDRESS = "https://deploys.example/7?a=1&b=2"
LINKED = call("chat.postMessage", channel="C0DEPLOYS", text=f"<{ADDRESS.replace('&', '&amp;')}|deploy 7>")
PREVIEWED = call("chat.unfurl", channel="C0DEPLOYS", ts="$ts", unfurls={ADDRESS: {"text": "Live"}})

PREVIEW_RULES = (
    answered(
        "a link gets its preview",
        PREVIEWED,
        {"ok": True},
        LINKED,
    ),
    answered(
        "a preview stands below its message",
        call("conversations.history", channel="C0DEPLOYS"),
        {"messages.0.attachments.#": 1, "messages.0.attachments.0.text": "Live"},
        LINKED,
        PREVIEWED,
        PREVIEWED,
        source=docs("chat.unfurl"),
    ),
    refused(
        "a preview is of a link that is there",
        call("chat.unfurl", channel="C0DEPLOYS", ts="$ts", unfurls={"https://other.example": {}}),
        "cannot_unfurl_message",
        LINKED,
    ),
    refused(
        "a preview keeps Block Kit's rules",
        call("chat.unfurl", channel="C0DEPLOYS", ts="$ts", unfurls={ADDRESS: {"blocks": [{"type": "sparkle"}]}}),
        "cannot_parse_attachment",
        LINKED,
    ),
    refused(
        "previews are a map",
        bare("chat.unfurl", channel="C0DEPLOYS", ts="$ts", unfurls="["),
        "invalid_unfurls_format",
        LINKED,
    ),
    refused(
        "a preview is below a message",
        call("chat.unfurl", channel="C0DEPLOYS", ts="1.1", unfurls={}),
        "cannot_find_message",
    ),
    refused(
        "a preview's channel exists",
        call("chat.unfurl", channel="C0NOWHERE", ts="1.1", unfurls={}),
        "cannot_find_channel",
    ),
    refused("a preview says where", bare("chat.unfurl", ts="1.1", unfurls={}), "missing_channel"),
    refused("a preview says below what", bare("chat.unfurl", channel="C0DEPLOYS", unfurls={}), "missing_ts"),
    refused("a preview is shown", bare("chat.unfurl", channel="C0DEPLOYS", ts="$ts"), "missing_unfurls", LINKED),
    unscoped(PREVIEWED, "links:write", LINKED),
)
