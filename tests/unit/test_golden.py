"""What people read: every template with its golden file, and with hostile, huge and hardly known views.

``SHIPMATE_GOLDEN=write`` writes the golden files anew.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.ports import Message
from bot.rendering import Renderer, templates_folder
from bot.rendering.blocks import Page
from tests.unit.golden_deploys import DIFF, LIVE, NOTE, RED, ROLLING, digest, numbered
from tests.unit.golden_samples import EVERY, SAMPLES
from tests.unit.slack_limits import faults, outside, skeletons, texts

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    """One renderer for all: it compiles each template once."""
    return Renderer()


def show(renderer: Renderer, template: str, view: object) -> Message:
    """The message, modal or Home, which Slack would take; of a modal the text is what frames it."""
    if template.startswith("modals/"):
        modal = renderer.modal(template, view, callback_id="c1", private_metadata="{}")
        frame = [modal[name] for name in ("title", "submit", "close") if name in modal]
        assert [fault for text in frame for fault in outside("frame", len(text["text"]), 24)] == []
        assert ("submit" in modal) is any(block["type"] == "input" for block in modal["blocks"])
        message = Message(text="\n".join(text["text"] for text in frame), blocks=modal["blocks"], key="k1")
        assert faults(message, most=100, budget=250_000) == []
        return message
    if template.startswith("home/"):
        message = Message(text="home", blocks=renderer.home(template, view)["blocks"], key="k1")
        assert faults(message, most=100, budget=250_000) == []
        return message
    message = renderer.message(template, view, key="k1")
    assert faults(message) == []
    return message


def with_every_word(view: Any, words: str) -> Any:
    """The same view with each text in it replaced."""
    if isinstance(view, Enum):
        return view
    if isinstance(view, str):
        return words
    if isinstance(view, tuple):
        return tuple(with_every_word(part, words) for part in view)
    if dataclasses.is_dataclass(view) and not isinstance(view, type):
        parts = {field.name: with_every_word(getattr(view, field.name), words) for field in dataclasses.fields(view)}
        return dataclasses.replace(view, **parts)
    return view


@pytest.mark.parametrize("template", SAMPLES)
def test_a_template_says_what_its_golden_file_says(renderer: Renderer, template: str) -> None:
    shown = {}
    for name, view in SAMPLES[template].items():
        message = show(renderer, template, view)
        shown[name] = {"text": message.text.split("\n"), "blocks": list(message.blocks)}
    written = json.dumps(shown, ensure_ascii=False, indent=1) + "\n"
    golden = GOLDEN / f"{template}.json"
    if os.environ.get("SHIPMATE_GOLDEN") == "write":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(written, encoding="utf-8")
    assert written == golden.read_text(encoding="utf-8")


def test_no_field_of_a_view_hides_a_function_of_the_templates() -> None:
    functions = {*Page().functions, "link", "count", "dots"}
    views = [view for views in SAMPLES.values() for view in views.values() if dataclasses.is_dataclass(view)]
    assert {field.name for view in views for field in dataclasses.fields(view)} & functions == set()


def test_every_template_has_samples_and_no_golden_file_is_left_over() -> None:
    """A new template is not forgotten, nor an old file kept."""
    folder = templates_folder()
    templates = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*/*.j2")}
    assert templates >= set(SAMPLES)
    folders = ("cards/", "notes/", "replies/", "modals/", "home/")
    assert {name for name in templates if name.startswith(folders)} == set(SAMPLES)
    assert {str(path.relative_to(GOLDEN).with_suffix("")) for path in GOLDEN.rglob("*/*.json")} == set(SAMPLES)


HOSTILE = (
    "<!channel> <!here> <@U1> <#C1>",
    "<!subteam^S1> <https://evil.example|ok>",
    "*x* `y` _z_ ~s~ ```code``` __init__",
    "@here @channel #general https://evil.example",
    "<!date^1^{time}|soon> &amp; &lt;!channel&gt;",
    "one \n> quote \u2028>>> more \r\n*x*",
    ">>> quote",
    "\u202eright to left \x00\x01\u200b @\u200bhere \ud83d",
    "{{ view }} {% if %} \x000 |> *x",
    "Retry <!channel> <@U1> *x* `y` <https://evil|ok>",
)
GROUPED = ("cards/digest", "replies/said")
"""The one groups by words, the other keeps its own lines, so other words may make other lines."""


@pytest.mark.parametrize(("template", "name"), EVERY)
def test_words_from_outside_do_nothing(renderer: Renderer, template: str, name: str) -> None:
    """Every text of every view is hostile, and no more syntax is alive than with harmless words."""
    view = SAMPLES[template][name]
    for words in HOSTILE:
        hostile = show(renderer, template, with_every_word(view, words))
        for shown in [hostile.text, *(text["text"] for text in texts(list(hostile.blocks)))]:
            assert not re.search(r"<(?!!date\^\d+\^\{)", shown), words
            assert not re.search(r"&(?!amp;|lt;|gt;)", shown), words
            assert not re.search(r"@(here|channel|everyone)\b", shown), words
            assert not re.search("[\x00-\x09\x0b-\x1f\u2028\u202e\u200b\ud800-\udfff]", shown), words
            assert not re.search(r"\*x\*|`y`|_z_|~s~|```|_init_", shown), words
        if template not in GROUPED:
            harmless = show(renderer, template, with_every_word(view, "w" * len(words)))
            assert skeletons(hostile) == skeletons(harmless), words


@settings(max_examples=settings().max_examples // 2)
@given(
    sample=st.sampled_from([pair for pair in EVERY if pair[0] not in GROUPED]),
    words=st.text(
        st.one_of(st.sampled_from("<>&*_~`|@#!^:/\\\n\r\t \u2028\u202e\x00a1"), st.characters()), max_size=40
    ),
)
def test_no_words_whatever_make_syntax(renderer: Renderer, sample: tuple[str, str], words: str) -> None:
    template, name = sample
    view = SAMPLES[template][name]
    hostile = show(renderer, template, with_every_word(view, f"a{words}a"))
    harmless = show(renderer, template, with_every_word(view, "a" * (len(words) + 2)))
    assert skeletons(hostile) == skeletons(harmless)


@settings(max_examples=settings().max_examples // 2)
@given(
    sample=st.sampled_from(EVERY),
    length=st.integers(1, 50_000),
    filling=st.sampled_from(["x", "& ", "<", "*_", "é", "\U0001f600", "word "]),
    repeat=st.sampled_from([1, 7, 400]),
)
def test_a_message_fits_however_long_its_parts_are(
    renderer: Renderer, sample: tuple[str, str], length: int, filling: str, repeat: int
) -> None:
    template, name = sample
    huge = with_every_word(SAMPLES[template][name], (filling * length)[:length])
    message = show(renderer, template, many_times(huge, repeat))
    assert message.text.strip()


def many_times(view: Any, repeat: int) -> Any:
    """The same view with each list in it as many times as long."""
    lists = {
        field.name: getattr(view, field.name) * repeat
        for field in dataclasses.fields(view)
        if isinstance(getattr(view, field.name), tuple)
    }
    return dataclasses.replace(view, **lists)


def test_a_thousand_changes_make_a_short_card_that_counts_them(renderer: Renderer) -> None:
    message = show(renderer, "cards/deploy", dataclasses.replace(LIVE, arriving=numbered(1, 1000), more=234))
    assert f"<{DIFF}|and 1,224 more changes>" in message.blocks[1]["text"]["text"]
    assert len(message.text) < 1000


@pytest.mark.parametrize("services", [1, 7, 200])
def test_a_digest_of_two_hundred_names_each_deploy(renderer: Renderer, services: int) -> None:
    """A folded deploy is visible only here."""
    view = digest(200, services)
    shown = " ".join(text["text"] for text in texts(list(show(renderer, "cards/digest", view).blocks)))
    assert [line.sha for line in view.lines if line.sha[:7] not in shown] == []


def test_the_first_words_on_a_phone_are_outcome_service_and_number(renderer: Renderer) -> None:
    """A phone shows some 80 characters of the notification text."""
    card = show(renderer, "cards/deploy", LIVE).text[:80]
    note = show(renderer, "notes/change", NOTE).text[:80]
    assert [word for word in ("✅", "checkout", "live", "production", "#812") if word not in card] == []
    assert [word for word in ("✅", "live", "production", "#812") if word not in note] == []


def test_where_says_first_how_far_it_got_and_bad_news_before_good(renderer: Renderer) -> None:
    """What failed in production is not reported as live in staging."""
    said = {
        name: show(renderer, "replies/where", SAMPLES["replies/where"][name]).text.split("\n")[0]
        for name in ("failed in production", "taken out of production", "on its way", "one of two services")
    }
    assert said["failed in production"].startswith("🔴 #812 failed in production, and is live in staging")
    assert said["taken out of production"].startswith("⏪ #812 was taken out of production, and is live in staging")
    assert said["on its way"].startswith("🔀 #812 is on its way")
    assert said["one of two services"].startswith("✅ #812 is live in checkout staging")


def test_a_channel_card_notifies_nobody_and_a_red_build_its_author(renderer: Renderer) -> None:
    assert "<@" not in json.dumps(list(show(renderer, "cards/deploy", LIVE).blocks))
    assert "<@U0ANA>, can you look?" in show(renderer, "notes/red_build", RED).text


def test_a_card_in_progress_has_no_text_that_ticks(renderer: Renderer) -> None:
    """Two renderings differ only if what they show differs, or every poll would be an edit."""
    assert renderer.message("cards/deploy", ROLLING, key="k1") == renderer.message("cards/deploy", ROLLING, key="k1")
    assert "<!date^" in show(renderer, "cards/deploy", ROLLING).blocks[0]["text"]["text"]
