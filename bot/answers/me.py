"""`/ship me`: who we think somebody is and what they hear; and which change, or login, they mean to choose."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlmodel import Session, col, select

from bot import people
from bot.answers.views import HoursView, MeReply
from bot.answers.where import find_changes
from bot.catalog import OutsideHours
from bot.deploys import loading, rules, service
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Contributor
from bot.deploys.views import PersonView
from bot.errors import UserError

RECENT = 5
"""Latest changes of one's own that are offered to be muted."""

MUTED = 100
"""Muted changes loaded at most; the template shows fewer and counts the rest."""

_SCOPE = re.compile(r"change:([0-9]{1,18})")
USUAL_AGAIN = ("off", "none", "usual")
"""What takes chosen hours back."""

_HOURS = re.compile(r"([0-9]{1,2})(?:[:.h]([0-5][0-9]))?\s*(?:-|–|—|to)\s*([0-9]{1,2})(?:[:.h]([0-5][0-9]))?")
_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,98}[a-z0-9])?", re.IGNORECASE)
"""GitHub allows 39 characters, letters, digits and single hyphens; managed accounts add ``_company``."""


def me(session: Session, desk: Desk, slack_id: str, called: str) -> MeReply:
    """What this person hears, their muted and their latest changes; ``called`` is their name if we know no better."""
    entry = desk.catalog.person_by_slack(slack_id)
    proof = people.proven_login(session, desk.catalog, slack_id)
    login, source = proof or people.login_of(session, desk.catalog, slack_id)
    hours, profile = people.hours_of(session, desk.catalog, slack_id), people.profile_of(session, slack_id)
    reads_only = profile is not None and profile.read_at is not None and not profile.full
    muted = _muted_changes(session, slack_id)
    hidden = {change.id for change in muted}
    recent = [change for change in _own_changes(session, desk, slack_id) if change.id not in hidden][:RECENT]
    views = loading.change_views(session, desk, [*muted, *recent])
    return MeReply(
        person=PersonView(name=(entry.name if entry else None) or people.slacks_name(session, slack_id) or called),
        github=login,
        github_source=source,
        level=people.level_of(session, slack_id),
        muted_changes=tuple(views[change.id or 0] for change in muted),
        recent=tuple(views[change.id or 0] for change in recent),
        proven=proof is not None,
        proves=desk.catalog.proves_logins,
        hours=None
        if reads_only
        else HoursView(
            begins=_of_day(hours.begins),
            ends=_of_day(hours.ends),
            zone=hours.zone.key,
            chosen=hours.chosen,
            on_call_first=desk.catalog.paging.outside_hours is OutsideHours.ON_CALL,
        ),
        reads_only=reads_only,
    )


def change_meant(session: Session, asked: str) -> int:
    """The one change that somebody wants to mute or hear of again; UserError when it is none, or could be several."""
    found = find_changes(session, asked)
    if not found:
        raise UserError(
            f"I know no change “{asked[:80]}”. "
            "Name it by its number (#812), seven characters of its commit, or its address."
        )
    if len(found) > 1:
        names = ", ".join(f"{change.repo}{change.label if change.number else '@' + change.label}" for change in found)
        raise UserError(f"“{asked[:80]}” could be several: {names}. Say which one in full.")
    assert found[0].id is not None
    return found[0].id


def login_meant(asked: str) -> str:
    """The GitHub login that somebody says is theirs; UserError where it can be nobody's."""
    login = asked.strip().removeprefix("https://github.com/").strip("/").removeprefix("@")
    if _LOGIN.fullmatch(login) is None:
        raise UserError(f"“{asked[:80]}” is no GitHub login. Say it like this: /ship me github your-login")
    return login


def hours_meant(asked: str) -> tuple[int, int] | None:
    """The minutes of the day that somebody means by ``9-18`` or ``8:30-17:45``; None = the usual hours again."""
    if asked.strip().casefold() in USUAL_AGAIN:
        return None
    found = _HOURS.fullmatch(asked.strip())
    begins, ends = (_minutes(*found.group(hour, minute)) for hour, minute in ((1, 2), (3, 4))) if found else (0, 0)
    if begins == ends or begins >= people.DAY or ends > people.DAY:
        raise UserError(
            f"“{asked[:80]}” are no hours. Say them like this: /ship me hours 9-18, /ship me hours 8:30-17:00 "
            "(in your own time zone), or /ship me hours off for the usual ones."
        )
    return begins, ends


def _minutes(hour: str, minute: str | None) -> int:
    return 60 * int(hour) + int(minute or 0)


def _of_day(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _muted_changes(session: Session, slack_id: str) -> Sequence[Change]:
    scopes = [_SCOPE.fullmatch(scope) for scope in people.muted_scopes(session, slack_id)]
    wanted = sorted((int(scope.group(1)) for scope in scopes if scope is not None), reverse=True)[:MUTED]
    if not wanted:
        return []
    return session.exec(select(Change).where(col(Change.id).in_(wanted)).order_by(col(Change.id).desc())).all()


def _own_changes(session: Session, desk: Desk, slack_id: str) -> Sequence[Change]:
    """The latest changes whose news come to this person."""
    names = _names(session, desk, slack_id)
    if not names:
        return []
    having_part = select(Contributor.change).where(col(Contributor.who).in_(sorted(names)))
    candidates = session.exec(
        select(Change)
        .where(col(Change.id).in_(having_part))
        .order_by(col(Change.merged_at).desc().nulls_last(), col(Change.id).desc())
        .limit(4 * RECENT)
    ).all()
    parts = service.parts(session, [change.id or 0 for change in candidates])
    return [
        change
        for change in candidates
        if any(people.who_is(part.human) in names for part in rules.to_be_told(parts[change.id or 0]))
    ]


def _names(session: Session, desk: Desk, slack_id: str) -> set[str]:
    """Every name under which this person may stand in our tables."""
    names = set(session.exec(select(people.Lookup.who).where(people.Lookup.slack_id == slack_id)).all())
    login, _ = people.login_of(session, desk.catalog, slack_id)
    logins = (login, people.linked_login(session, slack_id))
    names.update(f"github:{one.lower()}" for one in logins if one)
    entry = desk.catalog.person_by_slack(slack_id)
    if entry is not None and entry.email:
        names.add(f"email:{entry.email.lower()}")
    return names
