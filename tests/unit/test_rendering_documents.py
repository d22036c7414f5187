"""Documents: Markdown in which nothing from outside formats, links, mentions or begins anything.

``SHIPMATE_GOLDEN=write`` writes the golden file anew.
"""

from __future__ import annotations

import os
import re
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bot.incidents.postmortem import (
    TEMPLATE,
    ActionItem,
    AlertPart,
    CarriedChange,
    LikelyPart,
    Line,
    Postmortem,
    Responder,
    UpdatePart,
    title_of,
)
from bot.rendering import Renderer, documents

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "documents" / "postmortem.md"
ONSET = datetime(2026, 11, 21, 14, 12, tzinfo=UTC)


def after(minutes: float) -> datetime:
    """So many minutes after the onset."""
    return ONSET + timedelta(minutes=minutes)


RETRY = LikelyPart(
    name="#812 (checkout, a1b2c3d)",
    confidence="high",
    cause=True,
    evidence=("It went live 12 min before.", "Errors only on a1b2c3d."),
    against=(),
    changes=(
        CarriedChange(
            label="#812",
            title="Retry payments once after a time-out",
            url="https://github.example/acme/checkout/pull/812",
            authors=("Ana",),
        ),
    ),
    url="https://github.example/acme/checkout/actions/runs/991",
    rolled_back_at=after(17),
)
FLAG = LikelyPart(
    name="the flag new-basket (25 % → 50 %)",
    confidence="low",
    cause=False,
    evidence=("It was turned 40 min before.",),
    against=("The alert had fired before.",),
    changes=(),
    url=None,
    rolled_back_at=None,
)
FULL = Postmortem(
    incident_id=7,
    title="checkout 5xx",
    service="checkout",
    environment="production",
    services=("checkout (production)", "cart (production)"),
    severity="SEV2",
    meaning="Many customers are badly affected.",
    state="resolved",
    storm=False,
    onset_at=ONSET,
    opened_at=after(1),
    opened_by=None,
    mitigated_at=after(21),
    resolved_at=after(48),
    resolved_by="Ana",
    recovery=timedelta(minutes=21),
    resolution="Rolled back to 9f8e7d6; the time-out is longer than the provider's.",
    cause=RETRY,
    cause_known=True,
    confidence="high",
    likely=(RETRY, FLAG),
    alerts=(
        AlertPart(
            name="checkout 5xx",
            service="checkout",
            summary="Error rate over 2 % for 5 min",
            since=ONSET,
            over_at=after(21),
            url="https://alerts.example/1",
        ),
        AlertPart(name="cart latency", service="cart", summary=None, since=after(3), over_at=None, url=None),
    ),
    more_alerts=3,
    lead="Ana",
    communications="Eve",
    scribe=None,
    responders=(
        Responder(
            name="Ana",
            reason="wrote #812",
            state="answered",
            asked_at=after(1),
            answered_at=after(3),
            answered_after=timedelta(minutes=2),
        ),
        Responder(
            name="Chi",
            reason="merged #812",
            state="passed_on",
            asked_at=after(1),
            answered_at=None,
            answered_after=None,
        ),
    ),
    updates=(
        UpdatePart(
            at=after(10),
            by="Eve",
            condition="One in ten payments fails.",
            actions="We roll back.",
            needs="Somebody who knows the provider.",
        ),
    ),
    actions=(
        ActionItem(text="Restart the cache", owner="Ben", done=True, url=None),
        ActionItem(
            text="Alert on time-outs of the provider",
            owner=None,
            done=False,
            url="https://github.example/acme/checkout/issues/9",
        ),
    ),
    lines=(
        Line(at=ONSET, kind="alert", text="checkout 5xx fired", who=None, url="https://alerts.example/1"),
        Line(at=after(3), kind="page", text="Ana is on it", who="Ana", url=None),
        Line(
            at=after(5),
            kind="message",
            text="The provider answers after 31 s",
            who="Chi",
            url="https://acme.slack.example/archives/C1/p1",
        ),
    ),
    earlier=2,
    room_name="inc-2026-11-21-checkout-5xx",
)
EMPTY = replace(
    FULL,
    services=(), mitigated_at=None, resolved_at=None, resolved_by=None, recovery=None, resolution=None, cause=None,
    cause_known=False, likely=(), alerts=(), more_alerts=0, lead=None, communications=None, responders=(), updates=(),
    actions=(), lines=(), earlier=0, room_name=None, opened_by="Ana", service=None, environment=None,
)  # fmt: skip

HEADINGS = (
    "Overview",
    "What happened",
    "Contributing factors",
    "Resolution",
    "Impact",
    "Responders",
    "Timeline (UTC)",
    "What went well",
    "What did not go well",
    "Action items",
    "Internal email",
    "External message",
)
"""After PagerDuty's incident response documentation."""


