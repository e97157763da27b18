"""Transparency: one Merkle log of everything that must not be rewritten, by nobody, ourselves included.

Enters: leaves, without personal data, in the transaction of what they stand for. Leaves: positions without
gaps, signed checkpoints, tiles and proofs that anybody can check without us. Always holds: nothing in the log
changes; the signer signs no tree that does not begin with the last one it signed.
"""

from __future__ import annotations

from mailer.transparency.alarms import (
    Alarm,
    AlarmKind,
    end_alarms,
    has_alarms,
    list_alarms,
    raise_alarm,
)
from mailer.transparency.directory import LogDirectory, Signed
from mailer.transparency.keys import (
    KnownKey,
    are_registered,
    begin_rotation,
    finish_rotation,
    list_keys,
    log_origin,
    log_vkeys,
    register_keys,
)
from mailer.transparency.leaves import Leaf, pack, read_leaf, time_of, unpack
from mailer.transparency.merkle import (
    EMPTY_ROOT,
    Frontier,
    hash_children,
    hash_leaf,
    is_consistent,
    root_from_inclusion,
)
from mailer.transparency.models import LogCheckpoint, LogCosignature, LogTimestamp
from mailer.transparency.notes import (
    CheckpointText,
    Note,
    Signature,
    VerifierKey,
    read_checkpoint,
    read_key,
    read_note,
    verified_by,
)
from mailer.transparency.proving import consistency_proof, format_tlog_proof, inclusion_proof
from mailer.transparency.publishing import (
    Checkpoint,
    count_checkpoints,
    find_checkpoint_over,
    find_latest_checkpoint,
    get_checkpoint,
    list_checkpoints_after,
    published_note,
    read_bundle,
    read_tile,
)
from mailer.transparency.repairing import Diagnosis, Repair
from mailer.transparency.sequencing import (
    Waiting,
    count_entries,
    count_waiting,
    find_position,
    get_leaf,
    has_waiting,
    iter_leaves,
    list_leaves,
    queue_leaf,
    sequence,
)
from mailer.transparency.signing import Signer, SigningRefused, store_checkpoint
from mailer.transparency.tiles import Wanted, read_level, read_name
from mailer.transparency.tree import TreeReader, root_at

__all__ = [
    "EMPTY_ROOT",
    "Alarm",
    "AlarmKind",
    "Checkpoint",
    "CheckpointText",
    "Diagnosis",
    "Frontier",
    "KnownKey",
    "Leaf",
    "LogCheckpoint",
    "LogCosignature",
    "LogDirectory",
    "LogTimestamp",
    "Note",
    "Repair",
    "Signature",
    "Signed",
    "Signer",
    "SigningRefused",
    "TreeReader",
    "VerifierKey",
    "Waiting",
    "Wanted",
    "are_registered",
    "begin_rotation",
    "consistency_proof",
    "count_checkpoints",
    "count_entries",
    "count_waiting",
    "end_alarms",
    "find_checkpoint_over",
    "find_latest_checkpoint",
    "find_position",
    "finish_rotation",
    "format_tlog_proof",
    "get_checkpoint",
    "get_leaf",
    "has_alarms",
    "has_waiting",
    "hash_children",
    "hash_leaf",
    "inclusion_proof",
    "is_consistent",
    "iter_leaves",
    "list_alarms",
    "list_checkpoints_after",
    "list_keys",
    "list_leaves",
    "log_origin",
    "log_vkeys",
    "pack",
    "published_note",
    "queue_leaf",
    "raise_alarm",
    "read_bundle",
    "read_checkpoint",
    "read_key",
    "read_leaf",
    "read_level",
    "read_name",
    "read_note",
    "read_tile",
    "register_keys",
    "root_at",
    "root_from_inclusion",
    "sequence",
    "store_checkpoint",
    "time_of",
    "unpack",
    "verified_by",
]
