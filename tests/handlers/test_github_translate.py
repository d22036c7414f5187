"""GitHub's events in our words: one recorded shape of each, and what old, partial and strange ones give."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.events import (
    ChangeMerged,
    CheckFinished,
    CheckStatus,
    Commit,
    CommitsPushed,
    DeployReported,
    DeployStatus,
    Event,
    GateRequested,
    Human,
    MergedPull,
    ReleasePublished,
    RunEnded,
    coauthors,
    signed_by,
)
from bot.inbox import Lane
from handlers.webhooks.github import TRANSLATORS, lane, translate

FIXTURES = Path(__file__).parents[1] / "payloads" / "github"
RECORDED = Path(__file__).parents[3] / "shared" / "payloads" / "github"

RETRY = "a1b2c3d4e5f60718293a4b5c6d7e8f9011223344"
BUMP = "0f9e8d7c6b5a49382716f5e4d3c2b1a099887766"
ANA = Human(login="ana", name="Ana Duarte", email="ana@example.com")

Change = Callable[[dict[str, Any]], object]


def told(event: str, change: Change | None = None) -> list[Event]:
    """What our fixture of this event means, after a change to it."""
    payload: dict[str, Any] = json.loads((FIXTURES / f"{event}.json").read_text(encoding="utf-8"))
    if change is not None:
        change(payload)
    return translate({"x-github-event": event}, json.dumps(payload).encode())


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 11, 20, hour, minute, second, tzinfo=UTC)


def deploy(event: str = "deployment_status", change: Change | None = None) -> DeployReported:
    [found] = told(event, change)
    assert isinstance(found, DeployReported)
    return found


def merged(change: Change | None = None) -> MergedPull:
    [found] = told("pull_request", change)
    assert isinstance(found, ChangeMerged)
    return found.pull


def pushed(change: Change | None = None) -> tuple[Commit, ...]:
    [found] = told("push", change)
    assert isinstance(found, CommitsPushed)
    return found.commits


def finished(event: str = "workflow_run", change: Change | None = None) -> CheckFinished:
    found, *others = told(event, change)
    assert isinstance(found, CheckFinished)
    assert all(isinstance(other, RunEnded) for other in others)
    return found


def over(change: Change | None = None) -> RunEnded:
    *_, found = told("workflow_run", change)
    assert isinstance(found, RunEnded)
    return found


def requested(change: Change | None = None) -> GateRequested:
    [found] = told("deployment_protection_rule", change)
    assert isinstance(found, GateRequested)
    return found


def test_a_merged_pull_request_is_a_change() -> None:
    """Author, merger, size, labels and the commit it became."""
    pull = MergedPull(
        number=812,
        sha=RETRY,
        title="Retry payments",
        url="https://github.com/acme/checkout/pull/812",
        author=Human(login="ana"),
        merger=Human(login="chi"),
        labels=("bug", "area: payments"),
        additions=214,
        deletions=37,
        base="main",
        merged_at=at(9, 58, 1),
    )
    assert told("pull_request") == [ChangeMerged(repo="acme/checkout", pull=pull, at=at(9, 58, 1))]


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: payload.update(action="synchronize"),
        lambda payload: payload["pull_request"].update(merged=False),
        lambda payload: payload["pull_request"].update(merge_commit_sha=None),
        lambda payload: payload["pull_request"].pop("number"),
        lambda payload: payload.pop("repository"),
        lambda payload: payload["repository"].update(full_name="<!channel>"),
    ],
)
def test_a_pull_request_that_was_not_merged_is_no_change(change: Change) -> None:
    """Closed is not merged; without a number, a commit or a repository nothing could be said of it."""
    assert told("pull_request", change) == []


@pytest.mark.parametrize(
    ("user", "author"),
    [
        ({"login": "dependabot[bot]", "type": "Bot"}, Human(login="dependabot[bot]", bot=True)),
        ({"login": "renovate", "type": "Bot"}, Human(login="renovate", bot=True)),
        ({"login": "dependabot[bot]"}, Human(login="dependabot[bot]", bot=True)),
        ({"login": "ben", "type": "User"}, Human(login="ben")),
        (None, Human(name="ghost")),
    ],
)
def test_a_bot_is_known_by_its_type_or_name(user: object, author: Human) -> None:
    """A bot's change is its merger's; a deleted account is GitHub's ghost."""
    assert merged(lambda payload: payload["pull_request"].update(user=user)).author == author


