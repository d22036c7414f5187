"""Which login is really somebody's: only good evidence grants, any hint excludes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot import audit, people
from bot.catalog import Catalog, PersonEntry
from bot.errors import UserError
from bot.events import HoursChosen, IdentityProven
from bot.ports import Member
from tests.unit import reports
from tests.unit.reports import REPO
from tests.unit.stores import NOON
from tests.unit.together import counted


def catalog(*entries: PersonEntry) -> Catalog:
    """A catalogue of these people."""
    plain = reports.catalog()
    return Catalog(default_channel="#deploys", unknown=plain.unknown, people=entries)


NOBODY = catalog()
ANA = catalog(PersonEntry(slack="U0ANA", github="Ana", name="Ana", email="ana@example.com"))


def proven(
    login: str, slack_id: str = "U0ANA", *, how: str = "device", minutes: float = 0, repo: str | None = REPO
) -> IdentityProven:
    """GitHub said so, this long after noon, and that the login may push to this repository."""
    at = NOON + timedelta(minutes=minutes)
    return IdentityProven(slack_id=slack_id, login=login, how=how, at=at, repo=repo if how == "device" else None)


def test_a_typed_link_and_an_address_prove_nothing(session: Session) -> None:
    people.link(session, NOBODY, "U0ANA", "ana", NOON)
    people.remember(session, "github:ana", Member("U0ANA", "Ana"), NOON)
    session.flush()
    assert people.login_of(session, NOBODY, "U0ANA")[0] == "ana", "good enough to write to"
    assert people.proven_login(session, NOBODY, "U0ANA") is None


def test_the_catalogue_proves_and_so_does_github(session: Session) -> None:
    assert people.proven_login(session, ANA, "U0ANA") == ("Ana", "catalogue")
    assert "GitHub says that you are ana" in people.prove(session, NOBODY, proven("Ana"))
    assert people.proven_login(session, NOBODY, "U0ANA") == ("ana", "device")
    assert "single sign-on" in people.prove(session, NOBODY, proven("eve", "U0EVE", how="sso"))
    assert people.proven_login(session, NOBODY, "U0EVE") == ("eve", "sso")
    facts = session.exec(select(audit.Fact).where(audit.Fact.tag == audit.Tag.LOGIN_PROVEN)).all()
    assert [(fact.who, fact.data) for fact in facts] == [
        ("U0ANA", {"login": "ana", "how": "device", "repo": REPO}),
        ("U0EVE", {"login": "eve", "how": "sso"}),
    ]


def test_of_many_people_as_many_statements_are_asked_as_of_one(session: Session) -> None:
    """Which login is theirs, by the latest proof, and when they can be asked."""
    everybody = [f"U{number:03}" for number in range(20)]
    for number, slack_id in enumerate(everybody):
        people.saw(session, Member(slack_id, slack_id.title(), zone="Asia/Tokyo"), NOON)
        people.choose_hours(session, HoursChosen(slack_id=slack_id, begins=60 * number, ends=0, at=NOON))
        for name in ("former", "latest"):
            people.prove(session, NOBODY, proven(f"{name}{number}", slack_id, minutes=len(name) + number))
    session.flush()
    asked = []
    for some in (everybody[:1], everybody):
        with counted(session) as statements:
            logins = people.proven_logins(session, ANA, [*some, "U0ANA"])
            able = people.who_can(session, NOBODY, some, NOON)
        asked.append(len(statements))
        alone = {one: people.proven_login(session, ANA, one) for one in (*some, "U0ANA")}
        assert logins == alone
        assert {one.slack_id: one for one in able} == {
            one: people.who_can(session, NOBODY, [one], NOON)[0] for one in some
        }
    assert asked == [3, 3]


def test_a_login_is_somebodys_by_any_hint_and_a_bots_never(session: Session) -> None:
    """Of a stranger's nobody could be kept from approving."""
    assert people.is_known(session, ANA, "github:ana")
    assert people.is_known(session, NOBODY, "slack:U0ANA")
    for login in ("ben", "chi", "dee", "eve", "deploy[bot]"):
        assert not people.is_known(session, ANA, f"github:{login}")
    people.prove(session, NOBODY, proven("ben", "U0BEN"))
    people.link(session, NOBODY, "U0CHI", "Chi", NOON)
    people.remember(session, "github:dee", Member("U0DEE", "Dee"), NOON)
    people.remember(session, "github:eve", None, NOON)
    people.link(session, NOBODY, "U0FAY", "deploy[bot]", NOON)
    session.flush()
    known = [
        one for one in ("ben", "chi", "dee", "eve", "deploy[bot]") if people.is_known(session, ANA, f"github:{one}")
    ]
    assert known == ["ben", "chi", "dee"]


def test_an_entry_without_a_login_leaves_room_for_a_proof(session: Session) -> None:
    """It may only name a pager."""
    known = catalog(PersonEntry(slack="U0ANA", pagerduty="P1"))
    people.prove(session, known, proven("ana"))
    assert people.proven_login(session, known, "U0ANA") == ("ana", "device")


