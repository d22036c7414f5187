"""The statements that every look at an incident needs, held: to build one costs more than to run it.

Their parameters are named ``of_…`` after what is looked for. Rare questions are written where they are asked.
"""

from __future__ import annotations

from sqlalchemy import bindparam, func
from sqlmodel import col, select

from bot.incidents.models import Incident, IncidentService, Likely, Page
from bot.incidents.states import State

_OPEN = Incident.state == State.OPEN.value

ANY_OPEN = select(Incident.id).where(_OPEN).limit(1)
OPEN_ABOUT = (
    select(Incident, IncidentService)
    .join(IncidentService, col(IncidentService.incident) == col(Incident.id))
    .where(
        _OPEN,
        col(Incident.watched).is_(False),
        func.lower(IncidentService.service) == bindparam("of_service"),
        func.lower(IncidentService.environment) == bindparam("of_environment"),
    )
    .order_by(col(Incident.severity), col(Incident.id))
)
SERVICES = (
    select(IncidentService.service)
    .where(IncidentService.incident == bindparam("of_incident"))
    .order_by(col(IncidentService.id))
)
PAGES = select(Page).where(Page.incident == bindparam("of_incident")).order_by(col(Page.id))
# Of whoever was woken for an incident, or for one that goes on as this.
PAGES_SHOWN = select(Page.id).where(
    (col(Page.incident) == bindparam("of_incident"))
    | col(Page.incident).in_(select(Incident.id).where(Incident.merged_into == bindparam("of_incident"))),
)
STANDING = select(Likely).where(Likely.incident == bindparam("of_incident"), Likely.rank > 0).order_by(col(Likely.rank))
LAST_TAKEN_OUT = select(func.max(Likely.rolled_back_at)).where(Likely.incident == bindparam("of_incident"))
