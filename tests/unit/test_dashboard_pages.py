"""The dashboard's pages: as they were, well formed, fit for screen readers, and harmless whatever stands in them.

``SHIPMATE_GOLDEN=write`` writes the golden pages anew.
"""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bot.rendering import Renderer, faults_of, pages, templates_folder
from tests.unit.golden_dashboard import BUSY, FIGURES, NOTICE, NOW, PAGES, page

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "pages"
HOSTILE = (
    "<script>x</script>\"'><img src=x onerror=y>&lt;{{ view }}{% if %}\u202e\x00\ud83d<!-- ]]> javascript:alert(1)"
)
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Reading(HTMLParser):
    """What a browser would make of a page: every tag closed in its turn, each attribute's value, the words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Kept."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It must be the last that was opened."""
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        """Kept."""
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def shown(view: object) -> str:
    """The page."""
    return Renderer().page("pages/dashboard.html", view)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_as_it_was(name: str) -> None:
    as_it_was(name, shown(PAGES[name]))


def test_the_notice_is_as_it_was() -> None:
    as_it_was("notice", Renderer().page("pages/notice.html", NOTICE))


def as_it_was(name: str, html: str) -> None:
    """Compare with the golden file."""
    golden = GOLDEN / f"{name}.html"
    if os.environ.get("SHIPMATE_GOLDEN") == "write":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(html, encoding="utf-8")
    assert html == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_well_formed_and_can_be_read_aloud(name: str) -> None:
    found = Reading(shown(PAGES[name]))
    assert found.faults == []
    assert [one for one in found.all("html") if one.get("lang") == "en"]
    assert len(found.all("main")) == 1
    assert len(found.all("h1")) == 1
    assert len(found.all("caption")) == len(found.all("table"))
    named = [one["id"] for _, one in found.tags if "id" in one]
    assert len(named) == len(set(named))
    for section in found.all("section"):
        assert section["aria-labelledby"] in named
    inner = {(one["href"] or "")[1:] for one in found.all("a") if (one.get("href") or "").startswith("#")}
    assert inner <= set(named)
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - one <= 1 for one, after in itertools.pairwise(levels)), "no level is left out"


def test_an_incident_that_is_only_counted_is_no_link_to_nowhere() -> None:
    """In a storm more are open than are told of."""
    html = shown(page(replace(BUSY, incidents=(), more_incidents=9), FIGURES))
    assert 'href="#incident-7"' not in html
    assert "incident 7" in html


def test_nothing_runs_in_a_page_and_nothing_comes_from_elsewhere() -> None:
    found = Reading(shown(PAGES["dashboard"]))
    assert [one["src"] for one in found.all("script")] == ["./dashboard/board.js?1"]
    assert not [name for _, one in found.tags for name in one if name.startswith("on") or name == "style"]
    assert {one["href"] for one in found.all("link")} == {"./dashboard/board.css?1", "data:,"}


def test_no_word_of_blame_is_in_a_page() -> None:
    words = " ".join(Reading(shown(PAGES["dashboard"])).words).casefold()
    assert "likely change" in words
    for word in ("suspect", "culprit", "blame", "guilty", "fault"):
        assert word not in words


def test_empty_parts_say_something_useful() -> None:
    words = " ".join(" ".join(Reading(shown(PAGES["dashboard_quiet"])).words).split())
    for sentence in ("No incident is open", "Nothing waits for anybody.", "Nothing is locked", "Nothing has shipped"):
        assert sentence in words


def test_what_is_above_the_most_is_counted() -> None:
    words = " ".join(" ".join(Reading(shown(PAGES["dashboard"])).words).split())
    for sentence in ("and 2 more incidents", "and 4 more promotions", "and 1 more service", "and 1 more train"):
        assert sentence in words


def hostile(view: Any) -> Any:
    """The same view with every word of it hostile."""
    if is_dataclass(view) and not isinstance(view, type):
        kept = {"zone", "state", "style", "script", "status", "gate", "home"}
        return replace(
            view, **{one.name: hostile(getattr(view, one.name)) for one in fields(view) if one.name not in kept}
        )
    if isinstance(view, tuple):
        return tuple(hostile(one) for one in view)
    return HOSTILE if type(view) is str else view


