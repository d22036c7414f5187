"""GitHub's REST JSON into our facts. Pure; told as the webhooks tell the same things.

Deployments carry the same (source, external id, attempt) as the webhooks', so a rollout that was seen twice is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.adapters.reading import flag, instant, items, line, link, piece, text, whole
from bot.events import Commit, DeployReported, DeployStatus, Human, MergedPull, coauthors, signed_by

DEPLOY_STATES: Mapping[str, DeployStatus] = {
    "pending": DeployStatus.PENDING,
    "queued": DeployStatus.PENDING,
    "waiting": DeployStatus.PENDING,
    "in_progress": DeployStatus.IN_PROGRESS,
    "success": DeployStatus.SUCCEEDED,
    "failure": DeployStatus.FAILED,
    "error": DeployStatus.FAILED,
}
"""``inactive`` is not among them: it says that a newer deployment took over, not how this one went."""

_TEXT_LIMIT = 10_000
_ID_LIMIT = 2**63 - 1
_COMMIT = re.compile(r"(?!0+$)[0-9a-f]{7,64}")
_RUN = re.compile(r"/actions/runs/([1-9][0-9]{0,17})(?![0-9])")
"""Where GitHub Actions says a rollout's log is."""
_DEPLOY_TASK = re.compile(r"deploy:(.+)", re.IGNORECASE)
_HINTS = (
    re.compile(r"Merge pull request #(\d{1,9}) from "),
    re.compile(r".*\(#(\d{1,9})\)\s*"),
)
"""How GitHub titles the commit of a merge, and of a squash. Anybody can write such a title."""
_REVERTS_PULL = re.compile(r"^[ \t]*reverts[ \t]+([\w.-]+/[\w.-]+)?#(\d{1,9})\b", re.IGNORECASE | re.MULTILINE)
_REVERTS_TITLE = re.compile(r"""revert\s+["“].*\(#(\d{1,9})\)["”]""", re.IGNORECASE)
_REVERTS_COMMIT = re.compile(r"this reverts commit ([0-9a-f]{7,64})\b", re.IGNORECASE)


@dataclass(frozen=True)
class RangeCommit:
    """A commit and the commits before it, the first of them on the branch it was made on."""

    commit: Commit
    parents: tuple[str, ...] = ()

    @property
    def sha(self) -> str:
        """The commit's id."""
        return self.commit.sha

    @property
    def merges(self) -> bool:
        """Whether it joins branches."""
        return len(self.parents) > 1

    @property
    def hint(self) -> int | None:
        """The pull request that its title claims to be."""
        title = self.commit.message.partition("\n")[0]
        found = next((match for pattern in _HINTS if (match := pattern.match(title))), None)
        return int(found.group(1)) if found else None


@dataclass(frozen=True)
class PullFacts:
    """A merged pull request as GitHub shows it, and what decides which commits are its own."""

    pull: MergedPull
    on_default: bool
    body: str


def commit(found: Mapping[str, Any]) -> RangeCommit | None:
    """One commit of a comparison or of its own page; None without a usable id."""
    identifier = sha(found, "sha")
    if identifier is None:
        return None
    inner = piece(found, "commit")
    message = text(inner, "message")
    author = _author(found, inner)
    return RangeCommit(
        Commit(
            sha=identifier,
            message=message[:_TEXT_LIMIT],
            author=author,
            # Read before the message is cut: trailers stand at its end.
            coauthors=without((author,), coauthors(message)),
            url=link(found, "html_url"),
            at=instant(piece(inner, "committer"), "date") or instant(piece(inner, "author"), "date"),
        ),
        tuple(parent for entry in items(found.get("parents")) if (parent := sha(entry, "sha"))),
    )


def pull(repo: str, found: Mapping[str, Any]) -> PullFacts | None:
    """A merged pull request of ``repo``, from its own page or a list (which tells no merger or size); else None."""
    number, merged_at, identifier = whole(found, "number"), instant(found, "merged_at"), sha(found, "merge_commit_sha")
    base = piece(found, "base")
    home = text(piece(base, "repo"), "full_name")
    if number is None or merged_at is None or identifier is None or (home and home.casefold() != repo.casefold()):
        return None
    title = line(found, "title") or f"Pull request {number}"
    branch = line(base, "ref")
    return PullFacts(
        MergedPull(
            number=number,
            sha=identifier,
            title=title,
            url=link(found, "html_url") or f"https://github.com/{repo}/pull/{number}",
            # GitHub shows the work of a deleted account as that of its user "ghost".
            author=account(piece(found, "user")) or Human(name="ghost"),
            merger=account(piece(found, "merged_by")),
            labels=tuple(name for label in items(found.get("labels")) if (name := line(label, "name"))),
            additions=whole(found, "additions"),
            deletions=whole(found, "deletions"),
            base=branch or None,
            merged_at=merged_at,
            reverts=_reverts(repo, title, text(found, "body")),
        ),
        on_default=bool(branch) and branch == line(piece(base, "repo"), "default_branch"),
        body=text(found, "body"),
    )


