"""What somebody may have meant: the nearest known word to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LIKENESS = 0.6
"""difflib's own threshold: two letters wrong in a word of six still find it."""


def nearest(word: str, known: Iterable[str], *, likeness: float = LIKENESS) -> str | None:
    """The known word most like ``word``, case aside, in its own spelling; None when none is like it."""
    spellings = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(word.casefold(), sorted(spellings), n=1, cutoff=likeness)
    return spellings[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], *, likeness: float = LIKENESS) -> str:
    """``; did you mean “…”?`` to end a sentence with, or nothing when no known word is near."""
    meant = nearest(word, known, likeness=likeness)
    return f"; did you mean “{meant}”?" if meant else ""
