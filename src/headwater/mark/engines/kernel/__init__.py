"""The fast half of the engines' marks: compiled loops over token ids.

The modules above say the same in NumPy and are the specification; property tests hold the two together. Numba is
imported in this folder and nowhere else in the room, and only when a text is read.
"""
