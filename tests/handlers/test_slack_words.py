"""A command's text taken apart, and what help says of a word that does not exist."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.slack import words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("  status   checkout ", ["status", "checkout"]),
        (
            "where <https://github.example/acme/checkout/pull/812>",
            ["where", "https://github.example/acme/checkout/pull/812"],
        ),
        ("where <https://github.example/a/b/pull/1|a pull>", ["where", "https://github.example/a/b/pull/1"]),
        ("where <https://x.example/?a=1&amp;b=2>", ["where", "https://x.example/?a=1&b=2"]),
        ("watch 812 <@U0ANA|ana>", ["watch", "812", "<@U0ANA>"]),
        ("watch 812 <@U0ANA>", ["watch", "812", "<@U0ANA>"]),
        ("in <#C0DEPLOYS|deploys>", ["in", "<#C0DEPLOYS>"]),
        ("lock checkout “a long reason”", ["lock", "checkout", "a long reason"]),
        ('lock checkout "a long reason"', ["lock", "checkout", "a long reason"]),
        ("where `812`", ["where", "812"]),
        ("where\u00a0*812*", ["where", "812"]),
        ("status tom’s", ["status", "tom's"]),
        ("where a&lt;b", ["where", "a<b"]),
        ('half "open', ["half", '"', "open"]),
        ("half <open", ["half", "<", "open"]),
        ("nul\0 zero\u200bwidth", ["nul", "zerowidth"]),
    ],
)
def test_words_are_read_as_they_were_meant(text: str, found: list[str]) -> None:
    assert words.split(text) == found


@pytest.mark.parametrize(
    ("text", "reason", "kept"),
    [
        ("freeze until friday & \"quote\" 'x' now", "& quote x now", "& \"quote\" 'x' now"),
        ("freeze until friday R&amp;D 'x'", "R&D x", "R&D 'x'"),
        ('lock checkout "a long reason"', "a long reason", "a long reason"),
        ("lock checkout the “big one”", "the big one", 'the "big one"'),
        ("lock checkout moving `it`", "moving it", "moving it"),
        ("lock checkout a for 2h b", "a b", "a b"),
        ("", "", ""),
    ],
)
def test_a_reason_keeps_the_quotes_that_are_within_it(text: str, reason: str, kept: str) -> None:
    assert words.as_typed(reason, text) == kept


@given(st.text())
def test_whatever_is_typed_is_taken_apart_into_words_without_ends(text: str) -> None:
    for word in words.split(text):
        assert word
        assert word == word.strip(" \t\r\n")
        assert "\0" not in word


def test_an_unknown_word_is_answered_with_the_nearest() -> None:
    assert words.help_for("statsu").meant == "status"
    assert words.help_for("zzzz").meant is None
    assert words.help_for("zzzz").unknown == "zzzz"


def test_a_word_of_me_typed_without_it_is_shown_with_it() -> None:
    """With what was typed after it; another command is named."""
    assert words.help_for("Mute", ["#812"]).meant == "me mute #812"
    assert words.help_for("unmute").meant == "me unmute"
    assert (words.help_for("incident").meant, words.help_for("incident").elsewhere) == (None, "/incident")


def test_a_change_without_its_word_is_taken_for_where() -> None:
    assert words.help_for("#812").meant == "where #812"


def test_help_shows_first_what_is_asked_most() -> None:
    assert words.names() == (
        "status",
        "where",
        "me",
        "promote",
        "rollback",
        "lock",
        "unlock",
        "locks",
        "freeze",
        "watch",
        "drift",
        "train",
        "oncall",
        "metrics",
        "help",
    )
