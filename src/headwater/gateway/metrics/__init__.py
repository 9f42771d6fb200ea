"""What a gateway counts, for who watches over it: figures of all workers together, in Prometheus' text format.

`figures` are the closed table of what is counted, `board` the memory that workers share, `page` the text, `listening`
the listener of its own that shows it. No account, key, address or model is ever named.
"""
