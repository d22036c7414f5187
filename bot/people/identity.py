"""Who is who, and how much they want to hear.

A change names its people by GitHub login or e-mail; Slack knows them by id. The way between, strongest first: the
catalogue; an address that Slack has verified, asked for by ``users.lookupByEmail``; a link that the person made, which
proves nothing and therefore comes last. Links and addresses only route messages: nothing here grants authority. Nobody
found is no failure: the plain name is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import UniqueConstraint, bindparam
from sqlmodel import Field, Session, SQLModel, col, select

from bot import audit, outbox
from bot.catalog import Catalog
from bot.errors import UserError
from bot.events import Human, Level
from bot.ports import Member

MISS_REMEMBERED = timedelta(minutes=15)
"""How long nobody-found is believed: a new colleague is found soon, and Slack is not asked for each commit."""

HIT_REMEMBERED = timedelta(days=1)
"""How long a found person is believed: people leave, addresses move."""

EVERYTHING = "all"
"""The scope of a preference that covers all changes."""

NOREPLY = "users.noreply.github.com"
"""Addresses that GitHub makes up for privacy: nobody in Slack has one."""


LONGEST_NAME = 200
"""Characters of a login or address that we go by: nobody's is longer, and a commit may name anybody at any length."""


class Link(SQLModel, table=True):
    """Somebody in Slack named their GitHub login."""

    __tablename__ = "links"

    slack_id: str = Field(primary_key=True, max_length=32)
    login: str = Field(unique=True, max_length=255)
    linked_at: datetime


class Lookup(SQLModel, table=True):
    """What Slack answered about somebody, for a while; ``slack_id`` is None when nobody was found."""

    __tablename__ = "lookups"

    who: str = Field(primary_key=True, max_length=320)
    slack_id: str | None = Field(default=None, max_length=32, index=True)
    name: str | None = Field(default=None, max_length=255)
    looked_up_at: datetime


class Subscription(SQLModel, table=True):
    """How much somebody (a Slack id) wants to hear of a scope: ``all`` or ``change:<id>``."""

    __tablename__ = "subscriptions"
    __table_args__ = (UniqueConstraint("who", "scope"),)

    id: int | None = Field(default=None, primary_key=True)
    who: str = Field(max_length=32)
    scope: str = Field(max_length=64)
    level: str = Field(max_length=16)
    chosen_at: datetime


# Held statements: to build one costs more than to run it, and each message asks about several people.
_LINKED = select(Link.slack_id).where(Link.login == bindparam("of_login"))
_CHOSEN = select(Subscription.level).where(
    Subscription.who == bindparam("of_who"), col(Subscription.scope).in_(bindparam("of_scopes", expanding=True))
)


def who_is(human: Human) -> str | None:
    """The name a person goes by in our tables: their login, else their address, else nothing usable."""
    if human.login and len(human.login) <= LONGEST_NAME:
        return f"github:{human.login.lower()}"
    if human.email and len(human.email) <= LONGEST_NAME and not human.email.lower().endswith(NOREPLY):
        return f"email:{human.email.lower()}"
    return None


def known_slack_id(session: Session, catalog: Catalog, human: Human, now: datetime) -> str | None:
    """Their Slack id as far as it is known without asking anybody."""
    entry = (catalog.person_by_github(human.login) if human.login else None) or (
        catalog.person_by_email(human.email) if human.email else None
    )
    if entry is not None and entry.slack:
        return entry.slack
    who = who_is(human)
    lookup = session.get(Lookup, who) if who else None
    if lookup is None:
        return None  # a link is believed once Slack, asked by address, knew nobody
    if lookup.slack_id is not None:
        return lookup.slack_id if _fresh(lookup, now) else None
    return _linked_to(session, human.login) if human.login else None


def linked_to(session: Session, who: str) -> str | None:
    """Who in Slack linked the login that somebody goes by, if anybody did."""
    sort, _, name = who.partition(":")
    return _linked_to(session, name) if sort == "github" else None


