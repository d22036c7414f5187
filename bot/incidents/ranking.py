"""Which likely change comes first: by what people said of each, then by the evidence; the same wherever it is shown.

What somebody says that it was comes first, what was said not to be it comes last. What was said of a change that was
out again before the present symptom began was said of the former one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from bot.alerts.suspects import Confidence
from bot.incidents import present
from bot.incidents.models import Incident, Likely, Opinion

_SURENESS = {Confidence.HIGH.value: 0, Confidence.MEDIUM.value: 1}


def reorder(session: Session, incident: Incident) -> None:
    """Put the likely changes of an incident into their order (``Likely.rank``); one that is named no more stays so."""
    rows = session.exec(select(Likely).where(Likely.incident == incident.id).order_by(col(Likely.id))).all()
    said = verdicts(session, incident)
    since = present.onset(session, incident)
    standing = [row for row in rows if row.rank > 0 or _is_it(row, said, since)]

    def order(row: Likely) -> tuple[int, int, float, bool, int, int]:
        place = 0 if _is_it(row, said, since) else 2 if said.get(row.id or 0) is False else 1
        return place, _SURENESS.get(row.confidence, 2), -row.score, row.rank == 0, row.rank, row.id or 0

    for place, row in enumerate(sorted(standing, key=order), start=1):
        row.rank = place
        session.add(row)
    session.flush()


def verdicts(session: Session, incident: Incident) -> Mapping[int, bool]:
    """Of each likely change of which people spoke, whether it was it: where they differ, it may have been."""
    found: dict[int, bool] = {}
    for likely, right in session.exec(
        select(Opinion.likely, Opinion.right)
        .join(Likely, col(Opinion.likely) == col(Likely.id))
        .where(Likely.incident == incident.id)
    ).all():
        found[likely] = found.get(likely, False) or right
    return found


def sureness(likely: Likely, said: Mapping[int, bool]) -> str:
    """How sure it is that a likely change did it, in words: ``confidence high``, or what people said of it."""
    verdict = said.get(likely.id or 0)
    if verdict is None:
        return f"confidence {likely.confidence}"
    return "said to be it" if verdict else "said not to be it"


def _is_it(row: Likely, said: Mapping[int, bool], since: datetime) -> bool:
    out = row.rolled_back_at
    return said.get(row.id or 0) is True and (out is None or out >= since)
