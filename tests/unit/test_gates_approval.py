"""The approval gate: whose yes counts, once, for what was seen; and what is said where it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.gates import (
    Approval,
    Blocked,
    ChangeFact,
    Group,
    GroupFact,
    Open,
    Run,
    Situation,
    Vote,
    Waiting,
    can_help,
    candidates,
    refusal,
)
from tests.unit.situations import at, change, group, run, situation, vote

GROUPS = {
    "@leads": group("leads", "dee", "eve"),
    "@security": group("security", "eve", "fay"),
    "on-call": group("on call for checkout", "gus"),
    "U0DEE": group("Dee", "dee"),
    "@lost": group("lost", "dee", trouble="Slack has not been asked yet"),
}
UNREAD = "Slack has not said yet that Dee is a full member"
DOUBTFUL = vote("dee", full=False, trouble=UNREAD)
LEADS_AND_SECURITY = Approval(groups=(Group(("@leads",)), Group(("@security",))))


def judged(gate: Approval, *votes: Vote, of: Run | None = None, more: int = 0, approvers: tuple[str, ...] = ()) -> str:
    """What the gate says: its reason, with a sign whether it is open."""
    verdict = gate.judge(situation(of, *votes, groups=GROUPS, approvers=approvers), more)
    return f"{'✓' if isinstance(verdict, Open) else '⏳' if isinstance(verdict, Waiting) else '✗'} {verdict.reason}"


@pytest.mark.parametrize(
    ("gate", "votes", "more", "told"),
    [
        pytest.param(Approval(), (), 0, "⏳ needs 1 yes", id="nobody yet"),
        pytest.param(Approval(), (vote("dee"),), 0, "✓ approved by Dee", id="one of one"),
        pytest.param(Approval(2), (vote("dee"),), 0, "⏳ 1 of 2, needs 1 yes", id="one of two"),
        pytest.param(Approval(2), (vote("eve"), vote("dee", -9)), 0, "✓ approved by Dee and Eve", id="two of two"),
        pytest.param(Approval(), (vote("dee"),), 1, "⏳ 1 of 2, needs 1 yes", id="another gate asks for one more"),
        pytest.param(Approval(), (vote("dee"), vote("eve")), 1, "✓ approved by Dee and Eve", id="and gets it"),
        pytest.param(Approval(3), (), 0, "⏳ needs 3 yeses", id="three"),
    ],
)
def test_every_full_member_may_say_yes_where_nobody_is_named(
    gate: Approval, votes: tuple[Vote, ...], more: int, told: str
) -> None:
    """As many as the policy counts, and as other gates ask for."""
    assert judged(gate, *votes, more=more) == told


@pytest.mark.parametrize(
    ("approvers", "votes", "told"),
    [
        pytest.param(("@leads",), (), "⏳ needs 1 yes (leads)", id="nobody yet"),
        pytest.param(
            ("@leads", "U0FAY"),
            (),
            "⏳ who belongs to U0FAY is not known (never read); needs 1 yes (leads or U0FAY)",
            id="one of two words is unknown",
        ),
        pytest.param(("@leads",), (vote("fay"),), "⏳ needs 1 yes (leads)", id="somebody else"),
        pytest.param(("@leads",), (vote("fay"), vote("eve")), "✓ approved by Eve", id="somebody else and one of them"),
        pytest.param(
            ("@lost",),
            (vote("dee"),),
            "⏳ who belongs to lost is not known (Slack has not been asked yet); needs 1 yes (lost)",
            id="a membership that is not known",
        ),
        pytest.param(
            ("@nowhere",),
            (vote("dee"),),
            "⏳ who belongs to @nowhere is not known (never read); needs 1 yes (@nowhere)",
            id="a group nobody has read",
        ),
        pytest.param(("@lost", "@leads"), (vote("dee"),), "✓ approved by Dee", id="one that is known suffices"),
    ],
)
def test_without_groups_the_team_s_approvers_say_yes(
    approvers: tuple[str, ...], votes: tuple[Vote, ...], told: str
) -> None:
    """Whom nobody can place counts for nobody."""
    assert judged(Approval(), *votes, approvers=approvers) == told


@pytest.mark.parametrize(
    ("gate", "votes", "more", "told"),
    [
        pytest.param(LEADS_AND_SECURITY, (), 0, "⏳ needs 1 yes of leads and 1 yes of security", id="nobody yet"),
        pytest.param(LEADS_AND_SECURITY, (vote("dee"),), 0, "⏳ 1 of 2, needs 1 yes of security", id="one group"),
        pytest.param(
            LEADS_AND_SECURITY,
            (vote("eve"),),
            0,
            "⏳ 1 of 2, needs 1 yes of leads or security",
            id="one person of both groups counts for either",
        ),
        pytest.param(LEADS_AND_SECURITY, (vote("eve", -9), vote("dee")), 0, "✓ approved by Eve and Dee", id="moved up"),
        pytest.param(LEADS_AND_SECURITY, (vote("eve"), vote("fay")), 0, "✓ approved by Eve and Fay", id="moved on"),
        pytest.param(
            LEADS_AND_SECURITY, (vote("gus"),), 0, "⏳ needs 1 yes of leads and 1 yes of security", id="neither group"
        ),
        pytest.param(
            Approval(3, groups=LEADS_AND_SECURITY.groups),
            (vote("dee"), vote("eve")),
            0,
            "⏳ 2 of 3, needs 1 yes of leads or security",
            id="a count beyond the groups is of any of them",
        ),
        pytest.param(
            LEADS_AND_SECURITY,
            (vote("dee"), vote("eve"), vote("fay")),
            1,
            "✓ approved by Dee, Eve and Fay",
            id="another gate's is of any of them too",
        ),
        pytest.param(
            Approval(groups=(Group(("@leads",), 2), Group(("on-call", "U0DEE")))),
            (vote("dee"), vote("eve")),
            0,
            "⏳ 2 of 3, needs 1 yes of leads, on call for checkout or Dee",
            id="words together",
        ),
        pytest.param(
            Approval(groups=(Group(("@leads",), 2), Group(("on-call", "U0DEE")))),
            (vote("dee"), vote("eve"), vote("gus")),
            0,
            "✓ approved by Dee, Eve and Gus",
            id="the one who can make room does",
        ),
        pytest.param(
            Approval(groups=(Group(("@leads",)), Group(("@lost",)))),
            (vote("dee"),),
            0,
            "⏳ who belongs to lost is not known (Slack has not been asked yet); 1 of 2, needs 1 yes of lost",
            id="only the group that is missing is told as trouble",
        ),
    ],
)
def test_one_person_counts_once_over_all_groups(gate: Approval, votes: tuple[Vote, ...], more: int, told: str) -> None:
    """And for the group that makes the most of everybody."""
    assert judged(gate, *votes, more=more) == told


BOT = change("#816", "dependabot[bot]", merged="chi")
TOGETHER = change("#815", "ben", coauthored="fay")


@pytest.mark.parametrize(
    ("of", "said", "why"),
    [
        pytest.param(run(), vote("dee"), None, id="somebody else"),
        pytest.param(run(), vote("ana"), "you wrote #812", id="the author"),
        pytest.param(run(TOGETHER), vote("fay"), "you co-authored #815", id="the co-author"),
        pytest.param(run(BOT), vote("chi"), "you merged #816 for a bot", id="the merger for a bot"),
        pytest.param(
            run(change(), BOT, change("#817"), change("#818", "ben", coauthored="ana")),
            vote("ana"),
            "you wrote #812 and #817 and co-authored #818",
            id="several",
        ),
        pytest.param(run(requested_by=frozenset({"slack:U0DEE"})), vote("dee"), "you asked for it", id="the requester"),
        pytest.param(
            run(requested_by=frozenset({"github:dee"})), vote("dee"), "you asked for it", id="the requester at GitHub"
        ),
        pytest.param(
            run(),
            vote("dee", names=frozenset({"github:ana"})),
            "you wrote #812",
            id="a name that only excludes",
        ),
        pytest.param(
            run(),
            vote("dee", proven=False),
            "GitHub has not said which account is yours",
            id="nobody knows who they are",
        ),
        pytest.param(run(), vote("dee", full=False), "guests and other workspaces only read", id="a guest"),
        pytest.param(
            run(unread=True), vote("dee"), "what it carries is not read yet", id="nobody knows who wrote it yet"
        ),
        pytest.param(
            run(truncated=3),
            vote("dee"),
            "3 further commits cannot be read, so whoever wrote them cannot be told from an approver: "
            "promote an earlier build first",
            id="nobody can know who wrote it",
        ),
        pytest.param(
            run(change(), change("#815")), vote("dee", seen="then"), "1 change added since you looked", id="more aboard"
        ),
    ],
)
def test_whose_yes_does_not_count_is_told_why(of: Run, said: Vote, why: str | None) -> None:
    """And what they are told is what the gate does."""
    assert refusal((Approval(),), situation(of), said) == why
    assert isinstance(Approval().judge(situation(of, said), 0), Open) is (why is None)


@pytest.mark.parametrize(
    ("votes", "told"),
    [
        ((DOUBTFUL,), f"⏳ {UNREAD}; needs 1 yes"),
        ((DOUBTFUL, vote("eve")), "✓ approved by Eve"),
        (
            (replace(DOUBTFUL, seen="then"),),
            "⏳ void: the commits or the policy changed since Dee approved; needs 1 yes",
        ),
        ((replace(DOUBTFUL, at=at(-300)),), "⏳ the yes of Dee expired; needs 1 yes"),
        ((replace(DOUBTFUL, proven=False),), "⏳ needs 1 yes"),
    ],
    ids=["alone", "beside another", "void", "expired", "unproven"],
)
def test_a_yes_waits_while_it_is_not_known_whether_it_is_a_full_members(votes: tuple[Vote, ...], told: str) -> None:
    """It is taken, and counts once that is known; why it does not yet stands beside what is missing."""
    assert refusal((Approval(),), situation(), DOUBTFUL) is None
    assert judged(Approval(), *votes) == told


@pytest.mark.parametrize(
    ("approvers", "gate", "why"),
    [
        (("@leads",), Approval(), "you do not belong to leads"),
        ((), LEADS_AND_SECURITY, "you do not belong to leads or security"),
        (
            ("@lost",),
            Approval(),
            "you do not belong to lost; who belongs to lost is not known (Slack has not been asked yet)",
        ),
        ((), Approval(groups=(Group(("on-call",)),)), None),
    ],
)
def test_who_is_in_no_group_is_told_which_there_are(
    approvers: tuple[str, ...], gate: Approval, why: str | None
) -> None:
    """Gus is on call."""
    assert refusal((gate,), situation(groups=GROUPS, approvers=approvers), vote("gus")) == why


def test_where_nobody_is_asked_a_yes_is_refused() -> None:
    """A policy without an approval gate, and a rollback that needs none."""
    assert refusal((), situation(), vote("dee")) == "nobody's yes is asked for: the policy has no approval gate"
    assert refusal((Approval(),), situation(run(rollback=True)), vote("dee")) == "a rollback needs nobody's yes"
    assert candidates((), situation()) == frozenset()
    assert can_help((), situation(), {"U0DEE": frozenset()}) == ()


@pytest.mark.parametrize(
    ("changes", "saw", "told"),
    [
        (("#812", "#815"), ("#812",), "void: 1 change added since Dee approved; needs 1 yes"),
        (("#812", "#815", "#816"), ("#812",), "void: 2 changes added since Dee approved; needs 1 yes"),
        (("#812",), ("#812", "#815"), "void: 1 change removed since Dee approved; needs 1 yes"),
        (("#816",), ("#812", "#815"), "void: 1 change added and 2 removed since Dee approved; needs 1 yes"),
        (("#812",), ("#812",), "void: the commits or the policy changed since Dee approved; needs 1 yes"),
    ],
)
def test_a_yes_is_void_once_something_else_would_ship(
    changes: tuple[str, ...], saw: tuple[str, ...], told: str
) -> None:
    """And it is said what changed."""
    aboard = run(*(change(label) for label in changes))
    assert judged(Approval(), vote("dee", seen="then", saw=saw), of=aboard) == f"⏳ {told}"


def test_yeses_that_are_void_for_the_same_reason_are_told_together() -> None:
    """One that never counted is not mourned."""
    votes = [vote(login, seen="then", saw=()) for login in ("dee", "eve", "ana", "fay")]
    told = judged(Approval(), *votes, approvers=("@leads",))
    assert told == "⏳ void: 1 change added since Dee and Eve approved; needs 1 yes (leads)"


@pytest.mark.parametrize(
    ("minutes", "told"),
    [(-239, "✓ approved by Dee"), (-240, "⏳ the yes of Dee expired; needs 1 yes"), (3, "✓ approved by Dee")],
)
def test_a_yes_expires(minutes: int, told: str) -> None:
    """Four hours after it was said, to the second."""
    assert judged(Approval(), vote("dee", minutes)) == told


def test_the_first_yes_to_expire_is_foretold() -> None:
    """Of those that count."""
    gate = Approval(2, expires=timedelta(hours=1))
    votes = (vote("ana", -50), vote("dee", -40), vote("eve", -9), vote("fay", -70))
    assert gate.lapses_at(situation(None, *votes), 0) == at(20)
    assert gate.lapses_at(situation(), 0) is None


def test_two_accounts_of_one_person_are_one_person() -> None:
    """Whatever tells us so: here a link of theirs."""
    second = vote("fay", names=frozenset({"github:dee"}))
    assert judged(Approval(2), vote("dee", -9), second) == "⏳ 1 of 2, needs 1 yes"


def test_a_change_that_nobody_is_known_to_have_written_wants_one_more_approval() -> None:
    """Whoever it was may be one of those who say yes; of two people at most one is."""
    unknown = ChangeFact(label="9f8e7d", lines=None, wrote=frozenset())
    aboard = run(change(), unknown)
    assert judged(Approval(), vote("dee"), of=aboard) == (
        "⏳ nobody knows who wrote 9f8e7d: one more approval; 1 of 2, needs 1 yes"
    )
    assert judged(Approval(), vote("dee"), vote("eve"), of=aboard) == "✓ approved by Dee and Eve"


def test_a_commit_that_names_its_own_author_wants_one_more_approval() -> None:
    """Anybody can write any name into a commit: Ana's, pushed as Ben's, must not pass by her own yes alone."""
    pushed = ChangeFact(label="9f8e7d", lines=None, wrote=frozenset({"github:ben"}), unproven=True)
    aboard = run(change(), pushed)
    assert judged(Approval(), vote("dee"), of=aboard) == (
        "⏳ only the commit itself says who wrote 9f8e7d: one more approval; 1 of 2, needs 1 yes"
    )
    assert judged(Approval(), vote("dee"), vote("eve"), of=aboard) == "✓ approved by Dee and Eve"


BY_API = "by the API (requested_by)"


def test_a_request_by_nobody_known_wants_one_more_approval_besides() -> None:
    """Whoever asked, and whoever wrote it, may both be among those who say yes: a third must."""
    asked_for = f"nobody knows who asked for it {BY_API}: one more approval"
    assert judged(Approval(), vote("dee"), of=run(unnamed=BY_API)) == f"⏳ {asked_for}; 1 of 2, needs 1 yes"
    assert judged(Approval(), vote("dee"), vote("eve"), of=run(unnamed=BY_API)) == "✓ approved by Dee and Eve"
    both = run(ChangeFact(label="9f8e7d", lines=None, wrote=frozenset()), unnamed=BY_API)
    assert judged(Approval(), vote("dee"), vote("eve"), of=both) == (
        f"⏳ nobody knows who wrote 9f8e7d: one more approval; {asked_for}; 2 of 3, needs 1 yes"
    )
    assert judged(Approval(), of=run(unnamed=BY_API, rollback=True)) == "✓ a rollback needs nobody's yes"


@pytest.mark.parametrize(
    ("gate", "votes", "told"),
    [
        pytest.param(Approval(), (), "✓ a rollback needs nobody's yes", id="by default none"),
        pytest.param(Approval(rollback_count=1), (), "⏳ needs 1 yes", id="one"),
        pytest.param(Approval(rollback_count=1), (vote("ana"),), "✓ approved by Ana", id="the author's own"),
        pytest.param(Approval(rollback_count=1), (vote("ben"),), "⏳ needs 1 yes", id="not the requester's"),
        pytest.param(
            Approval(rollback_count=1, groups=LEADS_AND_SECURITY.groups),
            (vote("fay"),),
            "✓ approved by Fay",
            id="of any group",
        ),
        pytest.param(
            Approval(rollback_count=1, groups=LEADS_AND_SECURITY.groups),
            (vote("gus"),),
            "⏳ needs 1 yes (leads or security)",
            id="not of none",
        ),
        pytest.param(Approval(rollback_count=1), (vote("dee", proven=False),), "⏳ needs 1 yes", id="not proven"),
    ],
)
def test_a_rollback_has_a_count_of_its_own_and_allows_one_s_own_change(
    gate: Approval, votes: tuple[Vote, ...], told: str
) -> None:
    """It goes back to what was approved once; nobody waits for the forge to tell what leaves."""
    aboard = run(rollback=True, unread=True, truncated=2, requested_by=frozenset({"slack:U0BEN"}))
    assert judged(gate, *votes, of=aboard) == told


def asked(*votes: Vote, of: Run | None = None, gate: Approval = LEADS_AND_SECURITY) -> Situation:
    """A situation with the groups above."""
    return situation(of, *votes, groups=GROUPS)


@pytest.mark.parametrize(
    ("judged_of", "who"),
    [
        pytest.param(asked(), {"U0DEE", "U0EVE", "U0FAY"}, id="both groups"),
        pytest.param(asked(vote("dee")), {"U0EVE", "U0FAY"}, id="one group is left"),
        pytest.param(asked(vote("eve")), {"U0DEE", "U0FAY"}, id="either group helps"),
        pytest.param(
            asked(of=run(requested_by=frozenset({"slack:U0DEE"}))), {"U0EVE", "U0FAY"}, id="but the requester"
        ),
        pytest.param(asked(of=run(unread=True)), set(), id="not yet"),
        pytest.param(asked(vote("eve"), vote("dee")), set(), id="nobody any more"),
    ],
)
def test_who_could_say_yes_is_told(judged_of: Situation, who: set[str]) -> None:
    """To the verdict's reader, and to the door that writes to them."""
    assert candidates((LEADS_AND_SECURITY,), judged_of) == frozenset(who)
    verdict = LEADS_AND_SECURITY.judge(judged_of, 0)
    assert isinstance(verdict, Open) or set(verdict.who) == who