def place_of(session: Session, catalog: Catalog, human: Human, now: datetime) -> str | None:
    """Where to write to them: their Slack id, ``who:…`` when Slack must be asked first, None when nobody can tell."""
    slack_id = known_slack_id(session, catalog, human, now)
    if slack_id is not None:
        return slack_id
    who = who_is(human)
    return f"{outbox.WHO}{who}" if who else None


def formerly(session: Session, human: Human) -> str | None:
    """Whom Slack last named for somebody, however long ago: where they were written to then."""
    who = who_is(human)
    lookup = session.get(Lookup, who) if who else None
    return lookup.slack_id if lookup is not None else None


def looked_up(session: Session, who: str, now: datetime) -> tuple[bool, str | None]:
    """Whether a lookup of ``who`` is still believed, and what it found."""
    lookup = session.get(Lookup, who)
    return (True, lookup.slack_id) if lookup is not None and _fresh(lookup, now) else (False, None)


def remember(session: Session, who: str, member: Member | None, now: datetime) -> None:
    """Keep what Slack answered about ``who``."""
    slack_id, name = (member.slack_id, member.name) if member else (None, None)
    session.merge(Lookup(who=who, slack_id=slack_id, name=name, looked_up_at=now))


def name_of(session: Session, catalog: Catalog, human: Human) -> str:
    """What to call somebody: as the catalogue, their commits or Slack name them, else by their login."""
    entry = catalog.person_by_github(human.login) if human.login else None
    who = who_is(human)
    lookup = session.get(Lookup, who) if who and not human.name else None
    named = (entry.name if entry else None) or human.name or (lookup.name if lookup else None)
    return named or human.login or human.email or "somebody"


def slacks_name(session: Session, slack_id: str) -> str | None:
    """What Slack calls somebody, as it told when they were last looked up."""
    return session.exec(
        select(Lookup.name)
        .where(Lookup.slack_id == slack_id, col(Lookup.name).is_not(None))
        .order_by(col(Lookup.looked_up_at).desc())
    ).first()


def link(session: Session, catalog: Catalog, slack_id: str, login: str, at: datetime) -> bool:
    """Route a GitHub login's messages to this person; UserError where the login is known to be somebody else's.

    Acts may be applied out of order: returns False, and changes nothing, where a link made after ``at`` stands.
    """
    own = session.get(Link, slack_id)
    other = session.exec(select(Link).where(Link.login == login.lower(), Link.slack_id != slack_id)).first()
    if any(one is not None and one.linked_at > at for one in (own, other)):
        return False
    _refuse_anothers(session, catalog, slack_id, login)
    if other is not None:  # it is this person's all the same, by the catalogue or their address
        session.delete(other)
        session.flush()
    session.merge(Link(slack_id=slack_id, login=login.lower(), linked_at=at))
    audit.record(session, audit.Tag.LOGIN_LINKED, f"person:{slack_id}", at, who=slack_id, login=login.lower())
    return True


def unlink(session: Session, slack_id: str, at: datetime) -> str | None:
    """Forget the link this person made before ``at``; returns its login, None where there is none."""
    own = session.get(Link, slack_id)
    if own is None or own.linked_at > at:
        return None
    session.delete(own)
    session.flush()
    audit.record(session, audit.Tag.LOGIN_UNLINKED, f"person:{slack_id}", at, who=slack_id, login=own.login)
    return own.login


