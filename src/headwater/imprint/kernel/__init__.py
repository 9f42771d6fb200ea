"""The fast half of the imprint: compiled loops from UTF-8 bytes to columns of fields.

The reference modules say the same in plain Python and are the specification; a property test holds the two
together. Numba is imported in this folder and nowhere else in the room, so whoever needs no imprint does not
wait for it. What Arrow makes of the columns is the affair of `digest`.
"""
