"""What Slack would refuse of a message, and how much live syntax one has.

Written from Slack's own tables; it shares nothing with the code it judges.
"""

from __future__ import annotations

import json
import re
from typing import Any

from bot.ports import Message


def texts(blocks: Any) -> list[dict[str, Any]]:
    """Every text object, however deep."""
    if isinstance(blocks, dict):
        own = [blocks] if blocks.get("type") in ("mrkdwn", "plain_text") else []
        return own + [found for value in blocks.values() for found in texts(value)]
    if isinstance(blocks, list):
        return [found for value in blocks for found in texts(value)]
    return []


def faults(message: Message, *, most: int = 50, budget: int = 13_200) -> list[str]:
    """What Slack would refuse, by the limits in its reference of blocks, block elements and composition objects."""
    blocks = list(message.blocks)
    found = [
        *outside("blocks", len(blocks), most),
        *outside("all blocks", len(json.dumps(blocks, ensure_ascii=False)), budget),
        *outside("notification", len(message.text), 4000),
    ]
    for text in texts(blocks):
        found += outside("text", len(text.get("text", "")), 3000)
        if text["type"] == "mrkdwn" and text.get("verbatim") is not True:
            found.append("mrkdwn that Slack would read on its own")
        if "<" in re.sub(r"<(?:https?://|!date\^|@[UW]|#C)[^<>]*>", "", text["text"]):
            found.append(f"a broken token in {text['text']!r}")
    for block in blocks:
        found += faults_of_block(block)
        for element in [*block.get("elements", []), *filter(None, [block.get("accessory")])]:
            found += faults_of_button(element) if element["type"] == "button" else []
            found += faults_of_options(element)
    return found


def outside(name: str, size: int, limit: int, least: int = 1) -> list[str]:
    """The fault, if it is one."""
    return [] if least <= size <= limit else [f"{name}: {size}, not {least} to {limit}"]


def faults_of_block(block: dict[str, Any]) -> list[str]:
    """What is wrong with one block."""
    elements = block.get("elements", [])
    match block["type"]:
        case "section":
            fields = block.get("fields", [])
            empty = [] if "text" in block or fields else ["an empty section"]
            long = [fault for field in fields for fault in outside("field", len(field["text"]), 2000)]
            return [*outside("fields", len(fields), 10, 0), *long, *empty]
        case "context":
            return outside("context elements", len(elements), 10)
        case "actions":
            names = [button["action_id"] for button in elements]
            twice = ["the same action twice"] if len(set(names)) < len(names) else []
            return [*outside("buttons", len(elements), 25), *twice]
        case "divider":
            return []
        case "input":
            element = block["element"]
            longest = outside("max_length", element.get("max_length", 1), 3000)
            return [*outside("label", len(block["label"]["text"]), 2000), *longest, *faults_of_options(element)]
    return [f"an unexpected {block['type']}"]


def faults_of_options(element: dict[str, Any]) -> list[str]:
    """What is wrong with the choices of a menu."""
    options = element.get("options")
    if options is None:
        return []
    limit = 5 if element["type"] == "overflow" else 100
    long = [fault for one in options for fault in outside("option", len(one["text"]["text"]), 75)]
    values = [fault for one in options for fault in outside("option's value", len(one["value"]), 150)]
    return [*outside("options", len(options), limit), *long, *values]


def faults_of_button(button: dict[str, Any]) -> list[str]:
    """What is wrong with one button."""
    kind = [] if button["text"]["type"] == "plain_text" else ["a label that is not plain text"]
    return [
        *kind,
        *outside("label", len(button["text"]["text"]), 75),
        *outside("value", len(button.get("value", "")), 2000, 0),
        *outside("action", len(button["action_id"]), 255),
    ]


def skeleton(words: str) -> list[int]:
    """How much live syntax a text has: tokens, entities that end them, formatting, quotes, lines."""
    edges = re.findall(r"(?<![^\W_])_|_(?![^\W_])", words)
    quotes = re.findall(r"^(?:>|&gt;)", words, re.MULTILINE)
    return [*(words.count(mark) for mark in "<>*`~\n"), len(edges), len(quotes)]


def skeletons(message: Message) -> list[list[int]]:
    """The skeletons of everything in a message."""
    return [skeleton(message.text), *(skeleton(text["text"]) for text in texts(list(message.blocks)))]
