"""GitHub's webhooks: signed with HMAC-SHA256, named by a GUID that a redelivery keeps, sent as JSON or as a form.

GitHub sends each delivery once, in no order, and waits ten seconds for the answer. Translation is pure: no clock, no
network; what a payload does not say is left for the forge to be asked. Links are kept only where a browser can follow
them. Events that mean nothing here are accepted and give nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, quote

from bot.events import (
    ChangeMerged,
    CheckFinished,
    CheckStatus,
    Commit,
    CommitsPushed,
    DeployReported,
    DeployStatus,
    Event,
    Human,
    MergedPull,
    ReleasePublished,
    coauthors,
    signed_by,
)
from bot.inbox import Lane
from handlers.webhooks.payload import TEXT_LIMIT, Fields, decode_object, one_line, storable
from handlers.webhooks.signatures import verify_sha256
from handlers.webhooks.source import Headers, Malformed, Source, header

SIGNATURE = "X-Hub-Signature-256"
EVENT = "X-GitHub-Event"
DELIVERY = "X-GitHub-Delivery"
KEPT = (
    EVENT,
    DELIVERY,
    "X-GitHub-Hook-ID",
    "X-GitHub-Hook-Installation-Target-Type",
    "X-GitHub-Hook-Installation-Target-ID",
    "Content-Type",
)
"""Headers stored with a delivery: what it is, which hook sent it, and how its body is to be read."""

MAIN_RUNS = frozenset({"push", "schedule", "workflow_dispatch"})
"""What starts a workflow for the default branch itself; a pull request's run may carry its fork's ``main``."""

ATTEMPTS = 1000
"""Room for re-runs of one workflow run in the number that orders them (GitHub allows about fifty)."""

_EVENT_NAME = re.compile(r"[a-z0-9_]{1,64}", re.IGNORECASE)
_DELIVERY_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_COMMIT = re.compile(r"(?!0+$)[0-9a-f]{7,64}")
_REVERTS = re.compile(r"^[ \t]*reverts[ \t]+([\w.-]+/[\w.-]+)?#([0-9]{1,9})\b", re.IGNORECASE | re.MULTILINE)
_REVERT_TITLE = re.compile(r"""revert\s+["“].*\(#([0-9]{1,9})\)["”]""", re.IGNORECASE)
_DEPLOY_TASK = re.compile(r"deploy:(.+)", re.IGNORECASE)

_DEPLOY_STATES: Mapping[str, DeployStatus] = {
    "pending": DeployStatus.PENDING,
    "queued": DeployStatus.PENDING,
    "waiting": DeployStatus.PENDING,
    "in_progress": DeployStatus.IN_PROGRESS,
    "success": DeployStatus.SUCCEEDED,
    "failure": DeployStatus.FAILED,
    "error": DeployStatus.FAILED,
}
"""``inactive`` is not among them: it says that a newer deployment took over, not how this one went."""

_CONCLUSIONS: Mapping[str, CheckStatus] = {
    "success": CheckStatus.PASSED,
    "neutral": CheckStatus.PASSED,
    "failure": CheckStatus.FAILED,
    "timed_out": CheckStatus.FAILED,
    "startup_failure": CheckStatus.FAILED,
    "action_required": CheckStatus.CANCELLED,  # it waits for somebody's leave to run: the commit is not to blame
    "cancelled": CheckStatus.CANCELLED,
    "skipped": CheckStatus.CANCELLED,
    "stale": CheckStatus.CANCELLED,
}


def verify(headers: Headers, body: bytes, secret: str) -> None:
    """Unauthorised unless the raw body carries its HMAC-SHA256 under the hook's secret."""
    verify_sha256(headers, body, secret, name=SIGNATURE, setting="GITHUB_WEBHOOK_SECRET")


def delivery_id(headers: Headers, body: bytes) -> str:
    """GitHub's GUID of the delivery; Malformed without one."""
    found = header(headers, DELIVERY)
    if found is None or _DELIVERY_ID.fullmatch(found) is None:
        raise Malformed(f"The header {DELIVERY} is missing or no delivery's id.", "GitHub sends a GUID there.")
    return found


def check(headers: Headers, body: bytes) -> None:
    """Malformed unless the event is named and the body holds one JSON object."""
    _event_name(headers)
    _decode(headers, body)


