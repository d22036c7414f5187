"""From an incident to its likely changes: late reports, what is out again, what people said, what was never live."""

from __future__ import annotations

import pytest
from sqlmodel import Session, col, select

from bot.audit import Fact, Tag
from bot.deploys.models import Deploy
from bot.events import FlagChanged, Human, IncidentAct
from bot.incidents.models import Likely
from tests.unit.alarming import Alarms, alarms, paged
from tests.unit.reports import BEN, CHI, carrying, minute, pull, report, sha_of


def flag(here: Alarms, at: float, **more: object) -> None:
    """Ben turns a flag."""
    event = FlagChanged(
        source="launchdarkly", external_id=f"f{at}", flag="new-basket", project="shop", environment="production",
        service="checkout", summary="turned on", by=Human(login="ben", name="Ben"), at=minute(at), **more,  # type: ignore[arg-type]
    )  # fmt: skip
    here.reactions.react(here.session, [event], here.now)
    here.session.flush()


# --- what is heard later ------------------------------------------------------------------------------------------


def test_a_rollout_that_is_reported_late_becomes_the_likely_change(session: Session) -> None:
    """The alert came first: whoever is on call was woken. Then Ana's rollout is told of, and Ana is woken too."""
    here = alarms(session)
    here.at = 12
    here.fires()
    assert here.pages() == [("Dee", "on_call", "policy", "wanted")]
    here.at = 13
    deploy = here.shipped(at=0)
    assert here.likely() == [(deploy.id, "high")]
    assert [name for name, *_ in here.pages()] == ["Dee", "Ana", "Chi"]
    assert here.aloud().count("likely") == 1
    assert here.calls().phones() == [None, "PANA"]
    here.shipped(at=0)
    assert here.aloud().count("likely") == 1


def test_what_it_carries_is_told_later_than_the_rollout(session: Session) -> None:
    """Until then nobody knows whose it is, and the on-call is woken; as soon as it is known, its author is."""
    here = alarms(session)
    here.tell(report("b", "succeeded", 0, number="late", service="checkout", repo="bakery/checkout", began=-1))
    here.at = 5
    here.fires()
    assert here.likely()[0][1] == "high"
    assert [name for name, *_ in here.pages()] == ["Dee"]
    here.rollout("checkout", "b", pull(812, "b"), at=0, number="late")
    assert [name for name, *_ in here.pages()] == ["Dee", "Ana"]


def test_nothing_that_was_not_live_at_the_onset(sqlite_session: Session) -> None:
    """A rollout that began after it, one that waits, one that was cancelled before it had any traffic."""
    here = alarms(sqlite_session)
    here.rollout("checkout", "c", pull(820, "c"), at=-2, status="pending")
    here.rollout("checkout", "d", pull(821, "d"), at=-1, status="cancelled", began=-3)
    here.at = 10
    here.fires(began=5)
    here.shipped("checkout", "e", 830, at=9)
    assert [name for name, *_ in here.pages()] == ["Dee"]
    assert here.calls().phones() == [None]


def test_an_alert_that_began_an_hour_ago_is_about_what_was_live_then(sqlite_session: Session) -> None:
    """The sender was late: what was rolled out since has no part in it."""
    here = alarms(sqlite_session)
    then = here.shipped("checkout", "b", 812, at=0)
    here.at = 70
    here.shipped("checkout", "c", 820, at=65, author=BEN)
    here.fires(began=10)
    assert here.likely() == [(then.id, "high")]
    assert here.pages()[0][0] == "Ana"


def test_a_new_sign_is_looked_at_within_a_minute_and_not_for_each_alert(sqlite_session: Session) -> None:
    """Two rollouts, and nothing to tell them apart; then an error tracker names the build."""
    here = alarms(sqlite_session)
    first = here.shipped("checkout", "b", 812, at=-20)
    second = here.shipped("checkout", "c", 820, at=-2, author=BEN)
    here.fires()
    before = dict(here.likely())
    assert before[second.id or 0] != "high"
    for number in range(5):
        here.at = 0.2
        here.fires(name=f"TypeError {number}", source="sentry", version=sha_of("c"))
    assert dict(here.likely()) == before
    here.turn(1.5)
    assert here.likely()[0] == (second.id, "high")
    assert "Ben" in [name for name, *_ in here.pages()]
    assert first.id in dict(before)
    facts = here.session.exec(select(Fact).where(Fact.tag == Tag.LIKELY_FOUND.value)).all()
    assert len(facts) <= 2


