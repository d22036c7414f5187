"""What people see of incidents: cards, pages and notes as they would be sent now, read by their words."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel import Session, col, select

from bot.incidents import loading
from bot.incidents.models import Incident
from bot.incidents.views import IncidentCard
from bot.outbox import Card, Note
from bot.outgoing import incidents as outgoing
from bot.ports import Message
from bot.rendering import Renderer
from tests.unit.alarming import Alarms, alarms

RENDERER = Renderer()


def card(here: Alarms, incident: Incident | None = None, place: str | None = None) -> IncidentCard:
    """The card as it would be sent now."""
    return loading.incident_card(here.session, here.desk, incident or here.incident(), place=place)


def shown(view: IncidentCard) -> str:
    """Every word of a card."""
    return RENDERER.message("cards/incident", view, key="k").text


def buttons(view: IncidentCard) -> Mapping[str, str]:
    """The buttons of a card: what each is called, and what it carries."""
    blocks = RENDERER.message("cards/incident", view, key="k").blocks
    found = [one for block in blocks for one in [*block.get("elements", []), block.get("accessory")] if one]
    return {one["text"]["text"]: one.get("value", "") for one in found if one["type"] == "button"}


def heard(here: Alarms, kind: str, said: str) -> list[str]:
    """What was said of this, as it would be sent now."""
    load = outgoing.incident_note if kind == "incident_said" else outgoing.person_note
    notes = here.session.exec(select(Note).where(Note.kind == kind).order_by(col(Note.id))).all()
    showings = [load(here.session, here.desk, note) for note in notes if note.data["said"] == said]
    return [RENDERER.message(one.template, one.view, key="k").text for one in showings if one is not None]


def page_shown(here: Alarms, slack_id: str, *, stands: bool = True) -> Message | None:
    """What somebody reads who was woken, as it would be sent now; ``stands``: they have read it before."""
    card = here.session.exec(select(Card).where(Card.kind == "page", Card.place == slack_id)).one()
    card.ts = "1.0" if stands else None
    found = outgoing.page_card(here.session, here.desk, card)
    return RENDERER.message(found.template, found.view, key="k") if found is not None else None


def pressable(message: Message | None) -> list[str]:
    """What its buttons are called."""
    assert message is not None
    found = [one for block in message.blocks for one in block.get("elements", [])]
    return [one["text"]["text"] for one in found if one["type"] == "button"]


def burning(session: Session, **more: object) -> Alarms:
    """Ana's #812, which Chi merged, went live at noon; twelve minutes later checkout's alert fires."""
    here = alarms(session, **more)
    here.shipped()
    here.at = 12
    here.fires(url="https://grafana.example/a/1", summary="5.2 % of requests fail")
    return here
