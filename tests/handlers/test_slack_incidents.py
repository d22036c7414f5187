"""What people type, press and mark of incidents, in a whole bot in the stand-in world: each of it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox.server import Sandbox
from bot.sandbox.world import BOT_USER_ID, Message
from tests.acceptance import watching
from tests.acceptance.promoting import API_TOKEN, Company, company, policy
from tests.acceptance.stories import REPO
from tests.handlers.pressing import answered, opened, pressed, shown, stored_acts, whispers

TEAM = "payments-deploys"
PAGING = "\npaging: {mode: page}\n"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: what becomes of acts has its own tests on both."""
    return sqlite_url


@pytest.fixture
async def there(sandbox: Sandbox, database_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    """A company where Ana's change is live in production, and nothing is wrong."""
    catalogue = policy(gates="[lock]") + PAGING
    async with company(sandbox, database_url, tmp_path, catalogue=catalogue) as living:
        await living.merge("ana", "Retry payments", merged_by="chi")
        await living.turn(minutes=12)
        yield living


async def said(there: Company, person: str, words: str, channel: str = f"#{TEAM}") -> str:
    """Type ``/incident …``; what the person is told."""
    return await answered(there, person, there.sandbox.slack.command(person, "/incident", words, channel=channel))


async def fires(there: Company, name: str = "checkout 5xx", state: str = "firing", service: str = "checkout") -> None:
    """An alert fires, or is over."""
    at = there.clock().isoformat()
    body = {"service": service, "key": name, "name": name, "state": state, "started_at": at}
    status, _ = await there.tell("/api/v1/alerts", body)
    assert status in (200, 202)
    await there.turn(seconds=3)


def card(there: Company, channel: str = TEAM) -> Message:
    """The newest incident's card."""
    return watching.cards(there.sandbox.slack.messages(channel), "incident")[-1]


def room(there: Company) -> str:
    """The name of the newest incident's room."""
    return [one.name for one in there.sandbox.slack.workspace.channels.values() if one.name.startswith("inc-")][-1]


def offered(view: dict[str, Any], block_id: str) -> list[str]:
    """What a menu of a window offers."""
    (found,) = [block["element"] for block in view["blocks"] if block.get("block_id") == block_id]
    return [one["text"]["text"] for one in found["options"]]


async def test_an_alert_is_led_from_its_card_to_its_end(there: Company) -> None:
    slack = there.sandbox.slack
    await fires(there)
    first = card(there)
    assert first.text.startswith("🔴 checkout 5xx, 12 min after #801 went live · SEV")
    assert "Deploys of checkout are locked until this is resolved" in first.text
    page = next(one for one in slack.direct_messages("ana") if "your #801" in one.text)
    assert "Can you look? You wrote it." in page.text

    before = await stored_acts(there)
    assert "Guests" in await pressed(there, "fay", "incidents:mine", first)
    assert await stored_acts(there) == before
    slack.fault("http_500", method="users.info", times=2)  # the answer to a page is not lost by that, for who is known
    assert "You are on incident 1 (checkout 5xx) and lead it" in await pressed(there, "ana", "incidents:mine", page)
    assert "Ana leads" in card(there).text
    window = await opened(there, "dee", "incidents:details", card(there))
    assert "Retry payments · Ana" in shown(window)
    window = await opened(there, "dee", "incidents:roll_back", card(there))
    assert window["callback_id"] == "promotions:roll_back"
    assert "1 change leaves production" in shown(window)
    assert "🕰️ checkout 5xx · incident 1" in await pressed(there, "eve", "incidents:timeline", card(there))

    window = await opened(there, "ana", "incidents:update", card(there))
    blank = await slack.submit("ana", window["id"], {"text": " ", "next": "30"})
    assert blank.errors == {"text": "Say how it stands: everybody who waits will read this."}
    told = await answered(there, "ana", slack.submit("ana", window["id"], {"text": "One in ten fails", "next": "30"}))
    assert "The next word is promised for" in told
    assert "One in ten fails" in card(there).text

    window = await opened(there, "ana", "incidents:resolve", card(there))
    code = there.sandbox.github.repository(REPO)
    (ran_before,) = code.commits[code.branches["main"]].parents
    assert offered(window, "likely") == [
        "#801 (checkout, confidence high)",
        f"{ran_before[:7]} (checkout, confidence low)",
        "None of these",
        "I do not know yet",
    ]
    likely = next(block["element"] for block in window["blocks"] if block.get("block_id") == "likely")
    filled = {"text": "Rolled back", "likely": likely["options"][0]["value"]}
    assert "Resolved: incident 1" in await answered(there, "ana", slack.submit("ana", window["id"], filled))
    await there.turn(seconds=3)
    assert card(there).text.startswith("✅ checkout 5xx · resolved")
    assert "It was #801" in card(there).text
    stale = {"type": "button", "action_id": "incidents:mine", "value": "what?"}
    first.blocks[-1]["elements"].append(stale)
    assert "does not say which incident" in await pressed(there, "eve", "incidents:mine", first)
    stale["value"] = "1"
    assert "Nothing was done: incident 1 (checkout 5xx) was resolved by Ana" in await pressed(
        there, "eve", "incidents:mine", first
    )
    assert "Opened again: incident 1" in await pressed(there, "eve", "incidents:reopen", card(there))


async def test_every_word_is_answered(there: Company) -> None:
    """Before anything is open, and after; in the room it is the room's."""
    for words, answer in (
        ("", "✅ No incident is open."),
        ("help", "/incident open"),
        ("status", "No incident is open"),
        ("stauts", "Did you mean /incident status?"),
        ("status 9", "I know no incident 9. No incident is open."),
        ("status checkout", "No incident is open about checkout."),
        ("status chekcout now", "I cannot place “chekcout now”."),
        ("lead", "No incident is open."),
        ("lead @nobody", "I cannot tell who @nobody is"),
        ("lead chi", "Did you mean @chi?"),
        ("update 5 % of requests fail", "You said: “5 % of requests fail”"),
        ("update #9 one in ten fails", "I know no incident 9. No incident is open. You said: “one in ten fails”"),
        ("open sev9 cart is slow", "There is no SEV9"),
        ("lead <@U0ANA> <@U0CHI>", "One person leads."),
        ("update all is well", "No incident is open."),
        ("resolve", "No incident is open."),
        ("timeline", "No incident is open."),
        ("open checkout", "Say what is wrong with checkout too"),
        ("open sev2 checkout answers slowly", "Incident 1 (checkout answers slowly) is open"),
    ):
        assert answer in await said(there, "chi", words), words
    await there.turn(seconds=3)
    assert card(there).text.startswith("🔴 checkout answers slowly")
    assert "SEV2 · incident 1" in card(there).text
    place = room(there)
    assert "Incident 2 (nobody can log in) is open" in await said(there, "chi", "open nobody can log in")
    assert "Which one? Say its number, /incident lead #1" in await said(there, "ana", "lead")
    assert "leads incident 1" in (await said(there, "ana", "lead", channel=f"#{place}")).lower().replace(
        "you lead", "leads"
    )
    assert "incident 2" in await said(there, "ana", "2")
    assert "🔴 checkout answers slowly" in await said(there, "ana", "status", channel=f"#{place}")
    assert "🔴 checkout answers slowly" in await said(there, "ana", "status checkout")
    assert "opened" in await said(there, "ana", "timeline checkout/production")
    assert "2 incidents are open" in await said(there, "ana", "status")
    assert "The next word is promised" in await said(there, "ana", "update #1 one in ten fails")
    assert "The next word is promised" in await said(there, "ana", "update 5 of 9 pods are back", channel=f"#{place}")
    assert "5 of 9 pods are back" in card(there, place).text
    assert "opened" in await said(there, "eve", "timeline 1")
    window_before = len(there.sandbox.slack.modals("ana"))
    assert (await there.sandbox.slack.command("ana", "/incident", "resolve 1 rolled back", channel=f"#{TEAM}")).ok
    await there.at_rest()
    view = there.sandbox.slack.modals("ana")[window_before:][-1]
    (text,) = [block["element"] for block in view["blocks"] if block.get("block_id") == "text"]
    assert text["initial_value"] == "rolled back"


async def test_the_menu_opens_windows_for_the_rest(there: Company) -> None:
    slack = there.sandbox.slack
    await fires(there)
    await fires(there, "ledger slow", service="ledger")

    async def window(word: str) -> dict[str, Any]:
        return await opened(there, "ana", "incidents:more", card(there), chosen=f"{word}:1")

    view = await window("severity")
    told = await answered(there, "ana", slack.submit("ana", view["id"], {"severity": "1"}))
    assert "SEV1" in told
    view = await window("role")
    told = await answered(there, "ana", slack.submit("ana", view["id"], {"role": "scribe", "who": "U0EVE"}))
    assert "Eve" in told
    view = await window("task")
    told = await answered(there, "ana", slack.submit("ana", view["id"], {"text": "Tell support", "who": "U0BEN"}))
    assert "Tell support" in card(there).text
    view = await window("task")
    menu = next(block["accessory"] for block in view["blocks"] if block.get("accessory"))
    assert [one["text"]["text"] for one in menu["options"]] == ["It is done", "Open an issue for it"]
    done = await answered(
        there, "ana",
        slack.click_view("ana", view["id"], action_id="incidents:task_menu", chosen=menu["options"][0]["value"]),
    )  # fmt: skip
    assert "Done: task 1" in done
    assert "☑️ Tell support · Ben" in card(there).text


async def test_a_service_misspelt_is_asked_about_before_anything_is_opened(there: Company) -> None:
    """Of no service it would wake nobody; the window has what was typed, and one press opens it."""
    slack = there.sandbox.slack
    assert (await slack.command("ana", "/incident", "open sev1 chekout answers 5xx", channel=f"#{TEAM}")).ok
    await there.at_rest()
    view = slack.modals("ana")[-1]
    assert "I know no service “chekout”: is it checkout?" in shown(view)
    elements = {block.get("block_id"): block.get("element") for block in view["blocks"]}
    assert elements["title"]["initial_value"] == "checkout answers 5xx"
    assert elements["service"]["initial_option"]["value"] == "checkout"
    assert elements["severity"]["initial_option"]["value"] == "1"
    assert "No incident is open" in await said(there, "ana", "status")
    told = await answered(there, "ana", slack.submit("ana", view["id"], {}))
    assert "Incident 1 (checkout answers 5xx) is open" in told
    await there.turn(seconds=3)
    assert "Deploys of checkout are locked" in card(there).text


async def test_what_is_left_over_is_seen_to_after_the_end(there: Company) -> None:
    """More is noted and ticked off on the card of what is resolved; an issue is asked for by its button."""
    slack = there.sandbox.slack
    await fires(there)
    await fires(there, state="resolved")
    view = await opened(there, "ana", "incidents:resolve", card(there))
    await answered(there, "ana", slack.submit("ana", view["id"], {"text": "Rolled back", "likely": "unknown"}))
    await there.turn(seconds=3)
    view = await opened(there, "ana", "incidents:task", card(there))
    assert "Noted as task 1" in await answered(there, "ana", slack.submit("ana", view["id"], {"text": "Alert sooner"}))
    assert "▫️ Alert sooner" in card(there).text
    resolved = card(there)
    again = {"type": "button", "action_id": "incidents:follow_up", "value": "1:1"}
    resolved.blocks[-1]["elements"].append(again)  # as it stands below an issue that could not be opened
    assert "Task 1 becomes an issue in acme/checkout" in await pressed(there, "ana", "incidents:follow_up", resolved)
    await there.turn(seconds=3)
    (issue,) = there.sandbox.github.repository(REPO).issues.values()
    assert issue.title == "Alert sooner"


async def test_a_guest_gets_no_role_and_no_task_by_any_way_and_somebody_who_can_is_named(there: Company) -> None:
    """Fay is a guest, Gus of another company, and the app is nobody; Slack is asked before anything is kept."""
    slack = there.sandbox.slack
    await fires(there)
    for who in ("U0FAY", "U0GUS", BOT_USER_ID):
        typed = await said(there, "ana", f"lead <@{who}>", channel=f"#{room(there)}")
        assert "is no full member of this workspace and could do nothing in that role: name somebody who is" in typed
        for word, filled in (
            ("role", {"role": "lead"}),
            ("role", {"role": "communications"}),
            ("role", {"role": "scribe"}),
            ("task", {"text": "Tell support"}),
        ):
            view = await opened(there, "ana", "incidents:more", card(there), chosen=f"{word}:1")
            told = await answered(there, "ana", slack.submit("ana", view["id"], {**filled, "who": who}))
            assert "is no full member of this workspace" in told, (who, word)
            assert "name somebody who is, for example " in told
            assert ("You said: “Tell support”" in told) is (word == "task")
    assert "nobody leads yet" in card(there).text
    assert "Tell support" not in card(there).text


async def test_messages_open_incidents_and_stand_on_timelines(there: Company) -> None:
    """By the two shortcuts, and by a mark in the room."""
    slack = there.sandbox.slack
    slack.join("ben", f"#{TEAM}")
    message = await slack.say("ben", "checkout looks slow to me", channel=f"#{TEAM}")
    where = (message.channel, message.ts)
    assert "No incident is open" in await answered(there, "ben", slack.shortcut("ben", "incident_keep", message=where))
    assert (await slack.shortcut("ben", "incident_open_from", message=where)).ok
    await there.at_rest()
    view = slack.modals("ben")[-1]
    assert "From the message: checkout looks slow to me" in shown(view)
    (service,) = [block["element"] for block in view["blocks"] if block.get("block_id") == "service"]
    assert service["initial_option"]["value"] == "checkout", "which the message names"
    filled = {"title": "checkout is slow", "severity": "2"}
    assert "Incident 1 (checkout is slow) is open" in await answered(
        there, "ben", slack.submit("ben", view["id"], filled)
    )
    await there.turn(seconds=3)
    told = await answered(there, "ben", slack.shortcut("ben", "incident_keep", message=where))
    assert "It stands on the timeline of incident 1 (checkout is slow) already." in told
    place = room(there)
    slack.join("ana", f"#{place}")
    heard = await slack.say("ana", "I see time-outs at the gateway", channel=f"#{place}")
    marked = {"type": "message", "channel": heard.channel, "ts": heard.ts}
    mark = {"type": "reaction_added", "user": "U0EVE", "reaction": "pushpin", "item": marked, "item_user": "U0ANA"}
    assert await slack.event(mark) == [200]
    assert await slack.event({**mark, "item": {**marked, "channel": message.channel}}) == [200], "which is no room"
    await there.turn(seconds=3)
    lines = await said(there, "ana", "timeline", channel=f"#{place}")
    assert "I see time-outs at the gateway" in lines
    assert "checkout looks slow to me" in lines
    await said(there, "chi", "open nobody can log in")
    other = await slack.say("ben", "the login page is white", channel=f"#{TEAM}")
    assert (await slack.shortcut("ben", "incident_keep", message=(other.channel, other.ts))).ok
    await there.at_rest()
    view = slack.modals("ben")[-1]
    told = await answered(there, "ben", slack.submit("ben", view["id"], {"into": "2"}))
    assert "Kept on the timeline of incident 2" in told


async def test_who_is_on_call_and_the_figures_are_answered(there: Company) -> None:
    async def asked(words: str) -> str:
        return await answered(there, "ben", there.sandbox.slack.command("ben", "/ship", words, channel=f"#{TEAM}"))

    assert "checkout is on no PagerDuty rota: its approvers can help" in await asked("oncall checkout")
    assert "Of which service?" in await asked("oncall")
    assert "did you mean “checkout”" in await asked("oncall chekout")
    await fires(there)
    assert "Incident 1 is open there" in await asked("oncall checkout")
    assert "likely change #801, confidence high" in await asked("status checkout")
    assert "📈 checkout, the last 7 days" in await asked("metrics checkout 7d")
    assert "📈 payments, the last 30 days" in await asked("metrics payments")
    assert "Say it like this: /ship metrics" in await asked("metrics checkout ledger")
    assert whispers(there, "ben")


async def test_programs_read_of_it(there: Company) -> None:
    await fires(there)
    status, answer = await there.asked("/api/v1/incidents", state="open")
    assert (status, [one["title"] for one in answer["incidents"]], answer["next"]) == (200, ["checkout 5xx"], None)
    status, answer = await there.asked("/api/v1/incidents/1")
    assert (status, answer["likely_changes"][0]["label"]) == (200, "#801")
    status, answer = await there.asked("/api/v1/incidents/1/timeline")
    assert (status, answer["timeline"][0]["kind"] in ("act", "alert", "deploy")) == (200, True)
    status, answer = await there.asked("/api/v1/incidents/99")
    assert (status, answer["error"]) == (404, "There is no incident 99.")
    status, answer = await there.asked("/api/v1/metrics", service="checkout", days="7")
    assert (status, answer["days"], answer["services"][0]["service"]) == (200, 7, "checkout")
    status, answer = await there.asked("/api/v1/metrics", service="chekout")
    assert (status, "did you mean “checkout”" in answer["error"]) == (404, True)
    for query in ({"days": "0"}, {"days": "many"}, {"weeks": "1"}):
        status, answer = await there.asked("/api/v1/metrics", **query)
        assert status == 400, query
    address = f"{there.serving.url}/api/v1/incidents/1/postmortem"
    async with aiohttp.ClientSession() as http:
        async with http.get(address) as refused:
            assert refused.status == 401
        async with http.get(address, headers={"Authorization": f"Bearer {API_TOKEN}"}) as found:
            assert (found.status, found.content_type) == (200, "text/markdown")
            assert (await found.text()).startswith("# Postmortem: checkout 5xx")


async def test_a_service_that_only_watches_and_an_alert_of_nobody_are_one_press_away(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """“Open a room…” makes a watched one real; whose an alert is, is chosen from a menu, and then it counts."""
    async with company(sandbox, database_url, tmp_path, catalogue=policy(gates="[lock]")) as there:
        await there.merge("ana", "Retry payments", merged_by="chi")
        await there.turn(minutes=12)
        at = there.clock().isoformat()
        odd = {"name": "payments look odd", "state": "firing", "started_at": at, "labels": {"cluster": "west"}}
        status, _ = await there.tell("/api/v1/alerts", odd)
        assert status in (200, 202)
        await there.turn(seconds=3)
        asks = watching.one(there.sandbox.slack.messages("deploys"), "payments look odd", "do not know whose it is")
        menu = next(one for block in asks.blocks for one in block.get("elements", []) if one.get("options"))
        chosen = next(one["value"] for one in menu["options"] if one["value"].endswith(":checkout"))
        menu["options"].append({"text": menu["options"][0]["text"], "value": "what?"})
        assert "does not say which alert" in await pressed(there, "ben", "alerts:map", asks, chosen="what?")
        assert "checkout" in await pressed(there, "ben", "alerts:map", asks, chosen=chosen)
        await there.turn(seconds=3)
        first = card(there)
        assert first.text.startswith("👀 ")
        assert "Nobody was woken: checkout is only watched" in first.text
        assert "locked" not in first.text
        told = await pressed(there, "dee", "incidents:open_room", first)
        await there.turn(seconds=3)
        assert "incident 1" in told.lower()
        assert card(there).text.startswith("🔴 ")
        assert room(there).startswith("inc-")
        assert "Led in" in card(there).text
        assert "🔒 Deploys of checkout are locked until this is resolved" in card(there).text
