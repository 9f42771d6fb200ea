"""Bytes that can be signed and checked: canonical JSON, DSSE envelopes, and the formats of transparency logs.

For a log that strangers verify (c2sp.org): `merkle` hashes and checks proofs, `tiles` grows trees and makes proofs,
`note` and `checkpoint` sign what a tree is, `cosignature` and `witness` are others' word that it only ever grew,
`trust` says whose word counts, `tlog_proof` is one entry's proof in one file, and `timestamp` (RFC 3161) a third
party's word for when. Nothing here reads a file, a clock or the network: tiles come through a callable, times are
passed in. Needs the standard library and, for signatures, `cryptography`. What is proved is decided above this room.
"""

from headwater.proof.canonical import canonical_json
from headwater.proof.checkpoint import Checkpoint
from headwater.proof.cosignature import cosignatures, cosigned, gathered
from headwater.proof.dsse import Envelope, Signature, Signer, pre_authentication_encoding, signed, verified
from headwater.proof.ed25519 import PUBLIC_KEY_BYTES, public_key_pem, read_public_key
from headwater.proof.merkle import EMPTY_ROOT, check_consistency, check_inclusion, leaf_hash, node_hash
from headwater.proof.note import Note, NoteSignature, NoteSigner, Opened, opened, read_note, signed_note
from headwater.proof.rejected import Rejected
from headwater.proof.tiles import (
    TILE,
    Grown,
    ReadTile,
    consistency_proof,
    decode_bundle,
    encode_bundle,
    entries_path,
    grow,
    inclusion_proof,
    tile_path,
)
from headwater.proof.timestamp import check as check_timestamp
from headwater.proof.timestamp import request as timestamp_request
from headwater.proof.tlog_proof import TlogProof
from headwater.proof.trust import Group, Trust, Witness, Witnessed
from headwater.proof.verifier_key import COSIGNATURE, ED25519, VerifierKey
from headwater.proof.witness import Answer, Seen, add_checkpoint, monitoring_path, request_body

__all__ = [
    "COSIGNATURE",
    "ED25519",
    "EMPTY_ROOT",
    "PUBLIC_KEY_BYTES",
    "TILE",
    "Answer",
    "Checkpoint",
    "Envelope",
    "Group",
    "Grown",
    "Note",
    "NoteSignature",
    "NoteSigner",
    "Opened",
    "ReadTile",
    "Rejected",
    "Seen",
    "Signature",
    "Signer",
    "TlogProof",
    "Trust",
    "VerifierKey",
    "Witness",
    "Witnessed",
    "add_checkpoint",
    "canonical_json",
    "check_consistency",
    "check_inclusion",
    "check_timestamp",
    "consistency_proof",
    "cosignatures",
    "cosigned",
    "decode_bundle",
    "encode_bundle",
    "entries_path",
    "gathered",
    "grow",
    "inclusion_proof",
    "leaf_hash",
    "monitoring_path",
    "node_hash",
    "opened",
    "pre_authentication_encoding",
    "public_key_pem",
    "read_note",
    "read_public_key",
    "request_body",
    "signed",
    "signed_note",
    "tile_path",
    "timestamp_request",
    "verified",
]
