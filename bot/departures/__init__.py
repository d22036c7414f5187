"""What is on record of release trains: timetables as they were told, departures, passengers, and what a gate reads.

It lies below promotions, whose ``train`` gate asks what their departure does; what is done with trains, which takes
promotions, is ``bot.trains``.
"""
