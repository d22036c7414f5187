"""Both adapters in the stand-in world, which was written from the vendors' documents and shares no code with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.github import GithubForge
from bot.adapters.slack import SlackChat
from bot.adapters.slack_calls import METHODS
from bot.errors import Doubtful, GiveUp, MessageGone, PlaceUnreachable, RetryLater, Unauthorised
from bot.events import DeployStatus, Human
from bot.ports import Changes, Direction, Message, Posted
from bot.sandbox.server import Sandbox
from tests.conftest import UNHURRIED

REPO = "acme/checkout"


def message(key: str, text: str = "checkout is rolling out") -> Message:
    """A card with this key."""
    return Message(text=text, blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": text}}], key=key)


def a_minute_ago() -> datetime:
    """When a doubtful send may have begun."""
    return datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture
async def chat(sandbox: Sandbox) -> AsyncIterator[SlackChat]:
    """The bot's Slack."""
    settings = sandbox.environment()
    made = SlackChat(settings["SLACK_BOT_TOKEN"], settings["SLACK_API_URL"], timeout=UNHURRIED)
    yield made
    await made.close()


@pytest.fixture
async def forge(sandbox: Sandbox) -> AsyncIterator[GithubForge]:
    """The bot's GitHub, by token."""
    settings = sandbox.environment()
    made = GithubForge(settings["GITHUB_API_URL"], token=settings["GITHUB_TOKEN"], timeout=UNHURRIED)
    yield made
    await made.close()


# Slack


async def test_a_card_is_posted_and_edited_in_place(chat: SlackChat, sandbox: Sandbox) -> None:
    """One message, its last words, one edit."""
    at = await chat.post("#payments-deploys", message("card:1"))
    await chat.update(at, message("card:1", "checkout is live"))
    (shown,) = sandbox.slack.messages("#payments-deploys")
    assert (shown.ts, shown.text, shown.edits) == (at.ts, "checkout is live", 1)
    assert shown.blocks[0]["text"]["text"] == "checkout is live"


async def test_an_author_hears_in_their_own_conversation(chat: SlackChat, sandbox: Sandbox) -> None:
    """Opened by the first message; the loud reply stands in its thread."""
    ana = sandbox.world.person("ana").slack_id
    at = await chat.post(ana, message("change:812"))
    reply = await chat.post(at.channel, message("note:812", "It is live"), thread=at.ts)
    assert [one.text for one in sandbox.slack.direct_messages("ana")] == ["checkout is rolling out"]
    assert [one.ts for one in sandbox.slack.replies(at.channel, at.ts)] == [reply.ts]


@pytest.mark.parametrize("place", ["#payments-deploys", "ana"])
async def test_a_message_whose_answer_was_lost_is_found(place: str, chat: SlackChat, sandbox: Sandbox) -> None:
    """It stands there once; the look back says where."""
    place = place if place.startswith("#") else sandbox.world.person(place).slack_id
    sandbox.slack.fault("accept_then_cut", method="chat.postMessage", times=1)
    with pytest.raises(Doubtful):
        await chat.post(place, message("card:1"))
    found = await chat.find(place, {"card:1", "card:2"}, since=a_minute_ago())
    assert found.keys() == {"card:1"}
    await chat.update(found["card:1"], message("card:1", "found again"))


async def test_a_reply_whose_answer_was_lost_is_found(chat: SlackChat, sandbox: Sandbox) -> None:
    """In its thread, which the channel's history does not show."""
    parent = await chat.post("#payments-deploys", message("card:1"))
    sandbox.slack.fault("accept_then_cut", method="chat.postMessage", times=1)
    with pytest.raises(Doubtful):
        await chat.post("#payments-deploys", message("note:1"), thread=parent.ts)
    found = await chat.find(parent.channel, {"note:1"}, since=a_minute_ago(), threads=[parent.ts])
    assert found["note:1"].ts == sandbox.slack.replies(parent.channel, parent.ts)[0].ts


async def test_a_message_that_never_arrived_is_not_found(chat: SlackChat, sandbox: Sandbox) -> None:
    """Then it may be sent again, and stands there once."""
    sandbox.slack.fault("cut", method="chat.postMessage", times=1)
    with pytest.raises(Doubtful):
        await chat.post("#payments-deploys", message("card:1"))
    assert await chat.find("#payments-deploys", {"card:1"}, since=a_minute_ago()) == {}
    await chat.post("#payments-deploys", message("card:1"))
    assert len(sandbox.slack.messages("#payments-deploys")) == 1


