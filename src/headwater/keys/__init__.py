"""Named secrets by purpose: what imprints and marks are made under, what signs manifests, tickets, logs, peppers.

This room loads, writes and derives keys and never shows one; what a key protects is decided above it.
"""

from headwater.keys.certificate import CertifiedKey, load_certified_key
from headwater.keys.command import key_from_command
from headwater.keys.hkdf import hkdf_sha256
from headwater.keys.imprint_key import DEMO_KEY, ENVIRONMENT, ImprintKey, load_imprint_key, save_imprint_key
from headwater.keys.mark_key import (
    MASTER,
    MASTER_BITS,
    MarkSecret,
    account_numbers,
    checked_numbers,
    load_mark_key,
    parse_numbers,
    read_key,
    save_mark_key,
)
from headwater.keys.pepper import Pepper, load_peppers, save_pepper
from headwater.keys.private_file import read_private, write_private
from headwater.keys.signing import SigningKey, key_id, load_signing_key, save_signing_key
from headwater.keys.ticket_key import TicketKey, load_ticket_keys, parse_ticket_keys, save_ticket_key

__all__ = [
    "DEMO_KEY",
    "ENVIRONMENT",
    "MASTER",
    "MASTER_BITS",
    "CertifiedKey",
    "ImprintKey",
    "MarkSecret",
    "Pepper",
    "SigningKey",
    "TicketKey",
    "account_numbers",
    "checked_numbers",
    "hkdf_sha256",
    "key_from_command",
    "key_id",
    "load_certified_key",
    "load_imprint_key",
    "load_mark_key",
    "load_peppers",
    "load_signing_key",
    "load_ticket_keys",
    "parse_numbers",
    "parse_ticket_keys",
    "read_key",
    "read_private",
    "save_imprint_key",
    "save_mark_key",
    "save_pepper",
    "save_signing_key",
    "save_ticket_key",
    "write_private",
]