def test_somebody_is_on_it_and_the_on_call_is_not_woken_by_a_later_look(sqlite_session: Session) -> None:
    """Chi took it; another rollout turns out to be probable as well."""
    here = alarms(sqlite_session)
    here.shipped("checkout", "b", 812, at=-10)
    here.fires()
    here.acts(IncidentAct.MINE, "U0CHI")
    here.shipped("checkout", "c", 820, at=-5, author=BEN)
    assert "Dee" not in [name for name, *_ in here.pages()]


# --- what people say ----------------------------------------------------------------------------------------------


def test_what_somebody_rejected_wakes_nobody_anew(sqlite_session: Session) -> None:
    """Ana said that it was not hers; a later look, which finds the same, does not bring it back."""
    here = alarms(sqlite_session)
    here.shipped("checkout", "b", 812, at=-10, merger=None)
    here.fires()
    here.acts(IncidentAct.NOT_MINE)
    assert [name for name, *_ in here.pages()] == ["Ana", "Dee"]
    flag(here, -60)
    here.fires(name="TypeError", source="sentry", version=sha_of("b"))
    here.turn(2)
    assert [name for name, *_ in here.pages()] == ["Ana", "Dee"]


# --- what ends it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", ["by its commit", "by the forge"])
def test_the_likely_change_is_out_again(session: Session, declared: str) -> None:
    """Said once, with who did it; the harm counts as ended then."""
    here = alarms(session)
    if declared == "by the forge":
        here.shipped("checkout", "0", 800, at=-600)
    here.shipped("checkout", "b", 812)
    here.at = 12
    here.fires()
    here.at = 20
    found = carrying(leaving=(pull(812, "b"),))
    for _ in range(2):
        here.rollout("checkout", "a", number="back", at=20, began=18, creator=Human(login="eve"), found=found)
    assert here.incident().mitigated_at == minute(20)
    assert here.aloud().count("rolled_back") == 1
    assert any(text.endswith("is out again, by Eve") for text in here.entries())
    likely = here.session.exec(select(Likely).order_by(col(Likely.id))).first()
    assert likely is not None
    assert likely.rolled_back_at == minute(20)


def test_a_fix_stands_on_the_timeline_and_is_no_likely_change(sqlite_session: Session) -> None:
    """Every rollout of its services while it is open does."""
    here = alarms(sqlite_session)
    here.shipped()
    here.at = 12
    here.fires()
    here.at = 30
    here.rollout("checkout", "c", pull(820, "c", author=CHI), at=29, status="in_progress", number="fix", began=28)
    here.rollout("checkout", "c", pull(820, "c", author=CHI), at=30, number="fix", began=28)
    told = [text for text in here.entries() if text.startswith("checkout ccccccc")]
    assert told == ["checkout ccccccc rolls out", "checkout ccccccc is live"]
    assert (len(here.likely()), here.incident().mitigated_at) == (1, None)
    here.rollout("mail", "d", pull(840, "d"), at=30)
    assert not [text for text in here.entries() if text.startswith("mail")]


# --- flags --------------------------------------------------------------------------------------------------------


def test_who_turned_a_flag_is_woken(sqlite_session: Session) -> None:
    """A flag alone, a minute before."""
    here = alarms(sqlite_session)
    flag(here, -1)
    here.fires()
    (likely,) = here.session.exec(select(Likely)).all()
    assert (likely.kind, likely.confidence) == ("flag", "high")
    assert here.pages()[0][:3] == ("Ben", "author", "assign")
    assert "60 s after the flag new-basket was turned on" in here.calls().calls[0].title


def test_a_flag_that_is_told_of_late(sqlite_session: Session) -> None:
    """As a rollout is; and one turned meanwhile stands on the timeline."""
    here = alarms(sqlite_session)
    here.fires()
    flag(here, -1)
    flag(here, 3)
    assert "Ben" in [name for name, *_ in here.pages()]
    assert here.entries().count("The flag new-basket was turned on") == 2


