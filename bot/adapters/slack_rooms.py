"""Slack channels of our own making: opening them, letting people in, what stands in their heads, their documents.

A room is known again by the key in its purpose. It is looked for among the channels that we are in (we are in all that
we made), before one is made and again where its name is taken: so that neither a lost answer nor an end between making
it and writing its purpose makes a second one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.adapters.reading import items, link, piece, text
from bot.adapters.slack_calls import SlackCalls, refusal
from bot.adapters.slack_shapes import content, identifier, member, mentioned, words
from bot.errors import Doubtful, GiveUp, MessageGone, PlaceUnreachable, RetryLater, Unauthorised
from bot.ports import Heard, Message, Posted, Room

LONGEST_NAME = 80
LONGEST_TOPIC = 250
LONGEST_BOOKMARK = 256
LONGEST_LINK = 2_048
MOST_INVITED = 100
"""Slack's limits (docs.slack.dev/reference/methods). Of invitations the argument says 100, the prose 1,000."""

_LAST_SUFFIX = 9
_MOST_CHANNELS = 999
_MOST_NAMES = 5
"""People mentioned in a message whose names are asked for."""
_IN_IT = frozenset({"already_in_channel", "cant_invite_self"})
_OF_A_PERSON = _IN_IT | {
    "app_cannot_join_channel",
    "cant_invite",
    "invitee_cant_see_channel",
    "no_external_invite_permission",
    "no_permission",  # elsewhere said of the app; of invitations it is about “that specific user”
    "org_user_not_in_team",
    "ura_max_channels",
    "user_is_restricted",
    "user_not_found",
}
_OF_THE_CHANNEL = frozenset({"channel_not_found", "not_in_channel", "is_archived"})


