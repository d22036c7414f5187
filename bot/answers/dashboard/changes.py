"""Changes as the dashboard names them, many at once: their titles, and the plain names of those who made them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlmodel import Session, col, select

from bot import people
from bot.answers.dashboard.views import ChangeLine
from bot.catalog import Catalog
from bot.deploys import rules, service
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, DeployChange
from bot.events import Human


def change_lines(session: Session, desk: Desk, changes: Iterable[Change]) -> Mapping[int, ChangeLine]:
    """How each of these changes is named, by its number; two statements however many there are."""
    rows = {change.id: change for change in changes if change.id is not None}
    parts = service.parts(session, sorted(rows))
    told = {number: rules.to_be_told(every) or every for number, every in parts.items()}
    called = names(session, desk.catalog, (part.human for every in told.values() for part in every))
    return {
        number: ChangeLine(
            label=change.label,
            title=change.title,
            url=change.url,
            authors=tuple(dict.fromkeys(called[part.human] for part in told[number])),
        )
        for number, change in rows.items()
    }


def names(session: Session, catalog: Catalog, humans: Iterable[Human]) -> Mapping[Human, str]:
    """What to call each of these people, as ``people.name_of`` does it for one; one statement."""
    every = set(humans)
    nameless = {who for human in every if not human.name and (who := people.who_is(human)) is not None}
    found = (
        session.exec(select(people.Lookup).where(col(people.Lookup.who).in_(sorted(nameless)))).all()
        if nameless
        else ()
    )
    looked_up = {row.who: row.name for row in found}
    return {human: _called(catalog, human, looked_up) for human in every}


def newest(rows: Sequence[Change]) -> Change | None:
    """The change that was merged last; of those of which that is not known, the last one named."""
    known = [(one.merged_at, one.id or 0, one) for one in rows if one.merged_at is not None]
    if known:
        return max(known, key=lambda one: one[:2])[2]
    return rows[-1] if rows else None


def carried(session: Session, deploys: Sequence[Deploy]) -> Mapping[int, Sequence[Change]]:
    """What each of these rollouts brought (a rollback: took out), else the change of its commit; two statements."""
    if not deploys:
        return {}
    numbers = sorted({one.id or 0 for one in deploys})
    back = {one.id for one in deploys if service.is_rollback(one)}
    found: dict[int, list[Change]] = defaultdict(list)
    for link, change in session.exec(
        select(DeployChange, Change)
        .join(Change, col(DeployChange.change) == col(Change.id))
        .where(col(DeployChange.deploy).in_(numbers), col(DeployChange.dropped).is_(False))
        .order_by(col(DeployChange.position))
    ).all():
        if link.leaving is (link.deploy in back):
            found[link.deploy].append(change)
    bare = [one for one in deploys if not found.get(one.id or 0)]
    if bare:
        of_commit = {
            (change.repo, change.sha): change
            for change in session.exec(
                select(Change).where(col(Change.sha).in_(sorted({one.sha for one in bare})))
            ).all()
        }
        for one in bare:
            alone = of_commit.get((one.repo or "", one.sha))
            found[one.id or 0] = [alone] if alone is not None else []
    return found


def _called(catalog: Catalog, human: Human, looked_up: Mapping[str, str | None]) -> str:
    entry = catalog.person_by_github(human.login) if human.login else None
    who = people.who_is(human)
    named = (entry.name if entry else None) or human.name or (looked_up.get(who) if who else None)
    return named or (human.login or "").removesuffix("[bot]") or human.email or "somebody"
