"""Marks that serving engines put into text: one file for each family, each bit for bit what its engine computes.

What all of them share stands beside them: `windows` finds the distinct inputs of a keyed function in a text,
`philox` is the generator that several are made of.
"""
