"""LaunchDarkly's audit log: what changes what a flag serves, in each environment by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.events import FlagChanged, Human
from handlers.webhooks import SOURCES
from handlers.webhooks.source import Unauthorised
from tests.handlers import recorded
from tests.handlers.recorded import SECRET, body_of, digest, read

TURNED = datetime(2026, 11, 21, 13, 12, 30, 123000, tzinfo=UTC)


def test_a_flag_that_is_turned_on_is_told_with_who_and_where() -> None:
    """Its tags may say whose it is."""
    [found] = read("launchdarkly", "on")
    assert recorded.differs(
        found, source="launchdarkly", external_id="67403f0a/production/new-basket", flag="new-basket", project="shop",
        environment="production", summary="turned on", by=Human(name="Ana Alves", email="ana@example.test"),
        url="https://app.launchdarkly.com/shop/production/features/new-basket", at=TURNED,
        labels={"project": "shop", "flag": "new-basket", "tag:checkout": "true", "tag:beta": "true"},
    ) == {}  # fmt: skip


def test_what_was_done_to_it_is_said_in_plain_words() -> None:
    """LaunchDarkly writes Markdown, with links."""
    [found] = read("launchdarkly", "rollout")
    assert isinstance(found, FlagChanged)
    assert found.summary == "updated: Changed the default rollout from 25% to 50%"


def test_one_entry_is_a_change_in_each_of_its_environments() -> None:
    """Each under its own name; tags of projects and environments are not the flag's."""
    first, second = read("launchdarkly", "everywhere")
    assert isinstance(first, FlagChanged)
    assert isinstance(second, FlagChanged)
    assert (first.environment, second.environment, second.project) == ("production", "staging", "shop")
    assert first.external_id != second.external_id
    assert second.labels.keys() == {"project", "flag", "tag:checkout", "tag:beta"}
    assert first.summary == "updated (“for the sale”)"


@pytest.mark.parametrize("name", ["renamed", "created", "project"])
def test_what_changes_nothing_for_anybody_is_not_told(name: str) -> None:
    """Nor what happens to anything but flags."""
    assert read("launchdarkly", name) == []


def test_it_is_signed_in_hexadecimal_digits() -> None:
    """A webhook without a secret is not signed, and turned away."""
    body = body_of("launchdarkly", "on")
    SOURCES["launchdarkly"].verify({"X-LD-Signature": digest(body)}, body, SECRET)
    for wrong in ({}, {"X-LD-Signature": digest(b"x")}, {"X-LD-Signature": f"sha256={digest(body)}"}):
        with pytest.raises(Unauthorised):
            SOURCES["launchdarkly"].verify(wrong, body, SECRET)
    assert SOURCES["launchdarkly"].delivery_id({}, body) == "67403f0a"
