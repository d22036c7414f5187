"""What happens when: cards touched, authors told once, corrections aloud, red builds, stuck rollouts, preferences."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from bot import outbox, people, work
from bot.catalog import Catalog, PersonEntry, Service, Team
from bot.deploys import service
from bot.deploys.models import Change, Deploy
from bot.deploys.views import RangeState
from bot.events import CheckFinished, CheckStatus, CommitsPushed, GithubLinked, Human, Level, PreferenceChosen
from bot.outbox import Card, CardState, Note
from bot.ports import Member, Range
from bot.reactions import Reactions
from tests.unit.reports import (
    ANA,
    BEN,
    BOT,
    CHI,
    REPO,
    carrying,
    catalog,
    commit,
    merged,
    minute,
    pull,
    report,
    sha_of,
)
from tests.unit.stores import NOON

PEOPLE = tuple(PersonEntry(slack=f"U0{name.upper()}", github=name) for name in ("ana", "ben", "chi"))
OVEN = Service(
    name="oven",
    channel="#bakers",
    repo=REPO,
    environments=("staging", "production"),
    team=Team(name="bakers", channel="#bakers"),
)


def reactions(*services: Service, known: tuple[PersonEntry, ...] = PEOPLE) -> Reactions:
    """The reactions of a bot with these services and people."""
    plain = catalog(*services)
    everybody = Catalog(default_channel="#deploys", unknown=plain.unknown, services=plain.services, people=known)
    return Reactions(everybody, "https://github.com")


HERE = reactions(OVEN)


def answer(session: Session, found: Range, *, of: str = "a", here: Reactions = HERE) -> Deploy:
    """The forge tells what the deploy of this commit carries; what follows is derived."""
    deploy = session.exec(select(Deploy).where(Deploy.sha == sha_of(of)).order_by(col(Deploy.id).desc())).first()
    assert deploy is not None
    assert deploy.id is not None
    service.range_read(session, here.catalog, deploy.id, deploy.previous_sha, found, NOON)
    here.settle(session, NOON)
    session.flush()
    return deploy


def told(session: Session) -> list[tuple[str, str]]:
    """What is said aloud: to whom, and the outcome."""
    notes = session.exec(select(Note).where(Note.kind == "change").order_by(col(Note.id))).all()
    return [(note.place, note.data["outcome"]) for note in notes]


def card_of(session: Session, kind: str, place: str) -> Card:
    """The only card of a kind in a place."""
    return session.exec(select(Card).where(Card.kind == kind, Card.place == place)).one()


# --- deploys ------------------------------------------------------------------------------------------------------


def test_a_deploy_has_one_card_in_its_teams_channel(session: Session) -> None:
    """Touched by each status; urgent once it ends."""
    HERE.react(session, [report("a", "in_progress", 1)], NOON)
    card = card_of(session, "deploy", "#bakers")
    assert (card.urgent, card.version) == (False, 1)
    HERE.react(session, [report("a", "succeeded", 3, began=0.5)], NOON)
    assert (card.urgent, card.version > 1) == (True, True)
    assert session.exec(select(Card)).all() == [card]


def test_a_service_that_nobody_named_is_announced_in_the_default_channel(session: Session) -> None:
    """Without a catalogue every service is."""
    reactions().react(session, [report("a")], NOON)
    assert card_of(session, "deploy", "#deploys").version == 1


def test_each_author_has_one_card_and_hears_once_that_their_change_is_live(session: Session) -> None:
    """In production; staging is an edit of their card. The merger of a person's change is not told."""
    one = pull(1, "a", coauthors=(BEN,), merger=CHI)
    HERE.react(session, [report("a", environment="staging", number="s")], NOON)
    answer(session, carrying(one))
    assert told(session) == []
    assert {card.place for card in session.exec(select(Card).where(Card.kind == "change")).all()} == {"U0ANA", "U0BEN"}
    HERE.react(session, [report("a", at=5, number="p")], NOON)
    answer(session, carrying(one))
    for _ in range(2):
        HERE.react(session, [report("a", at=5, number="p")], NOON)
        answer(session, carrying(one))
    assert sorted(told(session)) == [("U0ANA", "live"), ("U0BEN", "live")]
    note = session.exec(select(Note)).first()
    assert note is not None
    assert note.thread == card_of(session, "change", note.place).id


