"""Whether a flag that is a likely change of an incident was turned back: it is out again then, as a deploy may be."""

from __future__ import annotations

import re
from datetime import datetime

from sqlmodel import Session, col, select

from bot.alerts.models import FlagChange
from bot.deploys.loading import Desk
from bot.incidents import telling
from bot.incidents.models import Incident, Likely
from bot.incidents.telling import Said

MOST_TURNS = 20
"""Later changes of one flag that are looked at."""

_BACK = {"turned on": "turned off", "turned off": "turned on", "on": "off", "off": "on"}

_STEP = re.compile(r"(.+?) *(→|->) *(.+)")


def look_whether_back(session: Session, desk: Desk, incident: Incident, now: datetime) -> bool:
    """Look whether flags that may have done it were turned back since; returns whether one was that was not known."""
    found = False
    for likely in session.exec(select(Likely).where(Likely.incident == incident.id, Likely.kind == "flag")).all():
        flag = session.get(FlagChange, likely.subject)
        back = _turned_back(session, flag) if flag is not None and likely.rolled_back_at is None else None
        if back is None:
            continue
        found, likely.rolled_back_at = True, back.at
        session.add(likely)
        if likely.rank == 1 and back.at >= incident.onset_at:
            incident.mitigated_at = incident.mitigated_at or back.at
            telling.say(
                session, desk, incident, Said.ROLLED_BACK, f"{likely.id}:flag:{back.id}", now,
                likely=likely.id, called=back.name or "somebody",
            )  # fmt: skip
    if found:
        session.flush()
    return found


def undone_by(summary: str) -> frozenset[str]:
    """How a change of a flag is told that undoes this one, in small letters: off what was turned on, or the step back.

    Nothing where the words tell neither: that a flag was turned again does not say that it is as it was.
    """
    said = plain(summary)
    if said in _BACK:
        return frozenset({_BACK[said]})
    step = _STEP.fullmatch(said)
    return frozenset({f"{step[3]} {step[2]} {step[1]}", "turned off", "off"}) if step is not None else frozenset()


def plain(summary: str) -> str:
    """What was done to a flag without what was said of it: ``turned on`` of ``Turned on: … (“for the sale”)``."""
    said = " ".join(summary.casefold().partition(" (“")[0].split())
    verb = said.partition(":")[0]
    return verb if verb in _BACK else said


def _turned_back(session: Session, flag: FlagChange) -> FlagChange | None:
    """The first later change of a flag that undid this one."""
    undone = undone_by(flag.summary)
    if not undone:
        return None
    later = session.exec(
        select(FlagChange)
        .where(FlagChange.source == flag.source, FlagChange.flag == flag.flag, FlagChange.at > flag.at)
        .order_by(col(FlagChange.at), col(FlagChange.id))
        .limit(MOST_TURNS)
    ).all()
    same = (one for one in later if (one.project, one.environment) == (flag.project, flag.environment))
    return next((one for one in same if plain(one.summary) in undone), None)
