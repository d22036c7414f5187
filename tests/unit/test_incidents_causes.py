"""Whose change it was among those that went live together; and alerts of several services that have one cause."""

from __future__ import annotations

import pytest
from sqlmodel import Session, col, select

from bot.deploys import service as deploys
from bot.deploys.models import Deploy, Target
from bot.errors import GiveUp, OutgoingError
from bot.events import Human, IncidentAct, MergedPull
from bot.incidents.loading import incident_card
from tests.unit.alarming import Alarms, alarms, paged
from tests.unit.reports import ANA, BEN, BOT, CHI, carrying, pull, report

DEE, EVE = Human(login="dee", name="Dee"), Human(login="eve", name="Eve")


def change(number: int, author: Human, *paths: str, lines: int = 10, merger: Human | None = CHI) -> MergedPull:
    """One of the pull requests that went live together; its commit's name is its number's last digit."""
    return pull(number, str(number % 10), author=author, merger=merger, paths=paths, additions=lines, deletions=0)


def shipped(session: Session, *together: MergedPull, **fires: object) -> Alarms:
    """These went live together, and twelve minutes later an alert fires."""
    here = alarms(session)
    here.rollout("checkout", "b", *together)
    here.at = 12
    here.fires(**fires)  # type: ignore[arg-type]
    here.calls()
    return here


def woken(here: Alarms) -> list[str]:
    """Who was woken, in order, and how."""
    return [f"{name}:{way}" for name, _, way, _ in here.pages()]


# --- whose change it was ------------------------------------------------------------------------------------------

STACK = ("/srv/cart/totals.py", "/srv/app/views.py", "/srv/app/main.py")
WIDE = change(815, BEN, "app/views.py", "app/main.py", "app/urls.py", lines=900)


@pytest.mark.parametrize(
    ("path", "stack"),
    [
        ("cart/totals.py", STACK),
        ("services/checkout/cart/totals.py", ("cart/totals.py", "app/views.py", "app/main.py")),
    ],
    ids=["its process knows more of the path", "its repository does"],
)
def test_whose_file_raised_the_error_is_woken_first(sqlite_session: Session, path: str, stack: tuple[str, ...]) -> None:
    """Not whoever changed most, nor most of the stack; and all that is read calls it by that change."""
    here = shipped(sqlite_session, change(812, ANA, path), WIDE, paths=stack, source="sentry")
    assert woken(here) == ["Ana:assign", "Chi:respond", "Ben:respond"]
    assert "12 min after #812 and 1 more went live" in here.pager.calls[0].title
    assert incident_card(here.session, here.desk, here.incident()).likely[0].label == "#812"


def test_any_of_its_alerts_tells_whose_file_it_was(sqlite_session: Session) -> None:
    """The first one to fire knows of a time-out alone."""
    here = alarms(sqlite_session)
    here.rollout("checkout", "b", change(812, ANA, "cart/totals.py"), WIDE)
    here.at = 12
    here.fires(name="TimeoutError", source="sentry", paths=tuple(f"lib/http{number}.py" for number in range(7)))
    here.fires(name="TypeError", source="sentry", paths=STACK)
    here.turn(14)
    assert incident_card(here.session, here.desk, here.incident()).likely[0].label == "#812"


def test_one_of_many_changes_is_found_wherever_it_stands_in_the_list(sqlite_session: Session) -> None:
    """A release of fifteen."""
    many = [change(820 + number, BEN, f"other/{number}.py", lines=100) for number in range(14)]
    here = shipped(sqlite_session, *many, change(812, ANA, "cart/totals.py"), paths=STACK, source="sentry")
    assert woken(here)[0] == "Ana:assign"
    assert "after #812 and 14 more went live" in here.pager.calls[0].title


def test_a_lock_file_has_many_lines_and_its_bot_is_not_who_is_asked_first(sqlite_session: Session) -> None:
    """Ana wrote a few lines; in the bot's place Dee, who merged that, is asked to come."""
    bump = change(815, BOT, "package-lock.json", lines=5_000, merger=DEE)
    here = shipped(sqlite_session, change(812, ANA, "cart/totals.py"), bump)
    assert woken(here) == ["Ana:assign", "Chi:respond", "Dee:respond"]
    assert "after #812 and 1 more went live" in here.pager.calls[0].title


def test_a_release_of_many_wakes_four_people(sqlite_session: Session) -> None:
    """Whoever wrote the first of them, and three more."""
    others = [change(820 + number, who, "x.py") for number, who in enumerate((BEN, DEE, EVE))]
    here = shipped(sqlite_session, change(812, ANA, "cart/totals.py", lines=500), *others)
    assert len(woken(here)) == 4
    assert woken(here)[:2] == ["Ana:assign", "Chi:respond"]


