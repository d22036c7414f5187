"""Whatever stands in a delivery of any monitoring system, reading it neither fails nor gives what cannot be stored."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbox import RECEIVED_AT
from handlers.webhooks import SOURCES
from handlers.webhooks.source import Malformed
from tests.handlers.recorded import CAME, PAYLOADS, body_of, headers_of
from tests.handlers.test_github_translate_anything import any_json, any_text, assert_storable, damage, paths_in

FIXTURES = [
    (source, file.stem)
    for source in sorted(set(SOURCES) - {"github"})
    for file in sorted((PAYLOADS / source).glob("*.json"))
]
BODIES: dict[tuple[str, str], dict[str, Any]] = {one: json.loads(body_of(*one)) for one in FIXTURES}
PLACES = {one: paths_in(body) for one, body in BODIES.items()}
ODD: list[object] = [None, True, -1, 2**70, 1e300, 1.5, "", "\x00\ud800", "0001-01-01", "9" * 400, [], [None], {}, [[]]]


def assert_read(source: str, headers: dict[str, str], body: bytes) -> None:
    """It is refused in our words; or it has a name, and means something that can be stored."""
    if not well_formed(source, headers, body):
        return
    name = SOURCES[source].delivery_id(headers, body)
    assert 0 < len(name) <= 255
    assert_storable(name)
    assert_storable(SOURCES[source].keep(headers))
    for found in SOURCES[source].translate(headers, body):
        assert_storable(found)
        assert len(getattr(found, "fingerprint", getattr(found, "external_id", ""))) <= 255


def well_formed(source: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether it is taken at the door."""
    try:
        SOURCES[source].check(headers, body)
    except Malformed:
        return False
    return True


@pytest.mark.parametrize("source", sorted(set(SOURCES) - {"github"}))
def test_every_source_has_fixtures(source: str) -> None:
    """So that none is left out here."""
    assert any(one == source for one, _ in FIXTURES)


@pytest.mark.parametrize(("source", "name"), FIXTURES)
def test_each_piece_may_be_missing_or_of_any_kind(source: str, name: str) -> None:
    """Every place of every fixture, one at a time, in turn absent and as one of the kinds of JSON value."""
    for number, path in enumerate(PLACES[source, name]):
        for change in [("take", None), *(("put", ODD[(number + turn) % len(ODD)]) for turn in range(2))]:
            payload = copy.deepcopy(BODIES[source, name])
            damage(payload, path, change)
            assert_read(source, headers_of(source, name), json.dumps(payload).encode())


@given(data=st.data(), fixture=st.sampled_from(FIXTURES))
def test_a_damaged_delivery_never_fails(data: st.DataObject, fixture: tuple[str, str]) -> None:
    """Many pieces at once."""
    changes = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from(PLACES[fixture]), st.just(("take", None)) | any_json.map(lambda value: ("put", value))
            ),
            max_size=8,
        )
    )
    payload = copy.deepcopy(BODIES[fixture])
    for path, change in changes:
        damage(payload, path, change)
    assert_read(fixture[0], headers_of(*fixture), json.dumps(payload).encode())


@given(
    source=st.sampled_from(sorted(SOURCES)),
    body=st.binary(max_size=200)
    | st.dictionaries(any_text, any_json, max_size=5).map(lambda one: json.dumps(one).encode()),
    resource=any_text,
)
def test_anything_at_all_is_refused_or_read(source: str, body: bytes, resource: str) -> None:
    """Never a fault of ours."""
    headers = {RECEIVED_AT: CAME.isoformat(), "Sentry-Hook-Resource": resource, "Sentry-Hook-Timestamp": resource}
    if source != "github":
        assert_read(source, headers, body)
