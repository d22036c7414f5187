"""The rules of people, views and Slack's own tools that the stand-in keeps: one row each."""

from __future__ import annotations

from typing import Any

from tests.conformance.slack_call_rules import answered, docs, refused, unscoped
from tests.conformance.slack_stage import bare, call

DIVIDER: list[dict[str, Any]] = [{"type": "divider"}]
TITLE = {"type": "plain_text", "text": "Lock"}
MODAL: dict[str, Any] = {"type": "modal", "title": TITLE, "blocks": DIVIDER}
HOME: dict[str, Any] = {"type": "home", "blocks": DIVIDER}

PEOPLE = (
    answered(
        "people have time zones",
        call("users.info", user="U0DEE"),
        {"user.tz": "Asia/Kathmandu", "user.tz_offset": 20700},
    ),
    answered("a guest is restricted", call("users.info", user="U0FAY"), {"user.is_restricted": True}),
    answered(
        "somebody of another workspace has its id",
        call("users.info", user="U0GUS"),
        {"user.team_id": "T0PARTNER", "user.is_stranger": None},
        source=docs("user object, team_id and is_stranger"),
    ),
    answered("people are online", call("users.getPresence", user="U0DEE"), {"presence": "active"}),
    refused(
        "nobody's presence is not told",
        call("users.getPresence", user="U0NOBODY"),
        "user_not_found",
        source="ours: not documented",
    ),
    unscoped(call("users.getPresence", user="U0DEE"), "users:read"),
    refused("somebody must exist", call("users.info", user="U0NOBODY"), "user_not_found"),
    answered(
        "an address is found whatever its case",
        call("users.lookupByEmail", email="Dee@Example.com"),
        {"user.id": "U0DEE"},
    ),
    refused("an address nobody has", call("users.lookupByEmail", email="x@example.com"), "users_not_found"),
    refused(
        "another workspace's people are not found by address",
        call("users.lookupByEmail", email="gus@partner.example"),
        "users_not_found",
        source="ours: not documented",
    ),
    answered("a profile has a title", call("users.profile.get", user="U0FAY"), {"profile.title": "Auditor"}),
    refused("a profile is somebody's", call("users.profile.get", user="U0NOBODY"), "user_not_found"),
    answered("an app is found by its bot id", call("bots.info", bot="B0SHIPMATE"), {"bot.user_id": "U0SHIPMATE"}),
    refused("a bot must exist", call("bots.info", bot="B0NOBODY"), "bot_not_found"),
    answered("the workspace says its domain", call("team.info"), {"team.id": "T0ACME", "team.domain": "acme-sandbox"}),
    refused("another workspace says nothing", call("team.info", team="T0OTHER"), "team_not_found"),
    answered(
        "a user group lists its people to those who ask",
        call("usergroups.list", include_users=True),
        {"usergroups.0.handle": "payments-leads", "usergroups.0.users": ["U0DEE", "U0EVE"]},
    ),
    answered("a user group lists nobody to others", call("usergroups.list"), {"usergroups.0.users": None}),
    answered("who is in a group", call("usergroups.users.list", usergroup="S0LEADS"), {"users": ["U0DEE", "U0EVE"]}),
    refused("a group must exist", call("usergroups.users.list", usergroup="S0NONE"), "no_such_subteam"),
    unscoped(call("users.info", user="U0ANA"), "users:read"),
    unscoped(call("users.list"), "users:read"),
    unscoped(call("users.lookupByEmail", email="x@example.com"), "users:read.email"),
    unscoped(call("users.profile.get", user="U0ANA"), "users.profile:read"),
    unscoped(call("usergroups.list"), "usergroups:read"),
    unscoped(call("usergroups.users.list", usergroup="S0LEADS"), "usergroups:read"),
    unscoped(call("team.info"), "team:read"),
    unscoped(call("bots.info", bot="B0SHIPMATE"), "users:read"),
)

