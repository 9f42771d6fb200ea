"""The other process: an admin API over the rooms, on a conventional stack, that never shares the relay's hot path.

It translates between HTTP and the rooms and decides nothing. `headwater admin serve` starts it.
"""