def test_a_change_to_another_branch_says_which() -> None:
    """A release branch's merges matter too, to whoever deploys from it."""
    assert merged(lambda payload: payload["pull_request"]["base"].update(ref="release/2")).base == "release/2"


@pytest.mark.parametrize(
    ("title", "body", "number"),
    [
        ('Revert "Retry payments"', "Reverts acme/checkout#812", 812),
        ("Take it back", "Broke refunds.\r\n\r\nReverts #790\r\n", 790),
        ("Take it back", "reverts ACME/Checkout#790", 790),
        ('Revert "Retry payments (#812)"', "This reverts commit a1b2c3d.", 812),
        ("Revert “Retry payments (#812)”", None, 812),
        ('Revert "Retry payments"', None, None),
        ("Take it back", "Reverts other/repository#812", None),
        ("Explain", "This sentence reverts #812 in passing", None),
        ("Reverse the order (#812)", "", None),
    ],
)
def test_a_revert_names_what_it_takes_back(title: str, body: str | None, number: int | None) -> None:
    """In GitHub's own words, at the start of a line, and of this repository."""
    assert merged(lambda payload: payload["pull_request"].update(title=title, body=body)).reverts == number


def test_a_push_to_main_tells_its_commits() -> None:
    """Oldest first as GitHub sends them, with everyone who wrote them and the files they touch."""
    bump = Commit(
        sha=BUMP,
        message="Bump stripe from 11.2.0 to 11.3.0 (#816)",
        author=Human(
            login="dependabot[bot]",
            name="dependabot[bot]",
            email="49699333+dependabot[bot]@users.noreply.github.com",
            bot=True,
        ),
        url=f"https://github.com/acme/checkout/commit/{BUMP}",
        at=at(9, 40),
        paths=("requirements.txt",),
    )
    retry = Commit(
        sha=RETRY,
        message="Retry payments (#812)\n\nThe card network drops one call in a thousand.\n\n"
        "Co-authored-by: Ben Okafor <ben@example.com>\nCo-authored-by: Ana Duarte <ana@example.com>",
        author=ANA,
        coauthors=(Human(name="Ben Okafor", email="ben@example.com"),),
        url=f"https://github.com/acme/checkout/commit/{RETRY}",
        at=at(9, 58, 1),
        paths=("services/checkout/pay.py", "services/checkout/retry.py", "services/checkout/retry_test.py"),
    )
    assert told("push") == [CommitsPushed(repo="acme/checkout", commits=(bump, retry), at=at(9, 58, 2))]


@pytest.mark.parametrize(
    "change",
    [
        {"ref": "refs/heads/retry"},
        {"ref": "refs/tags/main"},
        {"ref": "main"},
        {"deleted": True},
        {"commits": []},
        {"repository": {"full_name": "acme/checkout", "pushed_at": 1795168682}},
    ],
)
def test_other_pushes_are_not_told(change: dict[str, object]) -> None:
    """Branches, tags, deletions, pushes without a commit, and those whose main branch is unknown."""
    assert told("push", lambda payload: payload.update(change)) == []


def test_an_old_push_names_its_main_branch_otherwise() -> None:
    """``master_branch`` came before ``default_branch``, and ``pushed_at`` may be missing."""

    def age(payload: dict[str, Any]) -> None:
        payload["ref"] = "refs/heads/trunk"
        payload["repository"] = {"full_name": "acme/checkout", "master_branch": "trunk"}

    [found] = told("push", age)
    assert isinstance(found, CommitsPushed)
    assert found.at == at(9, 58, 1)


def test_a_commit_without_lists_of_files_does_not_pretend_to_touch_none() -> None:
    """None is not known; an empty tuple is no file."""

    def strip(payload: dict[str, Any]) -> None:
        for key in ("added", "removed", "modified"):
            payload["commits"][0].pop(key)
        payload["commits"][1].update(added=[], removed=[], modified=[])

    assert [commit.paths for commit in pushed(strip)] == [None, ()]


