"""The renderer's own promises: harmless words, Slack's limits, blocks and nothing else, users' templates."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.basic_objects import JsonObject

from bot.answers.views import SaidReply
from bot.cli.examination import templates
from bot.cli.findings import Health
from bot.deploys.views import PersonView
from bot.events import DeployStatus
from bot.rendering import Renderer, _render, faults_of, limits, models, templates_folder, text
from bot.rendering.blocks import BadTemplate

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Words:
    """A view of a template made for a test."""

    title: str = "Retry payments"
    number: int = 812
    nothing: str | None = None
    url: str = "https://github.example/1"


@dataclass(frozen=True)
class Show:
    """Renders a template written in the test."""

    folder: Path

    def __call__(self, template: str, view: object = None) -> list[dict[str, object]]:
        """Its blocks; a fault is raised, since there is no template of ours to fall back to."""
        (self.folder / "tried.j2").write_text(template, encoding="utf-8")
        renderer = Renderer(self.folder)
        theirs = renderer._theirs
        assert theirs is not None
        return _render(theirs, "tried", renderer._names(view or Words()))[1]


@pytest.fixture
def show(tmp_path: Path) -> Show:
    return Show(tmp_path)


def words_of(block: dict[str, object]) -> str:
    """The mrkdwn of a section."""
    shown = block["text"]
    assert isinstance(shown, dict)
    return str(shown["text"])


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("a & b <c>", "a &amp; b &lt;c&gt;"),
        ('it\'s "so"', 'it\'s "so"'),
        ("<!channel>", "&lt;!channel&gt;"),
        ("&lt;!channel&gt;", "&amp;lt;!channel&amp;gt;"),
        ("*b* ~s~ `c`", "∗b∗ ∼s∼ ˋcˋ"),
        ("snake_case_name", "snake_case_name"),
        ("_italic_ and __init__", "ˍitalicˍ and ˍˍinitˍˍ"),
        ("one\n> two\r\nthree\u2028four", "one &gt; two three four"),
        (">>> quote", "› quote"),
        ("  > quote", " › quote"),
        ("@here @Channel @hereby", "@\u2060here @\u2060Channel @hereby"),
        ("a\u202eb\u200bc\x00d\ufeffe", "abcde"),
        ("@\u200bhere", "@\u2060here"),
        ("👩‍💻 ok", "👩‍💻 ok"),
        ("half \ud83d", "half \ufffd"),
        (":tada: done", ":tada: done"),
        (None, ""),
        (812, "812"),
    ],
)
def test_words_from_outside_become_harmless(hostile: object, harmless: str) -> None:
    assert text.plain(hostile) == harmless


@given(st.text(max_size=200))
def test_harmless_words_hold_no_syntax_and_fit_one_line(hostile: str) -> None:
    shown = text.plain(hostile)
    assert not re.search(r"[<>*~`\n\r\x00-\x1f]", shown)
    assert not re.search(r"&(?!amp;|lt;|gt;)", shown)
    assert not re.match(r"\s*&gt;", shown)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.example/a|b>c<d e", "<https://x.example/a%7Cb%3Ec%3Cd%20e|Run>"),
        ("https://x.example/?a=1&b=%7C", "<https://x.example/?a=1&amp;b=%7C|Run>"),
        ("https://x.example/`*\n", "<https://x.example/%60%2A|Run>"),
        ("HTTP://x.example", "<HTTP://x.example|Run>"),
        ("https://münchen.example/ü", "<https://m%C3%BCnchen.example/%C3%BC|Run>"),
        ("javascript:alert(1)", "Run"),
        ("https://github.com@evil.example/", "Run"),
        ("https://github.com\\@evil.example/", "Run"),
        ("https://[broken", "Run"),
        ("https:///path", "Run"),
        ("/relative", "Run"),
        ("!channel", "Run"),
        ("https://x.example/" + "a" * 2000, "Run"),
        ("", "Run"),
        (None, "Run"),
    ],
)
def test_only_a_clean_web_address_becomes_a_link(url: str | None, shown: str) -> None:
    assert text.link(url, "Run") == shown


def test_a_link_with_a_hostile_label_stays_one_link() -> None:
    assert text.link("https://x.example", "a|b> <!here>\n*x*") == "<https://x.example|a|b&gt; &lt;!here&gt; ∗x∗>"
    assert text.link("https://x.example", "") == ""


@pytest.mark.parametrize(
    ("person", "shown"),
    [
        (PersonView(name="Ana", slack_id="U0ANA"), "<@U0ANA>"),
        (PersonView(name="Ana <3"), "Ana &lt;3"),
        (PersonView(name="Ana", slack_id="!channel"), "Ana"),
        (PersonView(name="Ana", slack_id="U0ANA> <!here"), "Ana"),
    ],
)
def test_a_mention_needs_a_member_id(person: PersonView, shown: str) -> None:
    assert text.mention(person) == shown


def test_names_are_joined_as_one_says_them() -> None:
    people = [PersonView(name=name) for name in ("Ana", "Bo", "*Chi*")]
    assert [text.names(people[:size]) for size in range(4)] == ["", "Ana", "Ana and Bo", "Ana, Bo and ∗Chi∗"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (192, "3 min 12 s"), (3600, "1 h"), (7505, "2 h 5 min")],
)
def test_a_duration_names_its_two_largest_units(seconds: float, shown: str) -> None:
    assert text.duration(timedelta(seconds=seconds)) == shown
    assert text.duration(timedelta(days=3, hours=4, minutes=5)) == "3 d 4 h"


def test_an_instant_is_shown_in_the_readers_zone_and_names_its_own_otherwise() -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert text.when(tokyo) == "<!date^1772539200^{time}|12:00 UTC>"
    assert text.when(tokyo, "day") == "<!date^1772539200^{date_short_pretty} {time}|2026-03-03 12:00 UTC>"
    with pytest.raises(ValueError, match="time zone"):
        text.when(NOON.replace(tzinfo=None))


def test_small_words() -> None:
    assert text.code("a`b") == "`aˋb`"
    assert text.code(" ") == ""
    assert text.short("a1b2c3d4") == "a1b2c3d"
    assert [text.count(number, "reply", "replies") for number in (0, 1, 1200)] == [
        "0 replies",
        "1 reply",
        "1,200 replies",
    ]
    assert text.dots("a", None, "", " ", Markup("*b*")) == "a · *b*"
    assert text.place("C0DEPLOYS") == "<#C0DEPLOYS>"
    assert text.place("#deploys <!here>") == "#deploys &lt;!here&gt;"
    assert text.paragraphs("one *x*\n> two") == "one ∗x∗\n› two"
    assert [text.icon(status) for status in DeployStatus] == ["⏳", "🔄", "✅", "🔴", "⚪"]


def test_a_block_without_words_is_left_out(show: Show) -> None:
    blocks = show(
        "{{ section(nothing) }}{{ context('') }}{{ fields(['', nothing]) }}{{ actions([]) }}{{ section('one') }}"
    )
    assert [words_of(block) for block in blocks] == ["one"]


def test_long_parts_are_cut_to_what_slack_takes(show: Show) -> None:
    blocks = show(
        "{% call section() %}{% for _ in range(40) %}{{ title }}\n{% endfor %}{% endcall %}"
        "{% call context() %}{% for _ in range(40) %}{{ title }}\n{% endfor %}{% endcall %}"
        "{% set long %}{% for _ in range(40) %}{{ title }}\n{% endfor %}{% endset %}"
        "{{ fields([long] * 11) }}"
        "{{ actions([button(title, 'a', confirm=confirm(title, title, title, title))]) }}",
        Words(title="word " * 40),
    )
    assert [block["type"] for block in blocks][-1] == "actions"
    assert limits._size(blocks) <= limits.BLOCKS_BUDGET


def test_many_fields_and_buttons_continue_in_further_blocks(show: Show) -> None:
    blocks = show(
        "{{ fields(['x'] * 12) }}{% set row = [] %}"
        "{% for n in range(26) %}{% set _ = row.append(button('b', 'a' ~ n)) %}{% endfor %}{{ actions(row) }}"
    )
    assert [len(block.get("fields") or block.get("elements") or ()) for block in blocks] == [10, 2, 25, 1]  # type: ignore[arg-type]


def test_a_button_carries_its_action_value_and_question(show: Show) -> None:
    blocks = show(
        "{{ section('x', accessory=button('Mute ' ~ link(url, '<#812>'), 'people:mute_change', number, 'danger',"
        " confirm('Sure?', 'It *stays* so', 'Mute', 'Keep'))) }}"
    )
    assert blocks[0]["accessory"] == {
        "type": "button",
        "text": {"type": "plain_text", "text": "Mute &lt;#812&gt;", "emoji": True},
        "action_id": "people:mute_change",
        "value": "812",
        "style": "danger",
        "confirm": {
            "title": {"type": "plain_text", "text": "Sure?", "emoji": True},
            "text": {"type": "plain_text", "text": "It ∗stays∗ so", "emoji": True},
            "confirm": {"type": "plain_text", "text": "Mute", "emoji": True},
            "deny": {"type": "plain_text", "text": "Keep", "emoji": True},
        },
    }


@pytest.mark.parametrize(
    "template",
    [
        "{{ section(title ~ ' by ' ~ link(url, 'Ana')) }}",
        "{{ section([title, link(url, 'Ana')] | join(' by ')) }}",
        "{% set who = link(url, 'Ana') %}{% call section() %}{{ title }} by {{ who }}{% endcall %}",
        "{% macro by(t) %}{{ t }} by {{ link(url, 'Ana') }}{% endmacro %}{{ section(by(title)) }}",
        "{{ section(dots(title ~ ' by ' ~ link(url, 'Ana'))) }}",
        "{{ section((title ~ ' by ' ~ link(url, 'Ana')) | clip(200)) }}",
    ],
)
def test_words_are_harmless_however_a_template_puts_them_together(show: Show, template: str) -> None:
    """Jinja's own joining would escape for HTML and leave formatting alive."""
    blocks = show(template, Words(title="*x* it's <b>"))
    assert [words_of(block) for block in blocks] == ["∗x∗ it's &lt;b&gt; by <https://github.example/1|Ana>"]


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("stray {{ section('x') }}", "text outside a block: 'stray"),
        ("{{ section('x') }}{{ title }}", "text outside a block"),
        ("{% call section() %}{{ divider() }}{% endcall %}", "inside another block"),
        ("{{ actions([button('a', 'same'), button('b', 'same')]) }}", "the same action"),
        ("{{ actions([button('', 'a')]) }}", "needs a label"),
        ("{{ actions([button(5, 'a')]) }}", "needs a label"),
        ("{{ actions([button('a', 'b' * 256)]) }}", "action_id"),
        ("{{ actions([button('a', 'b', 'v' * 2001)]) }}", "value"),
        ("{{ actions([button('a', 'b', style='blue')]) }}", "style"),
        ("{{ section(titel) }}", "'titel' is undefined"),
        ("{{ section(title.nope.nope) }}", "no attribute 'nope'"),
        ("{% if %}", "Expected an expression"),
        ("{{ divider() }}", "says nothing"),
        ("", "says nothing"),
    ],
)
def test_a_template_that_makes_no_message_is_refused_with_the_reason(show: Show, template: str, fault: str) -> None:
    with pytest.raises(Exception, match=re.escape(fault)):
        show(template)


