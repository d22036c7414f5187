"""Deploys and changes as they are kept: what runs, what ran before, what was between, and who wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel, col, select

from bot import outbox, work
from bot.catalog import Service
from bot.database import upgrade
from bot.deploys import rules, service
from bot.deploys.models import Change, Check, Contributor, Deploy, DeployChange, DeployReport, Release, Target
from bot.deploys.views import RangeState
from bot.events import (
    ChangeMerged,
    CheckFinished,
    CheckStatus,
    CommitsPushed,
    DeployReported,
    DeployStatus,
    Human,
    ReleasePublished,
)
from bot.outbox import Effect, SendState
from bot.ports import Range
from tests.unit.reports import ANA, BEN, BOT, CHI, REPO, carrying, catalog, commit, merged, minute, pull, report, sha_of
from tests.unit.stores import NOON, address

PLAIN = catalog()


def tell(session: Session, *events: DeployReported | ChangeMerged) -> list[Deploy]:
    """Have all this told, in this order; returns the deploys that were reported."""
    found = []
    for event in events:
        if isinstance(event, ChangeMerged):
            service.change_merged(session, event)
        else:
            found.append(service.reported(session, PLAIN, event, NOON))
    session.flush()
    return found


def read(session: Session, deploy: Deploy, found: Range) -> None:
    """The forge answers what lies between this deploy and the one before it."""
    assert deploy.id is not None
    service.range_read(session, PLAIN, deploy.id, deploy.previous_sha, found, NOON)


def carries(session: Session, deploy: Deploy) -> list[str]:
    """What a deploy brings in, and (marked −) takes out."""
    assert deploy.id is not None
    rows = service.changes_of(session, deploy.id)
    return [f"−{change.label}" if row.leaving else change.label for row, change in rows]


def asked(session: Session) -> list[tuple[str, str | None]]:
    """The ranges that the forge is still to be asked for: head and base."""
    effects = session.exec(select(Effect).where(Effect.state == SendState.PENDING.value).order_by(col(Effect.id))).all()
    heads = {deploy.id: deploy.sha for deploy in session.exec(select(Deploy)).all()}
    wanted = []
    for effect in effects:
        deploy = session.get(Deploy, effect.data["deploy"])
        assert deploy is not None
        if deploy.previous_sha == effect.data["base"]:
            wanted.append((heads[deploy.id][0], effect.data["base"][0] if effect.data["base"] else None))
    return wanted


# --- where a rollout stands ---------------------------------------------------------------------------------------


def test_a_rollout_is_one_deploy_however_often_it_is_reported(session: Session) -> None:
    """A new attempt of the same run is another one."""
    one, other, again = tell(
        session,
        report("a", "pending", 1, began=1),
        report("a", "succeeded", 3, began=1),
        report("a", "in_progress", 9, began=9, attempt=2),
    )
    assert one.id == other.id != again.id
    assert (one.state, one.status_at, one.began_at) == (DeployStatus.SUCCEEDED, minute(3), minute(1))
    assert again.state is DeployStatus.IN_PROGRESS


def test_statuses_out_of_order_never_move_a_deploy_backwards(session: Session) -> None:
    """And tell all the same when it began to roll out, and where its run is."""
    (deploy, *_) = tell(
        session,
        report("a", "succeeded", 9, began=1),
        report("a", "in_progress", 3, began=1, url="https://ci.example.com/1", percent=10),
        report("a", "pending", 1, began=1),
        report("a", "in_progress", 5, began=1, percent=60),
    )
    assert (deploy.state, deploy.status_at, deploy.in_progress_at) == (DeployStatus.SUCCEEDED, minute(9), minute(3))
    assert (deploy.url, deploy.percent) == ("https://ci.example.com/1", None)


def test_a_deploy_is_touched_so_that_what_follows_is_derived(session: Session) -> None:
    """It, and those for which it turns out to be what ran before."""
    first, second = tell(session, report("a", at=1), report("c", at=5))
    work.take_touched(session)
    (between,) = tell(session, report("b", at=3))
    assert set(work.take_touched(session)) == {("deploy", between.id), ("deploy", second.id)}
    assert first.id is not None


def test_each_environment_and_each_service_has_a_history_of_its_own(session: Session) -> None:
    """Named by the sender, or by the repository."""
    deploys = tell(
        session,
        report("a", at=1, environment="staging"),
        report("a", at=2, number="2"),
        report("b", at=3, repo="bakery/till"),
        report("c", at=4, service="oven-door"),
    )
    targets = {target.id: target for target in session.exec(select(Target)).all()}
    assert [(targets[deploy.target].service, targets[deploy.target].environment) for deploy in deploys] == [
        (f"{REPO}".rpartition("/")[2], "staging"),
        ("oven", "production"),
        ("till", "production"),
        ("oven-door", "production"),
    ]
    assert [deploy.previous for deploy in deploys] == [None] * 4


# --- what ran before ----------------------------------------------------------------------------------------------


def test_what_ran_before_is_the_last_that_succeeded(session: Session) -> None:
    """Not the one that failed in between; the first has nothing before it."""
    first, failed, second = tell(session, report("a", at=1), report("b", "failed", 3), report("c", at=5))
    assert (first.previous, failed.previous, second.previous) == (None, first.id, first.id)
    assert session.exec(select(Target).where(Target.service == "oven")).one().live == second.id
    assert asked(session) == [("a", None), ("b", "a"), ("c", "a")]


def test_a_range_is_read_again_when_history_turns_out_to_be_different(session: Session) -> None:
    """A deploy whose webhook came late was what ran before: the answer that is still on its way is stale."""
    _, last = tell(session, report("a", at=1), report("c", at=9))
    read(session, last, carrying(pull(2, "b"), pull(3, "c")))
    assert (carries(session, last), last.range) == (["#2", "#3"], RangeState.COMPLETE)
    tell(session, report("b", at=5))
    assert (last.previous_sha, last.range) == (sha_of("b"), RangeState.READING)
    assert {("b", "a"), ("c", "b")} <= set(asked(session))
    assert last.id is not None
    service.range_read(session, PLAIN, last.id, sha_of("a"), carrying(pull(1, "a")), NOON)
    assert carries(session, last) == ["#2", "#3"], "an answer to the old question says nothing"
    read(session, last, carrying(pull(3, "c")))
    assert carries(session, last) == ["#3"]
    assert [change.label for change in service.dropped_from(session, last.id)] == ["#2"]


def test_a_deploy_that_was_live_and_failed_after_all_is_no_history(session: Session) -> None:
    """Those after it are compared with the one before it."""
    first, _, third = tell(session, report("a", at=1), report("b", at=3), report("c", at=5))
    tell(session, report("b", "failed", 7, began=2.5))
    assert third.previous == first.id
    assert session.exec(select(Target).where(Target.service == "oven")).one().live == third.id


def test_a_question_that_comes_up_again_is_asked_again(session: Session) -> None:
    """Back and forth: what the forge said the first time may be out of date."""
    _, last = tell(session, report("a", at=1), report("c", at=9))
    read(session, last, carrying(pull(3, "c")))
    for effect in session.exec(select(Effect)).all():
        effect.state = SendState.DONE.value
    tell(session, report("b", at=5))
    tell(session, report("b", "failed", 6, began=4.5))
    assert last.previous_sha == sha_of("a")
    assert ("c", "a") in asked(session)


def test_a_redeploy_of_the_same_commit_replaces_itself(session: Session) -> None:
    """It brings in nothing, and is compared with its own commit."""
    first, again = tell(session, report("a", at=1, number="1"), report("a", at=5, number="2"))
    assert (again.previous, again.previous_sha) == (first.id, sha_of("a"))


# --- two systems --------------------------------------------------------------------------------------------------


def test_two_systems_that_report_one_rollout_make_one_deploy(session: Session) -> None:
    """Each adds what it knows; the latest status of both stands."""
    one, other = tell(
        session,
        report("a", "in_progress", 1, began=1),
        report("a", "succeeded", 6, began=2, source="argocd", number="app-1", repo=None, service="oven", percent=100),
    )
    assert one.id == other.id
    assert (one.state, one.began_at, one.repo) == (DeployStatus.SUCCEEDED, minute(1), REPO)
    assert len(session.exec(select(DeployReport)).all()) == 2
    tell(session, report("a", "succeeded", 7, began=1))
    assert (one.status_at, len(session.exec(select(Deploy)).all())) == (minute(7), 1)


def test_the_repository_is_learned_from_whichever_system_knows_it(session: Session) -> None:
    """Until then nothing can be compared; afterwards the forge is asked."""
    (one,) = tell(session, report("a", source="argocd", repo=None, service="oven"))
    assert (one.range, asked(session)) == (RangeState.UNREADABLE, [])
    tell(session, report("a"))
    assert (one.repo, one.range, asked(session)) == (REPO, RangeState.READING, [("a", None)])


def test_two_rollouts_of_a_commit_by_one_system_are_two_deploys(session: Session) -> None:
    """And each of another system's reports belongs to the nearest."""
    first, second = tell(session, report("a", at=1, number="1"), report("a", at=60, number="2"))
    late, early = tell(
        session,
        report("a", at=61, source="argocd", number="y"),
        report("a", at=2, source="argocd", number="x"),
    )
    assert (late.id, early.id) == (second.id, first.id)


