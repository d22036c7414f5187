"""Which GitHub login is really somebody's, and every name that may be theirs.

Two questions with opposite caution. To approve, a login must come from the catalogue, from single sign-on or from
GitHub itself, which must also say that it may push to something we deploy: anybody can make an account to prove. A link
that was typed and an address in a commit never count. To be kept from approving one's own change, any hint is enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import BindParameter, bindparam, exists, literal, or_, union_all
from sqlmodel import Field, Session, SQLModel, col, select

from bot import audit
from bot.catalog import Catalog
from bot.errors import UserError
from bot.events import IdentityProven
from bot.people.identity import Link, Lookup
from bot.people.members import Profile, profile_of

LONGEST_LOGIN = 255

_BOT = "[bot]"
"""How the logins of GitHub's Apps end."""

CATALOGUE, DEVICE = "catalogue", "device"
"""How a login is known to be somebody's: shipmate.yml says so, or a code was entered at GitHub."""


class Proof(SQLModel, table=True):
    """GitHub said that a login is this person's: ``how`` is ``device`` or ``sso``. Their latest counts.

    Former ones stay, and those beside the catalogue's: whoever proves another login wrote what they wrote as the first.
    """

    __tablename__ = "proofs"

    login: str = Field(primary_key=True, max_length=LONGEST_LOGIN)
    slack_id: str = Field(index=True, max_length=32)
    how: str = Field(max_length=16)
    proved_at: datetime


# Held statements: to build one costs more than to run it, and every judgement asks of everybody who said yes.
_SLACK_IDS: BindParameter[list[str]] = bindparam("of_slack_ids", expanding=True)
_PROVEN = select(Proof).where(col(Proof.slack_id).in_(_SLACK_IDS)).order_by(col(Proof.proved_at).desc(), Proof.login)
_HINTS = union_all(
    select(Proof.slack_id, literal("login").label("sort"), col(Proof.login).label("name")).where(
        col(Proof.slack_id).in_(_SLACK_IDS)
    ),
    select(Link.slack_id, literal("login"), Link.login).where(col(Link.slack_id).in_(_SLACK_IDS)),
    select(Lookup.slack_id, literal("who"), Lookup.who).where(col(Lookup.slack_id).in_(_SLACK_IDS)),
    select(Profile.slack_id, literal("email"), Profile.email).where(col(Profile.slack_id).in_(_SLACK_IDS)),
).subquery()
_CLAIMED = select(
    or_(
        exists().where(col(Proof.login) == bindparam("of_login")),
        exists().where(col(Link.login) == bindparam("of_login")),
        exists().where(col(Lookup.who) == bindparam("of_who"), col(Lookup.slack_id).is_not(None)),
    )
)
_NAMED = select(_HINTS.c.slack_id, _HINTS.c.sort, _HINTS.c.name)


def proven_login(session: Session, catalog: Catalog, slack_id: str) -> tuple[str, str] | None:
    """Somebody's GitHub login and how we know it is theirs (``catalogue``, ``device``, ``sso``); None = unproven."""
    return proven_logins(session, catalog, (slack_id,)).get(slack_id)


