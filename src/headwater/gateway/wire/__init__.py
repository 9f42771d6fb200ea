"""HTTP/1.1 as bytes: what is read, what is refused, how errors and limits are worded. No sockets, no clock.

Reading needs httptools (the extra `gateway`), and only `reader` and `second` load it.
"""