def _refuse_anothers(session: Session, catalog: Catalog, slack_id: str, login: str) -> None:
    """UserError, naming who has this login and how to settle it, where it is not this person's to link."""
    mine = catalog.person_by_slack(slack_id)
    if mine is not None and mine.github and mine.github.casefold() != login.casefold():
        raise UserError(
            f"shipmate.yml says that you are {mine.github} on GitHub. If that is wrong, have it changed there."
        )
    theirs = catalog.person_by_github(login)
    if theirs is not None and theirs.slack and theirs.slack != slack_id:
        raise UserError(
            f"shipmate.yml says that {login} is {theirs.name or 'somebody else'}. "
            "If that is wrong, have it changed there."
        )
    if theirs is not None and theirs.slack == slack_id:
        return
    settle = "If it is yours, have it written under people in shipmate.yml."
    lookup = session.get(Lookup, f"github:{login.lower()}")
    if lookup is not None and lookup.slack_id not in (None, slack_id):
        raise UserError(f"{lookup.name or 'Somebody else'} has the login {login}, by their e-mail address. {settle}")
    linked = None if lookup is not None and lookup.slack_id == slack_id else _linked_to(session, login)
    if linked is not None and linked != slack_id:
        called = _called(session, catalog, linked)
        raise UserError(f"{called} said before you that {login} is theirs. {settle}")


def _linked_to(session: Session, login: str) -> str | None:
    return session.exec(_LINKED, params={"of_login": login.lower()}).first()


def _called(session: Session, catalog: Catalog, slack_id: str) -> str:
    """What somebody in Slack is called, as far as the catalogue or Slack told us."""
    entry = catalog.person_by_slack(slack_id)
    if entry is not None and entry.name:
        return entry.name
    known = select(Lookup.name).where(Lookup.slack_id == slack_id, col(Lookup.name).is_not(None))
    return session.exec(known.order_by(col(Lookup.looked_up_at).desc())).first() or "Somebody else"


def choose(session: Session, slack_id: str, scope: str, level: Level, at: datetime) -> bool:
    """Set how much this person wants to hear of a scope; returns False where what they chose after ``at`` stands."""
    row = session.exec(select(Subscription).where(Subscription.who == slack_id, Subscription.scope == scope)).first()
    if row is None:
        session.add(Subscription(who=slack_id, scope=scope, level=level.value, chosen_at=at))
    elif row.chosen_at > at:
        return False
    else:
        row.level, row.chosen_at = level.value, at
    audit.record(
        session, audit.Tag.PREFERENCE_CHOSEN, f"person:{slack_id}", at, who=slack_id, scope=scope, level=level.value
    )
    return True


def level_of(session: Session, slack_id: str, *scopes: str) -> Level:
    """How much this person wants to hear: the least of what they chose for these scopes and for everything."""
    chosen = session.exec(_CHOSEN, params={"of_who": slack_id, "of_scopes": [EVERYTHING, *scopes]}).all()
    for level in (Level.NONE, Level.FAILURES):
        if level.value in chosen:
            return level
    return Level.ALL


def muted_scopes(session: Session, slack_id: str) -> Sequence[str]:
    """The scopes this person muted."""
    return session.exec(
        select(Subscription.scope).where(Subscription.who == slack_id, Subscription.level == Level.NONE.value)
    ).all()


def login_of(session: Session, catalog: Catalog, slack_id: str) -> tuple[str | None, str | None]:
    """A person's GitHub login and how we know it: ``catalogue``, ``link`` or ``e-mail``."""
    entry = catalog.person_by_slack(slack_id)
    if entry is not None and entry.github:
        return entry.github, "catalogue"
    found = session.exec(
        select(Lookup.who).where(Lookup.slack_id == slack_id, col(Lookup.who).startswith("github:"))
    ).first()
    if found is not None:
        return found.removeprefix("github:"), "e-mail"
    linked = linked_login(session, slack_id)
    return (linked, "link") if linked else (None, None)


def linked_login(session: Session, slack_id: str) -> str | None:
    """The login this person linked, unless Slack has since named somebody else for it."""
    own = session.get(Link, slack_id)
    lookup = session.get(Lookup, f"github:{own.login}") if own is not None else None
    if own is None or (lookup is not None and lookup.slack_id not in (None, slack_id)):
        return None
    return own.login


def _fresh(lookup: Lookup, now: datetime) -> bool:
    return now - lookup.looked_up_at < (HIT_REMEMBERED if lookup.slack_id else MISS_REMEMBERED)
