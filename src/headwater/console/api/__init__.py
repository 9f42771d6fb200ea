"""The paths of the admin API on django-ninja: each translates a request into one call of a room, and its answer back.

Imported only when Django has its settings (`headwater.console.application`).
"""
