"""Who people are, asked of the stand-in world: groups, presence and views; proofs at GitHub; who is on call."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot.adapters.github import GithubForge
from bot.adapters.pagerduty import PagerDutyPager
from bot.adapters.slack import SlackChat
from bot.errors import GiveUp, RetryLater, Unauthorised
from bot.ports import DeviceProof, Member, OnCall
from bot.sandbox.github_app import APP_ID
from bot.sandbox.server import Sandbox
from bot.sandbox.world import BOT_USER_ID
from tests.conftest import UNHURRIED

MODAL = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Reject"},
    "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "Why?"}}],
}


@pytest.fixture
async def chat(sandbox: Sandbox) -> AsyncIterator[SlackChat]:
    """The bot's Slack."""
    settings = sandbox.environment()
    made = SlackChat(settings["SLACK_BOT_TOKEN"], settings["SLACK_API_URL"], timeout=UNHURRIED)
    yield made
    await made.close()


@pytest.fixture
async def forge(sandbox: Sandbox) -> AsyncIterator[GithubForge]:
    """The bot's GitHub, as an App that may see the organisation's members."""
    settings = sandbox.environment(github_app=True)
    sandbox.app.permissions["members"] = "read"
    made = GithubForge(
        settings["GITHUB_API_URL"],
        app_id=settings["GITHUB_APP_ID"],
        private_key=settings["GITHUB_APP_PRIVATE_KEY"],
        timeout=UNHURRIED,
    )
    yield made
    await made.close()


@pytest.fixture
async def pager(sandbox: Sandbox) -> AsyncIterator[PagerDutyPager]:
    """The bot's PagerDuty."""
    settings = sandbox.environment()
    made = PagerDutyPager(settings["PAGERDUTY_API_KEY"], settings["PAGERDUTY_API_URL"], timeout=UNHURRIED)
    yield made
    await made.close()


# Slack


async def test_a_group_is_found_by_its_handle(chat: SlackChat, sandbox: Sandbox) -> None:
    assert await chat.group_members("payments-leads") == frozenset({"U0DEE", "U0EVE"})
    assert await chat.group_members("@Payments-Leads") == frozenset({"U0DEE", "U0EVE"})
    assert await chat.group_members("nobody") is None
    sandbox.slack.change_usergroup("payments-leads", ["ana"])
    assert await chat.group_members("payments-leads") == frozenset({"U0ANA"})


async def test_without_a_paid_plan_or_the_scope_a_group_cannot_be_read_and_it_is_said_why(
    chat: SlackChat, sandbox: Sandbox
) -> None:
    sandbox.slack.paid_plan = False
    with pytest.raises(GiveUp, match="paid plan"):
        await chat.group_members("payments-leads")
    sandbox.slack.scopes -= {"usergroups:read"}
    with pytest.raises(Unauthorised, match="usergroups:read"):
        await chat.group_members("payments-leads")


async def test_whether_somebody_is_online_is_told(chat: SlackChat, sandbox: Sandbox) -> None:
    assert await chat.present("U0ANA") is True
    sandbox.slack.change_person("ana", away=True)
    assert await chat.present("U0ANA") is False
    assert await chat.present("U0NOBODY") is None


async def test_a_person_has_an_address_and_a_time_zone(chat: SlackChat) -> None:
    assert await chat.member("U0DEE") == Member(
        slack_id="U0DEE", name="Dee", email="dee@example.com", zone="Asia/Kathmandu"
    )
    guest = await chat.member("U0FAY")
    assert guest is not None
    assert guest.guest
    app = await chat.member(BOT_USER_ID)
    assert app is not None
    assert app.guest, "an app takes no role, and approves nothing"


async def test_a_modal_is_opened_once_replaced_and_closed(chat: SlackChat, sandbox: Sandbox) -> None:
    trigger = sandbox.slack.views.trigger("U0ANA")
    view = await chat.open_view(trigger, MODAL)
    assert [one["id"] for one in sandbox.slack.modals("ana")] == [view]
    await chat.update_view(view, {**MODAL, "title": {"type": "plain_text", "text": "Rejected"}})
    assert sandbox.slack.modals("ana")[0]["title"]["text"] == "Rejected"
    with pytest.raises(GiveUp) as spent:
        await chat.open_view(trigger, MODAL)
    assert spent.value.code == "exchanged_trigger_id"
    with pytest.raises(GiveUp) as gone:
        await chat.update_view("V0NOTHING", MODAL)
    assert gone.value.code == "not_found"


async def test_a_home_is_published(chat: SlackChat, sandbox: Sandbox) -> None:
    await chat.publish_home("U0ANA", {"type": "home", "blocks": MODAL["blocks"]})
    home = sandbox.slack.home("ana")
    assert home is not None
    assert home["type"] == "home"


