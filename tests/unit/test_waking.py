"""The table of who is woken: each row one circumstance, and who, how, and who is only asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.suspects import Confidence
from bot.catalog import OutsideHours, PagingMode
from bot.incidents.waking import LEFT, ON_CALL, Circumstances, Person, Role, Way, who_to_page

HIGH, MEDIUM, LOW, NONE = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW, Confidence.NONE


def person(name: str, role: Role = Role.AUTHOR, **more: Any) -> Person:
    """Somebody who can be woken."""
    usual = Person(
        who=f"slack:U0{name.upper()}", slack_id=f"U0{name.upper()}", pager_user=f"P{name.upper()}", name=name,
        role=role, change="#812",
    )  # fmt: skip
    return replace(usual, **more)


ANA, CHI = person("Ana"), person("Chi", Role.MERGER)
BEN, EVE, FAY, GUS = (person(name, Role.OTHER_AUTHOR, change=f"#{number}") for name, number in
                      (("Ben", 813), ("Eve", 814), ("Fay", 815), ("Gus", 816)))  # fmt: skip
DEE = person("Dee", Role.ON_CALL, change=None)
BOT = person("renovate", bot=True)


def woken(people: tuple[Person, ...] = (ANA, CHI), confidence: Confidence = HIGH, **more: Any) -> tuple[str, str]:
    """Who is woken and how, and who is asked, each as one line."""
    more.setdefault("on_call", (DEE,))
    plan = who_to_page(
        Circumstances(mode=more.pop("mode", PagingMode.PAGE), confidence=confidence, people=people, **more)
    )
    return " ".join(f"{one.person.name}:{one.way.value}" for one in plan.calls), " ".join(
        one.name for one in plan.asked
    )


TABLE = [
    # who wrote and who merged, where it is clear
    ("author and merger", (ANA, CHI), HIGH, {}, "Ana:assign Chi:respond", ""),
    ("three more at most", (ANA, CHI, BEN, EVE, FAY, GUS), HIGH, {},
     "Ana:assign Chi:respond Ben:respond Eve:respond", ""),
    ("three who can come", (ANA, replace(CHI, away="Ill"), BEN, replace(EVE, proven=False), FAY, GUS), HIGH, {},
     "Ana:assign Ben:respond Fay:respond Gus:respond", "Chi Eve"),
    ("three more though nobody is woken first", (replace(ANA, away="Ill"), CHI, BEN, EVE, FAY), HIGH,
     {"own_pager_incident": True}, "Chi:respond Ben:respond Eve:respond", "Ana"),
    ("of many, few are asked", (ANA, BEN, EVE, FAY, GUS, CHI), MEDIUM, {}, "Dee:policy", "Ana Chi Ben Eve"),
    ("merged one's own", (ANA, replace(ANA, role=Role.MERGER)), HIGH, {}, "Ana:assign", ""),
    ("one human by two names", (ANA, replace(ANA, who="github:ana", role=Role.MERGER)), HIGH, {}, "Ana:assign", ""),
    ("a bot wrote it", (BOT, CHI), HIGH, {}, "Chi:assign", ""),
    ("only bots", (BOT,), HIGH, {}, "Dee:policy", ""),
    ("nobody is known", (), HIGH, {}, "Dee:policy", ""),
    ("rolled back", (replace(BEN, role=Role.ROLLED_BACK),), HIGH, {}, "Ben:assign", ""),
    # whoever cannot be woken
    ("author away", (replace(ANA, away="On holiday"), CHI), HIGH, {}, "Dee:policy Chi:respond", "Ana"),
    ("author unproven", (replace(ANA, proven=False), CHI), HIGH, {}, "Dee:policy Chi:respond", "Ana"),
    ("author unknown to the pager", (replace(ANA, pager_user=None),), HIGH, {}, "Dee:policy", "Ana"),
    ("author known by address", (replace(ANA, pager_user=None, email="a@b.example"),), HIGH, {}, "Ana:assign", ""),
    ("merger unknown to the pager", (ANA, replace(CHI, pager_user=None)), HIGH, {}, "Ana:assign Chi:message", ""),
    ("merger away", (ANA, replace(CHI, away="Ill")), HIGH, {}, "Ana:assign", "Chi"),
    ("nobody known to be on call", (replace(ANA, away="Ill"),), HIGH, {"on_call": ()},
     "whoever is on call:policy", "Ana"),
    ("author is on call", (replace(DEE, role=Role.AUTHOR), CHI), HIGH, {}, "Dee:assign Chi:respond", ""),
    ("author is on call, and away", (replace(DEE, role=Role.AUTHOR, away="Ill"), CHI), HIGH, {},
     "Dee:policy Chi:respond", ""),
    ("away, and merger is on call", (replace(ANA, away="Ill"), replace(DEE, role=Role.MERGER)), HIGH, {},
     "Dee:policy", "Ana"),
    # hours
    ("outside hours", (replace(ANA, working=False), CHI), HIGH, {}, "Dee:policy Chi:respond", "Ana"),
    ("outside hours, author first", (replace(ANA, working=False), CHI), HIGH,
     {"outside_hours": OutsideHours.AUTHOR}, "Ana:assign Chi:respond", ""),
    ("merger outside hours", (ANA, replace(CHI, working=False)), HIGH, {}, "Ana:assign", "Chi"),
    ("within hours", (replace(ANA, working=True),), HIGH, {}, "Ana:assign", ""),
    # how sure
    ("medium", (ANA, CHI), MEDIUM, {}, "Dee:policy", "Ana Chi"),
    ("low", (ANA,), LOW, {}, "Dee:policy", "Ana"),
    ("no likely change", (), NONE, {}, "Dee:policy", ""),
    # modes
    ("shadow", (ANA, CHI), HIGH, {"mode": PagingMode.SHADOW}, "Ana:shadow Chi:shadow", ""),
    ("shadow, medium", (ANA,), MEDIUM, {"mode": PagingMode.SHADOW}, "Dee:shadow", "Ana"),
    ("off", (ANA, CHI), HIGH, {"mode": PagingMode.OFF}, "", ""),
    # the pager
    ("no pager", (replace(ANA, pager_user=None), CHI), HIGH, {"pager": False}, "Ana:message Chi:message", ""),
    ("no pager, unknown in Slack", (replace(ANA, slack_id=None),), HIGH, {"pager": False}, "Dee:message", "Ana"),
    ("no pager, nobody known", (), NONE, {"pager": False, "on_call": ()}, "whoever is on call:message", ""),
    ("no pager, outside hours, nobody on call", (replace(ANA, working=False), CHI), HIGH,
     {"pager": False, "on_call": ()}, "Ana:message Chi:message", ""),
    ("no pager, outside hours", (replace(ANA, working=False), CHI), HIGH, {"pager": False},
     "Dee:message Chi:message", "Ana"),
    ("no pager, away, nobody on call", (replace(ANA, away="Ill"),), HIGH, {"pager": False, "on_call": ()},
     "whoever is on call:message", "Ana"),
    ("the pager's own incident", (ANA, CHI), HIGH, {"own_pager_incident": True}, "Ana:respond Chi:respond", ""),
    ("the pager's own, unclear", (ANA,), MEDIUM, {"own_pager_incident": True}, "", "Ana"),
    ("the pager's own, author away", (replace(ANA, away="Ill"), CHI), HIGH, {"own_pager_incident": True},
     "Chi:respond", "Ana"),
    # nobody twice
    ("author woken before", (ANA, CHI), HIGH, {"already": frozenset({ANA.who})}, "Chi:respond", ""),
    ("all woken before", (ANA, CHI), HIGH, {"already": frozenset({ANA.who, CHI.who})}, "", ""),
    ("on-call woken before", (ANA,), LOW, {"already": frozenset({DEE.who})}, "", "Ana"),
    ("policy asked before", (), LOW, {"on_call": (), "already": frozenset({ON_CALL.who})}, "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("people", "confidence", "more", "calls", "asked"), [row[1:] for row in TABLE],
                         ids=[row[0] for row in TABLE])  # fmt: skip
def test_who_is_woken(
    people: tuple[Person, ...], confidence: Confidence, more: dict[str, Any], calls: str, asked: str
) -> None:
    """Each circumstance has one answer."""
    assert woken(people, confidence, **more) == (calls, asked)


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (replace(ANA, away="Ill"), "is on call; ask Ana, who wrote #812 and is away: Ill"),
        (replace(ANA, working=False), "is on call; ask Ana, who wrote #812 and is outside their working hours"),
        (replace(ANA, pager_user=None), "is on call; ask Ana, who wrote #812 and is not known to PagerDuty"),
        (replace(ANA, away=LEFT), "is on call, since Ana, who wrote #812, is away: their account is deactivated"),
        (replace(DEE, role=Role.AUTHOR, change="#812", working=False), "is on call, and wrote #812"),
    ],
)
def test_whoever_is_on_call_reads_whom_to_ask(first: Person, reason: str) -> None:
    """On a phone it is the first line below the title; nobody is told to ask somebody who left, or themselves."""
    plan = who_to_page(Circumstances(mode=PagingMode.PAGE, confidence=HIGH, people=(first, CHI), on_call=(DEE,)))
    assert (plan.calls[0].person.name, plan.calls[0].reason) == ("Dee", reason)


def test_words_say_who_and_why() -> None:
    """The channel of a service that wakes nobody reads whom it would; whoever is away is named to be asked."""
    shadow = who_to_page(
        Circumstances(
            mode=PagingMode.SHADOW, confidence=HIGH, people=(replace(ANA, away="On holiday"), CHI), on_call=(DEE,)
        )
    )
    assert shadow.words == (
        "Would wake Dee, who is on call; ask Ana, who wrote #812 and is away: On holiday and Chi, who merged #812. "
        "Ask Ana."
    )
    own = who_to_page(Circumstances(mode=PagingMode.PAGE, confidence=NONE, own_pager_incident=True))
    assert own.words == "Whoever is on call is woken by PagerDuty itself."
    unknown = who_to_page(Circumstances(mode=PagingMode.PAGE, confidence=NONE))
    assert unknown.words == "Wakes whoever is on call."


PEOPLE = st.builds(
    person,
    st.sampled_from(["Ana", "Ben", "Chi", "Dee", "Eve"]),
    st.sampled_from([Role.AUTHOR, Role.MERGER, Role.OTHER_AUTHOR, Role.ROLLED_BACK]),
    bot=st.booleans(),
    proven=st.booleans(),
    away=st.sampled_from([None, "Ill"]),
    working=st.sampled_from([None, True, False]),
    pager_user=st.sampled_from([None, "P1"]),
)


@given(
    people=st.lists(PEOPLE, max_size=6).map(tuple),
    confidence=st.sampled_from(Confidence),
    pager=st.booleans(),
    own=st.booleans(),
    known=st.booleans(),
)
def test_whatever_the_circumstances(
    people: tuple[Person, ...], confidence: Confidence, pager: bool, own: bool, known: bool
) -> None:
    """Nobody is woken twice, away, by a forged name or as a bot; authors only where it is sure; somebody always is."""
    plan = who_to_page(
        Circumstances(
            mode=PagingMode.PAGE, confidence=confidence, people=people, on_call=(DEE,) if known else (), pager=pager,
            own_pager_incident=own,
        )
    )  # fmt: skip
    calls = [one.person for one in plan.calls]
    assert len({one.who for one in calls}) == len(calls)
    assert not {one.who for one in calls} & {one.who for one in plan.asked}
    assert all(not one.bot and one.proven and one.away is None for one in calls)
    if confidence is not HIGH:
        assert all(one.role is Role.ON_CALL for one in calls)
    if not own:
        assert plan.calls
    assert sum(one.way in (Way.ASSIGN, Way.POLICY) for one in plan.calls) <= 1