def test_whoever_merged_a_bots_change_hears_of_it(session: Session) -> None:
    """The bot does not."""
    HERE.react(session, [report("a")], NOON)
    answer(session, carrying(pull(1, "a", author=BOT, merger=CHI)))
    assert told(session) == [("U0CHI", "live")]


def test_authors_hear_of_a_failure_wherever_it_happens(session: Session) -> None:
    """And, once, when it did go live after all: what was said aloud is taken back aloud."""
    HERE.react(session, [report("a", "failed", environment="staging")], NOON)
    answer(session, carrying(pull(1, "a")))
    assert told(session) == [("U0ANA", "failed")]
    for at in (9, 10):
        HERE.react(session, [report("a", "succeeded", at, environment="staging", began=0.5)], NOON)
        assert told(session) == [("U0ANA", "failed"), ("U0ANA", "corrected")]


def test_a_failure_in_production_that_went_live_after_all_is_said_to_be_live(session: Session) -> None:
    """That is news enough: no correction besides."""
    HERE.react(session, [report("a", "failed")], NOON)
    answer(session, carrying(pull(1, "a")))
    HERE.react(session, [report("a", "succeeded", 9, began=0.5)], NOON)
    assert told(session) == [("U0ANA", "failed"), ("U0ANA", "live")]


def test_authors_are_not_told_before_it_is_known_what_a_deploy_carries(session: Session) -> None:
    """A guess is shown on the card, not said aloud; when the forge cannot be asked it has to do."""
    HERE.react(session, [merged(1, "a"), report("a")], NOON)
    assert told(session) == []
    deploy = session.exec(select(Deploy)).one()
    assert deploy.id is not None
    service.range_unknown(session, deploy.id, None, RangeState.UNKNOWN)
    HERE.settle(session, NOON)
    assert told(session) == [("U0ANA", "live")]


def test_a_rollback_tells_those_whose_changes_it_took_out(session: Session) -> None:
    """Once it is there; not while it is on its way, nor when it failed."""
    HERE.react(session, [report("b", at=1), report("a", "in_progress", 5, began=4.5)], NOON)
    answer(session, carrying(leaving=(pull(2, "b"),)))
    assert told(session) == []
    HERE.react(session, [report("a", "succeeded", 6, began=4.5)], NOON)
    assert told(session) == [("U0ANA", "left")]
    HERE.react(session, [report("d", "failed", 9)], NOON)
    answer(session, carrying(leaving=(pull(3, "c", author=BEN),)), of="d")
    assert told(session) == [("U0ANA", "left")]


def test_what_was_said_too_soon_is_corrected_aloud(session: Session) -> None:
    """Once, and only to those who were told; whoever was told nothing hears no correction."""
    HERE.react(session, [report("a")], NOON)
    answer(session, carrying(pull(1, "a"), pull(2, "b", author=BEN)))
    assert sorted(told(session)) == [("U0ANA", "live"), ("U0BEN", "live")]
    for _ in range(2):
        answer(session, carrying(pull(1, "a")))
    assert sorted(told(session)) == [("U0ANA", "live"), ("U0BEN", "absent"), ("U0BEN", "live")]
    HERE.react(session, [report("c", "in_progress", 9)], NOON)
    answer(session, carrying(pull(3, "c"), pull(4, "d", author=CHI)), of="c")
    answer(session, carrying(pull(3, "c")), of="c")
    assert "U0CHI" not in dict(told(session))


def test_a_correction_follows_also_when_history_turned_out_to_be_different(session: Session) -> None:
    """A deploy whose webhook came late had brought the change already."""
    HERE.react(session, [report("c", at=9)], NOON)
    answer(session, carrying(pull(2, "b", author=BEN), pull(3, "c")), of="c")
    HERE.react(session, [report("b", at=5)], NOON)
    answer(session, carrying(pull(3, "c")), of="c")
    assert ("U0BEN", "absent") in told(session)
    answer(session, carrying(pull(2, "b", author=BEN)), of="b")
    assert told(session).count(("U0BEN", "live")) == 2