@pytest.mark.parametrize(
    ("known", "event", "said"),
    [
        (ANA, proven("ana", "U0BEN"), "shipmate.yml says that ana is Ana"),
        (NOBODY, proven("chi", "U0BEN"), "Chi has the login chi, by their e-mail address"),
        (NOBODY, proven("dee", "U0BEN"), "has proven before you that dee is theirs"),
    ],
)
def test_a_proof_of_anothers_login_is_refused_and_says_where_to_mend_it(
    known: Catalog, event: IdentityProven, said: str, session: Session
) -> None:
    """A code can be entered by somebody who was talked into it."""
    people.remember(session, "github:chi", Member("U0CHI", "Chi"), NOON)
    people.prove(session, NOBODY, proven("dee", "U0DEE"))
    with pytest.raises(UserError, match=said) as refused:
        people.prove(session, known, event)
    assert "shipmate.yml" in str(refused.value)
    assert people.proven_login(session, NOBODY, event.slack_id) is None


def test_an_account_that_may_push_to_nothing_of_ours_proves_nothing(session: Session) -> None:
    """Anybody can make one; single sign-on says itself whose the login is."""
    with pytest.raises(UserError, match="Whether mallory2 may push"):
        people.prove(session, NOBODY, proven("mallory2", "U0MALLORY", repo=None))
    assert people.proven_login(session, NOBODY, "U0MALLORY") is None
    people.prove(session, NOBODY, proven("mallory", "U0MALLORY", how="sso"))
    assert people.proven_login(session, NOBODY, "U0MALLORY") == ("mallory", "sso")


@pytest.mark.parametrize("how", ["device", "sso"])
def test_whoever_proves_a_login_beside_the_catalogues_has_both(session: Session, how: str) -> None:
    """Which one they approve as stays; what they wrote as either is theirs."""
    said = people.prove(session, ANA, proven("ana2", how=how))
    assert said == "ana2 is yours too, beside Ana of shipmate.yml: you approve the changes of neither."
    assert people.proven_login(session, ANA, "U0ANA") == ("Ana", "catalogue")
    assert {"github:ana", "github:ana2"} <= people.names_of(session, ANA, "U0ANA")


def test_whoever_proves_a_login_beside_their_single_sign_ons_has_both(session: Session) -> None:
    """It was down when they proved the second."""
    people.prove(session, NOBODY, proven("ana", how="sso"))
    people.prove(session, NOBODY, proven("ana2", minutes=1))
    assert people.proven_login(session, NOBODY, "U0ANA") == ("ana2", "device")
    assert {"github:ana", "github:ana2"} <= people.names_of(session, NOBODY, "U0ANA")


def test_somebody_elses_link_stands_in_nobodys_way(session: Session) -> None:
    """It proves nothing; the proof does."""
    people.link(session, NOBODY, "U0MALLORY", "ana", NOON)
    people.prove(session, NOBODY, proven("ana"))
    assert people.proven_login(session, NOBODY, "U0ANA") == ("ana", "device")
    assert people.proven_login(session, NOBODY, "U0MALLORY") is None


def test_the_catalogue_overrules_a_proof_that_was_made_before(session: Session) -> None:
    people.prove(session, NOBODY, proven("ana", "U0MALLORY"))
    assert people.proven_login(session, ANA, "U0MALLORY") is None


def test_the_latest_proof_counts_in_whatever_order_they_arrive(session: Session) -> None:
    people.prove(session, NOBODY, proven("new", minutes=5))
    assert "that stands" in people.prove(session, NOBODY, proven("old", minutes=1))
    assert people.proven_login(session, NOBODY, "U0ANA") == ("new", "device")
    people.prove(session, NOBODY, proven("old", minutes=9))
    assert people.proven_login(session, NOBODY, "U0ANA") == ("old", "device")


def test_whoever_proves_another_login_still_wrote_what_they_wrote(session: Session) -> None:
    """Or a second account would let its owner approve the first one's changes."""
    people.prove(session, NOBODY, proven("ana-work"))
    people.prove(session, NOBODY, proven("ana-home", minutes=1))
    assert {"github:ana-work", "github:ana-home"} <= people.names_of(session, NOBODY, "U0ANA")


def test_every_hint_is_a_name_that_may_be_theirs(session: Session) -> None:
    """The catalogue's, a link, what Slack answered of an address, the address that Slack has."""
    named = catalog(
        PersonEntry(slack="U0ANA", github="Ana"),
        PersonEntry(github="ana-ops", email="Ana@Example.com"),
        PersonEntry(slack="U0BEN", github="ben", email="ben@example.com"),
    )
    people.link(session, NOBODY, "U0ANA", "ana-typed", NOON)
    people.remember(session, "github:ana-found", Member("U0ANA", "Ana"), NOON)
    people.remember(session, "email:ana@home.example", Member("U0ANA", "Ana"), NOON)
    people.saw(session, Member("U0ANA", "Ana", email="ana@example.com"), NOON)
    session.flush()
    assert people.names_of(session, named, "U0ANA") == {
        "slack:U0ANA",
        "github:ana",
        "github:ana-typed",
        "github:ana-found",
        "github:ana-ops",
        "email:ana@home.example",
        "email:ana@example.com",
    }
    assert people.names_of(session, NOBODY, "U0NEW") == {"slack:U0NEW"}
