"""What the stand-in Slack says has no field that Slack's published samples lack: answers, interactions, events.

The samples are unions of what was seen, so a field may be absent from ours, but none of ours may be unknown.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.slack_manifest import EVENT_SCOPES, Manifest
from tests.conformance.slack_modal_rules import CARD, MODAL, Told, carded, opened
from tests.conformance.slack_room_rules import DRAFTED, LISTED, MARKED, PLACED, SHARED, sent
from tests.conformance.slack_stage import Call, Json, Stage, call, staged

SAMPLES = Path(__file__).parents[3] / "shared" / "payloads" / "slack"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="Slack's samples are not beside this checkout")
FREE_FORM = ("blocks", "state", "errors", "metadata", "initial_option", "confirm", "attachments")
"""Whose insides are the app's own, or differ by what is in them."""
NEWER = {"context_team_id", "context_enterprise_id", "is_enterprise_install", "team", "response_urls", "event.event_ts"}
"""Fields of Slack's pages that the samples do not have yet."""
POSTED = call("chat.postMessage", channel="C0DEPLOYS", text="x")

SCHEDULED = call("chat.scheduleMessage", channel="C0DEPLOYS", post_at="$soon", text="x")


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as running:
        yield running


def sample(*path: str) -> Any:
    """One published sample; the test is skipped where there is none."""
    file = SAMPLES.joinpath(*path)
    if not file.is_file():
        pytest.skip(f"there is no sample {'/'.join(path)}")
    return json.loads(file.read_text(encoding="utf-8"))


