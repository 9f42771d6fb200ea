"""One module for each format of a manifest: how it is written and how it is read.

A writer takes the data set's record and gives bytes or plain values; a reader takes a document of others and gives
a draft of claims. Files, dates and keys are the callers' affair.
"""