def test_where_hardly_anything_speaks_for_a_change_its_author_hears_nothing(sqlite_session: Session) -> None:
    """What the service depends on went live forty minutes before: whoever is on call is woken, and that is all."""
    here = alarms(sqlite_session)
    here.shipped("cart")
    here.at = 40
    here.fires("checkout")
    here.calls()
    assert (here.likely()[0][1], woken(here)) == ("low", ["Dee:policy"])
    assert here.told("U0ANA") == here.told("U0CHI") == []


# --- one cause ----------------------------------------------------------------------------------------------------

SHOP = (paged("checkout", depends_on=("cart",)), paged("shop", depends_on=("cart",)), paged("cart"), paged("mail"))


@pytest.mark.parametrize(("minutes", "incidents"), [(6, ["checkout"]), (30, ["checkout", "shop"])])
def test_what_two_services_depend_on_fails_for_both(
    sqlite_session: Session, minutes: float, incidents: list[str]
) -> None:
    """Neither depends on the other; where the same change is probable for both, and they began together, it is one."""
    here = alarms(sqlite_session, services=SHOP)
    here.shipped("cart")
    here.at = 5
    here.fires("checkout")
    here.calls()
    here.at = minutes
    here.fires("shop")
    here.calls()
    assert [one.service for one in here.incidents()] == incidents
    assert len(here.pager.phones()) == len(incidents)


def test_what_began_together_by_chance_stays_apart(sqlite_session: Session) -> None:
    """Nothing went live for one of them."""
    here = alarms(sqlite_session, services=SHOP)
    here.shipped("checkout")
    here.at = 5
    here.fires("checkout")
    here.fires("shop")
    here.fires("mail")
    assert [one.service for one in here.incidents()] == ["checkout", "shop", "mail"]


def test_one_pull_request_in_two_services_rings_a_phone_once(sqlite_session: Session) -> None:
    """Of one repository: Ana is called for the first, and reads of the second in Slack; so does Chi."""
    here = _in_two_services(sqlite_session)
    here.fires("mail")
    assert here.calls().phones() == ["PANA"]
    assert woken(here) == ["Ana:message", "Chi:message"]
    assert here.told("U0ANA") == ["page", "page"]


def test_who_said_that_it_is_not_theirs_is_not_called_for_it_by_the_second(sqlite_session: Session) -> None:
    """Whoever is on call is."""
    here = _in_two_services(sqlite_session)
    here.acts(IncidentAct.NOT_MINE)
    here.fires("mail")
    here.calls()
    assert woken(here) == ["Dee:policy"]


def test_who_had_a_part_in_the_second_alone_is_told_in_slack_since_no_call_leaves_there(
    sqlite_session: Session,
) -> None:
    """Ben would wait in vain to be asked to PagerDuty's incident; that he was told is said."""
    here = _in_two_services(sqlite_session, mails=change(815, BEN, "mail/x.py", lines=1))
    here.fires("mail")
    assert here.calls().phones() == ["PANA"]
    assert woken(here) == ["Ana:message", "Chi:message", "Ben:message"]
    assert {state for _, _, _, state in here.pages()} == {"sent"}
    assert here.aloud(here.incident()).count("paged") == 3


def test_whom_no_call_reached_for_the_first_is_called_for_the_second(sqlite_session: Session) -> None:
    """The pager refused it then; in Slack alone she would sleep on."""
    here = _in_two_services(sqlite_session, fault=GiveUp("invalid", "this service is disabled"))
    assert here.calls().phones() == []
    here.pager.faults.clear()
    here.fires("mail")
    assert here.calls().phones() == ["PANA"]
    assert woken(here)[0] == "Ana:assign"


def _in_two_services(session: Session, mails: MergedPull | None = None, fault: OutgoingError | None = None) -> Alarms:
    """Ana's pull request goes live in two services of one repository, and the first of them fails.

    ``mails`` went live in the second alone. ``fault`` is what the pager answers to whoever calls.
    """
    here = alarms(session)
    if fault is not None:
        here.pager.faults["page"] = fault
    for service in ("cart", "mail"):
        told = report("b", "succeeded", 0, number=f"{service}-b", service=service, repo="bakery/all", began=-1)
        here.tell(told)
    rows = select(Deploy, Target.service).join(Target, col(Deploy.target) == col(Target.id))
    for deploy, service in here.session.exec(rows.where(Deploy.sha == "b" * 40)).all():
        more = [mails] if mails is not None and service == "mail" else []
        found = carrying(change(812, ANA, "shared/money.py"), *more)
        deploys.range_read(here.session, here.catalog, deploy.id or 0, deploy.previous_sha, found, here.now)
    here.at = 12
    here.fires("cart")
    here.calls()
    return here
