"""``python -m bot`` is ``shipmate``, for a checkout that is not installed."""

from __future__ import annotations

from bot.cli import main

if __name__ == "__main__":
    main()
