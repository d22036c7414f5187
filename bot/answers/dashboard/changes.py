"""Changes as the dashboard names them, many at once: their titles, and the plain names of those who made them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

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


def who_called(session: Session, catalog: Catalog, everybody: Iterable[str]) -> Mapping[str, str]:
    """What to call those whom our tables name ``slack:U…``, ``github:ana`` or by an address; two statements."""
    every = set(everybody)
    split = {who: who.partition(":")[::2] for who in every}
    profiles = people.profiles_of(session, frozenset(name for sort, name in split.values() if sort == "slack"))
    humans = {
        who: Human(login=name if sort == "github" else None, email=name if sort == "email" else None)
        for who, (sort, name) in split.items()
        if sort != "slack"
    }
    known = names(session, catalog, humans.values())
    found = {}
    for who, (_, name) in split.items():
        if who in humans:
            found[who] = known[humans[who]]
            continue
        entry, profile = catalog.person_by_slack(name), profiles.get(name)
        found[who] = (entry.name if entry is not None else None) or (profile.name if profile else None) or "somebody"
    return found


def newest(rows: Sequence[Change]) -> Change | None:
    """The change that was merged last; of those of which that is not known, the last one named."""
    known = [(one.merged_at, one.id or 0, one) for one in rows if one.merged_at is not None]
    if known:
        return max(known, key=lambda one: one[:2])[2]
    return rows[-1] if rows else None


def carried(
    session: Session, deploys: Sequence[Deploy], rollbacks: Collection[int | None] = ()
) -> Mapping[int, Sequence[Change]]:
    """What each of these rollouts brought, else the change of its commit; a rollback only what it took out.

    ``rollbacks`` are more of them, of which people say that they are some; two statements.
    """
    if not deploys:
        return {}
    numbers = sorted({one.id or 0 for one in deploys})
    back = {one.id for one in deploys if service.is_rollback(one) or one.id in rollbacks}
    found: dict[int, list[Change]] = defaultdict(list)
    for link, change in session.exec(
        select(DeployChange, Change)
        .join(Change, col(DeployChange.change) == col(Change.id))
        .where(col(DeployChange.deploy).in_(numbers), col(DeployChange.dropped).is_(False))
        .order_by(col(DeployChange.position))
    ).all():
        if link.leaving is (link.deploy in back):
            found[link.deploy].append(change)
    bare = [one for one in deploys if one.id not in back and not found.get(one.id or 0)]
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
