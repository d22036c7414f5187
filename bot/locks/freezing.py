"""Windows in which nothing is promoted, as people declare and end them; those of shipmate.yml end there."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from bot import audit, outbox, work
from bot.audit import Tag
from bot.catalog import Catalog
from bot.errors import UserError
from bot.events import FreezeDeclared, FreezeLifted
from bot.locks import naming, rules, scopes
from bot.locks.lifting import Beginning
from bot.locks.models import DeclaredFreeze
from bot.locks.rules import Scope, ScopeKind
from bot.outbox import Lane

FREEZE = "freeze"
"""Its kind of work, card and note."""


def declare_freeze(session: Session, catalog: Catalog, event: FreezeDeclared, now: datetime) -> str:
    """Nothing is promoted from ``begins`` until ``ends``; returns what the person is told. UserError says why not."""
    reason = rules.checked_reason(event.reason, of="a freeze")
    rules.check_freeze(event.begins, event.ends, event.at)
    scope = Scope(ScopeKind.EVERYTHING)
    if event.service is not None:
        scope = rules.read_scope(f"service:{event.service}", scopes.known(session, catalog), act="freeze")
        if scope.kind is not ScopeKind.SERVICE:
            raise UserError(
                f"A freeze is for a whole service, or for all. For {scope.called} alone: /ship lock {scope.typed}."
            )
    scopes.must_be_member(session, catalog, scope, None, event.slack_id, now, "freeze")
    scopes.hold(session, catalog, scope)
    freeze = DeclaredFreeze(
        service=scope.name, begins=event.begins, ends=event.ends, reason=reason, owner=event.slack_id,
        called=event.called,
    )  # fmt: skip
    session.add(freeze)
    session.flush()
    audit.record(
        session, Tag.FREEZE_DECLARED, f"freeze:{freeze.id}", event.at, who=event.slack_id, scope=scope.typed,
        reason=reason, begins=event.begins.isoformat(), ends=event.ends.isoformat(),
    )  # fmt: skip
    _freeze_changed(session, catalog, freeze, now)
    outbox.touch_card(session, FREEZE, str(freeze.id), scopes.channel_of(catalog, scope, None), now, urgent=True)
    begins = "now" if event.begins <= event.at else naming.spoken(session, catalog, event.begins, event)
    until = naming.spoken(session, catalog, event.ends, event)
    return f"Frozen: {scope.called} from {begins} until {until}: {reason}. It is freeze {freeze.id}."


def lift_freeze(
    session: Session, catalog: Catalog, event: FreezeLifted, now: datetime, beginning: Beginning | None = None
) -> str:
    """End a freeze that a person declared; returns what the person is told. UserError says who may.

    ``beginning`` tells what that lets begin. Whoever declared it hears that somebody else lifted it.
    """
    freeze = session.get(DeclaredFreeze, event.freeze)
    if freeze is None:
        raise UserError(f"There is no freeze {event.freeze}. /ship locks lists them; those of shipmate.yml end there.")
    scope = _freeze_scope(freeze)
    scopes.must_be_member(session, catalog, scope, None, event.slack_id, now, "lift a freeze of")
    scopes.hold(session, catalog, scope)
    session.refresh(freeze)
    if freeze.lifted_at is not None:
        return f"Freeze {freeze.id} was lifted already, {naming.spoken(session, catalog, freeze.lifted_at, event)}."
    if freeze.ends <= event.at:
        return f"Freeze {freeze.id} is over already, since {naming.spoken(session, catalog, freeze.ends, event)}."
    freeze.lifted_at, freeze.lifted_by = event.at, event.slack_id
    session.add(freeze)
    audit.record(session, Tag.FREEZE_LIFTED, f"freeze:{freeze.id}", event.at, who=event.slack_id, scope=scope.typed)
    _freeze_changed(session, catalog, freeze, now)
    _show(session, freeze)
    _say_lifted(session, freeze, scopes.channel_of(catalog, scope, None), now, Lane.FEED)
    told = ""
    if freeze.owner != event.slack_id:
        _say_lifted(session, freeze, freeze.owner, now, Lane.APPROVAL)
        told = f"{freeze.called or 'Whoever declared it'} is told."
    covered = [target.id or 0 for target in scopes.of_scope(session, catalog, scope)]
    begins = beginning(session, covered) if beginning is not None else ""
    return " ".join(filter(None, [f"Lifted the freeze of {scope.called}: {freeze.reason}.", told, begins]))


def freeze_due(session: Session, catalog: Catalog, freeze_id: int, now: datetime) -> None:
    """A declared freeze begins or ends: whatever it concerns is judged again."""
    freeze = session.get(DeclaredFreeze, freeze_id)
    if freeze is None or freeze.lifted_at is not None:
        return
    for target in scopes.hold(session, catalog, _freeze_scope(freeze)):
        work.touch(session, "target", target.id or 0)
    _show(session, freeze)
    _schedule_freeze(session, freeze, now)


def _freeze_scope(freeze: DeclaredFreeze) -> Scope:
    return Scope(ScopeKind.SERVICE, freeze.service) if freeze.service else Scope(ScopeKind.EVERYTHING)


def _freeze_changed(session: Session, catalog: Catalog, freeze: DeclaredFreeze, now: datetime) -> None:
    session.flush()
    for target in scopes.of_scope(session, catalog, _freeze_scope(freeze)):
        work.touch(session, "target", target.id or 0)
    _schedule_freeze(session, freeze, now)


def _show(session: Session, freeze: DeclaredFreeze) -> None:
    """Its card, wherever it stands: shown anew where it began, ended or was lifted."""
    for card in outbox.cards_about(session, FREEZE, str(freeze.id)):
        outbox.show_newer(session, card, urgent=True)


def _say_lifted(session: Session, freeze: DeclaredFreeze, place: str, now: datetime, lane: Lane) -> None:
    """Aloud, since an edit of its card tells nobody that what waited ships."""
    outbox.add_note(
        session, FREEZE, f"freeze:{freeze.id}:lifted:{place}", place, now, lane=lane, freeze=freeze.id,
        said="lifted", by=freeze.lifted_by,
    )  # fmt: skip


def _schedule_freeze(session: Session, freeze: DeclaredFreeze, now: datetime) -> None:
    assert freeze.id is not None
    instants = [at for at in (freeze.begins, freeze.ends) if at > now] if freeze.lifted_at is None else []
    if instants:
        work.schedule(session, FREEZE, freeze.id, min(instants))
    else:
        work.cancel(session, FREEZE, freeze.id)