def test_somebody_not_found_yet_is_told_once_found_and_never_twice(session: Session) -> None:
    """Looked up between two webhooks of the same deploy."""
    here = reactions(OVEN, known=())
    here.react(session, [report("a")], NOON)
    answer(session, carrying(pull(1, "a")), here=here)
    assert told(session) == [("who:github:ana", "live")]
    people.remember(session, "github:ana", Member("U0ANA", "Ana"), NOON)
    outbox.readdress(session, "who:github:ana", "U0ANA")
    here.react(session, [report("a", at=2, began=0.5)], NOON)
    answer(session, carrying(pull(1, "a")), here=here)
    late = NOON + timedelta(days=2)
    here.react(session, [report("a", at=3, began=0.5)], late)
    outbox.readdress(session, "who:github:ana", "U0ANA")
    session.flush()
    said = session.exec(select(Note.place).where(Note.state != outbox.SendState.MOOT.value)).all()
    assert said == ["U0ANA"]
    assert len(session.exec(select(Card).where(Card.kind == "change", Card.state == CardState.LIVE.value)).all()) == 1


def test_a_correction_finds_the_card_although_slack_must_be_asked_again(session: Session) -> None:
    """What Slack answered is believed for a day; what was said stands where it was said."""
    here = reactions(OVEN, known=())
    people.remember(session, "github:ana", Member("U0ANA", "Ana"), NOON)
    here.react(session, [report("a")], NOON)
    answer(session, carrying(pull(1, "a")), here=here)
    late = NOON + timedelta(days=2)
    deploy = session.exec(select(Deploy)).one()
    service.range_read(session, here.catalog, deploy.id or 0, None, carrying(pull(2, "b", author=BEN)), late)
    here.settle(session, late)
    assert ("U0ANA", "absent") in told(session)


def test_a_folded_card_whose_deploy_fails_is_given_a_message_of_its_own(session: Session) -> None:
    """The team's, and the author's: what failed must be seen."""
    HERE.react(session, [report("a", "in_progress", 1)], NOON)
    answer(session, carrying(pull(1, "a")))
    folded = session.exec(select(Card)).all()
    digest = outbox.touch_card(session, "digest", "#bakers/1", "#bakers", NOON)
    for card in folded:
        card.state, card.digest = CardState.FOLDED.value, digest.id
    HERE.react(session, [report("a", "in_progress", 2, began=0.5)], NOON)
    assert {card.state for card in folded} == {CardState.FOLDED}
    HERE.react(session, [report("a", "failed", 3, began=0.5)], NOON)
    assert [(card.kind, card.state, card.urgent) for card in folded] == [
        ("deploy", CardState.LIVE, True),
        ("change", CardState.LIVE, True),
    ]


def test_news_of_a_change_reach_every_card_that_shows_it(session: Session) -> None:
    """A merge told late completes the deploy that went before it."""
    HERE.react(session, [report("a")], NOON)
    before = card_of(session, "deploy", "#bakers").version
    HERE.react(session, [merged(1, "a")], NOON)
    assert card_of(session, "deploy", "#bakers").version > before
    deploy = session.exec(select(Deploy)).one()
    assert [change.number for _, change in service.changes_of(session, deploy.id or 0)] == [1]


# --- the clock ----------------------------------------------------------------------------------------------------


def test_a_stuck_rollout_is_told_to_its_authors_once(session: Session) -> None:
    """And to its team's card; one that ends in time is never looked at, and whom it takes out need not act."""
    HERE.react(session, [report("a", "in_progress", 0, began=0), report("b", "in_progress", 0, began=0)], NOON)
    answer(session, carrying(pull(1, "a", coauthors=(BEN,)), pull(2, "c"), leaving=(pull(3, "d", author=CHI),)))
    HERE.react(session, [report("b", "succeeded", 5, began=0)], NOON)
    session.flush()
    assert work.next_due(session) == minute(60)
    for at in (59, 60, 61):
        for subject in work.due(session, minute(at)):
            HERE.due(session, subject, minute(at))
        session.flush()
    notes = session.exec(select(Note).where(Note.kind == "stuck").order_by(Note.place)).all()
    assert [note.place for note in notes] == ["U0ANA", "U0BEN"]
    assert work.next_due(session) is None
    assert card_of(session, "change", "U0BEN").state == CardState.LIVE


# --- builds -------------------------------------------------------------------------------------------------------


def red(run: int = 1, sha: str = "a", *, author: Human | None = None, name: str = "CI") -> CheckFinished:
    """A build of the main branch failed."""
    return CheckFinished(
        repo=REPO, sha=sha_of(sha), name=name, status=CheckStatus.FAILED, main=True, run=run, at=NOON, author=author
    )


