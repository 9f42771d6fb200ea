"""Text to keyed digest: what the rest of Headwater compares instead of prompts.

`imprint` makes the digests of a column. This room knows nothing of logs, accounts or what a match means. The
compiled kernel is loaded by the first imprint, not by the import.
"""

from headwater.imprint.digest import imprint
from headwater.imprint.intents import Intent, intent_flags, intent_names, intents
from headwater.imprint.kernel.codes import ABSENT, CONTENT, LAYOUT, SKETCH_LENGTH
from headwater.imprint.material import IMPRINT_VERSION
from headwater.imprint.scripts import UNICODE_VERSION, Script
from headwater.imprint.text_key import text_keys

__all__ = [
    "ABSENT",
    "CONTENT",
    "IMPRINT_VERSION",
    "LAYOUT",
    "SKETCH_LENGTH",
    "UNICODE_VERSION",
    "Intent",
    "Script",
    "imprint",
    "intent_flags",
    "intent_names",
    "intents",
    "text_keys",
]
