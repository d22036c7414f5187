"""Who is who: the strongest way from a commit to Slack, for a while; and how much they want to hear."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from bot import people
from bot.catalog import Catalog, PersonEntry
from bot.errors import UserError
from bot.events import Human, Level
from bot.people import HIT_REMEMBERED, MISS_REMEMBERED
from bot.ports import Member
from tests.unit import reports
from tests.unit.stores import NOON

ANA = Human(login="Ana", name="Ana A.", email="ana@example.com")
STRANGER = Human(name="Dee", email="Dee@Example.com")


def catalog(*entries: PersonEntry) -> Catalog:
    """A catalogue of these people."""
    plain = reports.catalog()
    return Catalog(default_channel="#deploys", unknown=plain.unknown, people=entries)


NOBODY = catalog()


@pytest.mark.parametrize(
    ("human", "who"),
    [
        (ANA, "github:ana"),
        (STRANGER, "email:dee@example.com"),
        (Human(name="Dee"), None),
        (Human(email="1+ana@users.noreply.github.com"), None),
        (Human(login="x" * 500, email="dee@example.com"), "email:dee@example.com"),
        (Human(email="x" * 500 + "@example.com"), None),
    ],
)
def test_a_person_goes_by_their_login_and_else_by_their_address(human: Human, who: str | None) -> None:
    """In lower case; by nothing that nobody can have."""
    assert people.who_is(human) == who


def test_the_strongest_way_to_a_person_wins(session: Session) -> None:
    """A link the person made, then the address that Slack has verified, then the catalogue."""
    assert people.place_of(session, NOBODY, ANA, NOON) == "who:github:ana"
    people.link(session, NOBODY, "U0LINK", "ANA", NOON)
    session.flush()
    assert people.place_of(session, NOBODY, ANA, NOON) == "who:github:ana", "Slack is asked before a link is believed"
    people.remember(session, "github:ana", None, NOON)
    session.flush()
    assert people.place_of(session, NOBODY, ANA, NOON) == "U0LINK"
    people.remember(session, "github:ana", Member("U0ASKED", "Ana"), NOON)
    session.flush()
    assert people.place_of(session, NOBODY, ANA, NOON) == "U0ASKED"
    assert people.place_of(session, NOBODY, ANA, NOON + HIT_REMEMBERED) == "who:github:ana"
    assert people.login_of(session, NOBODY, "U0LINK") == (None, None)
    named = catalog(PersonEntry(slack="U0NAMED", github="ana"))
    assert people.place_of(session, named, ANA, NOON) == "U0NAMED"
    by_address = catalog(PersonEntry(slack="U0MAIL", email="dee@example.com"))
    assert people.place_of(session, by_address, STRANGER, NOON) == "U0MAIL"
    assert people.place_of(session, NOBODY, Human(name="Dee"), NOON) is None


def test_a_catalogue_entry_without_slack_hides_no_other_way(session: Session) -> None:
    """It may only name a pager."""
    people.link(session, NOBODY, "U0LINK", "ana", NOON)
    people.remember(session, "github:ana", None, NOON)
    session.flush()
    assert people.known_slack_id(session, catalog(PersonEntry(github="ana", pagerduty="P1")), ANA, NOON) == "U0LINK"


def test_what_slack_answered_is_believed_for_a_while(session: Session) -> None:
    """A person for a day; that there is nobody for a quarter of an hour, since a colleague may be new."""
    people.remember(session, "github:ana", Member("U0ANA", "Ana"), NOON)
    people.remember(session, "email:dee@example.com", None, NOON)
    session.flush()
    almost = timedelta(seconds=1)
    assert people.looked_up(session, "github:ana", NOON + HIT_REMEMBERED - almost) == (True, "U0ANA")
    assert people.looked_up(session, "github:ana", NOON + HIT_REMEMBERED) == (False, None)
    assert people.known_slack_id(session, NOBODY, ANA, NOON + HIT_REMEMBERED) is None
    assert people.looked_up(session, "email:dee@example.com", NOON + MISS_REMEMBERED - almost) == (True, None)
    assert people.looked_up(session, "email:dee@example.com", NOON + MISS_REMEMBERED) == (False, None)
    assert people.looked_up(session, "github:never", NOON) == (False, None)
    people.remember(session, "email:dee@example.com", Member("U0DEE", "Dee"), NOON + MISS_REMEMBERED)
    session.flush()
    assert people.looked_up(session, "email:dee@example.com", NOON + MISS_REMEMBERED) == (True, "U0DEE")


def test_a_login_is_linked_to_one_person_and_a_person_to_one_login(session: Session) -> None:
    """Nobody takes another's; whoever names a new one, or none, gives the old one free."""
    people.link(session, NOBODY, "U1", "Ana", NOON)
    session.flush()
    assert people.login_of(session, NOBODY, "U1") == ("ana", "link")
    with pytest.raises(UserError, match="Somebody else said before you that Ana is theirs"):
        people.link(session, NOBODY, "U2", "Ana", NOON)
    people.link(session, NOBODY, "U1", "ben", NOON)
    session.flush()
    assert people.login_of(session, NOBODY, "U1") == ("ben", "link")
    people.link(session, NOBODY, "U2", "ana", NOON)
    assert people.unlink(session, "U2", NOON - timedelta(seconds=1)) is None, "the link is newer"
    assert people.unlink(session, "U2", NOON) == "ana"
    assert people.unlink(session, "U2", NOON) is None
    assert people.login_of(session, NOBODY, "U2") == (None, None)
    assert people.link(session, NOBODY, "U3", "ana", NOON)