def test_trailers_are_read_though_the_message_is_cut() -> None:
    """A squash of a hundred commits has its trailers far down; co-authors must not approve it."""
    message = "Squash\n\n" + "* one more\n" * 5000 + "\nCo-authored-by: Ben <ben@example.com>"
    first, *_ = pushed(lambda payload: payload["commits"][0].update(message=message))
    assert len(first.message) == 10_000
    assert first.coauthors == (Human(name="Ben", email="ben@example.com"),)


@pytest.mark.parametrize(
    ("trailer", "others"),
    [
        ("Ana <ANA@example.com>", 0),
        ("Ana <583001+ana@users.noreply.github.com>", 0),
        ("Ben <583003+ben@users.noreply.github.com>", 1),
        ("Ana <ana@home.example>", 1),
    ],
)
def test_an_author_is_not_their_own_coauthor(trailer: str, others: int) -> None:
    """GitHub adds such trailers on a squash; nobody needs to be told twice."""
    message = f"Retry\n\nCo-authored-by: {trailer}"
    *_, last = pushed(lambda payload: payload["commits"][1].update(message=message))
    assert last.author == ANA
    assert len(last.coauthors) == others


def test_a_deployment_is_announced() -> None:
    """Pending, since its first status is still to come."""
    assert told("deployment") == [
        DeployReported(
            source="github",
            external_id="88120011",
            repo="acme/checkout",
            service="checkout-api",
            environment="production",
            sha=RETRY,
            ref="main",
            status=DeployStatus.PENDING,
            began_at=at(10, 2),
            at=at(10, 2),
            url="https://github.com/acme/checkout/actions/runs/17300991",
            description="From the release workflow",
            creator=Human(login="chi"),
            final=True,
            run=17300991,
        )
    ]


def test_a_deployment_status_moves_it_on() -> None:
    """The same rollout, with the time and words of the status."""
    found = deploy()
    assert (found.external_id, found.attempt) == ("88120011", 1)
    assert found.status is DeployStatus.SUCCEEDED
    assert (found.began_at, found.at) == (at(10, 2), at(10, 5, 12))
    assert found.description == "Three pods ready"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("pending", DeployStatus.PENDING),
        ("queued", DeployStatus.PENDING),
        ("waiting", DeployStatus.PENDING),
        ("in_progress", DeployStatus.IN_PROGRESS),
        ("success", DeployStatus.SUCCEEDED),
        ("failure", DeployStatus.FAILED),
        ("error", DeployStatus.FAILED),
    ],
)
def test_every_state_of_a_deployment_has_a_meaning(state: str, status: DeployStatus) -> None:
    """GitHub has seven that say how a rollout stands."""
    assert deploy(change=lambda payload: payload["deployment_status"].update(state=state)).status is status


@pytest.mark.parametrize("state", ["inactive", "", None, "perplexed", 3])
def test_a_state_that_says_nothing_of_the_rollout_is_not_told(state: object) -> None:
    """``inactive`` is sent when a newer one took over: this one went as it went."""
    assert told("deployment_status", lambda payload: payload["deployment_status"].update(state=state)) == []


@pytest.mark.parametrize("event", ["deployment", "deployment_status"])
@pytest.mark.parametrize(
    "change",
    [
        {"transient_environment": True},
        {"sha": None},
        {"sha": "0" * 40},
        {"sha": "<!channel>"},
        {"id": None},
    ],
)
def test_a_deployment_of_no_use_is_not_told(event: str, change: dict[str, object]) -> None:
    """Previews would drown the channel; without a commit or an id there is no rollout to speak of."""
    assert told(event, lambda payload: payload["deployment"].update(change)) == []