class SlackRooms:
    """The Rooms port."""

    def __init__(self, calls: SlackCalls) -> None:
        self._calls = calls
        self._one_opening = asyncio.Lock()
        """Held while a room is opened: two of one name would both take the one that has no purpose yet."""

    # Opening and closing

    async def open_room(self, name: str, key: str, *, private: bool) -> Room:
        """Make a channel of this name, or of it with a suffix; one with ``key`` in its purpose is taken again.

        One of ours with such a name and without any purpose was made by a call that came no further, and is taken, too.
        """
        async with self._one_opening:
            return await self._opened(_names(name), key, private=private)

    async def _opened(self, names: Sequence[str], key: str, *, private: bool) -> Room:
        for called in names:
            room = await self._made_before(key, names)
            if room is not None:
                return room
            try:
                answer = await self._calls.call("conversations.create", form={"name": called, "is_private": private})
            except GiveUp as fault:
                if fault.code != "name_taken":
                    raise
                continue
            channel = answer.get("channel")
            room = Room(identifier("conversations.create", channel), text(channel, "name") or called)
            await self._mark(room, key)
            return room
        raise GiveUp("name_taken", f"Every channel from #{names[0]} to #{names[-1]} is taken: rename or delete one.")

    async def _made_before(self, key: str, names: Sequence[str]) -> Room | None:
        """The room of this key, marked with it if it was not yet; None where there is none."""
        ours = (await self._calls.ourselves()).user_id
        unmarked: list[Room] = []
        wanted = {"types": "public_channel,private_channel", "exclude_archived": True, "limit": _MOST_CHANNELS}
        async for page in self._calls.pages("users.conversations", wanted):
            for channel in items(page.get("channels")):
                if text(channel, "creator") != ours or channel.get("is_archived") is True:
                    continue
                room = Room(identifier("users.conversations", channel), text(channel, "name"))
                purpose = text(channel.get("purpose"), "value")
                if f"({key})" in purpose:
                    return room
                if not purpose and room.name in names:
                    unmarked.append(room)
        if not unmarked:
            return None
        room = min(unmarked, key=lambda one: names.index(one.name))
        await self._mark(room, key)
        return room

    async def _mark(self, room: Room, key: str) -> None:
        await self._calls.call("conversations.setPurpose", form={"channel": room.channel, "purpose": _purpose(key)})

    async def archive(self, channel: str) -> None:
        """Close a channel; ``already_archived`` is well, and so is one that is gone."""
        try:
            await self._calls.call("conversations.archive", form={"channel": channel})
        except GiveUp as fault:
            if fault.code not in ("already_archived", "is_archived", "channel_not_found"):
                raise

    # Who is in it, and what stands in its head

    async def invite(self, channel: str, slack_ids: Sequence[str]) -> Mapping[str, str]:
        """Have these people in a channel, a hundred at a time; who could not be let in, with Slack's error code.

        ``force`` lets the others in where some cannot be (docs.slack.dev, conversations.invite).
        """
        people = list(dict.fromkeys(slack_ids))
        refused: dict[str, str] = {}
        for start in range(0, len(people), MOST_INVITED):
            refused |= await self._invite(channel, people[start : start + MOST_INVITED])
        return {who: why for who, why in refused.items() if why not in _IN_IT}

    async def _invite(self, channel: str, people: Sequence[str]) -> Mapping[str, str]:
        sent = {"channel": channel, "users": ",".join(people), "force": True}
        try:
            answer = await self._calls.call("conversations.invite", form=sent)
        except GiveUp as fault:
            of_the_app = isinstance(fault, Unauthorised) and fault.code not in _OF_A_PERSON
            if fault.code in _OF_THE_CHANNEL or of_the_app:
                raise
            told = _errors(refusal(fault))
            if told or len(people) == 1:
                return told or {people[0]: fault.code}
            if fault.code not in _OF_A_PERSON:
                raise
            refused: dict[str, str] = {}
            for who in people:  # nobody was let in, and nobody says on whose account
                refused |= await self._invite(channel, [who])
            return refused
        return _errors(answer)

    async def set_topic(self, channel: str, topic: str) -> None:
        """Say in a channel's head what it is about, in one line of at most 250 characters."""
        said = _cut(topic, LONGEST_TOPIC)
        await self._calls.call("conversations.setTopic", form={"channel": channel, "topic": said})

    async def pin(self, at: Posted) -> None:
        """Pin a message; ``already_pinned`` is well."""
        try:
            await self._calls.call("pins.add", form={"channel": at.channel, "timestamp": at.ts})
        except GiveUp as fault:
            if fault.code != "already_pinned":
                raise

    async def bookmark(self, channel: str, title: str, url: str) -> None:
        """Put a link into a channel's head, unless one with its address is there.

        Ours of that title gets the new address; one that a person wrote or changed stays theirs.
        """
        if link({"url": url}, "url") is None or len(url) > LONGEST_LINK:
            raise GiveUp("invalid_link", "A bookmark's address begins with https:// and has at most 2,048 characters.")
        listed = await self._calls.call("bookmarks.list", form={"channel_id": channel})
        there = items(listed.get("bookmarks"))
        if any(text(one, "link") == url for one in there):
            return
        called, ours = _cut(title, LONGEST_BOOKMARK), (await self._calls.ourselves()).user_id
        mine = (one for one in there if text(one, "last_updated_by_user_id") == ours and text(one, "title") == called)
        former = next((text(one, "id") for one in mine), None)
        if former:
            sent = {"channel_id": channel, "bookmark_id": former, "title": called, "link": url}
            await self._calls.call("bookmarks.edit", form=sent)
            return
        sent = {"channel_id": channel, "title": called, "type": "link", "link": url}
        await self._calls.call("bookmarks.add", form=sent)

    # What is said there

    async def whisper(self, channel: str, slack_id: str, message: Message) -> None:
        """Show somebody what nobody else in the channel sees; PlaceUnreachable where they are not in it."""
        shown = {name: value for name, value in content(message).items() if name != "metadata"}
        await self._calls.call("chat.postEphemeral", json={"channel": channel, "user": slack_id, **shown})

    async def heard(self, channel: str, ts: str) -> Heard | None:
        """A message by its place, in the channel or in a thread; None where it is gone."""
        bounds: dict[str, Any] = {"channel": channel, "oldest": ts, "latest": ts, "inclusive": True, "limit": 1}
        answer = await self._calls.call("conversations.history", params=bounds)
        found = _message(answer, ts) or await self._reply(channel, ts)
        if found is None:
            return None
        marked = text(found, "text")
        by_app = bool(text(found, "bot_id"))
        return Heard(
            author=None if by_app else text(found, "user") or None,
            text=words(marked, await self._names(marked)),
            permalink=await self._permalink(channel, ts),
            at=datetime.fromtimestamp(float(ts), UTC),
        )

    async def _reply(self, channel: str, ts: str) -> Mapping[str, Any] | None:
        """A reply in a thread, which the channel's history does not show; it comes after its parent."""
        try:
            wanted = {"channel": channel, "ts": ts, "oldest": ts, "latest": ts, "inclusive": True, "limit": 15}
            async for page in self._calls.pages("conversations.replies", wanted):
                found = _message(page, ts)
                if found is not None:
                    return found
        except MessageGone:
            return None
        return None

    async def _names(self, marked: str) -> dict[str, str]:
        names: dict[str, str] = {}
        for who in mentioned(marked)[:_MOST_NAMES]:
            try:
                answer = await self._calls.call("users.info", params={"user": who})
            except PlaceUnreachable:
                continue
            names[who] = member(who, piece(answer, "user")).name
        return names

    async def _permalink(self, channel: str, ts: str) -> str | None:
        try:
            answer = await self._calls.call("chat.getPermalink", params={"channel": channel, "message_ts": ts})
        except GiveUp as fault:
            if isinstance(fault, Unauthorised):
                raise
            return None
        return link(answer, "permalink")

    # Documents

    async def put_document(self, channel: str, title: str, markdown: str, mark: str) -> str | None:
        """Lay a document into a channel: as its canvas, or as a file where it can have none; returns its address.

        People write in a canvas: what stands there stays, and this comes below it, once for each ``mark``. A file is
        another one each time: Doubtful where it may be there.
        """
        try:
            return await self._canvas(channel, title, markdown, mark)
        except GiveUp as fault:
            if isinstance(fault, Unauthorised) or fault.code in _OF_THE_CHANNEL:
                raise
        return await self._file(channel, title, markdown)

    async def _canvas(self, channel: str, title: str, markdown: str, mark: str) -> str | None:
        sent = {"channel_id": channel, "title": title, "document_content": _markdown(markdown)}
        try:
            answer = await self._calls.call("conversations.canvases.create", json=sent)
            canvas = text(answer, "canvas_id")
        except GiveUp as fault:
            if fault.code not in ("channel_canvas_already_exists", "free_team_canvas_tab_already_exists"):
                raise
            canvas = await self._canvas_of(channel)
            await self._add(canvas, markdown, mark)
        ours = await self._calls.ourselves()
        # Which address leads to a canvas is not documented; this is the one that Slack itself shows for sharing.
        return f"{ours.url.rstrip('/')}/docs/{ours.team_id}/{canvas}" if canvas and ours.url else None

    async def _add(self, canvas: str, markdown: str, mark: str) -> None:
        """Write at a canvas's end, unless it stands there: an answer may have been lost."""
        wanted = {"canvas_id": canvas, "criteria": {"section_types": ["any_header"], "contains_text": mark}}
        found = await self._calls.call("canvases.sections.lookup", json=wanted)
        if items(found.get("sections")):
            return
        changes = [{"operation": "insert_at_end", "document_content": _markdown(f"---\n\n{markdown}")}]
        await self._calls.call("canvases.edit", json={"canvas_id": canvas, "changes": changes})

    async def _canvas_of(self, channel: str) -> str:
        answer = await self._calls.call("conversations.info", params={"channel": channel})
        properties = piece(piece(answer, "channel"), "properties")
        tabs = (piece(one, "data") for one in items(properties.get("tabs")) if text(one, "type") == "canvas")
        known = [text(piece(properties, "canvas"), "file_id"), *(text(one, "file_id") for one in tabs)]
        found = next((one for one in known if one), None)
        if found is None:
            raise GiveUp("canvas_not_found", "Slack does not say which canvas the channel has.")
        return found

    async def _file(self, channel: str, title: str, markdown: str) -> str | None:
        content = markdown.encode()
        sent = {"filename": f"{_file_name(title)}.md", "length": len(content)}
        place = await self._calls.call("files.getUploadURLExternal", form=sent)
        identity, address = text(place, "file_id"), text(place, "upload_url")
        if not identity or not address:
            raise RetryLater("files.getUploadURLExternal: Slack did not say where to send the file")
        await self._calls.upload(address, content)
        done = {"files": [{"id": identity, "title": title}], "channel_id": channel}
        answer = await self._calls.call("files.completeUploadExternal", json=done)
        files = items(answer.get("files"))
        if not files:
            raise Doubtful("files.completeUploadExternal: Slack did not say which file it shared")
        return link(files[0], "permalink")


def _names(name: str) -> list[str]:
    """The name and those that a room may have in its place, none longer than Slack allows."""
    return [
        name[:LONGEST_NAME].rstrip("-"),
        *(f"{name[: LONGEST_NAME - 2].rstrip('-')}-{n}" for n in range(2, _LAST_SUFFIX + 1)),
    ]


def _markdown(written: str) -> Mapping[str, str]:
    return {"type": "markdown", "markdown": written}


def _purpose(key: str) -> str:
    return f"Made by Shipmate for an incident ({key})"


def _errors(answer: Mapping[str, Any]) -> dict[str, str]:
    """Slack's reason for each person who was not let in."""
    return {text(one, "user"): text(one, "error") for one in items(answer.get("errors")) if text(one, "user")}


def _message(answer: Mapping[str, Any], ts: str) -> Mapping[str, Any] | None:
    return next((one for one in items(answer.get("messages")) if text(one, "ts") == ts), None)


def _cut(said: str, most: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(said.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _file_name(title: str) -> str:
    kept = "".join(one if one.isalnum() else "-" for one in title[:100].lower())
    return "-".join(part for part in kept.split("-") if part) or "document"