def test_a_title_that_looks_like_a_block_is_not_one(show: Show) -> None:
    with pytest.raises(BadTemplate, match="outside a block"):
        show("{{ section('x') }}\n{{ title }}", Words(title="\x000"))


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def keep(told: list[tuple[str, str]]) -> Callable[[str, str], None]:
    return lambda template, fault: told.append((template, fault))


OURS = "👍 Saved."


def write(folder: Path, template: str, name: str = "replies/said") -> None:
    """A user's own template."""
    path = folder / f"{name}.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(template, encoding="utf-8")
    # Two edits within one tick of the file system's clock have to differ.
    os.utime(path, (len(template), len(template)))


def said(renderer: Renderer) -> str:
    """What a template of that name shows."""
    return renderer.message("replies/said", SaidReply(text="Saved."), key="k").text


def test_a_users_template_wins_and_an_edit_shows_at_once(
    tmp_path: Path, told: list[tuple[str, str]], keep: Callable[[str, str], None]
) -> None:
    renderer = Renderer(tmp_path, keep)
    assert said(renderer) == OURS
    write(tmp_path, "{{ section('Aye: ' ~ view.text) }}")
    assert said(renderer) == "Aye: Saved."
    write(tmp_path, "{{ section('Aye aye, captain: ' ~ text) }}")
    assert said(renderer) == "Aye aye, captain: Saved."
    assert told == []


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ("{% if %}", "line 1: Expected an expression, got 'end of statement block'"),
        ("{{ section('x') }}\n{{ section(nobody) }}", "line 2: 'nobody' is undefined"),
        ("{{ section('x') }}\nstray", "there is text outside a block: 'stray'"),
        ("\n{{ section(1 / 0) }}", "line 2: division by zero"),
        ("{% include 'gone.j2' %}", "line 1: there is no template gone.j2"),
    ],
)
def test_a_broken_users_template_is_passed_over_and_its_owner_told_once(
    tmp_path: Path, told: list[tuple[str, str]], keep: Callable[[str, str], None], broken: str, fault: str
) -> None:
    renderer = Renderer(tmp_path, keep)
    write(tmp_path, broken)
    assert [said(renderer), said(renderer)] == [OURS, OURS]
    assert len(told) == 1
    assert told[0][0] == "replies/said"
    assert told[0][1].startswith(fault)
    write(tmp_path, broken + " ")
    assert said(renderer) == OURS
    assert len(told) == 2