def test_hostile_words_are_only_words() -> None:
    found = Reading(shown(hostile(page(BUSY, FIGURES))))
    assert found.faults == []
    assert found.all("img") == []
    assert len(found.all("script")) == 1
    assert not [name for _, one in found.tags for name in one if name.startswith("on")]
    for link in found.all("a"):
        assert re.match(r"(https?://|\?|#|\./)", link["href"] or ""), link
    assert "\u202e" not in "".join(found.words)


@given(st.text())
def test_any_text_is_escaped(words: str) -> None:
    read = Reading(f'<p title="{pages.plain(words)}">{pages.plain(words)}</p>')
    assert [tag for tag, _ in read.tags] == ["p"]
    assert read.faults == []


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://github.example/a?b=c&d", True),
        ("http://127.0.0.1:9/x", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//evil.example", False),
        ("https://user:pass@evil.example", False),
        ("https://good.example\\@evil.example", False),
        ("https://[", False),
        ("https://x/" + "y" * 5000, False),
        ("", False),
        (None, False),
    ],
)
def test_only_web_addresses_are_linked(url: str | None, linked: bool) -> None:
    made = pages.link(url, "<b>")
    assert ("<a " in made) is linked
    assert "&lt;b&gt;" in made
    assert '"><' not in made.replace('noreferrer">', "")


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "just now"),
        (-0.2, "just now"),
        (0.5, "in a moment"),
        (-1, "1 min ago"),
        (-12, "12 min ago"),
        (-60, "1 h ago"),
        (-119, "2 h ago"),
        (120, "in 2 h"),
        (-60 * 40, "40 h ago"),
        (-60 * 24 * 2, "2 d ago"),
        (-60 * 24 * 3, "3 d ago"),
    ],
)
def test_how_far_from_now(minutes: float, said: str) -> None:
    assert pages.apart(NOW + timedelta(minutes=minutes), NOW) == said


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 3, 3, 2, 0, tzinfo=UTC), "03:00"),
        (datetime(2026, 3, 2, 22, 30, tzinfo=UTC), "yesterday 23:30"),
        (datetime(2026, 3, 2, 23, 30, tzinfo=UTC), "00:30"),
        (datetime(2026, 3, 4, 9, 0, tzinfo=UTC), "tomorrow 10:00"),
        (datetime(2026, 2, 27, 9, 0, tzinfo=UTC), "Fri 10:00"),
        (datetime(2026, 2, 1, 9, 0, tzinfo=UTC), "1 Feb 10:00"),
        (datetime(2025, 12, 24, 9, 0, tzinfo=UTC), "24 Dec 2025"),
    ],
)
def test_an_instant_is_told_by_the_organisations_clock(at: datetime, said: str) -> None:
    assert pages.clock(at, ZoneInfo("Europe/Paris"), NOW) == said


def test_people_are_listed_as_one_says_it() -> None:
    assert pages.names(["Ana"]) == Markup("Ana")
    assert pages.names(["Ana", "<Ben>", "Chi"]) == Markup("Ana, &lt;Ben&gt; and Chi")
    assert pages.names(["Ana", "Ben", "Chi", "Dee"], 2) == Markup("Ana, Ben and 2 more")
    assert pages.names([]) == Markup()


def test_a_page_without_main_is_a_broken_template(tmp_path: Path) -> None:
    """The script reads it again and again, and readers jump to it."""
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "notice.html.j2").write_text("<p>hello</p>", encoding="utf-8")
    told: list[tuple[str, str]] = []
    html = Renderer(tmp_path, lambda template, fault: told.append((template, fault))).page("pages/notice.html", NOTICE)
    assert "This link is too old" in html
    assert [(template, "no <main>" in fault) for template, fault in told] == [("pages/notice.html", True)]


def test_every_page_parses_as_a_page(tmp_path: Path) -> None:
    assert {path.name for path in (templates_folder() / "pages").iterdir()} == {
        "dashboard.html.j2", "frame.html.j2", "notice.html.j2", "parts.html.j2"
    }  # fmt: skip
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "dashboard.html.j2").write_text("{% if %}", encoding="utf-8")
    (folder / "notice.html.j2").write_text("{{ now | ago }}", encoding="utf-8")
    assert list(faults_of(tmp_path)) == ["pages/dashboard.html.j2"]