def test_a_rollout_hours_later_is_another_one(session: Session) -> None:
    """Also by another system."""
    one, other = tell(session, report("a", at=1), report("a", at=300, source="argocd", number="app-1"))
    assert one.id != other.id


# --- what a deploy carries ----------------------------------------------------------------------------------------


def contributors(session: Session, label: str) -> list[tuple[str, str]]:
    """Who is on record for a change, and as what."""
    change = next(one for one in session.exec(select(Change)).all() if one.label == label)
    rows = session.exec(select(Contributor).where(Contributor.change == change.id)).all()
    return sorted((row.role, row.who) for row in rows)


def test_a_squash_merge_is_one_change_of_everyone_who_wrote_it(session: Session) -> None:
    """Author, co-authors by login or by address, merger."""
    (deploy,) = tell(session, report("a"))
    stranger = Human(name="Dee", email="Dee@example.com")
    read(session, deploy, carrying(pull(1, "a", coauthors=(BEN, stranger), merger=CHI, additions=3, labels=("bug",))))
    assert carries(session, deploy) == ["#1"]
    assert contributors(session, "#1") == [
        ("author", "github:ana"),
        ("coauthor", "email:dee@example.com"),
        ("coauthor", "github:ben"),
        ("merger", "github:chi"),
    ]