def test_a_broken_shared_part_of_a_user_does_not_break_ours(
    tmp_path: Path, told: list[tuple[str, str]], keep: Callable[[str, str], None]
) -> None:
    write(tmp_path, "{% set words = nobody %}", "parts")
    write(tmp_path, "{% from 'parts.j2' import words %}{{ section(words) }}")
    assert said(Renderer(tmp_path, keep)) == OURS
    assert len(told) == 1
    assert said(Renderer(tmp_path)) == OURS


def test_what_does_not_parse_is_known_before_anything_is_sent(tmp_path: Path) -> None:
    """Of ours nothing; of a user's folder each file, with its line."""
    assert faults_of(templates_folder()) == {}
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "deploy.j2").write_text("{% call section() %}\n{{ service \n{% endcall %}")
    (tmp_path / "cards" / "lock.j2").write_text("{{ scope | shout }}")
    (tmp_path / "parts.j2").write_text("{% macro fine() %}{% endmacro %}")
    assert set(faults_of(tmp_path)) == {"cards/deploy.j2", "cards/lock.j2"}
    assert faults_of(tmp_path)["cards/lock.j2"] == "line 1: No filter named 'shout'."
    told = templates(tmp_path)
    assert [(one.health, one.said.partition(":")[0]) for one in told] == [
        (Health.FAULT, "cards/deploy.j2"), (Health.FAULT, "cards/lock.j2"),
    ]  # fmt: skip
    assert [one.health for one in templates(None)] == [Health.GOOD]