def keep(headers: Headers) -> dict[str, str]:
    """The headers worth storing, under GitHub's own spelling."""
    return {name: storable(value) for name in KEPT if (value := header(headers, name)) is not None}


def lane(headers: Headers) -> Lane:
    """Everything GitHub tells is news; nobody is waiting at a button for it."""
    return Lane.FEED


def translate(headers: Headers, body: bytes) -> list[Event]:
    """What happened, in our words; nothing for events without interest. Malformed where ``check`` would be."""
    translator = TRANSLATORS.get(_event_name(headers))
    return translator(_decode(headers, body)) if translator else []


def pull_request(payload: Fields) -> list[Event]:
    """A pull request that was closed by merging it."""
    pull = payload.fields("pull_request")
    repo, number, sha = _repository(payload), pull.count("number"), _sha(pull, "merge_commit_sha")
    at = pull.moment("merged_at", "closed_at", "updated_at")
    if payload.raw("action") != "closed" or pull.flag("merged") is not True:
        return []
    if repo is None or number is None or sha is None or at is None:
        return []
    title = pull.word("title") or f"Pull request {number}"
    merged = MergedPull(
        number=number,
        sha=sha,
        title=title,
        url=pull.link("html_url") or f"{_home(payload, repo)}/pull/{number}",
        # GitHub shows the work of a deleted account as that of its user "ghost".
        author=_account(pull.fields("user")) or Human(name="ghost"),
        merger=_account(pull.fields("merged_by")),
        labels=tuple(name for label in pull.each("labels") if (name := label.word("name"))),
        additions=pull.count("additions"),
        deletions=pull.count("deletions"),
        base=pull.fields("base").word("ref"),
        merged_at=at,
        reverts=_reverts(repo, title, pull.prose("body") or ""),
    )
    return [ChangeMerged(repo=repo, pull=merged, at=at)]


def push(payload: Fields) -> list[Event]:
    """Commits that arrived on the default branch; other branches, tags and deletions are not told."""
    repo, branch = _repository(payload), _default_branch(payload)
    if repo is None or branch is None or payload.flag("deleted") is True:
        return []
    if payload.word("ref") != f"refs/heads/{branch}":
        return []
    commits = tuple(commit for piece in payload.each("commits") if (commit := _commit(piece)))
    # Seconds since 1970 in this event, unlike in every other.
    at = payload.fields("repository").moment("pushed_at") or payload.fields("head_commit").moment("timestamp")
    at = at or next((commit.at for commit in reversed(commits) if commit.at), None)
    if not commits or at is None:
        return []
    return [CommitsPushed(repo=repo, commits=commits, at=at)]


def deployment(payload: Fields) -> list[Event]:
    """A deployment was announced."""
    return _deploy(payload, Fields(None), DeployStatus.PENDING)


def deployment_status(payload: Fields) -> list[Event]:
    """A deployment moved on."""
    status = payload.fields("deployment_status")
    state = _DEPLOY_STATES.get(status.word("state") or "")
    return _deploy(payload, status, state) if state else []


def workflow_run(payload: Fields) -> list[Event]:
    """A workflow of GitHub Actions ended."""
    run = payload.fields("workflow_run")
    repo, sha, number = _repository(payload), _sha(run, "head_sha"), run.count("run_number") or 0
    name = run.word("name") or payload.fields("workflow").word("name")
    status = _CONCLUSIONS.get(run.word("conclusion") or "")
    at = run.moment("updated_at", "run_started_at", "created_at")
    if payload.raw("action") != "completed" or repo is None or sha is None:
        return []
    if name is None or status is None or at is None:
        return []
    head, branch, home = run.fields("head_commit"), run.word("head_branch"), _repository_of(run, "head_repository")
    finished = CheckFinished(
        repo=repo,
        sha=sha,
        name=name,
        status=status,
        main=run.word("event") in MAIN_RUNS
        and branch is not None
        and branch == _default_branch(payload)
        and home in (None, repo),
        run=number * ATTEMPTS + min(run.count("run_attempt") or 1, ATTEMPTS - 1),
        at=at,
        url=run.link("html_url"),
        author=_runs_author(run),
        title=_first_line(head),
    )
    return [finished]


