"""Finding the word that was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.spelling import did_you_mean, nearest

WORDS = ["status", "where", "promote", "rollback", "lock", "unlock"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("stauts", "status"), ("STATUS", "status"), ("promot", "promote"), ("unlok", "unlock"), ("zebra", None)],
)
def test_the_nearest_word_is_found_whatever_its_case(written: str, meant: str | None) -> None:
    """A typing error of a letter or two still finds its word; something else finds none."""
    assert nearest(written, WORDS) == meant


def test_the_answer_has_the_known_words_own_spelling() -> None:
    """People read back the name that really exists."""
    assert nearest("checkuot", ["Checkout"]) == "Checkout"


def test_a_sentence_is_only_continued_when_there_is_something_to_say() -> None:
    """No question is better than a silly one."""
    assert did_you_mean("stauts", WORDS) == "; did you mean “status”?"
    assert did_you_mean("zebra", WORDS) == ""


@given(st.sampled_from(WORDS), st.data())
def test_two_letters_swapped_are_always_understood(word: str, data: st.DataObject) -> None:
    """The commonest typing error of all."""
    at = data.draw(st.integers(0, len(word) - 2))
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert nearest(swapped, WORDS) == word
