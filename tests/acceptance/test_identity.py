"""Who somebody is, good enough to approve: proven at GitHub; what they typed themselves never is."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
from sqlmodel import Session

from bot import people
from bot.deploys.loading import Desk
from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.stories import Story, story
from tests.acceptance.test_preferences import whispered, whispers


async def may_approve(there: Story, slack_id: str) -> bool:
    """Whether somebody's login is proven."""

    def ask(session: Session, desk: Desk) -> bool:
        return people.proven_login(session, desk.catalog, slack_id) is not None

    return await there.serving.bot.read(ask)


async def code_given(sandbox: Sandbox, person: str) -> str:
    """The code that somebody is given who asks to prove who they are."""
    await sandbox.slack.command(person, "/ship", "me github prove")
    await sandbox.slack.until(lambda: whispered(sandbox, person, "/login/device", "#general"))
    code = re.search(r"[A-Z]{4}-[A-Z]{4}", watching.words_of(whispers(sandbox, person, "#general")[-1]))
    assert code is not None
    return code.group()


async def test_ana_proves_her_login_by_githubs_device_flow_and_neither_a_typed_link_nor_a_throwaway_account_is_enough(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """She enters the code on GitHub's page, signed in as herself; Ben does, as somebody whom nobody ever let in."""
    sandbox.github.sign_in.interval = 1
    app = sandbox.environment(github_app=True)
    environment = {name: app[name] for name in ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY")} | {"GITHUB_TOKEN": ""}
    async with story(sandbox, database_url, tmp_path, environment=environment) as there:
        await sandbox.slack.command("ana", "/ship", "me github ana")
        await sandbox.slack.until(lambda: whispered(sandbox, "ana", "ana's changes come to you", "#general"))
        assert not await may_approve(there, "U0ANA")

        sandbox.github.forge.account("ben2")
        codes = {login: await code_given(sandbox, person) for person, login in (("ana", "ana"), ("ben", "ben2"))}
        async with aiohttp.ClientSession() as browser:
            for login, code in codes.items():
                sent = {"user_code": code, "login": login}
                async with browser.post(f"{sandbox.url}/github.com/login/device", data=sent) as page:
                    assert page.status == 200

        await sandbox.slack.until(lambda: whispered(sandbox, "ana", "Proven: GitHub says that you are ana", "#general"))
        assert await may_approve(there, "U0ANA")
        await sandbox.slack.until(lambda: whispered(sandbox, "ben", "ben2 may not push to acme/checkout", "#general"))
        assert whispered(sandbox, "ben", "have ben2 written under people in shipmate.yml", "#general")
        assert not await may_approve(there, "U0BEN")