@pytest.mark.parametrize(
    ("payload", "task", "service"),
    [
        ({"service": "ledger"}, "deploy", "ledger"),
        ('{"service": "ledger"}', "deploy", "ledger"),
        ({"service": " led\nger "}, "deploy", "led ger"),
        ({}, "deploy:ledger", "ledger"),
        ("", "deploy:ledger", "ledger"),
        ({"service": "ledger"}, "deploy:other", "ledger"),
        ({"service": 7}, "deploy", None),
        ("not JSON", "deploy", None),
        ("[" * 100_000, "deploy", None),
        (None, "deploy", None),
        ({}, "deploy:", None),
        ({}, None, None),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_deployment_may_name_its_service(payload: object, task: object, service: str | None) -> None:
    """By ``payload.service``, as an object or as JSON in a string, or by its task."""
    change = {"payload": payload, "task": task}
    assert deploy(change=lambda whole: whole["deployment"].update(change)).service == service


def test_the_link_of_a_deployment_is_its_run_or_else_its_log() -> None:
    """Outside of GitHub Actions only the log's address is told; an address no browser opens is dropped."""

    def elsewhere(log: str, target: str) -> Change:
        def change(payload: dict[str, Any]) -> None:
            payload["workflow_run"] = None
            payload["deployment_status"].update(log_url=log, target_url=target)

        return change

    ci = "https://ci.example.com/job/7"
    assert deploy().url == "https://github.com/acme/checkout/actions/runs/17300991"
    assert deploy(change=elsewhere(ci, "")).url == ci
    assert deploy(change=elsewhere("", ci)).url == ci
    assert deploy(change=elsewhere("javascript:alert(1)", ci)).url == ci
    assert deploy(change=elsewhere("https://deployer:hunter2@ci.example.com/", "")).url is None
    assert deploy(change=elsewhere("https://", "https://ci.example.com/a b")).url is None
    assert deploy(change=elsewhere("https://[broken", "ftp://ci.example.com/")).url is None


def test_a_person_stands_before_the_bot_that_deployed_for_them() -> None:
    """Actions deploy as a bot; whoever started the run is the one to ask."""

    def by_ana(payload: dict[str, Any]) -> None:
        payload["deployment"]["creator"] = {"login": "ana", "type": "User"}

    def by_nobody(payload: dict[str, Any]) -> None:
        payload["workflow_run"] = None

    assert deploy().creator == Human(login="chi")
    assert deploy(change=by_ana).creator == Human(login="ana")
    assert deploy(change=by_nobody).creator == Human(login="github-actions[bot]", bot=True)


def test_a_bare_deployment_of_years_ago_is_still_one() -> None:
    """Only a commit, a place and a time are needed; what was not sent is not claimed."""

    def age(payload: dict[str, Any]) -> None:
        payload.clear()
        payload["repository"] = {"full_name": "acme/checkout"}
        payload["deployment"] = {"id": 1, "sha": RETRY, "environment": "staging"}
        payload["deployment_status"] = {"state": "success", "updated_at": "2019-05-15T17:20:55+02:00"}

    when = datetime(2019, 5, 15, 15, 20, 55, tzinfo=UTC)
    assert told("deployment_status", age) == [
        DeployReported(
            source="github",
            external_id="1",
            repo="acme/checkout",
            environment="staging",
            sha=RETRY,
            status=DeployStatus.SUCCEEDED,
            began_at=when,
            at=when,
        )
    ]


def test_a_finished_workflow_is_a_check() -> None:
    """Its name, verdict and commit, and whom to tell: the author, not the merger who pushed it."""
    assert told("workflow_run") == [
        CheckFinished(
            repo="acme/checkout",
            sha=RETRY,
            name="CI",
            status=CheckStatus.FAILED,
            main=True,
            run=2207002,
            at=at(10, 4, 40),
            url="https://github.com/acme/checkout/actions/runs/17300990",
            author=Human(name="Ana Duarte", email="ana@example.com"),
            title="Retry payments (#812)",
        ),
        RunEnded(repo="acme/checkout", run=17300990, attempt=2, cancelled=False, at=at(10, 4, 40)),
    ]


@pytest.mark.parametrize("conclusion", ["success", "failure", "cancelled", "perplexed"])
def test_a_run_that_ended_is_over_however_it_went(conclusion: str) -> None:
    """Nothing waits in it any more, also where it ended in a way we do not know, or ran on no commit we know."""

    def change(payload: dict[str, Any]) -> None:
        payload["workflow_run"].update(conclusion=conclusion, head_sha=None, run_attempt=3)

    [found] = told("workflow_run", change)
    assert found == RunEnded(
        repo="acme/checkout", run=17300990, attempt=3, cancelled=conclusion == "cancelled", at=at(10, 4, 40)
    )


def test_a_run_without_a_number_is_a_check_all_the_same() -> None:
    """Nobody could have waited in it."""
    [found] = told("workflow_run", lambda payload: payload["workflow_run"].pop("id"))
    assert isinstance(found, CheckFinished)


def test_a_run_that_begins_is_not_over() -> None:
    """Neither one that is asked for, nor one under way."""
    assert told("workflow_run", lambda payload: payload.update(action="in_progress")) == []


def test_a_first_attempt_may_go_without_its_number() -> None:
    """Events of long ago had none."""
    assert over(lambda payload: payload["workflow_run"].pop("run_attempt")).attempt == 1


# Runs that wait


CALLBACK = "https://api.github.com/repos/acme/checkout/actions/runs/17300991/deployment_protection_rule"


def test_a_run_that_waits_asks_whether_it_may_enter() -> None:
    """Which run and environment, as GitHub names them, of which commit, and who pressed the button."""
    assert told("deployment_protection_rule") == [
        GateRequested(
            repo="acme/checkout",
            run=17300991,
            environment="production",
            sha=RETRY,
            callback_url=CALLBACK,
            requested_by=Human(login="chi"),
            at=at(10, 2),
        )
    ]


def test_a_waiting_run_is_answered_before_the_news() -> None:
    """It stands still meanwhile; everything else GitHub tells is news. A header's name has no case."""
    assert lane({"x-github-event": "deployment_protection_rule"}) is Lane.URGENT
    assert {lane({"X-GitHub-Event": event}) for event in set(TRANSLATORS) - {"deployment_protection_rule"}} == {
        Lane.FEED
    }


@pytest.mark.parametrize(
    ("event", "sender", "asked"),
    [
        ("workflow_dispatch", {"login": "chi", "type": "User"}, Human(login="chi")),
        ("release", {"login": "chi", "type": "User"}, Human(login="chi")),
        (None, {"login": "chi", "type": "User"}, Human(login="chi")),
        ("workflow_dispatch", {"login": "deploy[bot]", "type": "Bot"}, Human(login="deploy[bot]", bot=True)),
        ("workflow_dispatch", None, Human()),
        ("push", None, None),
        ("push", {"login": "deploy[bot]", "type": "Bot"}, None),
        ("push", {"login": "chi", "type": "User"}, None),
        ("schedule", {"login": "chi", "type": "User"}, None),
        ("merge_group", {"login": "chi", "type": "User"}, None),
    ],
)
def test_whoever_merged_did_not_ask_for_it(event: object, sender: object, asked: Human | None) -> None:
    """They may approve what others wrote; who started it by hand may not, and a bot, or nobody's name, hides who."""
    assert requested(lambda payload: payload.update(event=event, sender=sender)).requested_by == asked


def test_a_request_without_a_deployment_is_one_all_the_same() -> None:
    """GitHub's description allows null there; the time is then the repository's."""

    def change(payload: dict[str, Any]) -> None:
        payload["deployment"] = None
        payload["repository"]["pushed_at"] = "2026-11-20T09:58:01Z"

    assert requested(change).at == at(9, 58, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"action": "cancelled"},
        {"environment": None, "deployment": None},
        {"sha": None, "deployment": {"created_at": "2026-11-20T10:02:00Z"}},
        {"repository": {"full_name": "<!channel>"}},
        {"deployment_callback_url": None},
        {"deployment_callback_url": "https://api.github.com/repos/acme/checkout/actions/runs/17300991"},
        {"deployment_callback_url": CALLBACK.replace("17300991", "0")},
        {"deployment_callback_url": CALLBACK.replace("17300991", "9" * 19)},
        {"deployment_callback_url": f"{CALLBACK}?x=1"},
        {"deployment_callback_url": CALLBACK.replace("/actions", "/../actions")},
        {"deployment_callback_url": f"javascript:{CALLBACK}"},
    ],
)
def test_what_is_no_request_is_not_told(change: dict[str, object]) -> None:
    """Without a run nobody could be answered."""
    assert told("deployment_protection_rule", lambda payload: payload.update(change)) == []