async def test_a_full_channel_says_when_to_come_back(chat: SlackChat, sandbox: Sandbox) -> None:
    """Slack's own limit, one message a second, after a short burst."""
    sandbox.slack.rate_limits = True

    async def burst() -> None:
        for number in range(20):
            await chat.post("#payments-deploys", message(f"card:{number}"))

    with pytest.raises(RetryLater) as raised:
        await burst()
    assert raised.value.rate_limited
    assert raised.value.delay is not None


@pytest.mark.parametrize("fault", ["hang", "slow"])
async def test_a_slow_slack_is_doubtful(fault: str, sandbox: Sandbox) -> None:
    """Patience ends; the message may stand there all the same."""
    settings = sandbox.environment()
    hasty = SlackChat(settings["SLACK_BOT_TOKEN"], settings["SLACK_API_URL"], timeout=0.3)
    sandbox.slack.fault(fault, method="chat.postMessage", times=1, seconds=0.6)
    try:
        with pytest.raises(Doubtful):
            await hasty.post("#payments-deploys", message("card:1"))
    finally:
        sandbox.slack.clear_faults()
        await hasty.close()


async def test_a_deleted_card_is_gone(chat: SlackChat) -> None:
    """And a channel nobody made is no place."""
    at = await chat.post("#payments-deploys", message("card:1"))
    with pytest.raises(MessageGone):
        await chat.update(Posted(at.channel, "1.000001"), message("card:1"))
    with pytest.raises(PlaceUnreachable):
        await chat.post("#nowhere", message("card:2"))
    with pytest.raises(PlaceUnreachable):
        await chat.find("#nowhere", {"card:2"}, since=a_minute_ago())


async def test_people_are_found_by_their_verified_address(chat: SlackChat, sandbox: Sandbox) -> None:
    """An address nobody verified is nobody's."""
    ana = sandbox.world.person("ana")
    found = await chat.member_by_email(ana.email)
    assert found is not None
    assert (found.slack_id, found.active) == (ana.slack_id, True)
    assert await chat.member_by_email("nobody@example.com") is None


async def test_our_scopes_are_all_we_need(chat: SlackChat) -> None:
    """What the stand-in grants is what the manifest asks for; every method we call is covered."""
    identity = await chat.identity()
    assert identity.scopes >= {scope for _, scopes in METHODS.values() for scope in scopes}


async def test_a_scope_that_is_missing_is_named() -> None:
    """As Slack itself names it."""
    async with Sandbox(rate_limits=False, scopes=["users:read"]) as sandbox:
        settings = sandbox.environment()
        poor = SlackChat(settings["SLACK_BOT_TOKEN"], settings["SLACK_API_URL"])
        wrong = SlackChat("xoxb-wrong", settings["SLACK_API_URL"])
        try:
            with pytest.raises(Unauthorised, match="chat:write"):
                await poor.post("#payments-deploys", message("card:1"))
            with pytest.raises(Unauthorised, match="SLACK_BOT_TOKEN"):
                await wrong.post("#payments-deploys", message("card:1"))
        finally:
            await poor.close()
            await wrong.close()


# GitHub


@pytest.mark.parametrize("how", ["squash", "merge", "rebase"])
async def test_however_it_is_merged_it_is_one_change(how: str, forge: GithubForge, sandbox: Sandbox) -> None:
    """With its author, its merger and whoever helped."""
    github = sandbox.github
    before = github.forge.repository(REPO).branches["main"]
    number = await github.open_pull(
        REPO, author="ben", title="Retry payments", commits=["Retry", "Wait longer"], coauthors=["dee"]
    )
    landed = await github.merge_pull(REPO, number, merged_by="chi", how=how)
    found = await forge.compare(REPO, before, landed, paths=True)
    assert (found.direction, found.truncated, found.arriving.commits) == (Direction.AHEAD, 0, ())
    (change,) = found.arriving.pulls
    assert (change.number, change.sha, change.title) == (number, landed, "Retry payments")
    assert (change.author.login, change.merger) == ("ben", Human(login="chi"))
    assert [one.name for one in change.coauthors] == ["Dee Larsson"]
    assert len(change.commits) == {"squash": 0, "merge": 2, "rebase": 1}[how]
    assert change.paths == ("src/app.py",)
    assert (await forge.single(REPO, landed, paths=False)).pulls[0].number == number


