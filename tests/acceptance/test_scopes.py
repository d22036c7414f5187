"""The manifest grants exactly what is needed: with it everything here works, without any one scope something fails."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import yaml

from bot.rendering import manifest_file
from bot.sandbox.server import Sandbox
from bot.sandbox.world import BOT_USER_ID, Message
from tests.acceptance import watching
from tests.acceptance.promoting import company, policy
from tests.acceptance.test_scopes_rooms import NEEDED as IN_ROOMS
from tests.conftest import living, unhurried

REPO = "acme/checkout"

GRANTED = frozenset(yaml.safe_load(manifest_file().read_text(encoding="utf-8"))["oauth_config"]["scopes"]["bot"])

Scene = Callable[[Sandbox, str], Awaitable[None]]


class Lacking(Exception):
    """Slack refused for want of a scope."""


async def _until(sandbox: Sandbox, condition: Callable[[], object]) -> None:
    """Wait until something holds; Lacking as soon as a call was refused for want of a scope."""
    await sandbox.slack.until(lambda: condition() or _refusals(sandbox))
    refused = _refusals(sandbox)
    if refused:
        raise Lacking(", ".join(sorted(refused)))


def _refusals(sandbox: Sandbox) -> set[str]:
    answers = (one.answer for one in sandbox.slack.calls if one.incoming and isinstance(one.answer, dict))
    return {str(answer["needed"]) for answer in answers if answer.get("error") == "missing_scope"}


async def _rollout(sandbox: Sandbox) -> None:
    """Something goes live in production."""
    number = await sandbox.github.deployment(REPO, "main", "production")
    await sandbox.github.deployment_status(REPO, number, "success")


def _cards(sandbox: Sandbox, channel: str) -> list[Message]:
    return watching.cards(sandbox.slack.messages(channel), "deploy")


async def _asks(sandbox: Sandbox, url: str) -> None:
    """Ana asks for help, and is answered."""
    async with living(sandbox, url):
        try:
            await sandbox.slack.command("ana", "/ship", "help", channel="#deploys")
        except LookupError as refused:
            raise Lacking(str(refused)) from None
        await _until(sandbox, lambda: any(one.ephemeral_for for one in sandbox.slack.messages("#deploys")))


def _told(channel: str) -> Scene:
    async def scene(sandbox: Sandbox, url: str) -> None:
        """A deploy's card appears in the channel."""
        async with living(sandbox, url, SHIPMATE_DEFAULT_CHANNEL=channel):
            await _rollout(sandbox)
            await _until(sandbox, lambda: _cards(sandbox, channel))

    return scene


def _doubted(channel: str) -> Scene:
    async def scene(sandbox: Sandbox, url: str) -> None:
        """Slack takes the card and cuts the connection: it is found in the history, and stands there once."""
        sandbox.slack.fault("accept_then_cut", method="chat.postMessage", channel=channel, times=1)
        async with living(sandbox, url, SHIPMATE_DEFAULT_CHANNEL=channel) as bot:
            await _rollout(sandbox)
            await _until(sandbox, lambda: any(one.method == "conversations.history" for one in sandbox.slack.calls))
            await watching.at_rest(bot.serving.bot.database)
            assert len(_cards(sandbox, channel)) == 1

    return scene


async def _doubted_in_private(sandbox: Sandbox, url: str) -> None:
    """The same in a private channel that the bot was invited to."""
    sandbox.world.add_channel("quiet-deploys", channel_id="C0QUIET", members={BOT_USER_ID, "U0ANA"}, private=True)
    await _doubted("#quiet-deploys")(sandbox, url)


async def _doubted_in_person(sandbox: Sandbox, url: str) -> None:
    """An author's message is doubtful: it is looked for in their conversation with the bot, and stands there once."""
    sandbox.slack.fault("accept_then_cut", method="chat.postMessage", channel="ana", times=1)
    async with living(sandbox, url, SHIPMATE_CONFIG=_ana_is_known(url)) as bot:
        await _anas_change_goes_live(sandbox)
        await _until(sandbox, lambda: any(one.method == "conversations.history" for one in sandbox.slack.calls))
        await watching.at_rest(bot.serving.bot.database)
        assert len(watching.cards(sandbox.slack.direct_messages("ana"), "change")) == 1


async def _found_by_address(sandbox: Sandbox, url: str) -> None:
    """Nobody wrote down who Ana is: Slack knows her by the address that GitHub shows."""
    async with living(sandbox, url):
        await _anas_change_goes_live(sandbox)
        await _until(sandbox, lambda: watching.cards(sandbox.slack.direct_messages("ana"), "change"))


async def _a_member_of_the_group_approves(sandbox: Sandbox, url: str) -> None:
    """Ana's change waits for a yes of the payments leads; Dee, who is one, gives it, and it goes live."""
    folder = Path(url.removeprefix("sqlite:///")).parent
    async with company(sandbox, url, folder, catalogue=policy(gates="[{approval: {count: 1}}]")) as there:
        sha = await there.merge("ana", "Retry payments")
        said = await there.press("dee", "promotions:approve")
        if there.production()[-1] != sha:
            raise Lacking(f"{said}: {', '.join(_refusals(sandbox))}")
        watching.one(there.promotions(), "live in *production*", "Retry payments")


async def _anas_change_goes_live(sandbox: Sandbox) -> None:
    await _rollout(sandbox)
    number = await sandbox.github.open_pull(REPO, author="ana", title="Retry payments", files=("src/pay.py",))
    await sandbox.github.merge_pull(REPO, number, merged_by="ben")
    await _rollout(sandbox)


def _ana_is_known(url: str) -> str:
    catalogue = Path(url.removeprefix("sqlite:///")).with_name("shipmate.yml")
    catalogue.write_text("people:\n  - {slack: U0ANA, github: ana}\n", encoding="utf-8")
    return str(catalogue)


NEEDED: Mapping[str, Scene] = MappingProxyType(
    {
        "commands": _asks,
        "chat:write": _told("#deploys"),
        "channels:history": _doubted("#deploys"),
        "channels:read": _doubted("#deploys"),
        "channels:join": _told("#general"),
        "groups:history": _doubted_in_private,
        "groups:read": _doubted_in_private,
        "im:history": _doubted_in_person,
        "im:write": _doubted_in_person,
        "usergroups:read": _a_member_of_the_group_approves,
        "users:read": _found_by_address,
        "users:read.email": _found_by_address,
    }
)
"""What each scope is for: the scene that cannot be played without it."""


def test_every_scope_of_the_manifest_has_a_scene() -> None:
    """A scope that nobody can say what it is for is not asked for."""
    assert set(NEEDED) | set(IN_ROOMS) == GRANTED
    assert not set(NEEDED) & set(IN_ROOMS)


@pytest.mark.parametrize("scope", sorted(NEEDED))
async def test_with_the_whole_manifest_the_scene_plays_and_without_the_scope_it_does_not(
    scope: str, sqlite_template: Path, tmp_path: Path
) -> None:
    """Played twice: as the manifest asks, and without this one scope."""
    scene = NEEDED[scope]
    for folder in (tmp_path / "whole", tmp_path / "without"):
        folder.mkdir()
        shutil.copyfile(sqlite_template, folder / "shipmate.db")
    async with unhurried(scopes=GRANTED) as sandbox:
        await scene(sandbox, f"sqlite:///{tmp_path}/whole/shipmate.db")
    async with unhurried(scopes=GRANTED - {scope}) as sandbox:
        with pytest.raises(Lacking):
            await scene(sandbox, f"sqlite:///{tmp_path}/without/shipmate.db")