# GitHub


async def test_somebody_proves_their_login_by_entering_a_code(forge: GithubForge, sandbox: Sandbox) -> None:
    """On GitHub's own page; until then there is nothing, and afterwards the code is worth nothing."""
    sandbox.github.sign_in.interval = 0
    proof = await forge.begin_device_proof()
    assert proof.url == f"{sandbox.url}/github.com/login/device"
    assert proof.interval == 5, "none named: GitHub's usual"
    assert proof.expires_at > datetime.now(UTC)
    assert await forge.device_proven(proof) is None
    async with aiohttp.ClientSession() as browser:
        async with browser.get(proof.url) as page:
            assert "Device activation" in await page.text()
        async with browser.post(proof.url, data={"user_code": proof.user_code.lower(), "login": "eve"}) as done:
            assert "All set" in await done.text()
        async with browser.post(proof.url, data={"user_code": proof.user_code, "login": "ana"}) as again:
            assert again.status == 422
    assert await forge.device_proven(proof) == "eve"
    with pytest.raises(GiveUp, match="ask for another"):
        await forge.device_proven(proof)


async def test_the_token_that_proves_is_asked_once_and_kept_nowhere(forge: GithubForge, sandbox: Sandbox) -> None:
    sandbox.github.sign_in.interval = 0
    proof = await forge.begin_device_proof()
    sandbox.github.sign_in.enter(proof.user_code, "ana")
    assert await forge.device_proven(proof) == "ana"
    (token,) = sandbox.github.sign_in.tokens
    asked = [one for one in sandbox.github.log.rows if one.method == "GET /user"]
    assert len(asked) == 1
    assert token not in repr(vars(forge)) + repr(vars(forge._proofs)) + repr(proof)


async def test_a_code_that_is_refused_or_ran_out_ends(forge: GithubForge, sandbox: Sandbox) -> None:
    sandbox.github.sign_in.interval = 0
    refused, late = await forge.begin_device_proof(), await forge.begin_device_proof()
    sandbox.github.sign_in.refuse(refused.user_code)
    with pytest.raises(GiveUp) as fault:
        await forge.device_proven(refused)
    assert fault.value.code == "access_denied"
    sandbox.clock.turn(by=timedelta(minutes=16))
    with pytest.raises(GiveUp) as fault:
        await forge.device_proven(late)
    assert fault.value.code == "expired_token"


async def test_who_asks_too_often_is_told_when_to_ask_again(forge: GithubForge) -> None:
    proof = await forge.begin_device_proof()
    assert await forge.device_proven(proof) is None
    with pytest.raises(RetryLater) as slower:
        await forge.device_proven(proof)
    assert slower.value.delay == 10


async def test_what_the_app_lacks_for_a_proof_is_said(forge: GithubForge, sandbox: Sandbox) -> None:
    sandbox.github.sign_in.device_flow = False
    with pytest.raises(GiveUp, match="Enable Device Flow"):
        await forge.begin_device_proof()
    settings = sandbox.environment()
    by_token = GithubForge(settings["GITHUB_API_URL"], token=settings["GITHUB_TOKEN"])
    try:
        with pytest.raises(GiveUp, match="must be a GitHub App"):
            await by_token.begin_device_proof()
    finally:
        await by_token.close()


async def test_single_sign_on_says_whose_address_it_is(forge: GithubForge, sandbox: Sandbox) -> None:
    """And of nobody else, wherever there is none, or no organisation."""
    assert await forge.login_by_sign_on("acme", "eve@example.com") is None
    sandbox.github.sign_in.identities = {"eve@example.com": "eve", "ana@example.com": "ana"}
    assert await forge.login_by_sign_on("acme", "Eve@Example.com") == "eve"
    assert await forge.login_by_sign_on("acme", "mallory@example.com") is None
    assert await forge.login_by_sign_on("elsewhere", "eve@example.com") is None
    del sandbox.app.permissions["members"]
    with pytest.raises(Unauthorised, match="Members"):
        await forge.login_by_sign_on("acme", "eve@example.com")


async def test_who_may_push_is_told_by_every_way_they_were_let_in(forge: GithubForge, sandbox: Sandbox) -> None:
    """A member by the organisation, others by their role; an account that somebody made for the occasion never."""
    for role in ("read", "triage", "maintain", "admin"):
        sandbox.github.let_in("acme/checkout", f"a-{role}", role)
    sandbox.github.forge.account("mallory2")
    told = {
        login: await forge.may_push("acme/checkout", login)
        for login in ("Ana", "a-read", "a-triage", "a-maintain", "a-admin", "mallory2", "nobody-at-all", "a/../b")
    }
    assert [login for login, may in told.items() if may] == ["Ana", "a-maintain", "a-admin"]
    assert not await forge.may_push("acme/cart", "a-admin"), "of that repository alone"