def test_every_commit_of_a_rebase_belongs_to_its_pull_request(session: Session) -> None:
    """Whichever of them is deployed, asked for, or red."""
    (deploy,) = tell(session, report("c"))
    read(session, deploy, carrying(pull(1, "c", commits=(sha_of("a"), sha_of("b"), sha_of("c")))))
    assert carries(session, deploy) == ["#1"]
    for name in ("a", "b", "c"):
        change = service.change_of_commit(session, REPO, sha_of(name))
        assert change is not None
        assert change.label == "#1"
    assert service.change_of_commit(session, "bakery/till", sha_of("a")) is None


def test_a_direct_commit_is_a_change_of_its_author(session: Session) -> None:
    """Named by its sha and its first line."""
    (deploy,) = tell(session, report("b"))
    read(session, deploy, carrying(commit("b", "Mend a typo\n\nIt hurt.", author=BEN, coauthors=(ANA,))))
    assert carries(session, deploy) == ["bbbbbbb"]
    change = session.exec(select(Change)).one()
    assert (change.title, change.number) == ("Mend a typo", None)
    assert contributors(session, "bbbbbbb") == [("author", "github:ben"), ("coauthor", "github:ana")]


def test_a_direct_commit_that_turns_out_to_be_a_pull_request_is_the_same_change(session: Session) -> None:
    """Whoever pressed the button signed the merge commit, and wrote nothing: they are its merger from now on."""
    (deploy,) = tell(session, report("b"))
    read(session, deploy, carrying(commit("b", "Merge pull request #7", author=CHI)))
    tell(session, merged(7, "b", author=ANA, merger=CHI, title="Seven"))
    assert carries(session, deploy) == ["#7"]
    assert contributors(session, "#7") == [("author", "github:ana"), ("merger", "github:chi")]
    assert session.exec(select(Change.title)).all() == ["Seven"]
    read(session, deploy, carrying(commit("b", "Merge pull request #7", author=CHI)))
    assert carries(session, deploy) == ["#7"]
    assert contributors(session, "#7") == [("author", "github:ana"), ("merger", "github:chi")]


