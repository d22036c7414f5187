"""Who is who: the strongest way from a commit to Slack, for a while; and how much they want to hear."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from bot import people
from bot.catalog import Catalog, PersonEntry
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
    """What Slack was asked, then a link the person made, then the catalogue."""
    assert people.place_of(session, NOBODY, ANA, NOON) == "who:github:ana"
    people.remember(session, "github:ana", Member("U0ASKED", "Ana"), NOON)
    session.flush()
    assert people.place_of(session, NOBODY, ANA, NOON) == "U0ASKED"
    people.link(session, "U0LINK", "ANA", NOON)
    session.flush()
    assert people.place_of(session, NOBODY, ANA, NOON) == "U0LINK"
    named = catalog(PersonEntry(slack="U0NAMED", github="ana"))
    assert people.place_of(session, named, ANA, NOON) == "U0NAMED"
    by_address = catalog(PersonEntry(slack="U0MAIL", email="dee@example.com"))
    assert people.place_of(session, by_address, STRANGER, NOON) == "U0MAIL"
    assert people.place_of(session, NOBODY, Human(name="Dee"), NOON) is None


def test_a_catalogue_entry_without_slack_hides_no_other_way(session: Session) -> None:
    """It may only name a pager."""
    people.link(session, "U0LINK", "ana", NOON)
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
    """The newest link stands; it routes messages and grants nothing."""
    people.link(session, "U1", "Ana", NOON)
    people.link(session, "U2", "ana", NOON)
    session.flush()
    assert people.login_of(session, NOBODY, "U1") == (None, None)
    assert people.login_of(session, NOBODY, "U2") == ("ana", "link")
    people.link(session, "U2", "ben", NOON)
    session.flush()
    assert people.login_of(session, NOBODY, "U2") == ("ben", "link")
    assert people.known_slack_id(session, NOBODY, ANA, NOON) is None


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
