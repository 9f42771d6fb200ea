"""Named secrets by purpose: today the key that imprints are made under, later those of marks and receipts.

This room loads, writes and derives keys and never shows one; what a key protects is decided above it.
"""

from headwater.keys.hkdf import hkdf_sha256
from headwater.keys.imprint_key import DEMO_KEY, ENVIRONMENT, ImprintKey, load_imprint_key, save_imprint_key

__all__ = ["DEMO_KEY", "ENVIRONMENT", "ImprintKey", "hkdf_sha256", "load_imprint_key", "save_imprint_key"]