def test_two_pull_requests_may_share_a_commit(session: Session) -> None:
    """One was merged through the other."""
    tell(session, merged(1, "a"), merged(2, "a", author=BEN))
    assert sorted(session.exec(select(Change.number)).all(), key=str) == [1, 2]


def test_a_revert_knows_what_it_takes_back(session: Session) -> None:
    """Told once, it is not forgotten when somebody tells less."""
    tell(session, merged(2, "b", reverts=1), merged(2, "b"))
    assert session.exec(select(Change.reverts)).one() == 1


def test_what_is_known_of_a_change_only_grows(session: Session) -> None:
    """Partial payloads take nothing back; a new title is a new title."""
    tell(session, merged(1, "a", additions=5, deletions=0, labels=("bug",), merger=CHI, base="main", paths=("a.py",)))
    tell(session, merged(1, "a", labels=("urgent",), title="Better words"))
    change = session.exec(select(Change)).one()
    assert (change.additions, change.deletions, change.labels, change.base) == (5, 0, ["bug", "urgent"], "main")
    assert (change.title, change.paths) == ("Better words", ["a.py"])
    assert ("merger", "github:chi") in contributors(session, "#1")


def test_a_rollback_takes_out_what_it_goes_back_behind(session: Session) -> None:
    """Nothing arrives; a diverged one brings and takes."""
    _, back = tell(session, report("b", at=1), report("a", at=5))
    read(session, back, carrying(leaving=(pull(2, "b"), commit("c"))))
    assert carries(session, back) == ["−#2", "−ccccccc"]
    assert service.is_rollback(back)
    (fork,) = tell(session, report("d", at=9))
    read(session, fork, carrying(pull(4, "d"), leaving=(pull(1, "a"),)))
    assert carries(session, fork) == ["#4", "−#1"]
    assert not service.is_rollback(fork)


def test_a_monorepo_deploys_only_what_touches_its_own_paths(session: Session) -> None:
    """A change whose files nobody tells counts as everybody's."""
    here = catalog(
        Service(name="oven", channel="#oven", repo=REPO, paths=("oven/**",)),
        Service(name="till", channel="#till", repo=REPO, paths=("till/**",)),
    )
    deploy = service.reported(session, here, report("c", environment="oven/production"), NOON)
    session.flush()
    assert deploy.id is not None
    found = carrying(
        pull(1, "a", paths=("oven/door.py", "README")),
        pull(2, "b", paths=("till/drawer.py",)),
        pull(3, "c"),
        commit("d", paths=("till/key.py",)),
        commit("e", paths=("oven/heat.py",)),
    )
    service.range_read(session, here, deploy.id, None, found, NOON)
    assert carries(session, deploy) == ["#1", "#3", "eeeeeee"]


def test_until_the_forge_answers_a_deploy_shows_the_change_that_its_commit_is(session: Session) -> None:
    """As far as its webhook was heard; what the forge says replaces it."""
    (deploy, *_) = tell(session, merged(1, "a"), report("a"))
    assert (carries(session, deploy), deploy.range) == (["#1"], RangeState.READING)
    read(session, deploy, carrying(pull(2, "b"), pull(1, "a")))
    assert carries(session, deploy) == ["#2", "#1"]


