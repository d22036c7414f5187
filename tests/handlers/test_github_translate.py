"""GitHub's events in our words: changes, releases, and what old, partial and strange events give."""

from __future__ import annotations

from typing import Any

import pytest

from bot.events import (
    ChangeMerged,
    Commit,
    CommitsPushed,
    Human,
    MergedPull,
    ReleasePublished,
    coauthors,
    signed_by,
)
from handlers.webhooks.github import TRANSLATORS, translate
from tests.handlers.github_told import (
    ANA,
    BUMP,
    FIXTURES,
    RECORDED,
    RETRY,
    Change,
    at,
    deploy,
    finished,
    merged,
    pushed,
    told,
)


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
