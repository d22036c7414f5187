"""``/incident``, and the two message shortcuts: open an incident from a message, keep a message on a timeline.

In an incident's room it is the room's; elsewhere it is the one whose number is said, else the only one that is open.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.answers import incidents
from bot.app import Bot
from bot.errors import UserError
from bot.events import IncidentAct, IncidentOpened, MessageKept
from handlers.slack import words
from handlers.slack.answering import Answer, Answering, Reply
from handlers.slack.asking import Asker, asker_of, may_act
from handlers.slack.incidents import IncidentsDoor, people_in
from handlers.slack.modals import Amiss, Modals, Opened, Submitted
from handlers.slack.offering import Option, offered, option
from handlers.slack.storing import Storing, submitted_on, typed_on

OPEN = "incidents:open"
KEEP = "incidents:keep"
SERVICES = "incidents:service"
"""The menu of services, filled while somebody types."""

SUBMISSIONS = (OPEN, KEEP)

OPEN_FROM = "incident_open_from"
KEEP_MESSAGE = "incident_keep"
SHORTCUTS = (OPEN_FROM, KEEP_MESSAGE)
"""Of messages; the manifest says the same."""

LONGEST_HELD = 900
"""Bytes of a message that a modal remembers: Slack takes 3,000 in all, an address to answer at among them."""

_SEVERITY = re.compile(r"sev-?([0-9]+)", re.IGNORECASE)
_TS = re.compile(r"[0-9]{1,11}\.[0-9]{1,9}")
_CHANNEL = re.compile(r"[CDG][A-Z0-9]{1,31}")


@dataclass(frozen=True)
class IncidentWordsDoor:
    """What people type of incidents, and do with messages."""

    bot: Bot
    answering: Answering
    storing: Storing
    modals: Modals
    incidents: IncidentsDoor

    # --- typed ------------------------------------------------------------------------------------------------------

    async def typed(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """``/incident …``: what changes something is stored, then all is acknowledged, then answered."""
        asker = asker_of(body)
        await self.answering.take(asker, ack, lambda: self._typed(asker, body))

    async def _typed(self, asker: Asker, body: dict[str, Any]) -> Answer:
        word, *rest = words.split(str(body.get("text") or "")) or ["help"]
        acts: Mapping[str, Callable[[], Awaitable[Answer]]] = {
            "open": lambda: self._open(asker, rest, body),
            "status": lambda: self._status(rest, body),
            "lead": lambda: self._lead(asker, rest, body),
            "update": lambda: self._update(asker, rest, body),
            "resolve": lambda: self._resolve(asker, rest, body),
            "timeline": lambda: self._timeline(rest, body),
        }
        if word.casefold() in acts:
            return await acts[word.casefold()]()
        if word.casefold() == "help":
            return self._overview(helps=True)
        if incidents.named(word) is not None and not rest:
            return await self._status([word], body)
        return self._overview(helps=True, unknown=word)

    async def _open(self, asker: Asker, rest: Sequence[str], body: dict[str, Any]) -> Answer:
        """``open [sev2] [service] <what is wrong>``; with nothing, or a service misspelt, its window."""
        may_act(asker, self.bot.ourselves.known)
        severity = _SEVERITY.fullmatch(rest[0]) if rest else None
        if severity is not None and not incidents.is_severity(severity.group(1)):
            raise UserError(incidents.no_severity(rest[0], " ".join(rest[1:])))
        said = list(rest[1:] if severity is not None else rest)
        if not said:
            return await self._open_window(asker, body, None, {})
        service = await self.bot.read(lambda session, desk: incidents.service_called(session, desk, said[0]))
        if service is not None and len(said) == 1:
            raise UserError(f"Say what is wrong with {service} too: /incident open {service} answers 5xx")
        bad = int(severity.group(1)) if severity is not None else None
        if service is None:
            meant = await self.bot.read(lambda session, desk: incidents.misspelt(session, desk, said[0]))
            if meant is not None:  # opened of no service it would wake nobody, and hold nothing back
                typed = " ".join([meant.service, *said[1:]])
                return await self._open_window(asker, body, None, {}, typed=typed, severity=bad, misspelt=meant)
        return await self._opened(
            asker, typed_on(body), title=" ".join(said), service=service, severity=bad,
        )  # fmt: skip

    async def _status(self, rest: Sequence[str], body: dict[str, Any]) -> Answer:
        """``status [number or service]``; where it is not known which, all that are open."""
        number = await self._meant(rest, body, "status")
        return self.incidents.shown(number) if number is not None else self._overview()

    async def _timeline(self, rest: Sequence[str], body: dict[str, Any]) -> Answer:
        number = await self._meant(rest, body, "timeline")
        return self.incidents.timeline(number) if number is not None else self._which("timeline")

    async def _lead(self, asker: Asker, rest: Sequence[str], body: dict[str, Any]) -> Answer:
        """``lead [number] [@person]``: whoever is named, else whoever says it."""
        may_act(asker, self.bot.ourselves.known)
        named, others = people_in([word for word in rest if word.casefold() != "me"])
        if len(named) > 1:
            raise UserError("One person leads. Say it like this: /incident lead @ana")
        _people_as_words(others)
        number = await self._meant(others, body, "lead")
        if number is None:
            return self._which("lead", who=named[0] if named else None)
        who = named[0] if named else asker.slack_id
        return await self.incidents.act(asker, IncidentAct.LEAD, number, typed_on(body), who=who)

    async def _update(self, asker: Asker, rest: Sequence[str], body: dict[str, Any]) -> Answer:
        """``update [number] [how it stands]``; without words, its window."""
        may_act(asker, self.bot.ourselves.known)
        number, said = await self._said(rest, body)
        if number is None:
            return self._which("update", said)
        if not said:
            return await self.incidents.window(asker, body, number, "update")
        return await self.incidents.act(asker, IncidentAct.UPDATE, number, typed_on(body), text=said)

    async def _resolve(self, asker: Asker, rest: Sequence[str], body: dict[str, Any]) -> Answer:
        """``resolve [number] [what ended it]``: its window asks which change it was."""
        may_act(asker, self.bot.ourselves.known)
        number, said = await self._said(rest, body)
        if number is None:
            return self._which("resolve", said)
        return await self.incidents.window(asker, body, number, "resolve", said or None)

    # --- messages ---------------------------------------------------------------------------------------------------

    async def shortcut(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A shortcut of a message: open an incident from it, or keep it on a timeline."""
        asker = asker_of(body)
        do = self._open_from if body.get("callback_id") == OPEN_FROM else self._keep

        async def taken() -> Answer:
            may_act(asker, self.bot.ourselves.known)
            return await do(asker, body)

        await self.answering.take(asker, ack, taken)

    async def _open_from(self, asker: Asker, body: dict[str, Any]) -> Answer:
        channel, ts, text, _ = _message(body)
        return await self._open_window(asker, body, text, {"channel": channel, "ts": ts, "text": _held(text)})

    async def _keep(self, asker: Asker, body: dict[str, Any]) -> Answer:
        """Kept at once where it is plain on whose timeline; else a window asks."""
        channel, ts, text, author = _message(body)
        number = await self.bot.read(lambda session, _: incidents.meant(session, None, channel))
        if number is not None:
            return await self._kept(asker, number, channel, ts, text, author, f"keep\x1f{channel}\x1f{ts}")

        async def make() -> Opened:
            await self.storing.judge(asker)
            view = await self.bot.read(lambda session, desk: incidents.keep_modal(session, desk, text))
            held = {"channel": channel, "ts": ts, "text": _held(text), "author": author}
            return Opened("modals/incident_keep", view, KEEP, held)

        return await self.modals.open(asker, body, make)

    async def _kept(
        self, asker: Asker, number: int, channel: str, ts: str, text: str, author: str | None, occasion: str
    ) -> Answer:
        event = MessageKept(
            incident=number, channel=channel, ts=ts, text=text or None, author=author,
            slack_id=asker.slack_id, at=self.bot.clock(),
        )  # fmt: skip
        return await self.storing.act(asker, event, occasion)

    # --- filled in --------------------------------------------------------------------------------------------------

    async def services(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What the menu of services offers for what was typed so far."""
        await ack(options=offered(self._services(), body.get("value")))

    async def submitted(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """What somebody filled in to open an incident, or to keep a message."""
        opening = body["view"]["callback_id"] == OPEN
        store = self._filled_open if opening else self._filled_keep

        async def stored(asker: Asker, filled: Submitted) -> Answer:
            return await store(asker, filled, submitted_on(body))

        await self.modals.submitted(asker_of(body), ack, body, "title" if opening else "into", stored)

    async def _filled_open(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        severity = filled.needed("severity", "Choose how bad it is.")
        if not incidents.is_severity(severity):
            raise Amiss("severity", "There is no such severity. Open the window anew.")
        channel, ts, text = (filled.remembers.get(name) for name in ("channel", "ts", "text"))
        from_message = isinstance(channel, str) and isinstance(ts, str)
        return await self._opened(
            asker, occasion, title=filled.needed("title", "Say what is wrong."),
            service=filled.values.get("service") or None, severity=int(severity),
            channel=channel if from_message else None, ts=ts if from_message else None,
            text=text if from_message and isinstance(text, str) else None,
        )  # fmt: skip

    async def _filled_keep(self, asker: Asker, filled: Submitted, occasion: str) -> Answer:
        into = filled.needed("into", "Choose on whose timeline.")
        channel, ts, text, author = (filled.remembers.get(name) for name in ("channel", "ts", "text", "author"))
        named = incidents.named(into)
        if named is None or named[0] is None or not isinstance(channel, str) or not isinstance(ts, str):
            raise UserError("This window does not say any more what it was about. Use the shortcut once more.")
        return await self._kept(
            asker, named[0], channel, ts, text if isinstance(text, str) else "",
            author if isinstance(author, str) else None, occasion,
        )  # fmt: skip

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _opened(self, asker: Asker, occasion: str, *, title: str, **fields: Any) -> Answer:
        called = await self.storing.judge(asker)
        event = IncidentOpened(
            title=title[: incidents.LONGEST_TITLE], slack_id=asker.slack_id, called=called, at=self.bot.clock(),
            **fields,
        )  # fmt: skip
        return await self.storing.act(asker, event, occasion)

    async def _open_window(
        self, asker: Asker, body: dict[str, Any], text: str | None, held: Mapping[str, Any], **typed: Any
    ) -> Answer:
        async def make() -> Opened:
            await self.storing.judge(asker)
            view = await self.bot.read(lambda session, desk: incidents.open_modal(session, desk, text, **typed))
            return Opened("modals/incident_open", view, OPEN, held)

        return await self.modals.open(asker, body, make)

    async def _meant(self, rest: Sequence[str], body: dict[str, Any], word: str) -> int | None:
        """The incident that is meant by at most one word; UserError for any other."""
        number, channel = None, str(body.get("channel_id") or "")
        if rest:
            named = incidents.named(rest[0]) if len(rest) == 1 else None
            if named is None and len(rest) == 1:
                found = await self.bot.read(lambda session, desk: incidents.of_service(session, desk, rest[0]))
                if found is not None:
                    return found
            if named is None:
                raise UserError(
                    f"I cannot place “{' '.join(rest)[:80]}”. Say it like this: /incident {word}, or with its number: "
                    f"/incident {word} 7"
                )
            number, channel = named[0], named[1] or channel
            if named[1] is not None:
                return await self._of_room(named[1])
        return await self.bot.read(lambda session, _: incidents.meant(session, number, channel))

    async def _said(self, rest: Sequence[str], body: dict[str, Any]) -> tuple[int | None, str]:
        """The incident that is meant, and the words about it, which no refusal loses.

        ``#5`` names one, and outside of rooms ``incident 5`` does: in a room “incident 5 is the cause” is an update of
        the room's. A bare number does so where nothing follows it, or outside of rooms where that one is open and the
        number counts nothing: “5 % of requests fail” is an update.
        """
        channel = str(body.get("channel_id") or "")
        here = await self.bot.read(lambda session, _: incidents.room_of(session, channel))
        named, after = incidents.named_first(rest, in_room=here is not None)
        if not named and here is None and rest:
            named, after = await self.bot.read(lambda session, _: incidents.counted_first(session, rest))
        said = " ".join(after)
        try:
            return (await self._meant(named, body, "update") if named or here is None else here), said
        except UserError as refused:
            raise UserError(f"{refused} You said: “{said}”" if said else str(refused)) from None

    async def _of_room(self, channel: str) -> int:
        found = await self.bot.read(lambda session, _: incidents.room_of(session, channel))
        if found is None:
            raise UserError("That channel is no incident's room. /incident shows those that are open.")
        return found

    def _overview(self, **how: Any) -> Answer:
        async def answer() -> Reply:
            return await self.bot.read(lambda session, desk: incidents.overview(session, desk, **how))

        return answer

    def _which(self, word: str, said: str = "", who: str | None = None) -> Answer:
        return self._overview(asked=f"/incident {word}", said=said or None, who=who)

    def _services(self) -> Sequence[Option]:
        return [option(name, name) for name in sorted(self.bot.catalog.services)]


def _people_as_words(words: Sequence[str]) -> None:
    """UserError where somebody is named without an @, by which alone Slack tells who it is."""
    unclear = [word for word in words if incidents.named(word) is None]
    if len(words) == 1 and unclear:
        raise UserError(
            f"I cannot tell who “{unclear[0][:80]}” is. Did you mean @{unclear[0].lstrip('@')[:80]}? Pick the name "
            "from the list that Slack offers after the @, or say /incident lead to lead it yourself."
        )


def _message(body: Mapping[str, Any]) -> tuple[str, str, str, str | None]:
    """Channel, name, words and author of the message whose shortcut was used."""
    message, channel = body.get("message"), body.get("channel")
    if not isinstance(message, Mapping) or not isinstance(channel, Mapping):
        raise UserError("Slack did not say which message that is. Try it once more.")
    place, ts = str(channel.get("id") or ""), str(message.get("ts") or body.get("message_ts") or "")
    if _CHANNEL.fullmatch(place) is None or _TS.fullmatch(ts) is None:
        raise UserError("Slack did not say which message that is. Try it once more.")
    text, author = message.get("text"), message.get("user")
    said = html.unescape(text) if isinstance(text, str) else ""
    return place, ts, said, author if isinstance(author, str) else None


def _held(text: str) -> str:
    """As much of a message as a modal can remember."""
    while len(json.dumps(text)) > LONGEST_HELD:
        text = text[: len(text) * 3 // 4]
    return text