def test_a_forge_that_cannot_be_asked_leaves_what_the_event_carried(session: Session) -> None:
    """Said to be so, once; a late answer still completes it, and an unknown never undoes what is complete."""
    (deploy,) = tell(session, report("a"))
    assert deploy.id is not None
    service.range_unknown(session, deploy.id, sha_of("z"), RangeState.UNKNOWN)
    assert deploy.range == RangeState.READING
    service.range_unknown(session, deploy.id, None, RangeState.UNKNOWN)
    assert deploy.range == RangeState.UNKNOWN
    work.take_touched(session)
    service.range_unknown(session, deploy.id, None, RangeState.UNKNOWN)
    assert work.take_touched(session) == ()
    service.range_unknown(session, deploy.id, None, RangeState.UNREADABLE)
    assert deploy.range == RangeState.UNREADABLE
    read(session, deploy, carrying(pull(1, "a")))
    service.range_unknown(session, deploy.id, None, RangeState.UNKNOWN)
    assert deploy.range == RangeState.COMPLETE


def test_what_a_later_answer_takes_back_is_kept_to_be_corrected(session: Session) -> None:
    """And comes back when an even later one says so."""
    (deploy,) = tell(session, report("a"))
    assert deploy.id is not None
    read(session, deploy, carrying(pull(1, "a"), pull(2, "b")))
    read(session, deploy, carrying(pull(1, "a")))
    assert carries(session, deploy) == ["#1"]
    assert [change.label for change in service.dropped_from(session, deploy.id)] == ["#2"]
    read(session, deploy, carrying(pull(2, "b")))
    assert carries(session, deploy) == ["#2"]
    assert [change.label for change in service.dropped_from(session, deploy.id)] == ["#1"]


def test_a_change_went_wrong_when_its_deploy_failed_or_one_took_it_out(session: Session) -> None:
    """Not when it was only thought to be aboard."""
    failed, back = tell(session, report("a", "failed", 1), report("b", at=5))
    read(session, failed, carrying(pull(1, "a"), pull(2, "b")))
    read(session, failed, carrying(pull(1, "a")))
    read(session, back, carrying(pull(4, "d"), leaving=(pull(3, "c"),)))
    numbers = {change.number: change.id or 0 for change in session.exec(select(Change)).all()}
    assert {number: service.went_wrong(session, change) for number, change in numbers.items()} == {
        1: True,
        2: False,
        3: True,
        4: False,
    }


def test_names_of_any_length_have_their_place(session: Session) -> None:
    """A commit may be signed by anybody as anything; the deploy that carries it is still told."""
    (deploy,) = tell(session, report("a"))
    endless = Human(name="n" * 5000, email="e" * 5000 + "@example.com")
    read(
        session, deploy, carrying(commit("a", "x" * 5000, author=endless), pull(1, "b", author=Human(login="l" * 999)))
    )
    session.commit()
    assert len(carries(session, deploy)) == 2


# --- checks, releases, pushes -------------------------------------------------------------------------------------


def check(status: str, run: int, at: float = 1, name: str = "CI", **more: Any) -> CheckFinished:
    """A check ended on a commit of the main branch."""
    return CheckFinished(
        repo=REPO, sha=sha_of("a"), name=name, status=CheckStatus(status), main=more.pop("main", True), run=run,
        at=minute(at), **more,
    )  # fmt: skip


def test_only_a_failure_of_the_latest_run_on_the_main_branch_is_news(session: Session) -> None:
    """A run that ended late says nothing of one that began after it."""
    answers = [
        service.check_finished(session, one) is not None
        for one in (
            check("failed", 2),
            check("passed", 1),
            check("failed", 1),
            check("passed", 3),
            check("failed", 1, name="Lint", main=False),
        )
    ]
    assert answers == [True, False, False, False, False]
    rows = session.exec(select(Check.name, Check.status, Check.run).order_by(Check.name)).all()
    assert list(rows) == [("CI", "passed", 3), ("Lint", "failed", 1)]


