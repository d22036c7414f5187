"""What GitHub's payloads have in common: repositories, commits, accounts, signatures."""

from __future__ import annotations

import re

from bot.events import Human, signed_by
from handlers.webhooks.payload import Fields, one_line

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_COMMIT = re.compile(r"(?!0+$)[0-9a-f]{7,64}")


def repository(payload: Fields) -> str | None:
    """The repository an event is about, ``owner/name``."""
    return repository_of(payload, "repository")


def repository_of(piece: Fields, key: str) -> str | None:
    """The repository in a field, ``owner/name``; None where it is none."""
    name = piece.fields(key).word("full_name")
    return name if name and _REPOSITORY.fullmatch(name) else None


def home(payload: Fields, repo: str) -> str:
    """Where the repository is read in a browser; on an Enterprise server only the payload knows."""
    return payload.fields("repository").link("html_url") or f"https://github.com/{repo}"


def default_branch(payload: Fields) -> str | None:
    """The main branch; events of long ago call it otherwise."""
    repository = payload.fields("repository")
    return repository.word("default_branch") or repository.word("master_branch")


def commit_sha(piece: Fields, key: str) -> str | None:
    """A commit's id in a field, in lower case, or None."""
    found = (piece.word(key) or "").casefold()
    return found if _COMMIT.fullmatch(found) else None


def account(user: Fields) -> Human | None:
    """An account, or None where there is none."""
    login = user.word("login")
    if login is None:
        return None
    return Human(login=login, bot=user.raw("type") == "Bot" or login.casefold().endswith("[bot]"))


def signature(signature: Fields) -> Human | None:
    """The author or committer of a commit; None where neither name, address nor login is told."""
    name, email, login = signature.word("name"), signature.word("email"), signature.word("username")
    return signed_by(name, email, login) if name or email or login else None


def first_line(commit: Fields) -> str | None:
    """The title of a commit."""
    return one_line((commit.prose("message") or "").partition("\n")[0])
