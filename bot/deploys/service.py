"""Deploys and changes as the rest of the bot knows them; each verb and question lives where its subject is.

Verbs write their own rows and touch what they changed; none asks the network.
"""

from bot.deploys.keeping import (
    change_merged,
    change_of_commit,
    check_finished,
    commits_pushed,
    keep_all,
    release_published,
)
from bot.deploys.ranges import RANGE, range_read, range_unknown, show_provisionally
from bot.deploys.recorded import (
    author_of_commit,
    changes_of,
    commit_address,
    dropped_from,
    is_present,
    is_rollback,
    named_by_login,
    parts,
    read_ahead,
    show_latest,
    was_carried,
    went_wrong,
)
from bot.deploys.reporting import deploy_reported, look_whether_stuck, reported, target_of, usual_duration

__all__ = [
    "RANGE",
    "author_of_commit",
    "change_merged",
    "change_of_commit",
    "changes_of",
    "check_finished",
    "commit_address",
    "commits_pushed",
    "deploy_reported",
    "dropped_from",
    "is_present",
    "is_rollback",
    "keep_all",
    "look_whether_stuck",
    "named_by_login",
    "parts",
    "range_read",
    "range_unknown",
    "read_ahead",
    "release_published",
    "reported",
    "show_latest",
    "show_provisionally",
    "target_of",
    "usual_duration",
    "was_carried",
    "went_wrong",
]
