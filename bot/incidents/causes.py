"""Incidents of one cause: whoever was woken for a change is not called once more for it, whatever else it broke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session, col, select

from bot.deploys.models import Deploy, DeployChange
from bot.incidents import pages, people
from bot.incidents.models import Incident, Likely, Page
from bot.incidents.states import PageState, State
from bot.incidents.waking import Person, Wake, Way


def elsewhere(session: Session, incident: Incident, likely: Likely) -> Sequence[Page]:
    """The pages of other incidents that go on, on account of the same change.

    It is the same rollout or flag, or (of a repository of several services) the same pull request in another rollout.
    """
    change = _change_of(session, incident, likely)
    carrying = select(DeployChange.deploy).where(
        DeployChange.change == change, col(DeployChange.leaving).is_(False), col(DeployChange.dropped).is_(False)
    )
    same = col(Likely.subject) == likely.subject
    rows = session.exec(
        select(Page, Likely, Incident)
        .join(Likely, col(Page.likely) == col(Likely.id))
        .join(Incident, col(Page.incident) == col(Incident.id))
        .where(
            Likely.kind == likely.kind, Page.incident != incident.id, Incident.state == State.OPEN.value,
            col(Incident.quiet_at).is_(None), Page.state != PageState.SHADOW.value,
            same if change is None else same | col(Likely.subject).in_(carrying),
        )
        .order_by(col(Page.id))
    ).all()  # fmt: skip
    others = {theirs.id: (other, theirs) for _, theirs, other in rows if theirs.subject != likely.subject}
    apart = {number for number, found in others.items() if _change_of(session, *found) != change}
    return [page for page, theirs, _ in rows if theirs.id not in apart]


def passed_on(people: Sequence[Person], elsewhere: Sequence[Page]) -> bool:
    """Whether whoever would be woken first has said in another open incident that this change is not the cause."""
    passed = [one for one in elsewhere if one.state == PageState.PASSED_ON]
    return bool(people) and any(people[0].names & pages.names_of(one) for one in passed)


def once(wake: Wake, elsewhere: Sequence[Page]) -> Wake:
    """Whose phone rang for the same change in another incident that is open is only told of this one in Slack."""
    rung = (one for one in elsewhere if one.way != Way.MESSAGE and one.state not in (PageState.FAILED, PageState.OVER))
    before = next((one for one in rung if wake.person.names & pages.names_of(one)), None)
    if before is None or wake.person.slack_id is None or wake.way not in (Way.ASSIGN, Way.RESPOND):
        return wake
    return replace(wake, way=Way.MESSAGE, reason=f"{wake.reason}, and was woken for incident {before.incident}")


def _change_of(session: Session, incident: Incident, likely: Likely) -> int | None:
    """The change on whose account people are woken; None of a flag, and where nobody knows what was rolled out."""
    deploy = session.get(Deploy, likely.subject) if likely.kind == "deploy" else None
    changes = people.changes_in(session, deploy) if deploy is not None else ()
    return people.primary(session, changes, people.stacks_of(session, incident)).id if changes else None