@pytest.mark.parametrize(
    ("slack_id", "login", "why"),
    [
        ("U0EVE", "ana", "shipmate.yml says that ana is Ana T"),
        ("U0ANA", "eve", "shipmate.yml says that you are ana"),
        ("U0EVE", "Ben", "Ben B. has the login Ben, by their e-mail address. If it is yours"),
    ],
)
def test_a_login_that_is_known_to_be_anothers_cannot_be_linked(
    session: Session, slack_id: str, login: str, why: str
) -> None:
    """By the catalogue, or by the address that Slack has verified, however long ago; it says how to settle it."""
    named = catalog(PersonEntry(slack="U0ANA", github="ana", name="Ana T."))
    people.remember(session, "github:ben", Member("U0BEN", "Ben B."), NOON - 3 * HIT_REMEMBERED)
    session.flush()
    with pytest.raises(UserError, match=why):
        people.link(session, named, slack_id, login, NOON)


def test_somebody_may_link_what_is_theirs_anyway_and_takes_it_from_whoever_claimed_it(session: Session) -> None:
    """A wrong link gives way to the verified address."""
    people.link(session, NOBODY, "U0EVE", "ben", NOON)
    people.remember(session, "github:ben", Member("U0BEN", "Ben"), NOON)
    session.flush()
    assert people.link(session, NOBODY, "U0BEN", "ben", NOON)
    session.flush()
    assert people.linked_to(session, "github:ben") == "U0BEN"
    assert people.linked_to(session, "email:ben@example.com") is None
    assert people.login_of(session, NOBODY, "U0EVE") == (None, None)


def test_how_we_know_a_login_is_told(session: Session) -> None:
    """The catalogue's spelling, a link, or an address."""
    people.remember(session, "github:ana", Member("U0ANA", "Ana"), NOON)
    session.flush()
    assert people.login_of(session, NOBODY, "U0ANA") == ("ana", "e-mail")
    assert people.login_of(session, catalog(PersonEntry(slack="U0ANA", github="Ana-A")), "U0ANA") == (
        "Ana-A",
        "catalogue",
    )


def test_somebody_is_called_by_the_best_name_there_is(session: Session) -> None:
    """The catalogue's, their commits', Slack's, their login, their address."""
    login = Human(login="ana")
    assert people.name_of(session, NOBODY, login) == "ana"
    people.remember(session, "github:ana", Member("U0ANA", "Ana of Slack"), NOON)
    session.flush()
    assert people.name_of(session, NOBODY, login) == "Ana of Slack"
    assert people.name_of(session, NOBODY, ANA) == "Ana A."
    assert people.name_of(session, catalog(PersonEntry(github="ana", name="Ana Andrews")), ANA) == "Ana Andrews"
    assert people.name_of(session, NOBODY, Human(email="dee@example.com")) == "dee@example.com"
    assert people.name_of(session, NOBODY, Human()) == "somebody"


def test_the_least_that_somebody_chose_is_what_they_hear(session: Session) -> None:
    """Of everything, and of this change; another's choice says nothing."""
    assert people.level_of(session, "U1", "change:1") is Level.ALL
    people.choose(session, "U1", "change:1", Level.NONE, NOON)
    people.choose(session, "U2", "all", Level.NONE, NOON)
    assert people.level_of(session, "U1", "change:1") is Level.NONE
    assert people.level_of(session, "U1", "change:2") is Level.ALL
    people.choose(session, "U1", "all", Level.FAILURES, NOON)
    assert people.level_of(session, "U1", "change:2") is Level.FAILURES
    assert people.muted_scopes(session, "U1") == ["change:1"]
    people.choose(session, "U1", "change:1", Level.ALL, NOON)
    assert people.level_of(session, "U1", "change:1") is Level.FAILURES
    people.choose(session, "U1", "all", Level.NONE, NOON)
    assert people.level_of(session, "U1") is Level.NONE
