"""The manifest says to Slack what the code hears and calls: neither more nor less."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from bot import wiring
from bot.adapters.slack_calls import METHODS
from bot.rendering import templates_folder
from bot.sandbox.slack_manifest import EVENT_SCOPES
from bot.settings import load_settings
from handlers.slack import Listeners, listeners, words
from handlers.slack.answering import Answering
from handlers.slack.door import ROUTE

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT.parent / "shared" / "payloads" / "slack" / "manifest" / "manifest.schema.1.0.0.json"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
    return read


@pytest.fixture
def heard(sqlite_url: str) -> Listeners:
    """What the code listens for; nothing is started."""
    wired = wiring.wire(load_settings({"DATABASE_URL": sqlite_url}, None), {})
    return listeners(wired.bot, Answering(wired.bot, wired.renderer))


def test_it_is_valid_by_slacks_own_schema(manifest: dict[str, Any]) -> None:
    if not SCHEMA.is_file():
        pytest.skip("the published schema is not on this machine")
    faults = [fault.message for fault in Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(manifest)]
    assert faults == []


def test_its_texts_fit_where_slack_shows_them(manifest: dict[str, Any]) -> None:
    """Limits of the manifest reference; the schema checks them too, where it is at hand."""
    shown = manifest["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 175 <= len(shown["long_description"]) <= 4000


def test_its_commands_are_those_the_code_hears(manifest: dict[str, Any], heard: Listeners) -> None:
    commands = {command["command"]: command for command in manifest["features"]["slash_commands"]}
    assert set(commands) == set(heard.commands)
    for command in commands.values():
        assert command["should_escape"] is True, "mentions must arrive as ids, not as names"
        assert command["usage_hint"]


def test_the_hint_of_ship_names_every_word_that_works(manifest: dict[str, Any]) -> None:
    hint = manifest["features"]["slash_commands"][0]["usage_hint"]
    assert [part.split()[0] for part in hint.split(" | ")] == list(words.names())


def test_its_events_are_those_the_code_hears(manifest: dict[str, Any], heard: Listeners) -> None:
    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == set(heard.events)


def test_its_shortcuts_are_those_the_code_hears(manifest: dict[str, Any], heard: Listeners) -> None:
    shortcuts = manifest["features"]["shortcuts"]
    assert {shortcut["callback_id"] for shortcut in shortcuts} == set(heard.shortcuts)
    assert {shortcut["type"] for shortcut in shortcuts} == {"global", "message"}
    for shortcut in shortcuts:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150


def test_the_home_tab_is_on_where_the_code_publishes_it(manifest: dict[str, Any], heard: Listeners) -> None:
    """Slack tells of an opened tab only where there is one."""
    assert manifest["features"]["app_home"]["home_tab_enabled"] is ("app_home_opened" in heard.events)
    assert "views.publish" in METHODS


def test_its_scopes_are_those_our_calls_commands_and_events_need(manifest: dict[str, Any], heard: Listeners) -> None:
    needed = {scope for _, scopes in METHODS.values() for scope in scopes} | {"commands"}
    needed |= {scope for event in heard.events for scope in EVENT_SCOPES.get(event, ())}
    granted = manifest["oauth_config"]["scopes"]["bot"]
    assert set(granted) == needed
    assert granted == sorted(set(granted)), "each scope once, in order"


def test_every_button_of_a_template_is_heard_and_every_listener_has_a_button(heard: Listeners) -> None:
    written = "".join(path.read_text() for path in templates_folder().rglob("*.j2"))
    assert set(re.findall(r'"([a-z]+:[a-z_]+)"', written)) == set(heard.actions) | set(heard.options)


def test_every_modal_has_a_template_of_its_name(heard: Listeners) -> None:
    """``promotions:reject`` is shown by ``modals/reject``, ``trains:hold`` by ``modals/hold_train``; both are heard.

    ``incidents:resolve`` is shown by ``modals/incident_resolve``; trains roll on and back in one.
    """
    modals = {path.stem for path in (templates_folder() / "modals").glob("*.j2")}
    shapes = {"locks": "lock", "trains": "{}_train", "incidents": "incident_{}"}
    parts = [name.partition(":") for name in heard.views]
    one = {"roll_on": "roll", "roll_back": "roll"}
    submitted = {
        shapes.get(feature, "{}").format(one.get(word, word) if feature == "trains" else word)
        for feature, _, word in parts
    }
    assert submitted == modals - {"details", "details_train", "incident_likely"}


def test_slack_calls_the_one_route(manifest: dict[str, Any]) -> None:
    addresses = {command["url"] for command in manifest["features"]["slash_commands"]}
    addresses.add(manifest["settings"]["interactivity"]["request_url"])
    addresses.add(manifest["settings"]["interactivity"]["message_menu_options_url"])
    addresses.add(manifest["settings"]["event_subscriptions"]["request_url"])
    assert {address.removeprefix("https://shipmate.example.com") for address in addresses} == {ROUTE}


def test_tokens_do_not_rotate_and_one_workspace_is_meant(manifest: dict[str, Any]) -> None:
    """Rotation cannot be switched off again, and Bolt renews tokens only within requests."""
    settings = manifest["settings"]
    assert settings["token_rotation_enabled"] is False
    assert settings["org_deploy_enabled"] is False
    assert settings["interactivity"]["is_enabled"] is True
