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
from mailer.transparency.anchors import (
    Anchoring,
    Anchors,
    AnchorState,
    Cosigned,
    TimeStamp,
    anchoring_of,
    anchors_of,
    find_anchored_checkpoint,
    find_newest_anchored_checkpoint,
    is_anchored_outside,
    list_anchors,
    list_witnesses,
    policy_text,
    quorum,
    timestamps_of,
)
from mailer.transparency.asking import (
    Answer,
    Asking,
    CosignQuestion,
    StampQuestion,
    list_due_questions,
    record_answer,
)
from mailer.transparency.cosigning import (
    Cosignature,
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
from mailer.transparency.policy import (
    AnchorKind,
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
from mailer.transparency.timestamping import (
    Stamp,
    verify_stamp,
)
from mailer.transparency.tree import TreeReader, root_at
from mailer.transparency.witnessing import (
    KnownSize,
)

__all__ = [
    "EMPTY_ROOT",
    "Alarm",
    "AlarmKind",
    "AnchorKind",
    "AnchorState",
    "Anchoring",
    "Anchors",
    "Answer",
    "Asking",
    "Checkpoint",
    "CheckpointText",
    "CosignQuestion",
    "Cosignature",
    "Cosigned",
    "Diagnosis",
    "Frontier",
    "KnownKey",
    "KnownSize",
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
    "Stamp",
    "StampQuestion",
    "TimeStamp",
    "TreeReader",
    "VerifierKey",
    "Waiting",
    "Wanted",
    "anchoring_of",
    "anchors_of",
    "are_registered",
    "begin_rotation",
    "consistency_proof",
    "count_checkpoints",
    "count_entries",
    "count_waiting",
    "end_alarms",
    "find_anchored_checkpoint",
    "find_checkpoint_over",
    "find_latest_checkpoint",
    "find_newest_anchored_checkpoint",
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
    "is_anchored_outside",
    "is_consistent",
    "iter_leaves",
    "list_alarms",
    "list_anchors",
    "list_checkpoints_after",
    "list_due_questions",
    "list_keys",
    "list_leaves",
    "list_witnesses",
    "log_origin",
    "log_vkeys",
    "pack",
    "policy_text",
    "published_note",
    "queue_leaf",
    "quorum",
    "raise_alarm",
    "read_bundle",
    "read_checkpoint",
    "read_key",
    "read_leaf",
    "read_level",
    "read_name",
    "read_note",
    "read_tile",
    "record_answer",
    "register_keys",
    "root_at",
    "root_from_inclusion",
    "sequence",
    "store_checkpoint",
    "time_of",
    "timestamps_of",
    "unpack",
    "verified_by",
    "verify_stamp",
]
