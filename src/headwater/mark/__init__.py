"""Marks in text: reads them with p-values that hold, traces whose they are; NumPy only, engines are adapters.

`detect` holds one text against a keyring, `trace` says which accounts' outputs are in a dataset. `scheme` finds a
family of marks by name, `Evidence` is a detector for one. This room knows token ids, keys and statistics; accounts and
the gateway are above it. `embed` writes marks where a model gives its scores, `student` tests whether a model was
trained on marked text, `bench` compares schemes; they are imported by whom they serve.
"""

from headwater.mark.choosing.embedder import NAMES as EMBEDDERS
from headwater.mark.choosing.mark import CARD as SENTENCES_CARD
from headwater.mark.choosing.mark import SENTENCES, SentenceMark
from headwater.mark.choosing.sentences import spans as sentence_spans
from headwater.mark.choosing.writing import Writer, writer
from headwater.mark.detection.decoys import Decoys
from headwater.mark.detection.detect import Detection, EvidenceOf, detect, plain
from headwater.mark.detection.learn import Learned, count_tokens, learned
from headwater.mark.detection.reading import Passage, Reading
from headwater.mark.detection.verdict import ALPHA, Verdict, units_wanted
from headwater.mark.engines.totals import total_scores
from headwater.mark.evidence import Evidence
from headwater.mark.evidence import load as load_evidence
from headwater.mark.evidence import save as save_evidence
from headwater.mark.evidence import scheme_of as evidence_scheme
from headwater.mark.keyring import Keyring, load_keyring, new_key
from headwater.mark.law import Law
from headwater.mark.marks import Accounts, Mark
from headwater.mark.proxy import load as load_proxy
from headwater.mark.proxy import save_counts
from headwater.mark.registry import card, names, scheme
from headwater.mark.scheme import MarkKey, Null, Scheme, Tokens, Units, Values
from headwater.mark.score import Scorer, Table, tails
from headwater.mark.text import decoded, normalised, read_text
from headwater.mark.ticket import TICKET_PARAMETER, Ticket, TicketError, TicketSigner, TicketVerifier
from headwater.mark.tokenizer import Encoded, Tokenizer, load_tokenizer
from headwater.mark.trace import Named, Share, Trace, joined, trace

__all__ = [
    "ALPHA",
    "EMBEDDERS",
    "SENTENCES",
    "SENTENCES_CARD",
    "TICKET_PARAMETER",
    "Accounts",
    "Decoys",
    "Detection",
    "Encoded",
    "Evidence",
    "EvidenceOf",
    "Keyring",
    "Law",
    "Learned",
    "Mark",
    "MarkKey",
    "Named",
    "Null",
    "Passage",
    "Reading",
    "Scheme",
    "Scorer",
    "SentenceMark",
    "Share",
    "Table",
    "Ticket",
    "TicketError",
    "TicketSigner",
    "TicketVerifier",
    "Tokenizer",
    "Tokens",
    "Trace",
    "Units",
    "Values",
    "Verdict",
    "Writer",
    "card",
    "count_tokens",
    "decoded",
    "detect",
    "evidence_scheme",
    "joined",
    "learned",
    "load_evidence",
    "load_keyring",
    "load_proxy",
    "load_tokenizer",
    "names",
    "new_key",
    "normalised",
    "plain",
    "read_text",
    "save_counts",
    "save_evidence",
    "scheme",
    "sentence_spans",
    "tails",
    "total_scores",
    "trace",
    "units_wanted",
    "writer",
]