def test_checks_of_any_name_and_number_have_their_place(session: Session) -> None:
    """GitHub numbers its runs far beyond 32 bits; a workflow may be called anything."""
    for one in (check("failed", 2**40, name="x" * 999), check("passed", 2**40 + 1, name="x" * 999)):
        service.check_finished(session, one)
    session.commit()
    assert session.exec(select(Check.status)).all() == ["passed"]


def test_a_release_names_its_tag_and_touches_its_deploys(session: Session) -> None:
    """The latest name stands, whichever came first."""
    (deploy, _) = tell(session, report("a", ref="v1"), report("b", ref="main", at=5))
    work.take_touched(session)
    for name, at in (("One", 1.0), ("One, mended", 3.0), ("Draft", 0.0)):
        event = ReleasePublished(repo=REPO, tag="v1", name=name, url="https://example.com", at=minute(at))
        service.release_published(session, event)
    session.flush()
    assert session.exec(select(Release.name)).one() == "One, mended"
    assert work.take_touched(session) == (("deploy", deploy.id),)


def test_pushed_commits_tell_who_wrote_them(session: Session) -> None:
    """The first to tell is believed; what it left out may be added."""
    for author in (Human(login="ana"), Human(login="ben", name="Ben", email="ben@example.com")):
        event = CommitsPushed(repo=REPO, commits=(commit("a", author=author),), at=NOON)
        service.commits_pushed(session, event)
    session.flush()
    assert service.author_of_commit(session, REPO, sha_of("a")) == Human(
        login="ana", name="Ben", email="ben@example.com"
    )
    assert service.author_of_commit(session, REPO, sha_of("b")) is None
    assert service.commit_address(session, "ana") == "ben@example.com"


# --- stuck --------------------------------------------------------------------------------------------------------


def test_a_rollout_that_takes_far_longer_than_usual_is_stuck_once(session: Session) -> None:
    """Until then the next look is kept; one that ended is not stuck."""
    for number in range(3):
        tell(
            session,
            *(report(str(number), status, number * 10 + at) for status, at in (("in_progress", 1), ("succeeded", 3))),
        )
    (deploy,) = tell(session, report("a", "in_progress", 60))
    assert deploy.id is not None
    usual = service.usual_duration(session, deploy.target)
    assert usual == timedelta(minutes=2)
    due = minute(60) + rules.stuck_after(usual)
    assert not service.look_whether_stuck(session, deploy.id, due - timedelta(seconds=1))
    session.flush()
    assert work.next_due(session) == due
    assert service.look_whether_stuck(session, deploy.id, due)
    assert not service.look_whether_stuck(session, deploy.id, due)
    assert deploy.stuck_at == due
    (ended,) = tell(session, report("b", at=60))
    assert ended.id is not None
    assert not service.look_whether_stuck(session, ended.id, minute(999))
    assert not service.look_whether_stuck(session, 12345, minute(999))


# --- any order, any repetition ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """A database in memory, for stories that are told again and again."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    SQLModel.metadata.create_all(engine)
    yield engine
    engine.dispose()


@contextmanager
def undone(engine: Engine) -> Iterator[Session]:
    """A session of which nothing stays."""
    with Session(engine) as session:
        yield session
        session.rollback()


def rows(engine: Engine, events: Sequence[DeployReported]) -> dict[str, Any]:
    """What these events leave behind, told in this order, without our own numbers."""
    with undone(engine) as session:
        tell(session, *events)
        deploys = session.exec(select(Deploy)).all()
        shas = {deploy.id: deploy.sha for deploy in deploys}
        names: dict[int, list[str]] = {}
        for one in session.exec(select(DeployReport)).all():
            names.setdefault(one.deploy, []).append(f"{one.source}/{one.external_id}/{one.attempt}")
        kept = {
            tuple(sorted(names[deploy.id or 0])): (
                deploy.repo, deploy.sha, deploy.ref, deploy.status, deploy.status_at, deploy.percent, deploy.began_at,
                deploy.in_progress_at, deploy.live_at, deploy.url, deploy.description, deploy.creator, deploy.final,
                deploy.previous_sha, shas.get(deploy.previous), deploy.range,
            )
            for deploy in deploys
        }  # fmt: skip
        targets = session.exec(select(Target)).all()
        live = {(target.service, target.environment): shas.get(target.live) for target in targets}
        return {"deploys": kept, "live": live, "asked": sorted(set(asked(session)), key=str)}


