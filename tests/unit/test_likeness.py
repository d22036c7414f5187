"""Whether two names of a build, or two paths of a file, mean the same."""

from __future__ import annotations

import pytest

from bot.alerts.likeness import Overlap, overlap, same_build

SHA = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"


@pytest.mark.parametrize(
    ("told", "known", "same"),
    [
        (SHA, SHA, True),
        ("a1b2c3d", SHA, True),
        (SHA, "a1b2c3d", True),
        ("A1B2C3D", SHA, True),
        ("main-a1b2c3d", SHA, True),
        ("registry.example.com:5000/oven:a1b2c3d", SHA, True),
        ("oven@1.4.2", "v1.4.2", True),
        ("v1.4.2", "1.4.2", True),
        ("registry.example.com/oven:v1.4.2", "1.4.2", True),
        ("1.4.2", "1.4.20", False),
        ("1.4.2", "1.4.1", False),
        ("a1b2c3", SHA, False),
        ("b1b2c3d", SHA, False),
        ("release-20260302-1", "release-20260302-2", False),
        ("20260302", "release-20260302", False),
        ("20260302-2", "20260302", False),
        ("oven:20260302-2", "20260302-1", False),
        ("20260302", "20260302", True),
        ("2026030", "2026030" + "a" * 33, True),
        ("2026030" + "a" * 33, "2026030", True),
        ("", SHA, False),
        ("v", SHA, False),
        ("41", SHA, False),
    ],
)
def test_a_version_is_a_build_by_any_of_its_names(told: str, known: str, same: bool) -> None:
    """However its sender writes it."""
    assert same_build(told, [known]) is same
    assert same_build(told, ["something else", known]) is same


def test_what_has_no_name_is_no_build() -> None:
    """Nothing is like nothing."""
    assert not same_build("", [""])
    assert not same_build("v1", [])


@pytest.mark.parametrize(
    ("stack", "touched", "found"),
    [
        (["oven/crust.py"], ["oven/crust.py"], Overlap("oven/crust.py", 0)),
        (["/srv/app/oven/crust.py"], ["oven/crust.py"], Overlap("oven/crust.py", 0)),
        (["oven/crust.py"], ["services/oven/crust.py"], Overlap("services/oven/crust.py", 0)),
        (["C:\\app\\oven\\crust.py"], ["oven/crust.py"], Overlap("oven/crust.py", 0)),
        (["./oven/crust.py"], ["oven/crust.py"], Overlap("oven/crust.py", 0)),
        (["oven/main.py", "oven/crust.py"], ["oven/crust.py"], Overlap("oven/crust.py", 1)),
        (["oven/main.py", "oven/crust.py"], ["oven/crust.py", "oven/main.py"], Overlap("oven/main.py", 0)),
        (["crust.py"], ["oven/crust.py"], None),
        (["mill/crust.py"], ["oven/crust.py"], None),
        (["oven/thick_crust.py"], ["oven/crust.py"], None),
        (["/usr/lib/site-packages/oven/crust.py"], ["oven/crust.py"], None),
        (["", "/"], ["oven/crust.py", ""], None),
        ([], ["oven/crust.py"], None),
        (["oven/crust.py"], [], None),
    ],
)
def test_a_file_is_the_same_wherever_it_lies(stack: list[str], touched: list[str], found: Overlap | None) -> None:
    """By the end of its path; a name alone is everybody's, and what others wrote is not ours."""
    assert overlap(stack, touched) == found


def test_more_of_a_path_may_have_to_agree() -> None:
    """``src/index.ts`` is in every repository."""
    assert overlap(["/srv/src/index.ts"], ["src/index.ts"], 3) is None
    assert overlap(["/srv/oven/src/index.ts"], ["oven/src/index.ts"], 3) == Overlap("oven/src/index.ts", 0)
