"""From a likely change to the people of it, and from a service to whoever is on call: by proof, never by a commit.

Somebody is known by the GitHub login that opened or merged a pull request, by the catalogue, and by an address that
Slack has verified. An address in a commit and a ``Co-authored-by`` line are anybody's to write: they wake nobody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot import people, work
from bot.alerts import likeness
from bot.alerts.models import FlagChange
from bot.alerts.rollouts import went_back
from bot.catalog import PagingMode, PersonEntry, Service
from bot.deploys import rules
from bot.deploys import service as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy
from bot.events import Human
from bot.incidents import present
from bot.incidents.models import Incident, Likely
from bot.incidents.waking import LEFT, Person, Role
from bot.people import OnCallList, Proof
from bot.promotions import service as promotions

ROTAS = "rotas"
"""The kind of work that has it kept known who is on call; there is one of it, number 0."""

KEPT_FOR = timedelta(hours=12)
"""How often it is asked for anew: what nobody asks about is read no longer than a day."""

MOST_CHANGES = 10
"""Changes of one rollout whose people are looked up; a longer list says who cannot be told apart from it."""

MOST_LEADS = 3
"""Approvers who stand for whoever is on call, where nobody can tell who that is."""


def of_likely(session: Session, desk: Desk, incident: Incident, likely: Likely) -> tuple[Person, ...]:
    """The people of a likely change of an incident, whoever is asked first coming first."""
    if likely.kind == "flag":
        flag = session.get(FlagChange, likely.subject)
        return of_flag(session, desk, flag) if flag is not None else ()
    deploy = session.get(Deploy, likely.subject)
    if deploy is None:
        return ()
    return of_deploy(session, desk, deploy, stacks_of(session, incident))


def stacks_of(session: Session, incident: Incident) -> Sequence[Sequence[str]]:
    """The stacks of what is wrong with an incident now, each innermost first."""
    return [alert.paths for alert in present.alerts(session, incident) if alert.paths]


def of_deploy(session: Session, desk: Desk, deploy: Deploy, stacks: Sequence[Sequence[str]] = ()) -> tuple[Person, ...]:
    """The people of a rollout: who wrote its primary change, who merged that, who wrote the rest.

    Of one that goes back: who rolled back. In the place of a bot that wrote some of the rest, whoever merged that.
    """
    owner = promotions.owner_of(session, deploy)
    if went_back(session, deploy) or (owner is not None and owner.rollback):
        who = (owner.requested_by if owner is not None else None) or (
            f"github:{deploy.creator}" if deploy.creator else None
        )
        return (_person(session, desk, *_named(who), role=Role.ROLLED_BACK),) if who is not None else ()
    changes = changes_in(session, deploy)
    if not changes:
        return ()
    parts = deploys.parts(session, [one.id or 0 for one in changes])
    first, *rest = _primary_first(changes, parts, stacks)[:MOST_CHANGES]
    found = [*_of_change(session, desk, first, parts[first.id or 0])]
    for change in rest:
        found += _of_other(session, desk, change, parts[change.id or 0])
    return tuple(found)


def of_flag(session: Session, desk: Desk, flag: FlagChange) -> tuple[Person, ...]:
    """Who turned a flag, where its sender's account is somebody we know."""
    if flag.who is None:
        return ()
    login, slack_id = _named(flag.who)
    if flag.who.startswith("email:"):  # of the account that turned it, which its sender has signed for
        slack_id = people.known_slack_id(session, desk.catalog, Human(email=flag.who.removeprefix("email:")), desk.now)
    return (
        _person(
            session, desk, login, slack_id, role=Role.AUTHOR, called=flag.name or flag.who.partition(":")[2],
            change=f"the flag {flag.flag}",
        ),
    )  # fmt: skip


def changes_in(session: Session, deploy: Deploy) -> Sequence[Change]:
    """What a rollout brought in, as far as is known: before the forge has told, the change that its commit is."""
    found = [change for row, change in deploys.changes_of(session, deploy.id or 0) if not row.leaving]
    if found:
        return found
    alone = deploys.change_of_commit(session, deploy.repo, deploy.sha) if deploy.repo is not None else None
    return [alone] if alone is not None else []


def primary(session: Session, changes: Sequence[Change], stacks: Sequence[Sequence[str]]) -> Change:
    """The change of a rollout that its people are asked about first, and by which everybody calls it.

    It is the one that touches what lies innermost in an error's stack; else a pull request, one that no bot wrote (a
    lock file has many lines), the largest, the last.
    """
    parts = deploys.parts(session, [one.id or 0 for one in changes])
    return _primary_first(changes, parts, stacks)[0]


def on_call(session: Session, desk: Desk, owner: Service, now: datetime, *, pager: bool) -> tuple[Person, ...]:
    """Whoever is on call for a service, as read within the hour; without the pager, approvers of its team at work.

    Nobody where that is not known: the pager's own policy knows then.
    """
    if pager:
        return tuple(_listed(session, desk, one) for one in _on_list(session, owner, now))
    return _leads(session, desk, owner, now)


