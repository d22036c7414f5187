"""What every process of ``tests.acceptance.processes`` begins with, and need not do again: imports, compiled templates.

The process that they are forked from imports this, and so what a bot imports or compiles only when it first needs it.
"""

import alembic.command  # noqa: F401
import github  # noqa: F401
import pdpyras  # noqa: F401
import requests  # noqa: F401
from sqlalchemy.orm import configure_mappers

from bot.cli import calling, demonstration, examination, replaying  # noqa: F401
from bot.rendering import _house
from tests.acceptance import served  # noqa: F401

configure_mappers()
for template in _house().list_templates(filter_func=lambda name: name.startswith(("cards/", "notes/"))):
    _house().get_template(template)
