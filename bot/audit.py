"""The audit trail: facts, appended in the transaction that makes them true and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, insert
from sqlmodel import Field, Session, SQLModel

LONGEST_SUBJECT = 255
"""Characters of a fact's subject; a repository and a tag together may be longer."""


class Tag(StrEnum):
    """What kind of fact: ``source:subject:action``."""

    CHANGE_MERGED = "forge:change:merged"
    """A pull request reached its base branch."""
    CHECK_FINISHED = "forge:check:finished"
    """A CI check ended on a commit of the main branch."""
    DEPLOY_BEGAN = "pipeline:deploy:began"
    """A rollout was heard of for the first time."""
    DEPLOY_MOVED = "pipeline:deploy:moved"
    """A rollout changed its status."""
    DEPLOY_RANGE_READ = "forge:deploy:range_read"
    """What a rollout carries was read from the forge."""
    DEPLOY_STUCK = "clock:deploy:stuck"
    """A rollout was found to take far longer than usual."""
    RELEASE_PUBLISHED = "forge:release:published"
    """A tag was given a version's name."""
    PREFERENCE_CHOSEN = "slack:person:chose"
    """Somebody chose how much to hear."""
    LOGIN_LINKED = "slack:person:linked"
    """Somebody named their GitHub login, to route messages."""
    LOGIN_UNLINKED = "slack:person:unlinked"
    """Somebody took back the login they had named."""
    LOGIN_PROVEN = "forge:person:proven"
    """GitHub, or single sign-on, said which login is somebody's."""
    HOURS_CHOSEN = "slack:person:chose_hours"
    """Somebody said when they work."""
    LOCK_PLACED = "slack:lock:placed"
    """Somebody set a lock, or one set itself (who is empty then)."""
    LOCK_EXTENDED = "slack:lock:extended"
    """Somebody gave a lock another end or reason."""
    LOCK_LIFTED = "slack:lock:lifted"
    """Somebody lifted a lock, or its cause was resolved (who is empty then)."""
    LOCK_RAN_OUT = "clock:lock:ran_out"
    """A lock came to its end by itself."""
    LOCK_GO = "slack:lock:go"
    """Somebody said that production may go on after a lock."""
    FREEZE_DECLARED = "slack:freeze:declared"
    """Somebody declared a freeze."""
    FREEZE_LIFTED = "slack:freeze:lifted"
    """Somebody ended a freeze that was declared."""
    BLIND_SPOT_FOUND = "clock:inbox:blind_spot"
    """Webhooks were found not to have reached us."""
    PROMOTION_RAISED = "shipmate:promotion:raised"
    """A build was to go to an environment."""
    PROMOTION_MOVED = "shipmate:promotion:moved"
    """A promotion changed its state."""
    PROMOTION_DECIDED = "shipmate:promotion:decided"
    """An act on a promotion was judged, with every gate's verdict."""
    PROMOTION_RANGE_READ = "forge:promotion:range_read"
    """What a promotion carries was read from the forge."""
    PROMOTION_CALLED = "shipmate:pipeline:called"
    """A pipeline was asked to carry a promotion out, or what came of that."""
    DEPLOY_WENT_ROUND = "pipeline:deploy:went_round"
    """A rollout reached an environment that is held by gates, and none of them was asked."""
    TRAIN_CHANGED = "catalog:train:changed"
    """A train was configured, runs by another timetable, or runs no more."""
    DEPARTURE_SEALED = "clock:departure:sealed"
    """A departure's list was closed; who is aboard, and who is not and why."""
    DEPARTURE_MOVED = "shipmate:departure:moved"
    """A departure changed its state."""
    DEPARTURE_ACTED = "slack:departure:acted"
    """Somebody did something to a departure, or a passenger fell off it (who is empty then)."""
    GATE_REQUESTED = "forge:gate:requested"
    """GitHub asked whether a run may enter an environment."""
    GATE_OVER = "forge:gate:over"
    """A run waits for our answer no more."""
    ALERT_FIRED = "monitor:alert:fired"
    """An alert began to fire."""
    ALERT_RESOLVED = "monitor:alert:resolved"
    """An alert was over."""
    ALERT_MAPPED = "slack:alert:mapped"
    """Somebody said whose alerts of one kind are."""
    FLAG_CHANGED = "monitor:flag:changed"
    """A feature flag was turned."""
    INCIDENT_OPENED = "shipmate:incident:opened"
    """An incident began: by an alert, or because somebody said so."""
    INCIDENT_MOVED = "shipmate:incident:moved"
    """An incident was resolved, merged, opened again, or made a real one."""
    LIKELY_FOUND = "shipmate:incident:likely_found"
    """What may have caused an incident was looked at, with the evidence."""
    PAGE_SENT = "shipmate:page:sent"
    """Somebody was woken, or would have been (``state``)."""
    PAGE_ANSWERED = "pager:page:answered"
    """Somebody who was woken said that they are on it."""
    OPINION_GIVEN = "slack:likely:judged"
    """Somebody said of a likely change that it was the cause, or was not."""


class Fact(SQLModel, table=True):
    """One line of the trail."""

    __tablename__ = "facts"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(index=True)
    tag: str = Field(max_length=64)
    subject: str = Field(index=True, max_length=LONGEST_SUBJECT)
    who: str | None = Field(default=None, max_length=255)
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


APPEND = insert(Fact)
"""Held, and not through the ORM: nobody needs the row back, and each event appends several."""


def record(session: Session, tag: Tag, subject: str, at: datetime, *, who: str | None = None, **data: Any) -> None:
    """Append one fact. ``subject`` is ``kind:id``; ``data`` must be JSON without secrets."""
    session.connection().execute(
        APPEND, {"at": at, "tag": tag.value, "subject": subject[:LONGEST_SUBJECT], "who": who, "data": _plain(data)}
    )


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}
