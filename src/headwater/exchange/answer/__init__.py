"""Answers of model servers as they pass: what they used, how much was written so far, what is left out of them.

For whoever stands between a client and a model server: the gateway, and the middleware in other people's servers.
"""

from headwater.exchange.answer.answering import AnswerHead, Answering
from headwater.exchange.answer.events import EventCutter, data_of
from headwater.exchange.answer.hiding import Thoughts, encoded
from headwater.exchange.answer.usage import UsageScan

__all__ = ["AnswerHead", "Answering", "EventCutter", "Thoughts", "UsageScan", "data_of", "encoded"]