def check_suite(payload: Fields) -> list[Event]:
    """Another app's checks ended; GitHub Actions speaks for itself in ``workflow_run``."""
    suite = payload.fields("check_suite")
    app = suite.fields("app")
    repo, sha, name = _repository(payload), _sha(suite, "head_sha"), app.word("slug") or app.word("name")
    status = _CONCLUSIONS.get(suite.word("conclusion") or "")
    at = suite.moment("updated_at", "created_at")
    if payload.raw("action") != "completed" or repo is None or sha is None:
        return []
    if name is None or status is None or at is None or name.casefold() in ("github-actions", "github actions"):
        return []
    head, branch = suite.fields("head_commit"), suite.word("head_branch")
    finished = CheckFinished(
        repo=repo,
        sha=sha,
        name=name,
        status=status,
        main=branch is not None and branch == _default_branch(payload) and not suite.array("pull_requests"),
        # A suite keeps its id when it is asked for again; only its time tells the verdicts apart.
        run=int(at.timestamp()),
        at=at,
        url=f"{_home(payload, repo)}/commit/{sha}/checks",
        author=_signature(head.fields("author")),
        title=_first_line(head),
    )
    return [finished]


def release(payload: Fields) -> list[Event]:
    """A release was published (``released`` follows at once for the same one, and is not told again)."""
    body = payload.fields("release")
    repo, tag, at = _repository(payload), body.word("tag_name"), body.moment("published_at", "created_at")
    if payload.raw("action") != "published" or body.flag("draft") is True:
        return []
    if repo is None or tag is None or at is None:
        return []
    url = body.link("html_url") or f"{_home(payload, repo)}/releases/tag/{quote(tag)}"
    return [ReleasePublished(repo=repo, tag=tag, name=body.word("name") or tag, url=url, at=at)]


def ping(payload: Fields) -> list[Event]:
    """GitHub's greeting when a hook is made: it proves that the secret fits, and nothing happened."""
    return []


TRANSLATORS: Mapping[str, Callable[[Fields], list[Event]]] = {
    "push": push,
    "pull_request": pull_request,
    "deployment": deployment,
    "deployment_status": deployment_status,
    "workflow_run": workflow_run,
    "check_suite": check_suite,
    "release": release,
    "ping": ping,
}

SOURCE = Source(
    verify=verify,
    check=check,
    delivery_id=delivery_id,
    keep=keep,
    translate=translate,
    lane=lane,
)


def _event_name(headers: Headers) -> str:
    name = header(headers, EVENT)
    if name is None or _EVENT_NAME.fullmatch(name) is None:
        raise Malformed(f"The header {EVENT} is missing or no event's name.", "GitHub sends push, for one.")
    return name.casefold()


def _decode(headers: Headers, body: bytes) -> Fields:
    kind = (header(headers, "Content-Type") or "application/json").partition(";")[0].strip().casefold()
    if kind == "application/json" or kind.endswith("+json"):
        return decode_object(body)
    if kind != "application/x-www-form-urlencoded":
        raise Malformed(
            "The content type is not one that GitHub sends.",
            "Choose application/json (or application/x-www-form-urlencoded) in the webhook's settings.",
        )
    try:
        form = parse_qs(body.decode("ascii"), max_num_fields=16, keep_blank_values=True)
    except ValueError:
        form = {}
    payloads = form.get("payload", [])
    if len(payloads) != 1:
        raise Malformed("The form has no field payload.", "GitHub sends payload=<JSON>.")
    return decode_object(payloads[0])


def _repository(payload: Fields) -> str | None:
    return _repository_of(payload, "repository")


def _repository_of(piece: Fields, key: str) -> str | None:
    name = piece.fields(key).word("full_name")
    return name if name and _REPOSITORY.fullmatch(name) else None


def _home(payload: Fields, repo: str) -> str:
    """Where the repository is read in a browser; on an Enterprise server only the payload knows."""
    return payload.fields("repository").link("html_url") or f"https://github.com/{repo}"


def _default_branch(payload: Fields) -> str | None:
    repository = payload.fields("repository")
    return repository.word("default_branch") or repository.word("master_branch")


def _sha(piece: Fields, key: str) -> str | None:
    found = (piece.word(key) or "").casefold()
    return found if _COMMIT.fullmatch(found) else None


def _account(user: Fields) -> Human | None:
    login = user.word("login")
    if login is None:
        return None
    return Human(login=login, bot=user.raw("type") == "Bot" or login.casefold().endswith("[bot]"))