def heard(session: Session) -> list[tuple[str, bool]]:
    """Who hears of red builds, and whether as its author."""
    notes = session.exec(select(Note).where(Note.kind == "red_build").order_by(col(Note.id))).all()
    return [(note.place, note.data["direct"]) for note in notes]


def test_a_red_build_is_told_to_its_team_and_to_whoever_wrote_it_once(session: Session) -> None:
    """However many of its checks fail, and however often."""
    HERE.react(session, [merged(1, "a", coauthors=(BEN,), merger=CHI), red(), red()], NOON)
    assert heard(session) == [("#bakers", False), ("U0ANA", True), ("U0BEN", True)]
    HERE.react(session, [red(run=2), red(name="lint")], NOON)
    assert len(heard(session)) == 3
    HERE.react(session, [red(sha="b", author=ANA)], NOON)
    assert len(heard(session)) == 5


def test_the_author_of_a_red_commit_is_known_from_its_push_or_from_the_run(session: Session) -> None:
    """A bot's is the team's alone; a workflow may have any name."""
    pushed = CommitsPushed(repo=REPO, commits=(commit("a", author=BEN),), at=NOON)
    HERE.react(session, [pushed, red(author=ANA), red(sha="b", author=CHI), red(sha="c", author=BOT)], NOON)
    HERE.react(session, [red(sha="d", name="x" * 500)], NOON)
    assert [place for place, direct in heard(session) if direct] == ["U0BEN", "U0CHI"]
    assert [place for place, direct in heard(session) if not direct] == ["#bakers"] * 4


def test_a_monorepos_red_build_reaches_each_of_its_teams_once(session: Session) -> None:
    """Two services of one team share its channel."""
    here = reactions(
        Service(name="oven", channel="#bakers", repo=REPO),
        Service(name="door", channel="#bakers", repo=REPO),
        Service(name="till", channel="#shop", repo=REPO),
    )
    here.react(session, [red()], NOON)
    assert [place for place, _ in heard(session)] == ["#bakers", "#shop"]


def green(run: int, sha: str, *, name: str = "CI") -> CheckFinished:
    """A build of the main branch passed."""
    return CheckFinished(
        repo=REPO, sha=sha_of(sha), name=name, status=CheckStatus.PASSED, main=True, run=run, at=NOON, title="Mend it"
    )


def relieved(session: Session) -> list[str]:
    """Who hears that a check is green again."""
    return list(session.exec(select(Note.place).where(Note.kind == "green_build").order_by(col(Note.id))).all())


def test_a_red_build_that_turns_green_is_told_once_to_those_who_heard_of_it(session: Session) -> None:
    """By another run or a later commit; not by another check, by an earlier run, nor where nothing was red."""
    HERE.react(session, [merged(1, "a"), green(1, "z"), red(run=5), green(4, "y"), green(6, "y", name="lint")], NOON)
    assert relieved(session) == []
    HERE.react(session, [green(7, "b"), green(8, "c")], NOON)
    assert sorted(relieved(session)) == ["#bakers", "U0ANA"]
    HERE.react(session, [red(run=9, sha="d"), green(10, "d")], NOON)
    assert sorted(relieved(session)) == ["#bakers", "#bakers", "U0ANA"]


@pytest.mark.parametrize("url", ["https://github.com/bakery/oven/actions/runs/77/job/3", "https://x/actions/runs/77"])
def test_the_failed_run_of_a_deploy_is_no_red_build(session: Session, url: str) -> None:
    """Its card tells; the run of another number is a build, and so is one that made no deploy."""
    HERE.react(session, [report("a", "in_progress", url=url)], NOON)
    run = replace(red(), url="https://github.com/bakery/oven/actions/runs/77")
    HERE.react(session, [run], NOON)
    assert heard(session) == []
    HERE.react(session, [replace(run, name="lint", url="https://github.com/bakery/oven/actions/runs/7")], NOON)
    assert [place for place, _ in heard(session)] == ["#bakers"]


# --- people -------------------------------------------------------------------------------------------------------


def choice(scope: str, level: Level, at: float = 0) -> PreferenceChosen:
    """Ana chooses how much to hear, so many minutes past noon."""
    return PreferenceChosen(slack_id="U0ANA", scope=scope, level=level, at=minute(at))


