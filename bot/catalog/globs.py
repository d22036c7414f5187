"""Globs of shipmate.yml. Apart from its other small languages, so that the model, which rules read, stays pure."""

from __future__ import annotations

import re


def glob_pattern(text: str) -> re.Pattern[str]:
    """A glob as a regular expression for whole paths.

    ``**`` stands for any folders, also for none. A pattern whose last part has no ``*`` or ``?`` may name a folder
    and then takes in what lies beneath, as in CODEOWNERS.
    """
    text = text.rstrip("/")
    pattern = ""
    for part in re.findall(r"\*\*/|/\*\*$|\*+|\?|[^*?/]+|/", text):
        if part == "**/":
            pattern += "(?:.*/)?"
        elif part == "/**":
            pattern += "/.*"
        elif part.startswith("*"):
            pattern += ".*" if part == "**" else "[^/]*"
        else:
            pattern += "[^/]" if part == "?" else re.escape(part)
    if not re.search(r"[*?][^/]*$", text):
        pattern += "(?:/.*)?"
    return re.compile(pattern, re.DOTALL)