def _signature(signature: Fields) -> Human | None:
    """The author or committer of a commit; None where neither name, address nor login is told."""
    name, email, login = signature.word("name"), signature.word("email"), signature.word("username")
    return signed_by(name, email, login) if name or email or login else None


def _commit(piece: Fields) -> Commit | None:
    sha = _sha(piece, "id")
    if sha is None:
        return None
    message = piece.prose("message") or ""
    author = _signature(piece.fields("author")) or Human(name="unknown")
    return Commit(
        sha=sha,
        message=message[:TEXT_LIMIT],
        author=author,
        # Read before the message is cut: trailers stand at its end.
        coauthors=tuple(other for other in coauthors(message) if not _same(other, author)),
        url=piece.link("url"),
        at=piece.moment("timestamp"),
        paths=_paths(piece),
    )


def _same(one: Human, other: Human) -> bool:
    """Whether two signatures are one person's: the same login, or the same address where a login is missing."""
    if one.login and other.login:
        return one.login.casefold() == other.login.casefold()
    return bool(one.email and other.email) and (one.email or "").casefold() == (other.email or "").casefold()


def _paths(piece: Fields) -> tuple[str, ...] | None:
    kinds = [key for key in ("added", "removed", "modified") if isinstance(piece.raw(key), list)]
    if not kinds:
        return None
    return tuple(sorted({storable(path) for key in kinds for path in piece.array(key) if isinstance(path, str)}))


def _first_line(commit: Fields) -> str | None:
    return one_line((commit.prose("message") or "").partition("\n")[0])


def _reverts(repo: str, title: str, body: str) -> int | None:
    """The pull request of this repository that this one takes back, by GitHub's own words in its body or title."""
    for found in _REVERTS.finditer(body):
        where, number = found.groups()
        if where is None or where.casefold() == repo.casefold():
            return int(number)
    quoted = _REVERT_TITLE.match(title)
    return int(quoted.group(1)) if quoted else None


def _runs_author(run: Fields) -> Human | None:
    """Who wrote the commit a workflow ran for.

    The run's actor is whoever pushed or merged. It lends its login only where author and committer are one and the
    same, so that the merger of somebody's work is not taken for its author.
    """
    head = run.fields("head_commit")
    author, committer = _signature(head.fields("author")), _signature(head.fields("committer"))
    actor = _account(run.fields("actor"))
    if author is None or author.login or author.bot or actor is None or actor.bot or run.word("event") != "push":
        return author
    if committer is None or not author.email or committer.email != author.email:
        return author
    return Human(login=actor.login, name=author.name, email=author.email)


def _deploy(payload: Fields, status: Fields, state: DeployStatus) -> list[Event]:
    deployment = payload.fields("deployment")
    repo, number, sha = _repository(payload), deployment.count("id", limit=2**63 - 1), _sha(deployment, "sha")
    environment = deployment.word("environment") or status.word("environment")
    at = status.moment("created_at", "updated_at") or deployment.moment("created_at", "updated_at")
    began_at = deployment.moment("created_at") or at
    if repo is None or number is None or sha is None or environment is None or at is None or began_at is None:
        return []
    # A preview environment for every pull request would drown the channel.
    if deployment.flag("transient_environment") is True:
        return []
    run = payload.fields("workflow_run")
    creator = _account(deployment.fields("creator"))
    if creator is None or creator.bot:
        person = _account(run.fields("triggering_actor")) or _account(run.fields("actor"))
        creator = person if person and not person.bot else creator
    description = status.prose("description") or deployment.prose("description")
    return [
        DeployReported(
            source="github",
            external_id=str(number),
            repo=repo,
            service=_service(deployment),
            environment=environment,
            sha=sha,
            ref=deployment.word("ref"),
            status=state,
            began_at=began_at,
            at=at,
            url=run.link("html_url") or status.link("log_url", "target_url"),
            description=description[:TEXT_LIMIT] if description else None,
            creator=creator,
            final=deployment.flag("production_environment"),
        )
    ]


def _service(deployment: Fields) -> str | None:
    """The service its maker named: in ``payload.service``, or as the task ``deploy:<service>``."""
    payload = deployment.raw("payload")
    if isinstance(payload, str):
        try:
            named = decode_object(payload)
        except Malformed:
            named = Fields(None)
    else:
        named = Fields(payload)
    task = _DEPLOY_TASK.fullmatch(deployment.word("task") or "")
    return named.word("service") or (one_line(task.group(1)) if task else None)
