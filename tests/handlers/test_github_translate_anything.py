"""Whatever stands in a payload, translating it neither fails nor gives what cannot be stored."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.webhooks.github import KEPT, SOURCE, TRANSLATORS, translate
from handlers.webhooks.payload import INTEGER_LIMIT
from handlers.webhooks.source import DeliveryError, header

FIXTURES: dict[str, dict[str, Any]] = {
    event: json.loads((Path(__file__).parents[1] / "payloads" / "github" / f"{event}.json").read_bytes())
    for event in TRANSLATORS
}

any_text = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(
    [
        "\x00",
        "\ud800",
        " \n ",
        "https://[",
        "https://e.example/\x00",
        "2026-13-01",
        "0001-01-01T00:00:00+14:00",
        "9" * 400,
        "0" * 40,
        "refs/heads/main",
        "a/b",
        "[" * 5000,
        "Reverts #99999999999",
        "Reverts #٣",
        "Co-authored-by: <@>",
    ]
)
any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 0, 2**31, 2**63, 10**400])
    | st.floats(allow_nan=False, allow_infinity=False)
    | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)


def paths_in(value: object, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place within a JSON value that can be changed."""
    pieces: list[tuple[Any, object]] = []
    if isinstance(value, dict):
        pieces = list(value.items())
    elif isinstance(value, list):
        pieces = list(enumerate(value))
    return [path for key, piece in pieces for path in [(*here, key), *paths_in(piece, (*here, key))]]


PLACES = {event: paths_in(payload) for event, payload in FIXTURES.items()}


def damage(payload: dict[str, Any], path: tuple[Any, ...], change: tuple[str, object]) -> None:
    """Take the piece at this path away, or put another in its stead; a path that is gone already is left."""
    holder: Any = payload
    for key in path[:-1]:
        there = holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        if key not in there:
            return
        holder = holder[key]
    kind, value = change
    last = path[-1]
    if isinstance(holder, dict):
        if kind == "take":
            holder.pop(last, None)
        else:
            holder[last] = value
    elif isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        if kind == "take":
            holder.pop(last)
        else:
            holder[last] = value


def assert_storable(value: object) -> None:
    """Fit for every database: clean text, aware UTC times, numbers of eight bytes."""
    if is_dataclass(value):
        for field in fields(value):
            assert_storable(getattr(value, field.name))
    elif isinstance(value, tuple):
        for piece in value:
            assert_storable(piece)
    elif isinstance(value, Mapping):
        for key, piece in value.items():
            assert_storable(key)
            assert_storable(piece)
    elif isinstance(value, str):
        assert "\x00" not in value
        value.encode()
    elif isinstance(value, datetime):
        assert value.utcoffset() == timedelta(0)
        assert 1970 <= value.year < 2200
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63
    else:
        assert value is None


@given(data=st.data(), event=st.sampled_from(sorted(TRANSLATORS)))
def test_a_damaged_payload_never_fails(data: st.DataObject, event: str) -> None:
    """Keys taken away and types changed, anywhere in our fixtures, singly and many at once."""
    changes = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from(PLACES[event]),
                st.just(("take", None)) | any_json.map(lambda value: ("put", value)),
            ),
            max_size=8,
        )
    )
    payload = copy.deepcopy(FIXTURES[event])
    for path, change in changes:
        damage(payload, path, change)

    for found in translate({"X-GitHub-Event": event}, json.dumps(payload).encode()):
        assert_storable(found)


@pytest.mark.parametrize("event", sorted(TRANSLATORS))
def test_each_piece_may_be_missing_or_of_any_kind(event: str) -> None:
    """Every place of every fixture, one at a time: absent, and as each kind of JSON value there is."""
    kinds: list[object] = [None, True, -1, 2**70, 1.5, "", "\x00\ud800", [], [None], [[]], {}, {"login": []}]
    for path in PLACES[event]:
        for change in [("take", None), *(("put", kind) for kind in kinds)]:
            payload = copy.deepcopy(FIXTURES[event])
            damage(payload, path, change)
            for found in translate({"X-GitHub-Event": event}, json.dumps(payload).encode()):
                assert_storable(found)


@given(payload=st.dictionaries(any_text, any_json, max_size=5), event=st.sampled_from([*sorted(TRANSLATORS), "watch"]))
def test_any_json_object_is_translated(payload: dict[str, object], event: str) -> None:
    """Under each event's name, known or not: nothing is told of what is not there."""
    assert translate({"X-GitHub-Event": event}, json.dumps(payload).encode()) == []


@given(body=st.binary(max_size=200), headers=st.dictionaries(st.sampled_from(KEPT), any_text))
def test_what_cannot_be_read_is_refused_and_never_fails(body: bytes, headers: dict[str, str]) -> None:
    """Each refusal is one of ours, with a reason and a mend; what is kept of the headers can be stored."""
    refusals: list[DeliveryError] = []
    for question in (SOURCE.check, SOURCE.delivery_id):
        try:
            question(headers, body)
        except DeliveryError as refused:
            refusals.append(refused)
    assert all(refused.status == 400 and refused.reason and refused.mend for refused in refusals)
    for name, value in SOURCE.keep(headers).items():
        assert_storable(name)
        assert_storable(value)


@given(name=st.sampled_from(KEPT), value=st.text(min_size=1, alphabet="abc019-"), shape=st.randoms())
def test_a_headers_name_has_no_case(name: str, value: str, shape: Any) -> None:
    """Proxies and stored copies spell it as they like."""
    spelt = "".join(shape.choice((letter.upper(), letter.lower())) for letter in name)
    assert header({spelt: value}, name) == value
    assert SOURCE.keep({spelt: value}) == {name: value}


def test_counts_fit_the_columns_they_go_to() -> None:
    """One more than PostgreSQL's integer holds reads as unknown, not as a fault."""
    payload = copy.deepcopy(FIXTURES["pull_request"])
    payload["pull_request"].update(additions=INTEGER_LIMIT, deletions=INTEGER_LIMIT + 1)
    [merged] = translate({"X-GitHub-Event": "pull_request"}, json.dumps(payload).encode())
    assert "additions=2147483647, deletions=None" in repr(merged)