# Whose promotion a deployment is


@pytest.mark.parametrize(
    ("payload", "promotion"),
    [
        ({"shipmate": {"promotion": 12}}, 12),
        ('{"shipmate": {"promotion": 12}}', 12),
        ({"shipmate": {"promotion": "12"}}, None),
        ({"shipmate": {"promotion": -1}}, None),
        ({"shipmate": {"promotion": 2**31}}, None),
        ({"shipmate": {"promotion": True}}, None),
        ({"shipmate": 12}, None),
        ("[" * 100_000, None),
        ("", None),
        (None, None),
    ],
    ids=lambda value: repr(value)[:32],
)
@pytest.mark.parametrize("event", ["deployment", "deployment_status"])
def test_a_deployment_may_carry_our_promotion(event: str, payload: object, promotion: int | None) -> None:
    """As we put it there: an object, or what GitHub made of it."""
    assert deploy(event, lambda found: found["deployment"].update(payload=payload)).promotion == promotion


@pytest.mark.parametrize(
    ("log", "run"),
    [
        ("https://github.com/acme/checkout/actions/runs/17300991/job/5", 17300991),
        ("https://github.com/acme/checkout/actions/runs/17300991", 17300991),
        ("https://ci.example.com/17300991", None),
        (f"https://github.com/acme/checkout/actions/runs/{'9' * 19}", None),
        (None, None),
    ],
)
def test_a_deployment_without_its_run_is_known_by_its_log(log: str | None, run: int | None) -> None:
    """GitHub's description makes the run optional."""

    def change(payload: dict[str, Any]) -> None:
        payload["workflow_run"] = None
        payload["deployment_status"].update(log_url=log, target_url=None)

    assert deploy(change=change).run == run
    assert deploy().run == 17300991