def instead_of_pager(session: Session, desk: Desk, owner: Service, now: datetime) -> tuple[Person, ...]:
    """Who is told in Slack while the pager cannot be reached: on call as read last, however long ago; its approvers."""
    row = session.exec(select(OnCallList).where(col(OnCallList.service) == owner.pagerduty_service)).first()
    listed = [_listed(session, desk, one) for one in (row.who if row is not None else ())]
    found = {one.slack_id: one for one in (*listed, *_leads(session, desk, owner, now)) if one.slack_id is not None}
    return tuple(found.values())


def want(session: Session, desk: Desk, owner: Service, found: Iterable[Person], now: datetime) -> None:
    """Have it known who is on call for a service, and whether these people are there: read in time, kept fresh."""
    if owner.pagerduty_service is not None:
        people.want_group(session, desk.catalog, "on-call", now, service=owner)
    for one in found:
        if one.slack_id is not None:
            people.want_member(session, one.slack_id, now)


def keep_rotas(session: Session, desk: Desk, now: datetime) -> None:
    """Have it known who is on call before anything fires, for every service whose people the pager wakes."""
    if not desk.catalog.pages:
        return
    for owner in desk.catalog.services.values():
        if owner.pagerduty_service is not None and owner.paging is PagingMode.PAGE:
            want(session, desk, owner, (), now)
    work.schedule(session, ROTAS, 0, now + KEPT_FOR)


def by_pager(session: Session, desk: Desk, user: str) -> tuple[str | None, str | None]:
    """Who somebody of the pager is: Slack id and name, as far as the catalogue or a list of who is on call says."""
    entry = next((one for one in desk.catalog.people if one.pagerduty == user), None)
    if entry is not None:
        return entry.slack, entry.name
    for row in session.exec(select(OnCallList)).all():
        for one in row.who:
            if one["user"] == user:
                return one["slack_id"], one["name"]
    return None, None


def email_of(session: Session, desk: Desk, slack_id: str | None) -> str | None:
    """An address by which the pager may know somebody: the catalogue's, or one that Slack has verified."""
    return _email(session, desk.catalog.person_by_slack(slack_id or ""), slack_id)


def named(session: Session, desk: Desk, slack_id: str) -> str:
    """What somebody in Slack is called."""
    entry, profile = desk.catalog.person_by_slack(slack_id), people.profile_of(session, slack_id)
    return (entry.name if entry else None) or (profile.name if profile else None) or slack_id


# --- inside -------------------------------------------------------------------------------------------------------


def _primary_first(
    changes: Sequence[Change], parts: Mapping[int, Sequence[rules.Part]], stacks: Sequence[Sequence[str]]
) -> Sequence[Change]:
    """The same, what its people are asked about first (``primary``) coming first."""

    def order(place: int) -> tuple[float, bool, bool, int, int]:
        change = changes[place]
        shared = likeness.of_any(stacks, change.paths or ())
        near = -shared.frame if shared is not None else -math.inf
        pulled = change.number is not None  # of a commit that was pushed directly nobody knows whose it is
        by_person = not any(part.role == "author" and _is_bot(part.human) for part in parts[change.id or 0])
        return near, pulled, by_person, (change.additions or 0) + (change.deletions or 0), place

    return [changes[place] for place in sorted(range(len(changes)), key=order, reverse=True)]


def _is_bot(human: Human) -> bool:
    return human.bot or (human.login is not None and people.is_bot(f"github:{human.login}"))


def _of_other(session: Session, desk: Desk, change: Change, parts: Sequence[rules.Part]) -> Iterable[Person]:
    """Who wrote a change that went live with another one; of a bot's, who merged it."""
    for part in parts:
        if part.role == "author" and not _is_bot(part.human):
            yield _of_part(session, desk, change, part, Role.OTHER_AUTHOR)
    if any(part.role == "author" and _is_bot(part.human) for part in parts):
        yield from (_of_part(session, desk, change, part, Role.MERGER) for part in parts if part.role == "merger")


def _of_change(session: Session, desk: Desk, change: Change, parts: Sequence[rules.Part]) -> Iterable[Person]:
    """Who wrote a change and who merged it; of one that takes another back, whoever reverted."""
    role = Role.ROLLED_BACK if change.reverts is not None else Role.AUTHOR
    for name, as_role in (("author", role), ("merger", Role.MERGER)):
        for part in parts:
            if part.role == name:
                yield _of_part(session, desk, change, part, as_role)


def _of_part(session: Session, desk: Desk, change: Change, part: rules.Part, role: Role) -> Person:
    human = part.human
    proven = change.number is not None and human.login is not None
    # Of a commit that was pushed directly only its own words say who wrote it.
    login = human.login if proven else None
    return _person(
        session, desk, login, None, role=role, called=human.name or human.login or human.email, bot=human.bot,
        proven=proven, change=change.label,
    )  # fmt: skip


