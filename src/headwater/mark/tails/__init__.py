"""How the tail of a sum of independent integers is computed, in steps: the sum on its lattice and its cumulants, its
tilted law by convolution or by its characteristic function, the tail from that. `headwater.mark.law` is the way in.
"""
