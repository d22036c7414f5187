"""What the stand-in Slack says has no field that Slack's published samples lack: answers, interactions, events.

The samples are unions of what was seen, so a field may be absent from ours, but none of ours may be unknown, or of
another kind.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.slack_api import METHODS
from bot.sandbox.slack_manifest import EVENT_SCOPES, Manifest
from tests.conformance.slack_call_rules import POSTED
from tests.conformance.slack_channel_rules import EYES, MADE, PINNED, RENAMED, UNPINNED
from tests.conformance.slack_modal_rules import CARD, MODAL, Told, carded, opened
from tests.conformance.slack_preview_rules import LINKED, PREVIEWED
from tests.conformance.slack_room_rules import ALONE, DRAFTED, LISTED, MARKED, PLACED, SHARED, sent
from tests.conformance.slack_stage import Call, Json, Stage, bare, call, staged

SAMPLES = Path(__file__).parents[3] / "shared" / "payloads" / "slack"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="Slack's samples are not beside this checkout")
FREE_FORM = ("blocks", "state", "errors", "metadata", "initial_option", "confirm", "attachments")
"""Whose insides are the app's own, or differ by what is in them."""
NEWER = {"context_team_id", "context_enterprise_id", "is_enterprise_install", "team", "response_urls", "event.event_ts"}
"""Fields of Slack's pages that the samples do not have yet."""
OPENED = call("views.open", trigger_id="$trigger", view=MODAL)


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
    """What ours has and theirs has not, by its path: fields, and values of another kind."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            here = f"{at}.{name}" if at else name
            if name in theirs and name not in FREE_FORM:
                yield from unknown(value, theirs[name], here)
            elif name not in theirs and here not in NEWER and name not in FREE_FORM:
                yield here
    elif isinstance(ours, list) and isinstance(theirs, list):
        for one in ours:
            yield from unknown(one, theirs[0], f"{at}[]") if theirs else ()
    elif ours is not None and theirs is not None and type(ours) is not type(theirs):
        yield f"{at}: {type(ours).__name__} for {type(theirs).__name__}"


ANSWERS: tuple[tuple[Call, tuple[Call, ...]], ...] = (
    (bare("api.test", foo="bar"), ()),
    (call("auth.test"), ()),
    (MARKED, ()),
    (LISTED, (MARKED,)),
    (call("bookmarks.edit", channel_id="C0DEPLOYS", bookmark_id="$bookmark", title="x"), (MARKED,)),
    (call("bookmarks.remove", channel_id="C0DEPLOYS", bookmark_id="$bookmark"), (MARKED,)),
    (call("bots.info", bot="B0SHIPMATE"), ()),
    (ALONE, ()),
    (call("chat.delete", channel="C0DEPLOYS", ts="$ts"), (POSTED,)),
    (call("chat.getPermalink", channel="C0DEPLOYS", message_ts="$ts"), (POSTED,)),
    (call("chat.deleteScheduledMessage", channel="C0DEPLOYS", scheduled_message_id="$scheduled_message_id"), ()),
    (call("chat.postEphemeral", channel="C0DEPLOYS", user="U0ANA", text="x"), ()),
    (call("chat.scheduledMessages.list"), ()),
    (PREVIEWED, (LINKED,)),
    (call("conversations.archive", channel="C0DEPLOYS"), ()),
    (DRAFTED, ()),
    (MADE, ()),
    (call("conversations.info", channel="C0PARTNER"), ()),
    (call("conversations.info", channel="C0DEPLOYS", include_num_members=True), ()),
    (call("conversations.invite", channel="C0DEPLOYS", users="U0FAY"), ()),
    (call("conversations.invite", channel="C0DEPLOYS", users="U0FAY,U0NOBODY", force=True), ()),
    (call("conversations.join", channel="C0GENERAL"), ()),
    (call("conversations.join", channel="C0DEPLOYS"), ()),
    (
        call("conversations.list", types="public_channel,private_channel,im"),
        (call("conversations.open", users="U0ANA"),),
    ),
    (call("conversations.members", channel="C0DEPLOYS"), ()),
    (call("conversations.kick", channel="C0DEPLOYS", user="U0BEN"), ()),
    (RENAMED, (MADE,)),
    (call("conversations.setPurpose", channel="C0DEPLOYS", purpose="x"), ()),
    (call("conversations.setTopic", channel="C0DEPLOYS", topic="x"), ()),
    (PLACED, ()),
    (call("pins.add", channel="C0DEPLOYS", timestamp="$ts"), (POSTED,)),
    (UNPINNED, (POSTED, PINNED)),
    (EYES, (POSTED,)),
    (call("reactions.remove", channel="C0DEPLOYS", timestamp="$ts", name="eyes"), (POSTED, EYES)),
    (call("team.info"), ()),
    (call("usergroups.list", include_users=True, include_count=True), ()),
    (call("usergroups.users.list", usergroup="S0LEADS"), ()),
    (call("users.conversations"), (DRAFTED,)),
    (call("users.info", user="U0ANA"), ()),
    (call("users.info", user="U0GUS"), ()),
    (call("users.info", user="U0SHIPMATE"), ()),
    (call("users.list"), ()),
    (call("users.lookupByEmail", email="dee@example.com"), ()),
    (call("users.profile.get", user="U0FAY"), ()),
    (OPENED, ()),
    (call("views.push", trigger_id="$trigger", view=MODAL), (OPENED,)),
    (call("views.update", view_id="$view", view=MODAL), (OPENED,)),
    (call("views.publish", user_id="U0ANA", view={"type": "home", "blocks": CARD}), ()),
)
"""Calls whose answers are compared, each with those before it."""


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_has_its_tier_and_scopes(name: str) -> None:
    described = sample("methods", f"{name}.json")
    tier = {"t1": 1, "t2": 2, "t3": 3, "t4": 4}.get(described.get("rate_limits") or "")
    assert METHODS[name].tier == tier
    assert set(METHODS[name].scopes) <= set(described["scope"].get("bot") or [])


async def test_what_a_method_requires_it_asks_for(stage: Stage) -> None:
    """Called without anything, a method that requires something refuses."""
    taken = []
    for file in (SAMPLES / "methods").glob("*.json"):
        required = set(json.loads(file.read_text(encoding="utf-8"))["args"].get("required", ())) - {"token"}
        if required and (await stage.call(bare(file.stem)))["ok"]:
            taken.append(file.stem)
    assert taken == []


@pytest.mark.parametrize(
    ("one", "before"),
    ANSWERS,
    ids=lambda value: value.method if isinstance(value, Call) else "",
)
async def test_an_answer_has_only_fields_that_slacks_has(stage: Stage, one: Call, before: tuple[Call, ...]) -> None:
    if "cheduledMessage" in one.method:
        soon = stage.slack.workspace.now() + 60
        before = (call("chat.scheduleMessage", channel="C0DEPLOYS", post_at=soon, text="x"),)
    for earlier in before:
        assert (await stage.call(earlier))["ok"]
    answer = await stage.call(one)
    assert answer["ok"]
    assert list(unknown(answer, sample("api", f"{one.method}.json"))) == []


def test_each_answer_of_which_there_is_a_sample_is_compared() -> None:
    """Of those not in the table, files have a test of their own, and connections are asked for with another token."""
    compared = {one.method for one, _ in ANSWERS} | {"apps.connections.open", "files.completeUploadExternal"}
    assert {file.stem for file in (SAMPLES / "api").glob("*.json")} & METHODS.keys() - compared == set()


async def test_an_address_to_connect_to_has_only_fields_that_slacks_has(stage: Stage) -> None:
    answer = await stage.client.apps_connections_open(app_token=stage.slack.app_token)
    assert list(unknown(answer.data, sample("api", "apps.connections.open.json"))) == []


async def test_a_shared_file_has_only_fields_that_slacks_has(stage: Stage) -> None:
    await sent(stage)
    answer = await stage.call(SHARED)
    assert answer["ok"]
    assert list(unknown(answer, sample("api", "files.completeUploadExternal.json"))) == []


async def test_a_command_has_only_fields_that_slacks_has(stage: Stage) -> None:
    told = Told()
    stage.app.command("/ship")(told.hear)
    await stage.slack.command("ana", "/ship", "status")
    found = unknown(told.body, sample("interaction", "slash-commands", "SlashCommandPayload.json"))
    assert list(found) == ["is_enterprise_install: str for bool"]  # a form's values are texts, all of them


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
        MADE,
        RENAMED,
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