def _named(who: str) -> tuple[str | None, str | None]:
    """Login and Slack id of a name in our tables."""
    sort, _, name = who.partition(":")
    return (name or None, None) if sort == "github" else (None, name or None) if sort == "slack" else (None, None)


def _person(
    session: Session,
    desk: Desk,
    login: str | None,
    slack_id: str | None,
    *,
    role: Role,
    called: str | None = None,
    bot: bool = False,
    proven: bool = True,
    change: str | None = None,
) -> Person:
    entry = desk.catalog.person_by_github(login) if login else desk.catalog.person_by_slack(slack_id or "")
    slack_id = slack_id or _slack_id(session, desk, login, entry)
    entry = entry or (desk.catalog.person_by_slack(slack_id) if slack_id else None)
    name = (entry.name if entry else None) or (named(session, desk, slack_id) if slack_id else None)
    who = f"slack:{slack_id}" if slack_id else f"github:{login.lower()}" if login else f"nobody:{called or role.value}"
    return Person(
        who=who[:320],
        slack_id=slack_id,
        pager_user=_pager_user(session, entry, slack_id),
        name=name if name and name != slack_id else called or login or name or "somebody",
        role=role,
        bot=bot or (login is not None and people.is_bot(f"github:{login}")),
        away=_away(session, desk, slack_id),
        working=_working(session, desk, slack_id),
        proven=proven and (login is not None or slack_id is not None),
        email=_email(session, entry, slack_id),
        change=change,
    )


def _slack_id(session: Session, desk: Desk, login: str | None, entry: PersonEntry | None) -> str | None:
    if entry is not None and entry.slack:
        return entry.slack
    if login is None:
        return None
    proof = session.get(Proof, login.lower())
    if proof is not None and people.proven_login(session, desk.catalog, proof.slack_id) == (proof.login, proof.how):
        return proof.slack_id
    return people.known_slack_id(session, desk.catalog, Human(login=login), desk.now)


def _pager_user(session: Session, entry: PersonEntry | None, slack_id: str | None) -> str | None:
    if entry is not None and entry.pagerduty:
        return entry.pagerduty
    if slack_id is None:
        return None
    for row in session.exec(select(OnCallList)).all():
        for one in row.who:
            if one["slack_id"] == slack_id:
                return str(one["user"])
    return None


def _email(session: Session, entry: PersonEntry | None, slack_id: str | None) -> str | None:
    if entry is not None and entry.email:
        return entry.email
    profile = people.profile_of(session, slack_id) if slack_id else None
    return profile.email if profile is not None else None


def _away(session: Session, desk: Desk, slack_id: str | None) -> str | None:
    """Why somebody is not there, as Slack said last; one who left is not there for good."""
    profile = people.profile_of(session, slack_id) if slack_id else None
    if profile is None:
        return None
    if profile.read_at is not None and not profile.active:
        return LEFT
    if profile.away is None or (profile.away_until is not None and profile.away_until <= desk.now):
        return None
    return profile.away


def _working(session: Session, desk: Desk, slack_id: str | None) -> bool | None:
    """Whether somebody works now by the hours that they set; None where they set none."""
    if slack_id is None:
        return None
    hours = people.hours_of(session, desk.catalog, slack_id)
    return hours.at(desk.now) if hours.chosen else None


def _on_list(session: Session, owner: Service, now: datetime) -> Sequence[dict[str, str | None]]:
    if owner.pagerduty_service is None:
        return ()
    row = session.exec(select(OnCallList).where(col(OnCallList.service) == owner.pagerduty_service)).first()
    if row is None or row.read_at is None or now - row.read_at >= people.STALE:
        return ()
    return [one for one in row.who if one["until"] is None or datetime.fromisoformat(one["until"]) > now]


def _listed(session: Session, desk: Desk, one: dict[str, str | None]) -> Person:
    slack_id, user = one["slack_id"], one["user"]
    return Person(
        who=f"slack:{slack_id}" if slack_id else f"pager:{user}",
        slack_id=slack_id,
        pager_user=user,
        name=(named(session, desk, slack_id) if slack_id else None) or one["name"] or "whoever is on call",
        role=Role.ON_CALL,
    )


def _leads(session: Session, desk: Desk, owner: Service, now: datetime) -> tuple[Person, ...]:
    words = owner.team.approvers if owner.team is not None else ()
    members: list[str] = []
    for word in words:
        if word.casefold() == "on-call":
            continue
        fact = people.group(session, desk.catalog, word, now, service=owner)
        members += [one for one in sorted(fact.members or ()) if fact.trouble is None and one not in members]
    able = people.who_can(session, desk.catalog, members, now)
    found = [_person(session, desk, None, one.slack_id, role=Role.LEAD) for one in able]
    return tuple(one for one in found if one.away is None)[:MOST_LEADS]
