"""A browser for the tests of the sandbox's page; where there is none, they are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Chromium, find_chromium


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A headless Chromium that ends with the session."""
    binary = find_chromium()
    if binary is None:
        pytest.skip("there is no Chromium on this machine")
    browser = Chromium(binary)
    try:
        yield browser
    finally:
        browser.stop()
