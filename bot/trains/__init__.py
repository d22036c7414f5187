"""Release trains: a published timetable that keeps its word.

Trains make promotions and follow them, so this lies above ``bot.promotions``. The gate of a promotion must know what
its departure does, so the tables and that one question (``bot.departures.loading.train_fact``) lie below, in
``bot.departures``: both read and write the same rows, nothing is kept twice, and nothing calls upwards. What a
promotion goes with is ``Promotion.departure``, which sealing sets.

``boarding`` and ``rules`` are pure: who boards; what may be done, who conducts, what a departure comes to.
``gathering`` is what boarding is decided by, from what is recorded.
"""