OPENED = call("views.open", trigger_id="$trigger", view=MODAL)
VIEWS = (
    answered("a trigger opens a modal", OPENED, {"view.type": "modal", "view.previous_view_id": None}),
    refused("a trigger is one of Slack's", call("views.open", trigger_id="1.2.3", view=MODAL), "invalid_trigger_id"),
    refused("a modal needs a trigger", call("views.open", view=MODAL), "invalid_arguments"),
    refused("what is opened is a modal", call("views.open", trigger_id="$trigger", view=HOME), "invalid_arguments"),
    refused(
        "a view has 250 kB at most",
        call(
            "views.open",
            trigger_id="$trigger",
            view=MODAL | {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "é" * 3000}}] * 50},
        ),
        "view_too_large",
    ),
    answered(
        "a pushed modal knows those below it",
        call("views.push", trigger_id="$trigger", view=MODAL),
        {"view.type": "modal"},
        OPENED,
    ),
    refused("a modal is pushed onto another", call("views.push", trigger_id="$trigger", view=MODAL), "not_found"),
    refused(
        "three modals are the most",
        call("views.push", trigger_id="$trigger", view=MODAL),
        "push_limit_reached",
        OPENED,
        call("views.push", trigger_id="$trigger", view=MODAL),
        call("views.push", trigger_id="$trigger", view=MODAL),
    ),
    answered(
        "an update keeps the id",
        call("views.update", view_id="$view", hash="$hash", view=MODAL | {"callback_id": "second"}),
        {"view.callback_id": "second"},
        OPENED,
    ),
    refused(
        "an update of what was updated meanwhile is refused",
        call("views.update", view_id="$view", hash="0.old", view=MODAL),
        "hash_conflict",
        OPENED,
    ),
    refused("an update needs its view", call("views.update", view_id="V0NONE", view=MODAL), "not_found"),
    refused("an update names its view", bare("views.update", view=MODAL), "invalid_arguments"),
    answered(
        "a view is found by its external id",
        call("views.update", external_id="lock-1", view=MODAL),
        {"view.type": "modal"},
        call("views.open", trigger_id="$trigger", view=MODAL | {"external_id": "lock-1"}),
    ),
    refused(
        "an external id is for one view",
        call("views.push", trigger_id="$trigger", view=MODAL | {"external_id": "lock-1"}),
        "duplicate_external_id",
        call("views.open", trigger_id="$trigger", view=MODAL | {"external_id": "lock-1"}),
    ),
    answered("a home tab is published", call("views.publish", user_id="U0ANA", view=HOME), {"view.type": "home"}),
    refused(
        "a home tab that changed meanwhile is not replaced",
        call("views.publish", user_id="U0ANA", view=HOME, hash="0.old"),
        "hash_conflict",
        call("views.publish", user_id="U0ANA", view=HOME),
    ),
    refused("a home tab is somebody's", call("views.publish", user_id="U0NOBODY", view=HOME), "invalid_arguments"),
    refused("what is published is a home tab", call("views.publish", user_id="U0ANA", view=MODAL), "invalid_arguments"),
)

TOOLS = (
    answered("api.test says back what it is told", call("api.test", foo="bar"), {"args.foo": "bar"}),
    refused("api.test fails on demand", call("api.test", error="my_error"), "my_error"),
    answered("auth.test says who the app is", call("auth.test"), {"bot_id": "B0SHIPMATE", "team_id": "T0ACME"}),
    refused("a method must exist", call("chat.shout"), "unknown_method", source="reported by every SDK"),
    refused("blocks.validate takes one thing", call("blocks.validate"), "invalid_arguments"),
    refused(
        "blocks.validate tells of bad blocks", call("blocks.validate", blocks='[{"type":"sparkle"}]'), "invalid_blocks"
    ),
    refused("blocks.validate tells of a bad view", call("blocks.validate", view='{"type":"modal"}'), "invalid_view"),
    refused(
        "blocks.validate tells of a bad message",
        call("blocks.validate", message='{"blocks":[{"type":"sparkle"}]}'),
        "invalid_message",
    ),
)
