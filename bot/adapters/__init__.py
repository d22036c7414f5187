"""The other systems' SDKs, behind the ports: the only place that knows how Slack and GitHub are spoken to.

Only ``bot.wiring`` names what is in here. Every method raises the errors of ``bot.errors`` and nothing else.
"""