def reverted_commit(*messages: str) -> str | None:
    """The commit that one of these messages says it takes back (``git revert``'s own words)."""
    found = next((match for message in messages if (match := _REVERTS_COMMIT.search(message))), None)
    return found.group(1).casefold() if found else None


def file_names(files: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The paths touched, the old name of a moved file included."""
    names = {text(file, name) for file in files for name in ("filename", "previous_filename")}
    return tuple(sorted(name for name in names if name))


def deploy(repo: str, deployment: Mapping[str, Any], statuses: Iterable[Mapping[str, Any]]) -> DeployReported | None:
    """Where a deployment stands by its latest telling status; None for previews and what cannot be placed.

    A deployment without any status is pending. ``inactive`` is passed over for the status before it; where there is
    none, nothing is known of how it went.
    """
    number, identifier = whole(deployment, "id", limit=_ID_LIMIT), sha(deployment, "sha")
    environment, began_at = line(deployment, "environment"), instant(deployment, "created_at", "updated_at")
    if number is None or identifier is None or not environment or began_at is None:
        return None
    # A preview environment for every pull request would drown the channel.
    if flag(deployment, "transient_environment"):
        return None
    said = list(statuses)
    telling = [status for status in said if text(status, "state") in DEPLOY_STATES]
    if said and not telling:
        return None
    latest = max(telling, key=_age, default={})
    carried = _payload(deployment)
    ran = _RUN.search(link(latest, "log_url", "target_url") or "")
    description = (text(latest, "description") or text(deployment, "description")).strip()
    return DeployReported(
        source="github",
        external_id=str(number),
        repo=repo,
        service=_service(deployment, carried),
        environment=environment,
        sha=identifier,
        ref=line(deployment, "ref") or None,
        status=DEPLOY_STATES.get(text(latest, "state"), DeployStatus.PENDING),
        began_at=began_at,
        at=instant(latest, "created_at", "updated_at") or began_at,
        url=link(latest, "log_url", "target_url"),
        description=description[:_TEXT_LIMIT] or None,
        creator=account(piece(deployment, "creator")),
        final=flag(deployment, "production_environment"),
        promotion=promotion_of(deployment),
        run=int(ran.group(1)) if ran else None,
    )


def promotion_of(deployment: Mapping[str, Any]) -> int | None:
    """The promotion of ours whose number a deployment carries."""
    return whole(piece(_payload(deployment), "shipmate"), "promotion")


def account(user: Mapping[str, Any]) -> Human | None:
    """A GitHub account, or None where there is none."""
    login = line(user, "login")
    if not login:
        return None
    return Human(login=login, bot=text(user, "type") == "Bot" or login.casefold().endswith("[bot]"))


def without(known: Iterable[Human], others: Iterable[Human]) -> tuple[Human, ...]:
    """The others, once each, less those already known: by login or by address."""
    seen = {name for human in known for name in _names(human)}
    left = []
    for human in others:
        names = _names(human)
        if names and not names & seen:
            left.append(human)
        seen |= names
    return tuple(left)


def sha(found: Mapping[str, Any], name: str) -> str | None:
    """A commit's id in a field, in lower case, or None."""
    identifier = text(found, name).casefold()
    return identifier if _COMMIT.fullmatch(identifier) else None


def _author(found: Mapping[str, Any], inner: Mapping[str, Any]) -> Human:
    """Whoever wrote a commit: the account GitHub found for it, and the name and address in it."""
    signature, known = piece(inner, "author"), account(piece(found, "author"))
    name, email = line(signature, "name") or None, line(signature, "email") or None
    signed = signed_by(name, email, known.login if known else None)
    if known is not None and known.bot:
        return Human(login=known.login, name=name, email=email, bot=True)
    return signed if signed.login or name or email else Human(name="unknown")


def _names(human: Human) -> set[tuple[str, str]]:
    login = {("login", human.login.casefold())} if human.login else set()
    email = {("email", human.email.casefold())} if human.email else set()
    return login | email


def _reverts(repo: str, title: str, body: str) -> int | None:
    """The pull request of this repository that this one takes back, by GitHub's own words in its body or title."""
    for found in _REVERTS_PULL.finditer(body):
        where, number = found.groups()
        if where is None or where.casefold() == repo.casefold():
            return int(number)
    quoted = _REVERTS_TITLE.match(title)
    return int(quoted.group(1)) if quoted else None


def _age(status: Mapping[str, Any]) -> tuple[float, int]:
    at = instant(status, "created_at", "updated_at")
    return (at.timestamp() if at else 0.0, whole(status, "id", limit=_ID_LIMIT) or 0)


def _payload(deployment: Mapping[str, Any]) -> object:
    """What its maker put into it; GitHub gives it back as an object or as JSON in a text."""
    payload: object = deployment.get("payload")
    if not isinstance(payload, str):
        return payload
    try:
        found: object = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return found


def _service(deployment: Mapping[str, Any], carried: object) -> str | None:
    """The service its maker named: in ``payload.service``, or as the task ``deploy:<service>``."""
    task = _DEPLOY_TASK.fullmatch(line(deployment, "task"))
    return line(carried, "service") or (task.group(1).strip() if task else None) or None
