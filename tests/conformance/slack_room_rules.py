"""The rules of what stands in a channel's head, and of documents, that the stand-in keeps: one row each."""

from __future__ import annotations

from datetime import timedelta

import aiohttp

from tests.conformance.slack_call_rules import THEIRS, answered, docs, refused, unscoped
from tests.conformance.slack_stage import Call, Rule, Stage, bare, call

RUNBOOK = "https://runbooks.example/checkout"
DRAFT = {"type": "markdown", "markdown": "# Draft"}
MARKED = call("bookmarks.add", channel_id="C0DEPLOYS", title="Runbook", type="link", link=RUNBOOK)
LISTED = call("bookmarks.list", channel_id="C0DEPLOYS")
DRAFTED = call("conversations.canvases.create", channel_id="C0DEPLOYS", document_content=DRAFT, title="Postmortem")
PLACED = call("files.getUploadURLExternal", filename="postmortem.md", length=7)


ALONE = bare("canvases.create", title="Notes", document_content=DRAFT)
REPLACED = call("canvases.edit", canvas_id="$canvas_id", changes=[{"operation": "replace", "document_content": DRAFT}])


def _looking(words: str) -> Call:
    criteria = {"section_types": ["any_header"], "contains_text": words}
    return call("canvases.sections.lookup", canvas_id="$canvas_id", criteria=criteria)


FOUND = _looking("Draft")


async def _free(stage: Stage) -> None:
    stage.slack.paid_plan = False


async def _crowded(stage: Stage) -> None:
    for _ in range(100):
        assert (await stage.call(MARKED))["ok"]


async def sent(stage: Stage, content: bytes = b"# Draft") -> tuple[int, str]:
    """Send a file where Slack said."""
    place = await stage.call(PLACED)
    async with aiohttp.ClientSession() as session, session.post(place["upload_url"], data=content) as answer:
        return answer.status, await answer.text()


async def _it_is_sent(stage: Stage) -> None:
    assert await sent(stage) == (200, "OK - 7")
    assert [one.status for one in stage.slack.calls if one.method == "upload"] == [200]


async def _another_length(stage: Stage) -> None:
    status, _ = await sent(stage, b"# Another draft")
    assert status == 400
    answer = await stage.call(SHARED)
    assert answer["error"] == "file_not_found"


async def _sent_twice(stage: Stage) -> None:
    place = await stage.call(PLACED)
    statuses = []
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.post(place["upload_url"], data=b"# Draft") as answer:
                statuses.append(answer.status)
    assert statuses == [200, 404]


async def _stands_there(stage: Stage) -> None:
    await _it_is_sent(stage)
    assert (await stage.call(SHARED))["ok"]
    (said,) = stage.slack.messages("#deploys")
    assert [(one.name, one.title, one.content) for one in said.files] == [("postmortem.md", "Postmortem", b"# Draft")]
    history = await stage.call(call("conversations.history", channel="C0DEPLOYS"))
    assert history["messages"][0]["files"][0]["name"] == "postmortem.md"


async def _stands_everywhere(stage: Stage) -> None:
    await _it_is_sent(stage)
    assert (await stage.call(call(SHARED.method, files=FILES, channels=["C0DEPLOYS", "U0ANA"])))["ok"]
    said = [*stage.slack.messages("#deploys"), *stage.slack.direct_messages("ana")]
    assert [one.name for message in said for one in message.files] == ["postmortem.md"] * 2


async def _status(stage: Stage) -> None:
    until = stage.slack.workspace.now() + 3600
    stage.slack.set_status("ana", "On holiday", ":palm_tree:", until=until)


async def _status_ended(stage: Stage) -> None:
    await _status(stage)
    stage.sandbox.clock.turn(by=timedelta(hours=2))


FILES = [{"id": "$file_id", "title": "Postmortem"}]
SHARED = call("files.completeUploadExternal", files=FILES, channel_id="C0DEPLOYS")