def test_who_could_help_is_known_by_every_name_of_theirs() -> None:
    """Dee wrote it under her login; Fay has said yes under another account; Gus is in no group."""
    known = {
        "U0DEE": frozenset({"github:ana"}),
        "U0EVE": frozenset({"github:eve"}),
        "U0FAY": frozenset({"github:fay"}),
        "U0GUS": frozenset[str](),
    }
    assert can_help((LEADS_AND_SECURITY,), asked(), known) == ("U0EVE", "U0FAY")
    assert can_help((LEADS_AND_SECURITY,), asked(vote("fay")), known) == ("U0EVE",)
    assert can_help((LEADS_AND_SECURITY,), asked(vote("eve", names=frozenset({"github:fay"}))), known) == ()
    assert can_help((Approval(),), asked(), known) == ("U0EVE", "U0FAY", "U0GUS")
    assert can_help((Approval(),), asked(of=run(truncated=1)), known) == ()


def test_anybody_can_where_nobody_is_named() -> None:
    """None stands for every full member; the verdict names nobody."""
    assert candidates((Approval(),), situation()) is None
    assert Approval().judge(situation(), 0) == Waiting("needs 1 yes")


def test_a_group_of_everybody_takes_everybody() -> None:
    """A word may stand for every full member."""
    everybody = {"@all": GroupFact(name="all", members=None)}
    gate = Approval(groups=(Group(("@all",)),))
    assert isinstance(gate.judge(situation(None, vote("gus"), groups=everybody), 0), Open)
    assert gate.judge(situation(groups=everybody), 0) == Waiting("needs 1 yes (all)")


def test_what_cannot_be_read_blocks_it() -> None:
    """Somebody must make it smaller: time will not."""
    assert isinstance(Approval().judge(situation(run(truncated=1), vote("dee")), 0), Blocked)