async def test_a_repository_that_cannot_be_asked_about_is_no_no(forge: GithubForge, sandbox: Sandbox) -> None:
    with pytest.raises(GiveUp, match="cannot see acme/nothing"):
        await forge.may_push("acme/nothing", "ana")
    assert await forge.may_push("acme/checkout", "ana")
    sandbox.github.fault(rate_limited=30.0)
    with pytest.raises(RetryLater):
        await forge.may_push("acme/checkout", "ana")


async def test_a_github_that_is_down_or_somebody_else_is_asked_again(forge: GithubForge, sandbox: Sandbox) -> None:
    proof = await forge.begin_device_proof()
    sandbox.github.sign_in.enter(proof.user_code, "ana")
    sandbox.github.fault(down=True)
    with pytest.raises(RetryLater):
        await forge.device_proven(proof)
    nobody = GithubForge(f"{sandbox.url}/nothing/api/v3", app_id=str(APP_ID), private_key=sandbox.app.private_key)
    nobody._proofs._client_id = "known"
    try:
        with pytest.raises((RetryLater, GiveUp)):
            await nobody.device_proven(dataclasses.replace(proof, device_code="other"))
    finally:
        await nobody.close()


async def test_a_github_that_cannot_be_reached_is_asked_again(unused_tcp_port: int) -> None:
    forge = GithubForge(f"http://127.0.0.1:{unused_tcp_port}/api/v3", app_id="1", private_key="none")
    forge._proofs._client_id = "known"
    proof = DeviceProof("secret-code", "ABCD-EFGH", "", 5, datetime.now(UTC))
    with pytest.raises(RetryLater) as fault:
        await forge.device_proven(proof)
    assert "secret-code" not in str(fault.value)
    await forge.close()


# PagerDuty


async def test_who_is_on_call_first_is_told_with_their_address(pager: PagerDutyPager) -> None:
    """Dee, before Eve, who is called only when Dee does not answer."""
    assert await pager.on_call("PSCHECKOUT") == (
        OnCall(user="PUDEE", email="dee@example.com", name="Dee Larsson", until=None),
    )


async def test_whose_shift_it_is_by_a_schedule_is_told_whether_or_not_a_policy_calls_it(pager: PagerDutyPager) -> None:
    """As conductors of trains are; a schedule that PagerDuty does not know is told too."""
    now = datetime.now(UTC)
    assert await pager.on_schedule("PCONDUCTORS", now) == (
        OnCall(user="PUCHI", email="chi@example.com", name="Chi Nguyen", until=None),
    )
    with pytest.raises(GiveUp, match="conductors of trains"):
        await pager.on_schedule("PNOTHING", now)


async def test_a_service_that_pagerduty_does_not_know_is_told(pager: PagerDutyPager) -> None:
    with pytest.raises(GiveUp, match="pagerduty_service"):
        await pager.on_call("PSNOTHING")


async def test_a_pagerduty_in_trouble_is_asked_again_later(pager: PagerDutyPager, sandbox: Sandbox) -> None:
    """Down, cut off, slow, limited: nothing is repeated by the library itself."""
    for fault in ({"down": True}, {"cut": True}):
        sandbox.pagerduty.fault(**fault)
        before = len(sandbox.pagerduty.log.rows)
        with pytest.raises(RetryLater):
            await pager.on_call("PSCHECKOUT")
        assert len(sandbox.pagerduty.log.rows) == before + 1
    sandbox.pagerduty.fault(rate_limited=30.0)
    with pytest.raises(RetryLater) as limited:
        await pager.on_call("PSCHECKOUT")
    assert limited.value.rate_limited
    assert limited.value.delay is not None


async def test_a_wrong_key_is_told_and_repeated_nowhere(sandbox: Sandbox) -> None:
    for key in ("not-a-real-key-5512", "nöt\x00akey"):
        wrong = PagerDutyPager(key, sandbox.environment()["PAGERDUTY_API_URL"])
        try:
            with pytest.raises(Unauthorised, match="PAGERDUTY_API_KEY") as fault:
                await wrong.on_call("PSCHECKOUT")
        finally:
            await wrong.close()
        assert "5512" not in str(fault.value)


async def test_questions_at_once_are_all_answered(pager: PagerDutyPager) -> None:
    found = await asyncio.gather(*(pager.on_call("PSCHECKOUT") for _ in range(8)))
    assert {one[0].user for one in found} == {"PUDEE"}
