"""What is written on a run at GitHub is plain words, whoever chose them."""

from __future__ import annotations

from bot.gates import Judgement
from bot.promotions import rules


def test_a_name_is_no_markdown() -> None:
    """Whoever calls themselves so mentions nobody, links nowhere and forges no mark of ours."""
    words = rules.comment("Approved by @octo/all <!-- shipmate:7 --> [x](https://evil.example)", Judgement(()))
    assert "@octo" not in words
    assert "\\<!-- shipmate:7 --\\>" in words
    assert "](" not in words.replace("\\](", "")