def written(view: Postmortem) -> str:
    """The document."""
    return Renderer().document(TEMPLATE, view)


def test_the_document_is_as_it_was() -> None:
    text = written(FULL)
    if os.environ.get("SHIPMATE_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize("view", [FULL, EMPTY])
def test_every_heading_is_there_whatever_is_known(view: Postmortem) -> None:
    assert re.findall(r"^## (.+)$", written(view), re.MULTILINE) == list(HEADINGS)


@pytest.mark.parametrize("view", [FULL, EMPTY])
def test_it_speaks_of_what_happened_and_never_of_blame(view: Postmortem) -> None:
    words = set(re.findall(r"[a-z]+", written(view).casefold()))
    assert not words & {"fault", "blame", "guilty", "culprit", "mistake", "careless", "failed", "suspect", "wrong"}


@pytest.mark.parametrize("view", [FULL, EMPTY])
def test_no_line_ends_with_spaces_nor_are_there_two_empty_ones(view: Postmortem) -> None:
    text = written(view)
    assert "\n\n\n" not in text
    assert not re.search(r" $", text, re.MULTILINE)


# --- hostile text -------------------------------------------------------------------------------------------------

HOSTILE = (
    "\n# Owned\n- [x] done `rm -rf` *bold* _it_ ~no~ | a | ![](@U0ANA) [click](https://evil.example) "
    "<!channel> <@U0ANA> <script>alert(1)</script> @here @everyone &lt; \u202egnp.exe \\[x](y)"
)


def hostile(value: Any) -> Any:
    """The same view with every text replaced."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = {"severity", "state", "kind", "confidence"}
        return replace(
            value, **{one.name: hostile(getattr(value, one.name)) for one in fields(value) if one.name not in kept}
        )
    if isinstance(value, tuple):
        return tuple(hostile(one) for one in value)
    return HOSTILE if isinstance(value, str) else value


def test_nothing_from_outside_formats_links_mentions_or_begins_anything() -> None:
    text = written(hostile(FULL))
    assert re.findall(r"^#+ (.+)$", text, re.MULTILINE)[1:] == list(HEADINGS)
    assert "<" not in text
    assert "](" not in text, "no address of theirs is one"
    assert not re.search(r"(?<!\\)[`~|]", text)
    assert not re.search(r"@(?:here|everyone|U0ANA)", text)
    assert "\u202e" not in text
    assert len(re.findall(r"^- \[[x ]\] ", text, re.MULTILINE)) == len(FULL.actions)


@given(st.text(max_size=400))
def test_a_value_is_harmless_whatever_it_is(words: str) -> None:
    said = str(documents.plain(words))
    assert "\n" not in said
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*\[\]|~]", said), said
    assert not re.search(r"[<>]", said)
    assert not re.search(r"@\w", said)
    assert not re.match(r"(?:#{1,6}|[+-]|\d{1,9}[.)])(?:\s|$)", said)


def test_what_looks_like_a_tag_is_read_as_it_was_written() -> None:
    """Also by a reader that shows entities as they are."""
    assert documents.plain("<!channel> 5 < 6 & R&D, &lt;") == "‹!channel› 5 ‹ 6 & R&D, \\&lt;"


def test_plain_words_stay_as_they_are() -> None:
    for words in ("checkout_api: 5xx at 2.5 % (p99)", "#812 by Ana!", "https://graphs.example/d/a_b?x=1", "a-b+c=d"):
        assert documents.plain(words) == words


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/(b)?c=[d]", "[x](https://a.example/%28b%29?c=%5Bd%5D)"),
        ("javascript:alert(1)", "x"),
        ("https://user:secret@a.example", "x"),
        ("https://[broken", "x"),
        ("https://a.example/" + "b" * 3000, "x"),
        (None, "x"),
    ],
)
def test_only_an_honest_address_is_linked(url: str | None, shown: str) -> None:
    assert documents.link(url, "x") == shown


def test_an_instant_is_told_in_utc() -> None:
    paris = ONSET.astimezone(tz=None)
    assert documents.utc(paris) == "2026-11-21 14:12"
    assert documents.utc(ONSET, "time") == "14:12:00"
    with pytest.raises(ValueError, match="time zone"):
        documents.utc(ONSET.replace(tzinfo=None))


def test_what_is_joined_with_trusted_text_is_made_harmless() -> None:
    assert documents.concatenate([Markup("**"), "*x*"]) == "**\\*x\\*"
    assert documents.concatenate(["*x*", 1]) == "*x*1"
    assert documents.join(["*a*", Markup("*b*")], ", ") == "\\*a\\*, *b*"


def test_a_document_has_a_title() -> None:
    assert title_of(FULL) == "Postmortem of incident 7: checkout 5xx"
