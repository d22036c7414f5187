"""What the engine has in view: good until something may have changed, and without what it settled itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.delivery.queue import Waiting, WaitingEffect
from bot.delivery.view import View

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CARD = Waiting("card", 1, "deploy", "#a", 2, urgent=False, created_at=AT)
NOTE = Waiting("note", 1, "change", "U1", 2, urgent=True, created_at=AT)
EFFECT = WaitingEffect(1, "range", "range:1", 2, {}, AT, 0)


def seen(*rows: Waiting, effects: tuple[WaitingEffect, ...] = ()) -> View:
    """A view in which these were just read."""
    view = View()
    view.reading()
    view.show(rows, effects)
    return view


def test_nothing_is_chosen_before_the_first_look() -> None:
    """What a process finds when it begins is not in view by itself."""
    assert View().stale


def test_what_was_read_is_in_view_in_its_order() -> None:
    """The database's order is the order of lanes, which the engine keeps."""
    view = seen(NOTE, CARD, effects=(EFFECT,))
    assert (view.rows, view.effects, view.stale) == ((NOTE, CARD), (EFFECT,), False)


def test_what_is_settled_leaves_the_view_without_another_look() -> None:
    """A card and a note may have the same number."""
    view = seen(CARD, NOTE, effects=(EFFECT,))
    view.settle(CARD)
    view.settle(EFFECT)
    assert (view.rows, view.effects, view.stale) == ((NOTE,), (), False)
    assert view.has_settled(CARD.name)
    assert not view.has_settled(NOTE.name)


def test_a_card_that_has_something_newer_to_show_is_looked_at_again() -> None:
    """It was touched while what it showed before was on its way."""
    view = seen(replace(CARD, version=2))
    view.settle(CARD)
    assert view.stale


def test_what_is_settled_while_the_rows_are_read_is_not_shown_from_the_older_picture() -> None:
    """The snapshot may be older than the settling: nothing may be sent from it a second time."""
    view = View()
    view.reading()
    view.settle(CARD)
    view.settle(EFFECT)
    view.show([CARD, NOTE], [EFFECT])
    assert (view.rows, view.effects, view.stale) == ((NOTE,), (), True)


def test_what_becomes_stale_while_the_rows_are_read_stays_so() -> None:
    """A bell that rings meanwhile may tell of something that the reading missed."""
    view = View()
    view.reading()
    view.stale = True
    view.show([CARD], [])
    assert view.stale


def test_a_new_look_forgets_what_was_settled_before_it() -> None:
    """A card that was settled and is touched again comes back into view."""
    view = seen(CARD)
    view.settle(CARD)
    view.reading()
    view.show([replace(CARD, version=2)], [])
    assert [row.version for row in view.rows] == [2]
    assert not view.has_settled(CARD.name)
