"""What people type: the words of `/ship`, and a command's text taken apart.

Slack sends links as ``<https://…|…>``, people as ``<@U…|name>`` (``should_escape`` in the manifest) and escapes ``&``,
``<`` and ``>``; phones turn straight quotes into curly ones, and code is pasted with its backticks.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from bot.answers.views import HelpReply, Word
from bot.answers.where import read_reference
from bot.spelling import nearest

SHIP = (
    Word(name="status", usage="status [service]", summary="what is live where, and what is on its way"),
    Word(name="where", usage="where <#812 | commit | address>", summary="how far a change got"),
    Word(name="me", usage="me", summary="who I think you are, and what you hear"),
    Word(name="me", usage="me mute | unmute | failures", summary="hear nothing, everything or only failures"),
    Word(name="me", usage="me mute | unmute <#812>", summary="the same for one change"),
    Word(name="me", usage="me github <login>", summary="your login, so that your changes' news reach you"),
    Word(name="me", usage="me github none", summary="take that back"),
    Word(name="me", usage="me github prove", summary="have GitHub say who you are, so that you can approve"),
    Word(name="me", usage="me hours <9-18 | off>", summary="when you can be asked for approvals, and are woken first"),
    Word(
        name="promote",
        usage="promote <service> [commit | tag | #812] [to <environment>]",
        summary="bring a build to the next environment",
    ),
    Word(name="rollback", usage="rollback <service> [to <commit>]", summary="go back to the last good build"),
    Word(
        name="lock",
        usage="lock <scope> [for 2h | until 18:00] <reason>",
        summary="hold a service, service/environment, team:…, environment:… or everything",
    ),
    Word(name="unlock", usage="unlock <scope | number>", summary="let it go again"),
    Word(name="locks", usage="locks", summary="what is locked and frozen, by whom, until when"),
    Word(
        name="freeze",
        usage="freeze [service] until <friday 18:00> <reason>",
        summary="hold one service or all until then",
    ),
    Word(name="freeze", usage="freeze lift [number | service]", summary="end a freeze"),
    Word(
        name="watch",
        usage="watch <#812> [environment] [@person]",
        summary="tell you, or somebody, when a change is there",
    ),
    Word(name="watch", usage="watch stop <#812>", summary="no longer"),
    Word(name="drift", usage="drift [service]", summary="what production does not have yet, how old it is, who waits"),
    Word(name="train", usage="train [name]", summary="when trains leave, who is aboard, who not and why"),
    Word(
        name="train",
        usage="train <name> hold | release | depart | remove <service | #812> | cancel | run",
        summary="what its conductor does to the departure that is sealed",
    ),
    Word(name="oncall", usage="oncall <service>", summary="who is on call there, until when"),
    Word(
        name="metrics",
        usage="metrics [service | team] [30d]",
        summary="whether pages were right, what failed, how long it took to recover",
    ),
    Word(name="help", usage="help", summary="this list; /incident has its own"),
)
"""Every word of `/ship`, in the order in which help shows them; a word stands once for each way to use it."""

OF_ME = ("mute", "unmute", "failures", "github", "hours")
"""Words that belong after `/ship me`, and are easily typed without it."""

_TOKEN = re.compile(r'<[^<>\s][^<>]*>|"[^"]*"|[^\s"<]+|["<]')
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u200b": None, "\u2060": None, "\ufeff": None, "\0": None})


def split(text: str) -> list[str]:
    """The words of a command's text; quoted ones stay together, people become ``<@U…>``, links their address."""
    found = _TOKEN.findall(text.translate(_QUOTES).translate(_SPACES))
    return [word for word in map(_plain, found) if word]


def as_typed(reason: str, text: str) -> str:
    """A sentence that was put together from the words of ``text``, with its quotes as they were typed.

    One that is quoted as a whole stays without: its quotes only held it together.
    """
    tokens = [one for one in _TOKEN.findall(text.translate(_QUOTES).translate(_SPACES)) if _plain(one)]
    plain = [_plain(one) for one in tokens]
    for start in range(len(plain)):
        said, end = plain[start], start + 1
        while end < len(plain) and reason.startswith(f"{said} "):
            said, end = f"{said} {plain[end]}", end + 1
        if said == reason and end > start + 1:
            return " ".join(_quoted(one) for one in tokens[start:end])
    return reason


def help_for(unknown: str | None = None, rest: Sequence[str] = ()) -> HelpReply:
    """What can be asked; with ``unknown``, the answer to a word that does not exist and the ``rest`` typed after it."""
    if unknown is None:
        return HelpReply(words=SHIP)
    if unknown.casefold() in OF_ME:
        return HelpReply(words=SHIP, unknown=unknown, meant=" ".join(("me", unknown.casefold(), *rest)))
    if unknown.casefold() == "incident":
        return HelpReply(words=SHIP, unknown=unknown, elsewhere="/incident")
    if read_reference(unknown) is not None:
        return HelpReply(words=SHIP, unknown=unknown, meant=f"where {unknown}")
    return HelpReply(words=SHIP, unknown=unknown, meant=nearest(unknown, names()))


def names() -> Sequence[str]:
    """The words of `/ship`, each once."""
    return tuple(dict.fromkeys(word.name for word in SHIP))


def _quoted(token: str) -> str:
    """One word of a sentence, as it was typed where it stands in quotes."""
    quoted = token.endswith(("'", '"')) or token.startswith(("'", '"'))
    return html.unescape(token) if quoted else _plain(token)


def _plain(token: str) -> str:
    """One word without Slack's marks around it."""
    if len(token) >= 2 and token[0] == token[-1] == '"':
        token = token[1:-1]
    elif token.startswith("<") and token.endswith(">"):
        target = token[1:-1].partition("|")[0]
        if target.startswith(("@", "#", "!")):
            return f"<{target}>"
        token = target.removeprefix("mailto:").removeprefix("tel:")
    return html.unescape(token).strip(" \t\r\n`*'")