# --- dependencies -------------------------------------------------------------------------------------------------


def test_a_rollout_of_what_it_depends_on(sqlite_session: Session) -> None:
    """Medium at most: whoever is on call is woken, and the author is asked."""
    here = alarms(sqlite_session)
    here.shipped("cart", "b", 812)
    here.at = 5
    here.fires("checkout")
    assert here.likely()[0][1] == "medium"
    assert here.calls().phones() == [None]
    assert here.told("U0ANA") == ["asked"]


RATES = (paged("cart", depends_on=("ledger",)), paged("ledger", depends_on=("rates",)), paged("rates"))


def test_what_it_depends_on_fails_first_and_its_author_is_not_woken(sqlite_session: Session) -> None:
    """Rates fails, ledger with it, and a minute later cart, which went live before: all of it is one incident."""
    here = alarms(sqlite_session, services=RATES)
    deploy = here.shipped("cart", at=0)
    here.at = 54
    here.fires("ledger")
    here.fires("rates")
    here.turn(55)
    incident = here.fires("cart")
    here.turn(57)
    assert here.incidents() == [incident]
    assert here.likely() == [(deploy.id, "medium")]
    (against,) = here.session.exec(select(Likely.against)).all()
    assert against == [["dependency_fails", "ledger and rates, on which it depends, fail as well"]]
    assert [name for name, *_ in here.pages()] == ["Dee"]


def test_what_it_depends_on_fails_for_its_own_change(sqlite_session: Session) -> None:
    """What fails because rates does is no reason to doubt what went live of rates."""
    here = alarms(sqlite_session, services=RATES)
    cart = here.shipped("cart", at=0, author=BEN)
    rates = here.shipped("rates", "c", 820, at=50)
    here.at = 54
    here.fires("rates")
    assert here.likely() == [(rates.id, "high")]
    here.turn(55)
    here.fires("cart")
    here.turn(57)
    assert here.likely()[0] == (rates.id, "high")
    assert (cart.id, "high") not in here.likely()
    assert "Ben" not in [name for name, *_ in here.pages()]


def test_a_late_rollout_of_what_it_depends_on_is_looked_at(sqlite_session: Session) -> None:
    """And one of what depends on it is not."""
    here = alarms(sqlite_session)
    here.at = 5
    here.fires("cart")
    here.shipped("checkout", "c", 830, at=1)
    assert here.likely() == []
    here.fires("mail")
    here.shipped("cart", "b", 812, at=2)
    assert here.likely(here.incidents()[0])[0][1] == "high"
    assert here.likely(here.incidents()[1]) == []


# --- what fires once it is out ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("over", "likely"), [(16, True), (None, False)], ids=["it was over", "it fires on"])
def test_what_fires_once_the_likely_change_was_out(sqlite_session: Session, over: float | None, likely: bool) -> None:
    """All was over by then, so it is another symptom: the rollback went live before it, and is a change like any."""
    here = alarms(sqlite_session)
    bad = here.shipped("checkout", "b", 812)
    here.at = 12
    here.fires()
    here.at = 15
    here.rollout("checkout", "a", number="back", at=15, found=carrying(leaving=(pull(812, "b"),)))
    back = here.session.exec(select(Deploy).order_by(col(Deploy.began_at).desc())).first()
    assert back is not None
    here.at = 16
    if over is not None:
        here.over()
    here.at = 40
    here.fires(name="checkout answers nothing")
    here.turn(42)
    assert here.likely() == ([(back.id, "medium")] if likely else [(bad.id, "high")])


def test_a_rollback_of_which_the_forge_has_not_told_is_its_doers(sqlite_session: Session) -> None:
    """Whoever wrote what runs again wrote nothing new."""
    here = alarms(sqlite_session)
    here.shipped("checkout", "b", 812, at=-600)
    here.shipped("checkout", "c", 820, author=CHI, at=-300)
    eve = Human(login="eve", name="Eve")
    here.tell(report("b", "succeeded", 0, number="back", service="checkout", repo="bakery/checkout", creator=eve))
    here.at = 5
    here.fires()
    assert here.likely()[0][1] == "high"
    assert [name for name, *_ in here.pages()] == ["Eve"]