def unknown(ours: Any, theirs: Any, at: str = "") -> Iterator[str]:
    """Fields, by their path, that ours has and theirs has not."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            here = f"{at}.{name}" if at else name
            if name in theirs and name not in FREE_FORM:
                yield from unknown(value, theirs[name], here)
            elif name not in theirs and here not in NEWER and name not in FREE_FORM:
                yield here
    elif isinstance(ours, list) and isinstance(theirs, list) and theirs:
        for one in ours:
            yield from unknown(one, theirs[0], f"{at}[]")


@pytest.mark.parametrize(
    ("one", "before"),
    [
        (MARKED, ()),
        (LISTED, (MARKED,)),
        (call("bookmarks.edit", channel_id="C0DEPLOYS", bookmark_id="$bookmark", title="x"), (MARKED,)),
        (call("bookmarks.remove", channel_id="C0DEPLOYS", bookmark_id="$bookmark"), (MARKED,)),
        (call("bots.info", bot="B0SHIPMATE"), ()),
        (call("chat.delete", channel="C0DEPLOYS", ts="$ts"), (POSTED,)),
        (call("chat.getPermalink", channel="C0DEPLOYS", message_ts="$ts"), (POSTED,)),
        (
            call("chat.scheduledMessages.list"),
            (call("chat.scheduleMessage", channel="C0DEPLOYS", post_at=4_000_000_000),),
        ),
        (call("conversations.archive", channel="C0DEPLOYS"), ()),
        (DRAFTED, ()),
        (call("conversations.info", channel="C0PARTNER"), ()),
        (call("conversations.invite", channel="C0DEPLOYS", users="U0FAY"), ()),
        (call("conversations.invite", channel="C0DEPLOYS", users="U0FAY,U0NOBODY", force=True), ()),
        (call("conversations.kick", channel="C0DEPLOYS", user="U0BEN"), ()),
        (call("conversations.rename", channel="C0DEPLOYS", name="shipping"), ()),
        (call("conversations.setPurpose", channel="C0DEPLOYS", purpose="x"), ()),
        (call("conversations.setTopic", channel="C0DEPLOYS", topic="x"), ()),
        (PLACED, ()),
        (call("pins.add", channel="C0DEPLOYS", timestamp="$ts"), (POSTED,)),
        (call("reactions.add", channel="C0DEPLOYS", timestamp="$ts", name="eyes"), (POSTED,)),
        (call("team.info"), ()),
        (call("usergroups.list", include_users=True, include_count=True), ()),
        (call("usergroups.users.list", usergroup="S0LEADS"), ()),
        (call("users.conversations"), (DRAFTED,)),
        (call("users.info", user="U0GUS"), ()),
        (call("users.profile.get", user="U0FAY"), ()),
        (call("views.open", trigger_id="$trigger", view=MODAL), ()),
        (call("views.publish", user_id="U0ANA", view={"type": "home", "blocks": CARD}), ()),
    ],
    ids=lambda value: value.method if isinstance(value, Call) else "",
)
async def test_an_answer_has_only_fields_that_slacks_has(stage: Stage, one: Call, before: tuple[Call, ...]) -> None:
    if one.method == "chat.scheduledMessages.list":
        before = (
            call("chat.scheduleMessage", channel="C0DEPLOYS", post_at=stage.slack.workspace.now() + 60, text="x"),
        )
    for earlier in before:
        assert (await stage.call(earlier))["ok"]
    answer = await stage.call(one)
    assert answer["ok"]
    assert list(unknown(answer, sample("api", f"{one.method}.json"))) == []


async def test_a_shared_file_has_only_fields_that_slacks_has(stage: Stage) -> None:
    await sent(stage)
    answer = await stage.call(SHARED)
    assert answer["ok"]
    assert list(unknown(answer, sample("api", "files.completeUploadExternal.json"))) == []


async def test_a_command_has_only_fields_that_slacks_has(stage: Stage) -> None:
    told = Told()
    stage.app.command("/ship")(told.hear)
    await stage.slack.command("ana", "/ship", "status")
    assert list(unknown(told.body, sample("interaction", "slash-commands", "SlashCommandPayload.json"))) == []


async def test_a_click_has_only_fields_that_slacks_has(stage: Stage) -> None:
    told = Told()
    stage.app.action("mute")(told.hear)
    theirs = sample("interaction", "interactive-components", "BlockActionPayload.json")
    await stage.slack.click("ana", "#deploys", await carded(stage), action_id="mute")
    view = await opened(stage, MODAL | {"blocks": CARD})
    await stage.slack.click_view("ana", view, action_id="mute")
    assert [list(unknown(body, theirs)) for body in told.bodies] == [[], []]


async def test_a_messages_shortcut_has_only_fields_that_slacks_has(stage: Stage) -> None:
    told = Told()
    stage.app.message_shortcut("incident")(told.hear)
    await stage.slack.shortcut("ana", "incident", message=("#deploys", await carded(stage)))
    theirs = sample("interaction", "interactive-components", "MessageShortcutPayload.json")
    assert list(unknown(told.body, theirs)) == []


async def test_a_submission_and_a_closing_have_only_fields_that_slacks_have(stage: Stage) -> None:
    told = Told()
    stage.app.view("lock")(told.hear)
    stage.app.view_closed("lock")(told.hear)
    view = MODAL | {"notify_on_close": True}
    await stage.slack.submit("ana", await opened(stage, view), {"reason": "red"})
    await stage.slack.close("ana", await opened(stage, view))
    names = ("ViewSubmissionPayload.json", "ViewClosedPayload.json")
    found = [
        list(unknown(body, sample("interaction", "views", name))) for body, name in zip(told.bodies, names, strict=True)
    ]
    assert found == [[], []]


async def test_events_have_only_fields_that_slacks_have(stage: Stage) -> None:
    stage.slack.manifest = Manifest(events=frozenset(EVENT_SCOPES))
    said = await stage.slack.mention("ana", "hello", channel="#deploys")
    await stage.slack.react("ana", "#deploys", said.ts, "eyes")
    stage.slack.change_person("ana", zone="Asia/Tokyo")
    stage.slack.change_usergroup("payments-leads", ["dee"])
    for one in (
        call("conversations.invite", channel="C0DEPLOYS", users="U0FAY"),
        call("conversations.rename", channel="C0DEPLOYS", name="shipping"),
        call("conversations.archive", channel="C0DEPLOYS"),
    ):
        assert (await stage.call(one))["ok"]
    names = {
        "app_mention": "AppMention",
        "channel_archive": "ChannelArchive",
        "channel_rename": "ChannelRename",
        "member_joined_channel": "MemberJoinedChannel",
        "reaction_added": "ReactionAdded",
        "subteam_members_changed": "SubteamMembersChanged",
        "user_change": "UserChange",
    }
    await stage.slack.until(lambda: names.keys() <= told_of(stage).keys())
    told = told_of(stage)
    found = {kind: list(unknown(told[kind], sample("events", f"{name}Payload.json"))) for kind, name in names.items()}
    assert {kind: fields for kind, fields in found.items() if fields} == {}


def told_of(stage: Stage) -> dict[str, Json]:
    """The last event of each kind that was sent."""
    return {one.args["event"]["type"]: one.args for one in stage.slack.calls if one.method == "events_api"}