async def test_a_rollback_names_what_it_takes_away(forge: GithubForge, sandbox: Sandbox) -> None:
    """The bot's work, its merger, and a commit straight to main."""
    github = sandbox.github
    before = github.forge.repository(REPO).branches["main"]
    number = await github.open_pull(REPO, author="dependabot[bot]", title="Bump stripe")
    await github.merge_pull(REPO, number, merged_by="chi")
    direct = await github.commit(REPO, author="ana", message="Hotfix")
    found = await forge.compare(REPO, direct, before, paths=False)
    assert (found.direction, found.arriving) == (Direction.BEHIND, Changes())
    assert [(one.number, one.author.bot) for one in found.leaving.pulls] == [(number, True)]
    assert [(one.sha, one.author.login) for one in found.leaving.commits] == [(direct, "ana")]


async def test_deployments_are_listed_with_how_they_went(forge: GithubForge, sandbox: Sandbox) -> None:
    """The replaced one still says that it succeeded."""
    github = sandbox.github
    since = datetime.now(UTC) - timedelta(hours=1)
    head = github.forge.repository(REPO).branches["main"]
    first = await github.deployment(REPO, head, "staging")
    await github.deployment_status(REPO, first, "success")
    second = await github.deployment(REPO, head, "staging")
    await github.deployment_status(REPO, second, "success")
    third = await github.deployment(REPO, head, "production", payload={"service": "checkout"})
    await github.deployment_status(REPO, third, "failure")
    await github.deployment(REPO, head, "preview-1", transient=True)
    found = await forge.deployments_since(REPO, since)
    assert [(one.external_id, one.status) for one in found] == [
        (str(first), DeployStatus.SUCCEEDED),
        (str(second), DeployStatus.SUCCEEDED),
        (str(third), DeployStatus.FAILED),
    ]
    assert (found[2].service, found[2].final) == ("checkout", True)
    assert await forge.deployments_since(REPO, datetime.now(UTC) + timedelta(hours=1)) == []


async def test_githubs_troubles_are_told_apart(forge: GithubForge, sandbox: Sandbox) -> None:
    """Down and limited pass by themselves; a wrong token and an unseen repository do not."""
    head = sandbox.github.forge.repository(REPO).branches["main"]
    sandbox.github.fault(down=True)
    with pytest.raises(RetryLater) as raised:
        await forge.single(REPO, head, paths=False)
    assert not raised.value.rate_limited
    sandbox.github.fault(rate_limited=120)
    with pytest.raises(RetryLater) as raised:
        await forge.single(REPO, head, paths=False)
    assert raised.value.rate_limited
    assert raised.value.delay is not None
    sandbox.github.fault()
    with pytest.raises(GiveUp, match="cannot see acme/secret"):
        await forge.single("acme/secret", head, paths=False)
    wrong = GithubForge(sandbox.environment()["GITHUB_API_URL"], token="ghp_wrong")
    try:
        with pytest.raises(Unauthorised, match="GITHUB_TOKEN"):
            await wrong.single(REPO, head, paths=False)
    finally:
        await wrong.close()


async def test_an_account_may_show_its_address(forge: GithubForge) -> None:
    """Eve's does not."""
    assert await forge.email("ana") == "ana@example.com"
    assert await forge.email("eve") is None
    assert await forge.email("nobody-at-all") is None


async def test_an_app_asks_for_what_it_missed(sandbox: Sandbox) -> None:
    """Signed in as the App, whose deliveries failed while the bot was away."""
    settings = sandbox.environment(github_app=True)
    app = GithubForge(
        settings["GITHUB_API_URL"],
        app_id=settings["GITHUB_APP_ID"],
        private_key=settings["GITHUB_APP_PRIVATE_KEY"],
    )
    since = datetime.now(UTC) - timedelta(hours=1)
    sandbox.connect(sandbox.url)
    sandbox.github.drop_webhooks()
    await sandbox.github.commit(REPO, author="ana", message="While you were away")
    await sandbox.settle()
    try:
        missed = await app.redeliver_failed(since)
        assert missed is not None
        assert missed.requested == 1
        assert missed.first_at is not None
        await sandbox.settle()
        assert [one.redelivery for one in sandbox.github.deliveries] == [False, True]
        head = sandbox.github.forge.repository(REPO).branches["main"]
        found = await asyncio.gather(*(app.single(REPO, head, paths=False) for _ in range(4)))
        assert {one.commits[0].message for one in found} == {"While you were away"}
    finally:
        await app.close()
