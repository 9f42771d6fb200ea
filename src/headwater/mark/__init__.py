"""Marks in text: reads them with p-values that hold, traces whose they are; NumPy only, engines are adapters.

This room knows token ids, keys and statistics; accounts and the gateway are above it.
"""
