"""A stand-in world (Slack and GitHub) over real HTTP and websockets, for the demo and the tests. It is not Slack.

It shares no code with the bot, or their errors would cancel out: nothing here imports the rest of ``bot``.
Where Slack or GitHub refuses, it refuses the same way; what is not documented is said where it is decided.
It listens on loopback only, keeps everything in memory, and makes its secrets afresh for each run.
"""
