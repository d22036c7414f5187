"""The addresses that GitHub writes into every account, organisation and repository, most of them as templates."""

from __future__ import annotations

from urllib.parse import urlsplit

from bot.sandbox.world import Json

_ACCOUNT = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_ORGANISATION = {
    "url": "",
    "repos_url": "/repos",
    "events_url": "/events",
    "hooks_url": "/hooks",
    "issues_url": "/issues",
    "members_url": "/members{/member}",
    "public_members_url": "/public_members{/member}",
}
_REPOSITORY = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}


def of_account(url: str) -> Json:
    """The addresses below an account's own."""
    return {name: url + path for name, path in _ACCOUNT.items()}


def of_organisation(url: str) -> Json:
    """An organisation's own address and those below it."""
    return {name: url + path for name, path in _ORGANISATION.items()}


def of_repository(url: str) -> Json:
    """The addresses below a repository's own."""
    return {name: url + path for name, path in _REPOSITORY.items()}


def of_clones(page: str) -> Json:
    """Where a repository is fetched from; ``page`` is the one people open."""
    address = urlsplit(page)
    path = address.path.lstrip("/")
    return {
        "git_url": f"git://{address.netloc}/{path}.git",
        "ssh_url": f"git@{address.hostname}:{path}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
    }