@pytest.mark.parametrize("event", ["workflow_run", "check_suite"])
@pytest.mark.parametrize(
    ("conclusion", "status"),
    [
        ("success", CheckStatus.PASSED),
        ("neutral", CheckStatus.PASSED),
        ("failure", CheckStatus.FAILED),
        ("timed_out", CheckStatus.FAILED),
        ("startup_failure", CheckStatus.FAILED),
        ("action_required", CheckStatus.CANCELLED),
        ("cancelled", CheckStatus.CANCELLED),
        ("skipped", CheckStatus.CANCELLED),
        ("stale", CheckStatus.CANCELLED),
    ],
)
def test_every_conclusion_has_a_meaning(event: str, conclusion: str, status: CheckStatus) -> None:
    """Nine of GitHub's; a check that was skipped says nothing about the commit."""
    assert finished(event, lambda payload: payload[event].update(conclusion=conclusion)).status is status


@pytest.mark.parametrize("event", ["workflow_run", "check_suite"])
def test_a_check_that_has_not_ended_is_not_told(event: str) -> None:
    """Neither one that is requested, nor one that ended without saying how."""
    assert told(event, lambda payload: payload.update(action="requested")) == []
    assert told(event, lambda payload: payload[event].update(conclusion=None)) == []


@pytest.mark.parametrize(
    ("change", "main"),
    [
        ({}, True),
        ({"event": "schedule"}, True),
        ({"event": "workflow_dispatch"}, True),
        ({"event": "pull_request"}, False),
        ({"event": "pull_request_target"}, False),
        ({"head_branch": "retry"}, False),
        ({"head_branch": None}, False),
        ({"head_repository": {"full_name": "stranger/checkout"}}, False),
        ({"head_repository": None}, True),
    ],
)
def test_a_run_is_mains_only_where_main_itself_was_built(change: dict[str, object], main: bool) -> None:
    """A pull request from a fork's own ``main`` is somebody's work, not our main branch."""
    assert finished(change=lambda payload: payload["workflow_run"].update(change)).main is main


def test_a_later_attempt_outranks_and_a_later_run_outranks_that() -> None:
    """The highest number is the present verdict."""
    runs = [(1, 1), (1, 2), (1, 5000), (2, 1), (2, None), (2, 2)]
    orders = [
        finished(
            change=lambda payload, run=run, attempt=attempt: payload["workflow_run"].update(  # type: ignore[misc]
                run_number=run, run_attempt=attempt
            )
        ).run
        for run, attempt in runs
    ]
    assert orders == sorted(orders)
    assert orders[3] == orders[4]
    assert len(set(orders)) == len(orders) - 1