WORDS = st.sampled_from([None, "one", "two"])
TIMES = st.integers(0, 6)


@st.composite
def rollout_events(draw: st.DrawFn) -> list[DeployReported]:
    """Statuses of up to five rollouts of one service, in two environments; some fall into the same second."""
    events = []
    for number in range(draw(st.integers(1, 5))):
        began = draw(TIMES)
        environment = draw(st.sampled_from(["staging", "production"]))
        for _ in range(draw(st.integers(1, 4))):
            event = report(
                "abcde"[number],
                draw(st.sampled_from(DeployStatus)).value,
                began + draw(TIMES),
                environment=environment,
                began=began,
                url=draw(WORDS),
                description=draw(WORDS),
                percent=draw(st.sampled_from([None, 10, 90])),
                creator=draw(st.sampled_from([None, ANA, BEN])),
                ref=draw(WORDS),
                final=draw(st.sampled_from([None, False, True])),
            )
            events.append(event)
            if draw(st.booleans()):  # a second system tells of the same rollout, and knows no repository
                events.append(replace(event, source="argocd", repo=None, service="oven"))
    return events


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(rollout_events(), st.data())
@example([report("a", "in_progress", 1, began=1), report("a", "succeeded", 1, began=1, description="one")], None)
def test_any_order_and_any_repetition_of_reports_gives_the_same_rows(
    memory: Engine, events: list[DeployReported], data: st.DataObject | None
) -> None:
    """GitHub promises no order and sends again what was lost: what stands at the end is the same."""
    if data is None:
        again = [events[1], events[0], events[1]]
    else:
        repeated = data.draw(st.lists(st.sampled_from(events), max_size=4))
        again = data.draw(st.permutations([*events, *repeated]))
    assert rows(memory, again) == rows(memory, events)


def test_the_same_events_leave_the_same_rows_on_both_engines(database_url: str, memory: Engine) -> None:
    """Last first, and each of them twice."""
    upgrade(address(database_url))
    engine = create_engine(address(database_url))
    events = [
        report(name, status, number * 3 + offset, environment=environment, began=number * 3)
        for number, name in enumerate("abcd")
        for environment in ("staging", "production")
        for status, offset in (("pending", 0), ("in_progress", 1), ("failed" if name == "b" else "succeeded", 2))
    ]
    events = [replace(event, external_id=f"{event.external_id}{event.environment}") for event in events]
    assert rows(engine, [*reversed(events), *events]) == rows(memory, events)
    engine.dispose()


def test_asking_twice_for_the_same_effect_asks_the_forge_once(session: Session) -> None:
    """However often a deploy is reported."""
    tell(session, *[report("a", "in_progress", at, began=0) for at in range(5)])
    assert len(session.exec(select(Effect)).all()) == 1
    assert outbox.add_effect(session, service.RANGE, "another", NOON)


def test_a_change_of_a_bot_is_on_record_as_a_bots(session: Session) -> None:
    """So that whoever merged it is told in its stead."""
    tell(session, merged(1, "a", author=BOT, merger=CHI))
    change = session.exec(select(Change.id)).one()
    assert change is not None
    parts = service.parts(session, [change])[change]
    assert [(part.human.login, part.role, part.human.bot) for part in parts] == [
        ("dependabot[bot]", "author", True),
        ("chi", "merger", False),
    ]
    assert service.parts(session, []) == {}


def test_dropped_rows_are_kept_apart(session: Session) -> None:
    """One row for a deploy and a change, whatever became of it."""
    (deploy,) = tell(session, report("a"))
    for found in (carrying(pull(1, "a")), carrying(), carrying(leaving=(pull(1, "a"),))):
        read(session, deploy, found)
    row = session.exec(select(DeployChange)).one()
    assert (row.leaving, row.dropped) == (True, False)
