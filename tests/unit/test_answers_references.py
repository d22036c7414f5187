"""How people name a change, read without a database."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answers.where import LARGEST_NUMBER, Reference, read_reference


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("812", Reference(number=812)),
        (" #812 ", Reference(number=812)),
        ("pr 812", Reference(number=812)),
        ("PR#812", Reference(number=812)),
        ("acme/check.out-1#812", Reference(repo="acme/check.out-1", number=812)),
        ("a1b2c3d", Reference(sha="a1b2c3d")),
        ("A1B2C3D", Reference(sha="a1b2c3d")),
        ("acme/checkout@a1b2c3d", Reference(repo="acme/checkout", sha="a1b2c3d")),
        ("https://github.example/acme/checkout/pull/812", Reference(repo="acme/checkout", number=812)),
        ("https://github.example/acme/checkout/pull/812/commits/a1b2c3d4", Reference("acme/checkout", 812)),
        (
            "http://127.0.0.1:8080/github.com/acme/checkout/commit/a1b2c3d4",
            Reference("acme/checkout", None, "a1b2c3d4"),
        ),
        ("https://gitlab.example/acme/checkout/-/commit/a1b2c3d4?x=1", Reference("acme/checkout", None, "a1b2c3d4")),
        ("0", None),
        ("-1", None),
        ("#", None),
        ("a1b2c3", None),
        ("checkout", None),
        ("acme/checkout", None),
        ("https://github.example/acme/checkout", None),
        ("https://github.example/acme/checkout/pull/a1b2c3d4", None),
        ("", None),
        ("²", None),
    ],
)
def test_a_name_means_what_people_mean(asked: str, meant: Reference | None) -> None:
    assert read_reference(asked) == meant


def test_a_run_of_digits_may_be_a_number_and_a_commit_both() -> None:
    assert read_reference("1234567") == Reference(number=1234567, sha="1234567")
    assert read_reference("12345678901") == Reference(sha="12345678901")


@given(st.text())
def test_whatever_somebody_types_is_read_or_not_and_never_fails(asked: str) -> None:
    found = read_reference(asked)
    if found is not None:
        assert found.number is not None or found.sha is not None
        assert found.number is None or 0 < found.number <= LARGEST_NUMBER


@given(st.text(string.hexdigits, min_size=7, max_size=64))
def test_each_commit_of_seven_characters_or_more_is_one(asked: str) -> None:
    found = read_reference(asked)
    assert found is not None
    assert found.sha == asked.lower()