@pytest.mark.parametrize(
    ("change", "login"),
    [
        ({}, None),
        ({"head_commit": {"author": {"name": "Chi", "email": "chi@example.com"}}}, None),
        ({"committer": "chi@example.com"}, "chi"),
        ({"committer": "chi@example.com", "actor": {"login": "x[bot]"}}, None),
        ({"committer": "chi@example.com", "event": "schedule"}, None),
        ({"committer": "noreply@github.com"}, None),
    ],
)
def test_the_pusher_is_the_author_only_of_their_own_commit(change: dict[str, Any], login: str | None) -> None:
    """A merger must not be told "your build is red" in the author's stead."""

    def apply(payload: dict[str, Any]) -> None:
        run = payload["workflow_run"]
        committer = change.get("committer")
        if committer:
            run["head_commit"]["author"] = {"name": "Chi", "email": "chi@example.com"}
            run["head_commit"]["committer"] = {"name": "Chi", "email": committer}
        run.update({key: value for key, value in change.items() if key != "committer"})

    author = finished(change=apply).author
    assert author is not None
    assert author.login == login


def test_another_apps_checks_are_told_together() -> None:
    """A suite has no page of its own: the link leads to the commit's checks."""
    assert told("check_suite") == [
        CheckFinished(
            repo="acme/checkout",
            sha=RETRY,
            name="circleci-checks",
            status=CheckStatus.PASSED,
            main=True,
            run=int(at(10, 1, 30).timestamp()),
            at=at(10, 1, 30),
            url=f"https://github.com/acme/checkout/commit/{RETRY}/checks",
            author=Human(name="Ana Duarte", email="ana@example.com"),
            title="Retry payments (#812)",
        )
    ]


@pytest.mark.parametrize("app", [{"slug": "github-actions"}, {"name": "GitHub Actions"}, {}, None])
def test_actions_is_heard_once(app: object) -> None:
    """``workflow_run`` speaks for it already; an app without a name cannot be told apart."""
    assert told("check_suite", lambda payload: payload["check_suite"].update(app=app)) == []


def test_a_suite_of_a_pull_request_is_not_mains() -> None:
    """Though its branch has the name."""
    assert finished("check_suite").main
    assert not finished(
        "check_suite", lambda payload: payload["check_suite"].update(pull_requests=[{"number": 1}])
    ).main


def test_one_check_is_told_by_its_name_and_outweighed_by_a_whole_of_that_name() -> None:
    """A job called as its workflow may pass while another job fails: the workflow's verdict stands."""
    check = {
        "id": 901, "name": "e2e", "head_sha": RETRY, "conclusion": "failure", "completed_at": "2026-03-02T10:02:00Z",
        "details_url": "https://ci.example.com/901",
    }  # fmt: skip
    body = {"action": "completed", "check_run": check, "repository": {"full_name": "acme/checkout"}}
    headers = {"X-GitHub-Event": "check_run"}
    (event,) = translate(headers, json.dumps(body).encode())
    assert isinstance(event, CheckFinished)
    assert (event.name, event.status, event.main, event.url) == (
        "e2e", CheckStatus.FAILED, False, "https://ci.example.com/901",
    )  # fmt: skip
    check["id"] = 902
    (later,) = translate(headers, json.dumps(body).encode())
    assert isinstance(later, CheckFinished)
    assert event.run < later.run < finished("workflow_run").run
    for change in ({"name": None}, {"conclusion": None}, {"head_sha": "x"}, {"id": "x"}):
        assert translate(headers, json.dumps(body | {"check_run": check | change}).encode()) == []
    assert translate(headers, json.dumps(body | {"action": "created"}).encode()) == []


def test_a_published_release_is_told_once() -> None:
    """``released`` follows ``published`` for the same release."""
    release = ReleasePublished(
        repo="acme/checkout",
        tag="v2.14.0",
        name="2.14: payments that try again",
        url="https://github.com/acme/checkout/releases/tag/v2.14.0",
        at=at(10, 10),
    )
    assert told("release") == [release]
    assert told("release", lambda payload: payload.update(action="released")) == []
    assert told("release", lambda payload: payload["release"].update(draft=True)) == []