ROOM_RULES = (
    # Bookmarks
    answered("a bookmark says what it leads to", MARKED, {"bookmark.link": RUNBOOK, "bookmark.type": "link"}),
    answered("bookmarks are listed", LISTED, {"bookmarks.#": 1, "bookmarks.0.title": "Runbook"}, MARKED),
    answered(
        "a link may be bookmarked twice", LISTED, {"bookmarks.#": 2}, MARKED, MARKED, source="ours: not documented"
    ),
    answered(
        "a bookmark changes in part",
        call("bookmarks.edit", channel_id="C0DEPLOYS", bookmark_id="$bookmark", title="Dashboard"),
        {"bookmark.title": "Dashboard", "bookmark.link": RUNBOOK},
        MARKED,
    ),
    answered(
        "a bookmark is taken off",
        LISTED,
        {"bookmarks.#": 0},
        MARKED,
        call("bookmarks.remove", channel_id="C0DEPLOYS", bookmark_id="$bookmark"),
    ),
    refused(
        "a bookmark leads to http or https",
        call("bookmarks.add", channel_id="C0DEPLOYS", title="x", type="link", link="ftp://x.example"),
        "invalid_link",
    ),
    refused(
        "a bookmark is a link",
        call("bookmarks.add", channel_id="C0DEPLOYS", title="x", type="folder", link=RUNBOOK),
        "invalid_bookmark_type",
    ),
    refused(
        "a bookmark's title has 256 characters at most",
        call("bookmarks.add", channel_id="C0DEPLOYS", title="x" * 257, type="link", link=RUNBOOK),
        "invalid_arguments",
    ),
    refused(
        "a bookmark's emoji is one",
        call("bookmarks.add", channel_id="C0DEPLOYS", title="x", type="link", link=RUNBOOK, emoji="book"),
        "invalid_emoji",
    ),
    refused("a bookmark is in a channel", bare("bookmarks.list"), "invalid_arguments"),
    refused("a bookmark's channel is there", call("bookmarks.list", channel_id="C0NOWHERE"), "channel_not_found"),
    refused(
        "only a member bookmarks",
        call("bookmarks.add", channel_id=THEIRS, title="x", type="link", link=RUNBOOK),
        "access_denied",
        source="ours: not documented",
    ),
    Rule(
        name="a channel takes so many bookmarks",
        source=f"{docs('bookmarks.add')}; how many is ours",
        play=_crowded,
        call=MARKED,
        error="too_many_bookmarks",
    ),
    unscoped(MARKED, "bookmarks:write"),
    unscoped(LISTED, "bookmarks:read"),
    # Canvases
    Rule(
        name="a channel says which canvas it has",
        source="java-slack-sdk, samples of users.conversations: properties.canvas.file_id",
        before=(DRAFTED,),
        call=call("conversations.info", channel="C0DEPLOYS"),
        answer={"channel.properties.canvas.is_empty": False},
    ),
    refused("a channel has one canvas", DRAFTED, "channel_canvas_already_exists", DRAFTED),
    Rule(
        name="canvases of channels need a plan",
        source=docs("conversations.canvases.create"),
        play=_free,
        call=DRAFTED,
        error="team_tier_cannot_create_channel_canvases",
    ),
    refused(
        "a canvas is written in Markdown",
        call("conversations.canvases.create", channel_id="C0DEPLOYS", document_content={"type": "html", "html": "x"}),
        "invalid_arguments",
    ),
    answered("a canvas is written anew", REPLACED, {"ok": True}, DRAFTED),
    answered("a canvas stands alone", REPLACED, {"ok": True}, ALONE),
    answered(
        "a canvas is made for a channel",
        call("conversations.info", channel="C0DEPLOYS"),
        {"channel.properties.canvas.is_empty": False},
        bare("canvases.create", channel_id="C0DEPLOYS", document_content=DRAFT),
        source=docs("canvases.create"),
    ),
    Rule(
        name="free teams have no canvas that stands alone",
        source=docs("canvases.create"),
        play=_free,
        call=ALONE,
        error="free_teams_cannot_create_non_tabbed_canvases",
    ),
    unscoped(ALONE, "canvases:write"),
    refused(
        "a canvas changes once at a time",
        bare("canvases.edit", canvas_id="$canvas_id", changes=[]),
        "invalid_arguments",
        DRAFTED,
    ),
    refused(
        "a canvas that is not there does not change",
        call("canvases.edit", canvas_id="F0NOTHING", changes=[{"operation": "replace", "document_content": DRAFT}]),
        "canvas_not_found",
    ),
    unscoped(DRAFTED, "canvases:write"),
    answered("a heading of a canvas is found by its words", FOUND, {"sections.#": 1}, DRAFTED),
    answered("other words are in no heading", _looking("Final"), {"sections.#": 0}, DRAFTED),
    refused(
        "headings are looked for in a canvas",
        bare("canvases.sections.lookup", canvas_id="F0NOTHING", criteria={}),
        "canvas_not_found",
    ),
    unscoped(FOUND, "canvases:read", DRAFTED),
    # Files
    answered("a place to send a file to is Slack's", PLACED, {"ok": True}),
    refused(
        "a file that is announced has a length",
        bare("files.getUploadURLExternal", filename="x.md"),
        "missing_argument",
    ),
    Rule(
        name="a file is sent where Slack said, and shared",
        source="slack-ruby-client, recordings of files_upload_v2",
        play=_it_is_sent,
        call=SHARED,
        answer={"files.0.title": "Postmortem", "files.0.size": 7},
    ),
    Rule(
        name="a file stands wherever it is shared, people's conversations included",
        source=docs("files.completeUploadExternal"),
        play=_stands_everywhere,
    ),
    Rule(
        name="a file is shared in 100 places at most",
        source=docs("files.completeUploadExternal"),
        play=_it_is_sent,
        call=call(SHARED.method, files=FILES, channels=[f"C{n}" for n in range(101)]),
        error="channels_limit_exceeded",
    ),
    Rule(
        name="a shared file stands in the channel",
        source=docs("files.completeUploadExternal"),
        play=_stands_there,
    ),
    Rule(name="a file of another length is not taken", source="ours: not documented", play=_another_length),
    Rule(name="a place takes a file once", source="ours: not documented", play=_sent_twice),
    refused("a file that was not sent is not shared", SHARED, "file_not_found", PLACED),
    Rule(
        name="a file is shared where the app is",
        source=docs("files.completeUploadExternal"),
        play=_it_is_sent,
        call=call("files.completeUploadExternal", files=[{"id": "$file_id"}], channel_id=THEIRS),
        error="not_in_channel",
    ),
    unscoped(PLACED, "files:write"),
    # People
    Rule(
        name="a status says until when",
        source=docs("users.info"),
        play=_status,
        call=call("users.info", user="U0ANA"),
        answer={"user.profile.status_text": "On holiday", "user.profile.status_emoji": ":palm_tree:"},
    ),
    Rule(
        name="a status ends by itself",
        source=docs("users.info"),
        play=_status_ended,
        call=call("users.info", user="U0ANA"),
        answer={"user.profile.status_text": "", "user.profile.status_expiration": 0},
    ),
)