def test_instants_are_told_by_the_clock_of_what_they_are_about() -> None:
    """Their own zone's where a view names one; words that are none change nothing."""
    with text.told_in(ZoneInfo("Europe/Paris")):
        assert text.when(NOON) == "<!date^1772539200^{time}|13:00 CET>"
    assert text.when(NOON) == "<!date^1772539200^{time}|12:00 UTC>"


@dataclass(frozen=True)
class Told:
    """A view with an instant, and perhaps a zone of its own."""

    at: datetime
    zone: str | None = None


def test_every_message_tells_instants_by_one_clock(tmp_path: Path) -> None:
    """The organisation's: a lock and an incident of the same minute are not told an hour apart."""
    write(tmp_path, "{{ section(at | when) }}", "cards/told")
    renderer = Renderer(tmp_path, zone=ZoneInfo("Europe/Paris"))
    assert "13:00 CET" in renderer.message("cards/told", Told(NOON), key="k").text
    assert "12:00 UTC" in renderer.message("cards/told", Told(NOON, "UTC"), key="k").text
    assert "12:00 UTC" in Renderer(tmp_path).message("cards/told", Told(NOON), key="k").text


def test_a_message_carries_its_names_for_machines() -> None:
    message = Renderer().message("replies/said", SaidReply(text="Saved."), key="k1", metadata={"kind": "deploy"})
    assert (message.key, message.metadata) == ("k1", {"kind": "deploy"})


def test_a_view_is_a_dataclass() -> None:
    with pytest.raises(TypeError, match="dataclass, not dict"):
        Renderer().message("replies/said", {"text": "x"}, key="k")


def test_rendering_brings_neither_the_database_nor_a_client_of_ours() -> None:
    """Of the SDK only its models are reached for, though its own package imports more."""
    heavy = "sqlmodel, sqlalchemy, github, aiohttp, slack_bolt"
    code = f"import sys, bot.rendering; print([name for name in {heavy.split(', ')} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_of_slacks_sdk_only_the_models_are_imported() -> None:
    """Rendering calls nobody. The import linter sees a package of others as a whole, so it cannot tell."""
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for path in Path(_render.__code__.co_filename).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    slacks = {module for module in imported if module is not None and module.startswith("slack_sdk")}
    assert slacks
    assert all(module.startswith("slack_sdk.models") for module in slacks)


@pytest.mark.parametrize(
    "wrong",
    [
        models.ButtonElement(text="x" * 76, action_id="a"),
        models.ButtonElement(text="x", action_id="a", value="x" * 2001),
        models.SectionBlock(block_id="nothing"),
        models.SectionBlock(text="x", block_id="x" * 256),
        models.ContextBlock(elements=[models.MarkdownTextObject(text="x")] * 11),
        models.ActionsBlock(elements=[models.ButtonElement(text="x", action_id="a")] * 26),
    ],
    ids=["label", "value", "empty", "block-id", "context", "actions"],
)
def test_our_models_make_the_checks_of_slacks(wrong: JsonObject) -> None:
    """They look for them once for each class, where the SDK's do so for each object."""
    with pytest.raises(SlackObjectFormationError):
        wrong.to_dict()
