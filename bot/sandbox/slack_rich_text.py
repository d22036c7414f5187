"""Block Kit's rich text: sections, lists, quotes and preformatted text, and what may stand in them.

By docs.slack.dev/reference/block-kit/blocks/rich-text-block; an empty list of elements is taken, as people report.
"""

from __future__ import annotations

from bot.sandbox.slack_checks import (
    CHANNEL,
    PERSON,
    Check,
    Shape,
    boolean,
    by_type,
    items,
    one_of,
    pattern,
    string,
    whole,
)

_GROUP = pattern(r"S[A-Z0-9]+", example="S123ABC456")
_TEXT_STYLE = Shape(
    {},
    dict.fromkeys(
        ("bold", "italic", "strike", "underline", "code", "highlight", "client_highlight", "unlink"), boolean
    ),
)
_LEAVES: dict[str, Check] = {
    "text": Shape({"text": string(100_000)}, {"style": _TEXT_STYLE}),
    "link": Shape({"url": string(100_000)}, {"text": string(100_000), "unsafe": boolean, "style": _TEXT_STYLE}),
    "user": Shape({"user_id": PERSON}, {"style": _TEXT_STYLE}),
    "usergroup": Shape({"usergroup_id": _GROUP}, {"style": _TEXT_STYLE}),
    "channel": Shape({"channel_id": CHANNEL}, {"style": _TEXT_STYLE}),
    "team": Shape({"team_id": string(255)}, {"style": _TEXT_STYLE}),
    "broadcast": Shape({"range": one_of("here", "channel", "everyone")}, {"style": _TEXT_STYLE}),
    "emoji": Shape(
        {"name": string(255, shortest=1)}, {"unicode": string(255), "skin_tone": whole(1, 6), "style": _TEXT_STYLE}
    ),
    "color": Shape({"value": string(255)}, {"style": _TEXT_STYLE}),
    "date": Shape(
        {"timestamp": whole(0, 99_999_999_999), "format": string(255, shortest=1)},
        {"url": string(3000), "fallback": string(3000), "style": _TEXT_STYLE},
    ),
}
_LINE: dict[str, Check] = {"elements": items(by_type(_LEAVES), 100_000, shortest=0)}
_BORDER = whole(0, 1)
_RICH: dict[str, Check] = {
    "rich_text_section": Shape(_LINE, {}),
    "rich_text_preformatted": Shape(_LINE, {"border": _BORDER, "language": string(255)}),
    "rich_text_quote": Shape(_LINE, {"border": _BORDER}),
    "rich_text_list": Shape(
        {
            "elements": items(by_type({"rich_text_section": Shape(_LINE, {})}), 100_000),
            "style": one_of("bullet", "ordered"),
        },
        {"indent": whole(0, 8), "offset": whole(0, 1_000_000), "border": _BORDER},
    ),
}
RICH_TEXT = Shape({"elements": items(by_type(_RICH), 1000, shortest=0)}, {})