def proven_logins(session: Session, catalog: Catalog, slack_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The same of several people, in one statement; without those who are unproven."""
    wanted = frozenset(slack_ids)
    entries = ((one, catalog.person_by_slack(one)) for one in wanted)
    found = {one: (entry.github, CATALOGUE) for one, entry in entries if entry is not None and entry.github}
    others = sorted(wanted - found.keys())
    proofs = session.exec(_PROVEN, params={"of_slack_ids": others}).all() if others else ()
    latest: dict[str, Proof] = {}
    for proof in proofs:
        latest.setdefault(proof.slack_id, proof)
    for one, proof in latest.items():
        theirs = catalog.person_by_github(proof.login)
        if theirs is not None and theirs.slack and theirs.slack != one:
            continue  # the catalogue has said otherwise since
        found[one] = proof.login, proof.how
    return found


def prove(session: Session, catalog: Catalog, event: IdentityProven) -> str:
    """Keep a proof; returns what the person is told. UserError where the login is known to be somebody else's.

    A code can be entered by somebody who was talked into it: what the catalogue or an address says weighs more.
    """
    login = event.login.lower()[:LONGEST_LOGIN]
    if event.how == DEVICE and event.repo is None:
        raise UserError(
            f"Whether {login} may push to anything that is deployed from here was not asked, so nothing was proven. "
            "Begin again: /ship me github prove"
        )
    _refuse_anothers(session, catalog, event.slack_id, login)
    row = session.get(Proof, login)
    if row is None:
        session.add(Proof(login=login, slack_id=event.slack_id, how=event.how, proved_at=event.at))
    elif row.proved_at <= event.at:
        row.how, row.proved_at = event.how, event.at
    session.flush()
    audit.record(
        session, audit.Tag.LOGIN_PROVEN, f"person:{event.slack_id}", event.at,
        who=event.slack_id, login=login, how=event.how, repo=event.repo,
    )  # fmt: skip
    found = proven_login(session, catalog, event.slack_id)
    if found is not None and found[0].casefold() != login:
        if found[1] == CATALOGUE:
            return f"{login} is yours too, beside {found[0]} of shipmate.yml: you approve the changes of neither."
        return f"You have proven since then that you are {found[0]} on GitHub: that stands."
    by = "your organisation's single sign-on" if event.how == "sso" else "GitHub"
    return f"Proven: {by} says that you are {login}. You can approve other people's changes now."


def names_of(session: Session, catalog: Catalog, slack_id: str) -> frozenset[str]:
    """Every name in our tables that may be somebody's, by whatever hint: these exclude, and never grant.

    ``slack:U…``, ``github:…`` and ``email:…``, from the catalogue, proofs (former ones too), links, what Slack answered
    about addresses, and their address in Slack.
    """
    return names_of_each(session, catalog, (slack_id,))[slack_id]


def names_of_each(session: Session, catalog: Catalog, slack_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """The same of several people, in one statement."""
    logins: dict[str, set[str]] = {one: set() for one in slack_ids}
    emails: dict[str, set[str]] = {one: set() for one in logins}
    found = session.exec(_NAMED, params={"of_slack_ids": sorted(logins)}).all() if logins else ()
    for slack_id, sort, name in found:
        kind, _, rest = name.partition(":") if sort == "who" else (sort, "", name or "")
        if rest:
            (logins if kind in ("login", "github") else emails)[slack_id].add(rest.casefold())
    return {one: _with_entries(catalog, one, logins[one], emails[one]) for one in logins}


def as_bot(who: str) -> str:
    """The name of a bot in our tables, which shows that it is one: ``github:deploy[bot]``."""
    return who.removesuffix(_BOT) + _BOT


def is_bot(who: str) -> bool:
    """Whether a name in our tables is a bot's."""
    return who.endswith(_BOT)


def is_known(session: Session, catalog: Catalog, who: str) -> bool:
    """Whether a name in our tables is somebody's of whom there is any hint who they are: no bot's, no stranger's."""
    sort, _, name = who.partition(":")
    if sort == "slack":
        return True
    if is_bot(who) or sort != "github":
        return False
    if catalog.person_by_github(name) is not None:
        return True
    return bool(session.exec(_CLAIMED, params={"of_login": name, "of_who": who}).one())


def _with_entries(catalog: Catalog, slack_id: str, logins: set[str], emails: set[str]) -> frozenset[str]:
    """These names, and what the catalogue says besides of whoever has one of them."""
    for entry in catalog.people:
        by_login = entry.github is not None and entry.github.casefold() in logins
        by_email = entry.email is not None and entry.email.casefold() in emails
        if entry.slack == slack_id or by_login or by_email:
            logins |= {entry.github.casefold()} if entry.github else set()
            emails |= {entry.email.casefold()} if entry.email else set()
    return frozenset({f"slack:{slack_id}", *(f"github:{one}" for one in logins), *(f"email:{one}" for one in emails)})


def _refuse_anothers(session: Session, catalog: Catalog, slack_id: str, login: str) -> None:
    """UserError, saying who can settle it, where better evidence than a proof says that this login is another's."""
    settle = "If that is wrong, have it mended under people in shipmate.yml."
    theirs = catalog.person_by_github(login)
    if theirs is not None and theirs.slack == slack_id:
        return
    if theirs is not None and theirs.slack:
        raise UserError(f"shipmate.yml says that {login} is {theirs.name or 'somebody else'}. {settle}")
    lookup = session.get(Lookup, f"github:{login}")
    if lookup is not None and lookup.slack_id not in (None, slack_id):
        raise UserError(f"{lookup.name or 'Somebody else'} has the login {login}, by their e-mail address. {settle}")
    proof = session.get(Proof, login)
    if proof is not None and proof.slack_id != slack_id:
        former = profile_of(session, proof.slack_id)
        called = (former.name if former else None) or "Somebody else"
        raise UserError(f"{called} has proven before you that {login} is theirs. {settle}")
