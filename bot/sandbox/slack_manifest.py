"""What an app's manifest says of it: scopes, commands, shortcuts, events, tabs. Slack grants that and no more.

Without a manifest the stand-in grants all it knows, takes any command and shortcut, and tells of mentions and App Home.
Which scope an event needs is said on its page (docs.slack.dev/reference/events).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ALL_SCOPES = (
    "app_mentions:read",
    "bookmarks:read",
    "bookmarks:write",
    "canvases:read",
    "canvases:write",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "groups:write",
    "im:history",
    "im:read",
    "im:write",
    "links:write",
    "pins:read",
    "pins:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users.profile:read",
    "users:read",
    "users:read.email",
)
"""What the app is granted where no manifest says otherwise."""

EVENT_SCOPES: Mapping[str, tuple[str, ...]] = {
    "app_mention": ("app_mentions:read",),
    "channel_archive": ("channels:read",),
    "channel_created": ("channels:read",),
    "channel_rename": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "group_archive": ("groups:read",),
    "group_rename": ("groups:read",),
    "group_unarchive": ("groups:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "pin_added": ("pins:read",),
    "pin_removed": ("pins:read",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "subteam_members_changed": ("usergroups:read",),
    "user_change": ("users:read",),
}
"""Any one of these lets the app hear of it; events that are not here need none."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A slash command; with ``should_escape`` mentions reach the app as ids."""

    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True, kw_only=True)
class Shortcut:
    """A shortcut; ``type`` is ``global`` or ``message``."""

    name: str
    type: str
    callback_id: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What the app is. ``commands`` and ``shortcuts`` are None where any will do."""

    scopes: frozenset[str] = frozenset(ALL_SCOPES)
    commands: tuple[Command, ...] | None = None
    shortcuts: tuple[Shortcut, ...] | None = None
    events: frozenset[str] = frozenset({"app_mention", "app_home_opened"})
    home_tab: bool = True
    messages_tab: bool = True
    messages_read_only: bool = False

    def hears(self, event: str, scopes: Iterable[str]) -> bool:
        """Whether the app subscribed to an event (``message.channels`` …) and may hear of it."""
        needed = EVENT_SCOPES.get(event)
        return event in self.events and (needed is None or not set(needed).isdisjoint(scopes))

    def command(self, name: str) -> Command:
        """The command of this name; LookupError where the app has none."""
        if self.commands is None:
            return Command(command=name)
        found = next((one for one in self.commands if one.command == name), None)
        if found is None:
            known = ", ".join(one.command for one in self.commands) or "none at all"
            raise LookupError(f"{name} is not a valid command; there are {known}")
        return found

    def shortcut(self, callback_id: str, kind: str) -> Shortcut:
        """The shortcut of this kind and callback id; LookupError where the app has none."""
        if self.shortcuts is None:
            return Shortcut(name=callback_id, type=kind, callback_id=callback_id)
        known = [one for one in self.shortcuts if one.type == kind]
        found = next((one for one in known if one.callback_id == callback_id), None)
        if found is None:
            raise LookupError(f"no {kind} shortcut {callback_id!r}; there are {[one.callback_id for one in known]}")
        return found


def read_manifest(content: Mapping[str, Any]) -> Manifest:
    """The manifest as it was written in YAML or JSON; what is absent is off, as in Slack."""
    features = content.get("features") or {}
    home = features.get("app_home") or {}
    scopes = (content.get("oauth_config") or {}).get("scopes") or {}
    subscriptions = (content.get("settings") or {}).get("event_subscriptions") or {}
    return Manifest(
        scopes=frozenset(scopes.get("bot") or ()),
        commands=tuple(
            Command(
                command=one["command"],
                description=one.get("description", ""),
                usage_hint=one.get("usage_hint", ""),
                should_escape=bool(one.get("should_escape")),
            )
            for one in features.get("slash_commands") or ()
        ),
        shortcuts=tuple(
            Shortcut(
                name=one["name"],
                type=one["type"],
                callback_id=one["callback_id"],
                description=one.get("description", ""),
            )
            for one in features.get("shortcuts") or ()
        ),
        events=frozenset(subscriptions.get("bot_events") or ()),
        home_tab=bool(home.get("home_tab_enabled")),
        messages_tab=bool(home.get("messages_tab_enabled")),
        messages_read_only=bool(home.get("messages_tab_read_only_enabled")),
    )
