"""Slack's limits: cutting mrkdwn without breaking it, and fitting a whole message.

``slack_sdk.models`` checks lengths of section text, header, button, confirm, ids, and how many elements a block has.
Six limits that Slack documents it lets through (each tried with slack_sdk 3.47); kept here and in ``blocks.py``:

1. a text object has at least 1 character (the SDK drops an empty ``text`` and sends the object without it);
2. a field of a section has at most 2,000 characters;
3. a context element has at most 3,000 characters;
4. context and actions have at least one element;
5. ``action_id`` is unique within a block, and a button's label is plain text;
6. a message has at most 50 blocks.

Two more budgets are Slack's practice: blocks beyond some 13,200 characters are refused with ``msg_blocks_too_long``
(slackapi/bolt-js 2509; in 2867 already at 11,341 characters of text, so we count the JSON, which is more), and ``text``
over about 4,000 is posted as several messages (slackapi/bolt-python 764).
"""

from __future__ import annotations

import json
import re
from typing import Any

MOST_BLOCKS = 50
MOST_BLOCKS_OF_VIEW = 100
"""Of a modal, or of a home tab."""
VIEW_BUDGET = 100_000
"""Characters of a view's blocks: Slack takes 250 kB, and a character has up to four bytes."""
MOST_ELEMENTS = 25
MOST_FIELDS = 10
LONGEST_TEXT = 3000
LONGEST_FIELD = 2000
LONGEST_LABEL = 75
LONGEST_OPTION = 75
"""Of an option's label and value; a placeholder may have more."""
LONGEST_TITLE = 24
"""Of a modal's title and its buttons."""
LONGEST_INPUT = 3000
MOST_OPTIONS = 100
FEWEST_OPTIONS = 20
"""A menu keeps so many of its options, the first ones, however little room there is."""
LONGEST_NOTIFICATION = 3900
BLOCKS_BUDGET = 12_000
SHORTEST_CUT = 60
"""A text is not cut below this to make room: then whole blocks go instead."""

_PIECE = re.compile(r"<[^>]*>|&(?:amp|lt|gt);|[^<&]+|[<&]")
_TOKEN = re.compile(r"<([^|>]*)(?:\|([^>]*))?>")
_LINK = re.compile(r"<https?://[^|>]*\|([^>]*)>")
_FORMATTING = re.compile(r"[*`~]|(?<![^\W_])_|_(?![^\W_])")


def cut(words: str, limit: int) -> str:
    """At most ``limit`` characters of mrkdwn, cut between tokens, at a line's end if one is near."""
    if len(words) <= limit:
        return words
    room = limit - 4
    kept = ""
    for piece in _PIECE.findall(words):
        if len(kept) + len(piece) > room:
            kept += "" if piece[0] in "<&" else piece[: room - len(kept)]
            break
        kept += piece
    line_end = kept.rfind("\n")
    kept = kept[:line_end] if line_end > room * 2 // 3 else kept.rstrip()
    closing = "".join(mark for mark in "`*" if _TOKEN.sub("", kept).count(mark) % 2)
    return f"{kept}…{closing}"


def split(words: str, limit: int = LONGEST_TEXT) -> list[str]:
    """The text in parts of at most ``limit`` characters, parted at line ends.

    A longer line loses its links, then its end.
    """
    if len(words) <= limit:
        return [words] if words else []
    parts: list[str] = []
    part = ""
    for whole in words.split("\n"):
        line = whole if len(whole) <= limit else cut(_LINK.sub(r"\1", whole), limit)
        if part and len(part) + 1 + len(line) > limit:
            parts.append(part)
            part = line
        else:
            part = f"{part}\n{line}" if part else line
    return [*parts, part]


def flatten(words: str) -> str:
    """Mrkdwn as it would be read aloud: labels for links, the fallback for instants, no formatting; mentions stay."""
    return _FORMATTING.sub("", _TOKEN.sub(_read_aloud, words))


def _read_aloud(token: re.Match[str]) -> str:
    target, label = token.groups()
    if target[:1] in ("@", "#"):
        return token.group()
    return label or target


def fit(blocks: list[dict[str, Any]], most: int = MOST_BLOCKS, budget: int = BLOCKS_BUDGET) -> list[dict[str, Any]]:
    """The blocks within what a message may hold: menus lose their last options, then long texts their links and ends.

    Buttons and questions are kept to the last: a message without its way out is worse than a shorter one.
    """
    kept = _fewer(blocks, most)
    while (over := _size(kept) - budget) > 0:
        if not _offer_fewer(kept) and not _shorten(_texts(kept), over):
            kept = _fewer(kept, len(kept) - 1)
    return kept


def _offer_fewer(blocks: list[dict[str, Any]]) -> bool:
    """Take the last option from the longest menu, but never what is chosen already; False when all are short."""
    held = [
        element
        for block in blocks
        for element in (*block.get("elements", ()), block.get("element"), block.get("accessory"))
    ]
    menus = [element for element in held if element is not None and element["type"] == "static_select"]
    longest = max(menus, key=lambda menu: len(menu["options"]), default=None)
    if longest is None or len(longest["options"]) <= FEWEST_OPTIONS:
        return False
    options = longest["options"]
    del options[-2 if options[-1] == longest.get("initial_option") else -1]
    return True


def _shorten(texts: list[dict[str, Any]], over: int) -> bool:
    """Make the longest text shorter, one that has links first; False when all are as short as they may be."""
    linked = [text for text in texts if _LINK.search(text["text"])]
    longest = max(linked or texts, key=lambda text: len(text["text"]), default=None)
    if longest is None:
        return False
    words = longest["text"]
    if linked:
        longest["text"] = _LINK.sub(r"\1", words)
    elif len(words) > SHORTEST_CUT:
        longest["text"] = cut(words, max(SHORTEST_CUT, len(words) // 2, len(words) - over))
    else:
        return False
    return True


def _fewer(blocks: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    if len(blocks) <= most:
        return blocks
    surplus = len(blocks) - most
    expendable = [index for index, block in enumerate(blocks) if block["type"] not in ("actions", "input")]
    gone = set((expendable or list(range(len(blocks))))[-surplus:])
    return [block for index, block in enumerate(blocks) if index not in gone][:most]


def _texts(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every mrkdwn text object that may be shortened."""
    found: list[dict[str, Any]] = []
    for block in blocks:
        found += [*filter(None, [block.get("text")]), *block.get("fields", ())]
        found += [element for element in block.get("elements", ()) if element["type"] == "mrkdwn"]
    return found


def _size(blocks: list[dict[str, Any]]) -> int:
    return len(json.dumps(blocks, ensure_ascii=False))


def notification(blocks: list[dict[str, Any]]) -> str:
    """What a screen reader says and a phone shows: every word of the blocks, in order, within Slack's 4,000."""
    return cut("\n".join(flatten(text["text"]) for text in _texts(blocks)), LONGEST_NOTIFICATION)