def test_a_choice_is_kept_said_and_shown_on_the_cards_in_view(session: Session) -> None:
    """A change's on its own card; everything's on the latest few that were posted."""
    HERE.react(session, [report("a")], NOON)
    answer(session, carrying(*(pull(number, str(number)) for number in range(1, 8))))
    cards = session.exec(select(Card).where(Card.kind == "change").order_by(col(Card.id))).all()
    for card in cards[:6]:
        card.ts, card.sent_version, card.urgent = "1.0", card.version, False
    session.flush()
    change = session.exec(select(Change).where(Change.number == 2)).one()
    said = HERE.react(session, [choice(f"change:{change.id}", Level.NONE)], NOON)
    assert said is not None
    assert said.startswith("Muted #2:")
    dirty = [card.subject for card in cards[:6] if card.version > card.sent_version]
    assert dirty == [str(change.id)]
    said = HERE.react(session, [choice("all", Level.NONE)], NOON)
    assert said is not None
    assert said.startswith("Muted: you hear nothing")
    assert [card.urgent for card in cards] == [False, True, True, True, True, True, cards[6].urgent]
    assert people.level_of(session, "U0ANA") is Level.NONE


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (choice("all", Level.FAILURES), "when they fail"),
        (choice("all", Level.ALL), "how each of your changes goes"),
        (choice("change:999", Level.ALL), "Unmuted that change"),
        (GithubLinked(slack_id="U0EVE", login="eve", at=NOON), "eve's changes come to you"),
        (GithubLinked(slack_id="U0EVE", login=None, at=NOON), "You had linked no GitHub login"),
    ],
)
def test_whoever_acts_is_told_what_that_means(
    session: Session, event: PreferenceChosen | GithubLinked, words: str
) -> None:
    """In one sentence."""
    said = HERE.react(session, [event], NOON)
    assert said is not None
    assert words in said


def test_unmuting_a_change_while_more_is_muted_says_so(session: Session) -> None:
    """Whoever expects to hear of it now would wait in vain."""
    HERE.react(session, [merged(1, "a")], NOON)
    change = session.exec(select(Change)).one()
    for level, words in ((Level.NONE, "still hear nothing"), (Level.FAILURES, "when it fails")):
        said = HERE.react(session, [choice("all", level), choice(f"change:{change.id}", Level.ALL)], NOON)
        assert said is not None
        assert said.startswith("Unmuted #1: ")
        assert words in said


def test_an_older_choice_applied_late_changes_nothing(session: Session) -> None:
    """It failed at first, was fed again, and the person has chosen since."""
    HERE.react(session, [choice("all", Level.NONE, at=5)], NOON)
    said = HERE.react(session, [choice("all", Level.ALL, at=4)], NOON)
    assert said is not None
    assert "since then" in said
    assert people.level_of(session, "U0ANA") is Level.NONE
    HERE.react(session, [choice("all", Level.ALL, at=6)], NOON)
    assert people.level_of(session, "U0ANA") is Level.ALL


def test_an_older_link_applied_late_changes_nothing(session: Session) -> None:
    """Neither of the person nor of the login."""
    HERE.react(session, [GithubLinked(slack_id="U0EVE", login="eve", at=minute(5))], NOON)
    for slack_id, login in (("U0EVE", "old"), ("U0OLD", "eve")):
        said = HERE.react(session, [GithubLinked(slack_id=slack_id, login=login, at=minute(4))], NOON)
        assert said is not None
        assert "since then" in said
    assert people.login_of(session, HERE.catalog, "U0EVE") == ("eve", "link")
    assert people.login_of(session, HERE.catalog, "U0OLD") == (None, None)


def test_a_pipelines_events_say_nothing_to_anybody_who_waits(session: Session) -> None:
    """Nobody clicked."""
    assert HERE.react(session, [merged(1, "a"), report("a")], NOON) is None
    assert HERE.react(session, [], NOON) is None


def test_an_unknown_kind_of_subject_is_a_fault_of_ours(session: Session) -> None:
    """It is seen at once rather than forgotten."""
    work.touch(session, "weather", 1)
    with pytest.raises(AssertionError, match="weather"):
        HERE.settle(session, NOON)
