"""What people see of a railway's departures: cards and notes as they are sent now."""

from __future__ import annotations

from functools import cache

from sqlmodel import col, select

from bot.delivery import Showing
from bot.outbox import Card, Note
from bot.outgoing import trains as outgoing
from bot.ports import Message
from bot.rendering import Renderer
from tests.unit.railway import Railway


@cache
def renderer() -> Renderer:
    """One for all tests: it compiles each template once."""
    return Renderer()


def message(shown: Showing | None) -> Message:
    """What is sent."""
    assert shown is not None, "there is nothing to show"
    return renderer().message(shown.template, shown.view, key="k1")


def card(here: Railway) -> Message:
    """The latest departure's card as it is now."""
    subject = str(here.departure().id)
    row = here.session.exec(select(Card).where(Card.kind == "departure", Card.subject == subject)).one()
    assert row.place == "#releases"
    return message(outgoing.departure_card(here.session, here.desk, row))


def buttons(shown: Message) -> list[str]:
    """The names of the actions of every button, in order."""
    found = [
        one
        for block in shown.blocks
        for one in [*block.get("elements", []), *filter(None, [block.get("accessory")])]
        if "action_id" in one
    ]
    return [one["action_id"] for one in found]


def heard(here: Railway, kind: str, said: str, place: str) -> str:
    """The last note of a kind that says this in a place, as it is sent now."""
    notes = here.session.exec(select(Note).where(Note.kind == kind, Note.place == place).order_by(col(Note.id))).all()
    note = [one for one in notes if one.data["said"] == said][-1]
    load = {
        "departure_said": outgoing.departure_note,
        "train_said": outgoing.train_note,
        "passenger_said": outgoing.passenger_note,
    }[kind]
    return message(load(here.session, here.desk, note)).text


def aloud(here: Railway, said: str) -> str:
    """The last thing said of a departure in its channel."""
    return heard(here, "departure_said", said, "#releases")


def moot(here: Railway, said: str) -> bool:
    """Whether what was to be said in the channel is not sent any more."""
    note = [one for one in here.session.exec(select(Note)).all() if one.data.get("said") == said][-1]
    return outgoing.departure_note(here.session, here.desk, note) is None


def blocks(here: Railway, said: str) -> str:
    """The blocks of the last note that says this, whose mentions wake people."""
    notes = here.session.exec(select(Note).where(Note.kind == "departure_said").order_by(col(Note.id))).all()
    last = [one for one in notes if one.data["said"] == said][-1]
    return str(list(message(outgoing.departure_note(here.session, here.desk, last)).blocks))
