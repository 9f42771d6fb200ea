"""Headwater inside other people's programs: one file for each, imported by whoever runs that program.

Nothing is imported here, so that no extra is needed that isn't used. What extends Headwater is a plug-in and lies
elsewhere.
"""
