"""What was asked of an incident that is over: no old message asks it still, or offers what means nothing any more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest
from sqlmodel import col, select

from bot import outbox
from bot.database import Database
from bot.errors import GiveUp, MessageGone, OutgoingError, RetryLater, Unauthorised
from bot.events import IncidentAct
from bot.incidents import telling, unasking
from bot.incidents.telling import PersonSaid
from bot.outbox import Effect, Note, SendState
from bot.outgoing import incidents
from bot.outgoing.unasking import Unasking
from bot.ports import Chat, Message, Posted
from bot.rendering import Renderer
from tests.unit.alarming import Here
from tests.unit.rooming import Rooming
from tests.unit.seeing import pressable


@dataclass
class Editor:
    """A chat in which messages are edited; what each shows now, by its name."""

    shows: dict[str, Message] = field(default_factory=dict)
    fault: OutgoingError | None = None

    async def update(self, at: Posted, message: Message) -> None:
        """Edited, unless there is a ``fault``."""
        if self.fault is not None:
            raise self.fault
        self.shows[at.ts] = message


def sent(here: Rooming) -> None:
    """Everything that is to be said stands in Slack."""
    for note in here.session.exec(select(Note).where(Note.state == SendState.PENDING.value)).all():
        note.state, note.channel, note.ts = SendState.DONE.value, note.place, f"{note.id}.0"
    here.session.flush()


def wanted(here: Rooming) -> list[Effect]:
    """The edits that are to be made."""
    pending = select(Effect).where(Effect.kind == unasking.UNASKED, Effect.state == SendState.PENDING.value)
    return list(here.session.exec(pending.order_by(col(Effect.id))).all())


def edits(here: Rooming, editor: Editor) -> dict[str, Message]:
    """Make them; what each message shows then, by what it said."""
    calls = Unasking(
        cast("Database", Here(here.session)), cast("Chat", editor), lambda: here.now, lambda _: here.desk, Renderer()
    )
    for effect in wanted(here):
        asyncio.run(calls.unask(effect.data))(here.session, here.now)
        effect.state = SendState.DONE.value
    notes = here.session.exec(select(Note).where(col(Note.ts).in_(editor.shows))).all()
    return {note.data["said"]: editor.shows[note.ts or ""] for note in notes}


def asked(here: Rooming) -> None:
    """It is quiet, and Ana is asked whether it is over; an update was due; Ben may know something."""
    telling.tell(here.session, here.incident(), "U0BEN", PersonSaid.ASKED, "1", here.now, why="wrote #815")
    here.turn(45)
    here.over()
    here.turn(50)
    sent(here)
    assert {"quiet", "update_due"} <= set(here.aloud())


def test_what_was_asked_is_taken_back_once_it_is_over(burning: Rooming) -> None:
    here, editor = burning, Editor()
    asked(here)
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    shows = edits(here, editor)
    assert shows["quiet"].text == "🟢 None of its alerts fires any more, since 12:45 UTC"
    assert shows["update_due"].text == "⏰ The next word was due by 12:42 UTC"
    assert pressable(shows["quiet"]) == pressable(shows["update_due"]) == []
    assert "Nobody needs you for it any more" in shows["asked"].text
    assert "Nobody wakes you" not in shows["asked"].text
    assert pressable(shows["asked"]) == ["Details"]
    assert not any(said in shows for said in ("resolved", "paged")), "what asks nothing stays as it was said"
    assert {message.key for message in editor.shows.values()} <= {
        f"note:{note.id}" for note in here.session.exec(select(Note)).all()
    }


def test_what_goes_on_as_another_asks_nothing_either(burning: Rooming) -> None:
    here, editor = burning, Editor()
    asked(here)
    first = here.incident()
    here.opens("mail is slow", "mail", who="U0BEN")
    here.acts(IncidentAct.MERGE, incident=first, into=2)
    shows = edits(here, editor)
    assert "is it over?" not in shows["quiet"].text
    assert pressable(shows["quiet"]) == []
    assert "mail is slow" in shows["asked"].text, "its buttons are those of the one that goes on"
    assert pressable(shows["asked"]) == ["I'm on it", "Details"]


def test_one_that_was_only_watched_and_ends_by_itself_asks_nothing(calm: Rooming) -> None:
    here = calm
    incident = here.burns()
    incident.watched = True
    telling.say(here.session, here.desk, incident, telling.Said.LIKELY, "1", here.now)
    (likely,) = here.notes("likely")
    here.over()
    here.turn(here.at + 60)
    assert incident.resolved_at is not None
    assert likely.id in [effect.data["note"] for effect in wanted(here)]


def test_what_was_opened_again_meanwhile_is_let_be_until_it_ends(burning: Rooming) -> None:
    here, editor = burning, Editor()
    asked(here)
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    here.acts(IncidentAct.REOPEN)
    assert edits(here, editor) == {}
    here.at += 1
    here.acts(IncidentAct.RESOLVE, text="Rolled back further")
    sent(here)
    assert {"quiet", "update_due", "reopened"} <= set(edits(here, editor))


def test_what_is_on_its_way_is_looked_at_again(burning: Rooming) -> None:
    """It may have been rendered before the end, and stand there after it."""
    here, editor = burning, Editor()
    asked(here)
    (note,) = here.notes("quiet")
    note.state = SendState.PENDING.value
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    with pytest.raises(RetryLater):
        edits(here, editor)
    sent(here)
    assert pressable(edits(here, editor)["quiet"]) == []


def test_what_never_stood_anywhere_is_not_edited(burning: Rooming) -> None:
    here, editor = burning, Editor()
    asked(here)
    (note,) = here.notes("quiet")
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    note.state, note.ts = SendState.MOOT.value, None
    assert "quiet" not in edits(here, editor)


@pytest.mark.parametrize("fault", [MessageGone("message_not_found"), GiveUp("edit_window_closed", "It may not be.")])
def test_a_message_that_may_not_be_edited_is_let_be(burning: Rooming, fault: GiveUp) -> None:
    here, editor = burning, Editor(fault=fault)
    asked(here)
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    edits(here, editor)
    assert not wanted(here)


@pytest.mark.parametrize("fault", [RetryLater("ratelimited", delay=3), Unauthorised("missing_scope")])
def test_a_passing_refusal_is_waited_for(burning: Rooming, fault: OutgoingError) -> None:
    here, editor = burning, Editor(fault=fault)
    asked(here)
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    with pytest.raises(type(fault)):
        edits(here, editor)


def test_of_a_long_one_the_latest_messages_are_edited(burning: Rooming) -> None:
    here = burning
    for number in range(unasking.MOST + 20):
        telling.say(here.session, here.desk, here.incident(), telling.Said.FIRES_AGAIN, str(number), here.now)
    here.acts(IncidentAct.RESOLVE, text="Rolled back")
    edited = {effect.data["note"] for effect in wanted(here)}
    latest = max(note.id or 0 for note in here.notes("fires_again"))
    assert len(edited) == unasking.MOST
    assert latest in edited


def test_every_message_that_has_buttons_while_it_goes_on_asks(burning: Rooming) -> None:
    """Or it would keep them after the end."""
    here = burning
    loaded = {}
    for said in telling.Said:
        outbox.add_note(
            here.session, telling.SAID, f"every:{said.value}", here.room_of(), here.now, incident=here.incident().id,
            said=said.value, likely=1, page=1, update=None, task=None, called="Ana",
        )  # fmt: skip
        note = here.session.exec(select(Note).where(Note.key == f"every:{said.value}")).one()
        showing = incidents.incident_note(here.session, here.desk, note, over=True)
        if showing is not None:
            loaded[said] = pressable(Renderer().message(showing.template, showing.view, key="k"))
    assert {said for said, buttons in loaded.items() if buttons} == unasking.ASKING