def test_a_release_without_a_name_is_called_by_its_tag() -> None:
    """And without an address it is found where releases are."""
    [found] = told("release", lambda payload: payload["release"].update(name=None, html_url=None, tag_name="v 2"))
    assert isinstance(found, ReleasePublished)
    assert (found.name, found.url) == ("v 2", "https://github.com/acme/checkout/releases/tag/v%202")


@pytest.mark.parametrize("event", ["ping", "watch", "workflow_job", "deployment_review", "unheard_of"])
def test_everything_else_is_accepted_and_means_nothing(event: str) -> None:
    """By name, so that a hook set to send everything works."""
    assert translate({"X-GitHub-Event": event}, (FIXTURES / "ping.json").read_bytes()) == []


def test_what_no_database_stores_is_cleaned() -> None:
    """NUL and lone surrogates would park the delivery; line breaks would forge lines in a message."""
    title = merged(
        lambda payload: payload["pull_request"].update(title="Re\x00try \ud83d pay\r\n\u2028ments  now")
    ).title
    assert title == "Retry \ufffd pay ments now"


def test_a_title_of_any_length_is_cut() -> None:
    """GitHub itself allows 256 characters."""
    assert len(merged(lambda payload: payload["pull_request"].update(title="x" * 100_000)).title) == 255


@pytest.mark.parametrize(
    "moment", ["yesterday", "", None, True, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", 1e300, -1, [], {}]
)
def test_a_date_that_is_none_is_as_good_as_missing(moment: object) -> None:
    """The next best time of the payload stands in."""
    found = deploy(change=lambda payload: payload["deployment_status"].update(created_at=moment))
    assert found.at == at(10, 5, 13)


def test_coauthors_are_everyone_named_by_a_trailer() -> None:
    """Wherever it stands and however it is written, each person once, tools known as such."""
    message = (
        "Retry (#812)\n\n* first\n\nCo-authored-by: Ben Okafor <ben@example.com>\n\n* second\n\n"
        "co-authored-by:Chi<583002+chi@users.noreply.github.com>\n"
        "  CO-AUTHORED-BY : Ben O. <BEN@example.com>  \r\n"
        "Co-authored-by: Chi Again <chi@users.noreply.github.com>\n"
        "Co-authored-by: Copilot <175728472+Copilot@users.noreply.github.com>\n"
        "Co-authored-by: Some Model <noreply@example.com>\n"
        "Co-authored-by: nobody\nCo-authored-by: <>\nCo-authored-by: Half <half@example.com\n"
        "Co-authored-by: <dee@example.com>\nSigned-off-by: Eve <eve@example.com>\n"
    )
    assert coauthors(message) == (
        Human(name="Ben Okafor", email="ben@example.com"),
        Human(login="chi", name="Chi", email="583002+chi@users.noreply.github.com"),
        Human(login="Copilot", name="Copilot", email="175728472+Copilot@users.noreply.github.com", bot=True),
        Human(name="Some Model", email="noreply@example.com", bot=True),
        Human(email="dee@example.com"),
    )


def test_a_signature_tells_a_login_only_by_githubs_own_addresses() -> None:
    """Another forge's noreply address names another forge's user."""
    assert signed_by("Ana", "1+ana@users.noreply.github.example.com").login == "ana"
    assert signed_by("Ana", "1-ana@users.noreply.gitlab.com").login is None
    assert signed_by("Ana", "x@evil.example/1+ana@users.noreply.github.com").login is None
    assert signed_by("Ana", "1+ana@users.noreply.github.com", "ana-renamed").login == "ana-renamed"


def test_an_account_that_hides_its_address_is_still_a_person() -> None:
    """A known login weighs more than an address nobody reads."""
    assert not signed_by("Ana", "noreply@example.com", "ana").bot
    assert signed_by("ci", "noreply@example.com").bot


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the folder of recorded payloads is not here")
def test_every_recorded_payload_is_understood() -> None:
    """Real deliveries of many years, some lacking what newer ones have; none may be parked."""
    files = sorted(RECORDED.rglob("*.json"))
    assert files
    spoken = {file.parent.name for file in files if translate({"X-GitHub-Event": file.parent.name}, file.read_bytes())}
    assert {"push", "deployment", "deployment_status", "workflow_run", "check_suite", "release"} <= spoken
    assert spoken <= set(TRANSLATORS)
