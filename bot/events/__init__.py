"""What can have happened: the canonical facts that every door translates to.

Pure data. Times are aware datetimes in UTC, taken from the sender where it says them. Text fields hold the sender's
words unescaped: they are hostile until rendering has escaped them. Nothing here reads the clock.
"""

from __future__ import annotations

from bot.events.alerts import AlertLevel, AlertMapped, AlertReported, FlagChanged, PagerAnswered, PagerSaid
from bot.events.code import (
    ChangeMerged,
    CheckFinished,
    CheckStatus,
    Commit,
    CommitsPushed,
    Human,
    MergedPull,
    ReleasePublished,
    coauthors,
    signed_by,
)
from bot.events.incidents import IncidentAct, IncidentActed, IncidentOpened, MessageKept, RoomJoined
from bot.events.locks import FreezeDeclared, FreezeLifted, LockAct, LockActed, LockPlaced
from bot.events.people import GithubLinked, HoursChosen, IdentityProven, Level, PreferenceChosen, WatchChosen
from bot.events.promotions import (
    Act,
    GateRequested,
    PromotionActed,
    PromotionRequested,
    RollbackRequested,
    RunEnded,
    Via,
)
from bot.events.rollouts import DeployReported, DeployStatus
from bot.events.trains import TrainAct, TrainActed

Event = (
    ChangeMerged
    | CommitsPushed
    | CheckFinished
    | DeployReported
    | ReleasePublished
    | PreferenceChosen
    | GithubLinked
    | AlertReported
    | AlertMapped
    | FlagChanged
    | PagerAnswered
    | IncidentOpened
    | IncidentActed
    | MessageKept
    | RoomJoined
    | GateRequested
    | RunEnded
    | PromotionRequested
    | RollbackRequested
    | PromotionActed
    | TrainActed
    | LockPlaced
    | LockActed
    | FreezeDeclared
    | FreezeLifted
    | WatchChosen
    | IdentityProven
    | HoursChosen
)
"""Anything that can have happened."""

__all__ = [
    "Act",
    "AlertLevel",
    "AlertMapped",
    "AlertReported",
    "ChangeMerged",
    "CheckFinished",
    "CheckStatus",
    "Commit",
    "CommitsPushed",
    "DeployReported",
    "DeployStatus",
    "Event",
    "FlagChanged",
    "FreezeDeclared",
    "FreezeLifted",
    "GateRequested",
    "GithubLinked",
    "HoursChosen",
    "Human",
    "IdentityProven",
    "IncidentAct",
    "IncidentActed",
    "IncidentOpened",
    "Level",
    "LockAct",
    "LockActed",
    "LockPlaced",
    "MergedPull",
    "MessageKept",
    "PagerAnswered",
    "PagerSaid",
    "PreferenceChosen",
    "PromotionActed",
    "PromotionRequested",
    "ReleasePublished",
    "RollbackRequested",
    "RoomJoined",
    "RunEnded",
    "TrainAct",
    "TrainActed",
    "Via",
    "WatchChosen",
    "coauthors",
    "signed_by",
]
