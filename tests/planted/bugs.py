# SPDX-License-Identifier: Apache-2.0
"""The planted bugs: their names in lib/ (base::Planted), what each does wrong, and which tests are tried first."""
from typing import NamedTuple


class Bug(NamedTuple):
    name: str
    what: str
    tests: tuple          # names as in `meson test --list`, the likeliest first; the rest of the gate follows
    hangs: bool = False   # then a test that does not end within its time has caught it, too


def bug(name, tests, what, hangs=False):
    return Bug(name, what, tuple(tests.split()), hangs)


BUGS = [
    # ---- journal and commit
    bug('acknowledge-before-sync', 'power_cut_test', 'a group is written and acknowledged, but not synced'),
    bug('retry-failed-sync', 'fault_test', 'a write whose sync failed is tried again, and the second success believed'),
    bug('group-vouches-for-itself', 'power_cut_test', 'a group names itself durable, so its own torn tail is taken for damage'),
    bug('transaction-falls-apart', 'history groups engine_model_prop_test',
        'the records of a transaction do not say that they belong together'),
    bug('half-transaction-kept', 'groups engine_model_prop_test',
        'a transaction that fails leaves its first records in the group'),
    bug('visible-before-durable', 'fault_test', 'readers see a group before it is durable'),
    bug('lost-wake-up', 'upkeep_test async files', 'a leader that leaves wakes nobody of those who are still queued', hangs=True),
    bug('rollback-forgets-totals', 'groups engine_model_prop_test', 'a failed transaction leaves its counts in the totals'),
    bug('stale-prefetch', 'store_stage_test', 'what a caller looked up ahead is believed although changes have left the overlay since'),
    # ---- segments and their format
    bug('check-without-offset', 'store_format_test', 'the check does not bind the offset, so a record counts wherever it lies'),
    bug('stale-record-accepted', 'store_format_test',
        'the check does not bind the segment, so what a recycled file held before counts again'),
    bug('segment-end-off-by-one', 'store_recovery_test upkeep', 'a record that ends where the segment ends is not seen'),
    bug('trailer-before-footer', 'power_cut_test', 'a trailer is written before the footer that it vouches for is durable'),
    bug('skip-directory-sync', 'power_cut_test', 'the name of a new segment is not synced'),
    bug('recycled-name-not-synced', 'store_segment_set_test', 'a recycled file gets its new header before its new name is durable'),
    bug('reserve-ignored', 'upkeep store', 'the last free space of the disk is used up'),
    bug('writer-forgets-failure', 'memory_test', 'a content with a hole, left by a piece that could not be written, is committed'),
    # ---- recovery
    bug('census-without-ends', 'damage_test', 'the census does not say where sealed segments end'),
    bug('census-asks-for-replaced', 'damage_test power_cut_test', 'segments that compaction replaced are missed when the census still lists them'),
    bug('witness-compacted', 'damage_test', 'compaction drops what proves that an unsealed segment has lost records'),
    bug('torn-group-accepted', 'store_recovery_test power_cut_test', 'of a torn, never acknowledged group the whole records count'),
    bug('truncate-at-first-bad-record', 'store_recovery_test damage_test',
        'the first bad record ends a segment, whatever durable records follow'),
    bug('refcount-replayed-twice', 'power_cut_test engine_model_prop_test',
        'replay begins too early and counts a reference that was counted already'),
    bug('page-cache-believed', 'fault_test power_cut_test', 'after a failed sync the next open believes the page cache'),
    bug('recovered-tail-not-synced', 'upkeep_test fault_test power_cut_test', 'what recovery read back counts as durable, but was never synced'),
    bug('cold-trailer-believed', 'power_cut_test fault_test',
        'a cold segment counts as sealed, and its originals go, while its trailer is not durable'),
    bug('numbers-given-out-twice', 'upkeep_test engine_model_prop_test', 'sequences whose records compaction dropped are given out again'),
    bug('chunks-not-replayed', 'power_cut_test', 'chunks written after the index was last durable are forgotten'),
    bug('rebuild-forgets-moves', 'engine_model_prop_test power_cut_test', 'a rebuild leaves moved files at their old places'),
    bug('moved-file-stays', 'names engine_model_prop_test', 'a moved file stays at its old path, too'),
    # ---- the index
    bug('trust-leveldb-sequence', 'store_index_crash_test power_cut_test',
        "LevelDB's own log is used, and after a power cut the position believed that LevelDB recovers from it"),
    bug('watermark-before-flush', 'power_cut_test', 'the applied position is made durable before the entries it vouches for'),
    bug('watermark-over-unsynced-chunks', 'upkeep_test power_cut_test', 'the applied position covers chunks that are not durable yet'),
    bug('drain-forgets-deletions', 'engine_model_prop_test', 'deletions do not get from the overlay into LevelDB'),
    bug('hot-place-stays', 'engine_model_prop_test files', 'the remembered place of a record outlives an overwrite'),
    bug('tables-without-names', 'store_index_crash_test', "the manifest is synced before the names of LevelDB's tables"),
    bug('index-damage-hidden', 'store_index_test damage_test flip_test',
        'a damaged end of what was synced of the manifest is taken for a torn tail'),
    # ---- chunks and manifests
    bug('change-before-its-chunks', 'power_cut_test', 'a change is written before the chunks that it names are synced'),
    bug('failed-bulk-sync-forgotten', 'fault_test', 'after a failed sync of the bulk stream writing goes on'),
    bug('found-chunk-not-waited-for', 'store_chunk_pins_test power_cut_test',
        "a content that shares another writer's unsynced chunk does not wait for that chunk"),
    bug('found-chunk-not-pinned', 'store_chunk_pins_test', 'compaction may take a chunk away that a writer has just found'),
    bug('pin-released-early', 'store_chunk_pins_test', 'a pin that ends while compaction runs protects nothing any more'),
    bug('damaged-copy-counts', 'upkeep damage_test', 'a content is deduplicated against a damaged chunk'),
    bug('older-chunk-copy-wins', 'upkeep upkeep_test damage_test', 'of two copies of a chunk the older one counts'),
    bug('dedup-across-namespaces', 'names history files', 'namespaces share chunks, whose owner then is the last one'),
    bug('loose-mask-strict', 'store_chunker_test', 'behind the average size chunks are cut as rarely as before it'),
    bug('cuts-depend-on-buffer', 'upkeep_test files engine_model_prop_test', 'contents are cut where the write buffer ends'),
    bug('last-manifest-node-lost', 'store_manifest_test', 'a last node of one entry is left out of the manifest'),
    bug('manifest-node-unchecked', 'store_manifest_test', 'a manifest node need not have the hash that its parent names'),
    bug('inline-threshold-off-by-one', 'files engine_model_prop_test', 'a content of one byte too many goes inline'),
    # ---- compaction
    bug('compaction-drops-newest', 'engine_model_prop_test upkeep', 'the newest record of each compaction is lost'),
    bug('tombstone-dropped-early', 'upkeep_test engine_model_prop_test',
        'a tombstone goes while an older state of the file is left somewhere'),
    bug('version-chunks-collected', 'upkeep engine_model_prop_test', 'chunks that only older versions need are collected'),
    bug('marks-first-level-only', 'upkeep engine_model_prop_test', 'chunks behind a node of a large manifest are collected'),
    bug('originals-removed-early', 'power_cut_test engine_model_prop_test', 'compaction removes the originals before the index that left them is durable'),
    bug('shared-content-not-switched', 'engine_model_prop_test upkeep', 'copies still look for their content where it was compacted away'),
    bug('verify-skips-bulk', 'upkeep flip_test sector_test damage_test', 'verify does not read the chunks'),
    bug('other-segments-forgotten', 'upkeep_test engine_model_prop_test', 'a deletion is forgotten though a segment that stays has an older state of the file'),
    bug('group-goes-on-for-ever', 'engine_model_prop_test jzse_sim', 'a change says that its group goes on, whose rest compaction dropped'),
    bug('moves-compacted', 'history engine_model_prop_test', 'compaction drops that a file left a path, though an older state stays'),
    bug('feed-misses-compacted', 'history upkeep', 'the feed leaves out what compaction copied'),
    # ---- the engine
    bug('quota-off-for-overwrites', 'files names', 'an overwrite may exceed the quota'),
    bug('quota-off-by-one', 'files names', 'one file more than the quota is let in'),
    bug('retention-off-by-one', 'history engine_model_prop_test', 'one version more than the policy says is kept'),
    bug('age-counts-from-writing', 'upkeep_test upkeep', "a version's age counts from when it was written, not from when it was superseded"),
    bug('etag-of-old-content', 'files', 'an overwrite keeps the etag of the content before'),
    bug('if-none-match-ignored', 'files', 'a put that must create overwrites'),
    bug('file-below-file', 'names engine_model_prop_test', 'a file can be put below another file'),
    bug('prefix-taken-for-a-group', 'engine_model_prop_test names jzse_sim', 'a page that begins at its own prefix skips what is below'),
    bug('page-skips-names', 'names engine_model_prop_test',
        'a listing skips the names that begin with the one it should start after'),
    bug('range-from-the-start', 'files engine_model_prop_test', 'a range of a hot file begins at byte 0'),
    bug('snapshot-sees-later', 'history engine_model_prop_test', 'a snapshot shows what was changed after it'),
    bug('feed-not-woken', 'history', 'a feed that waits is not told of a change', hangs=True),
    bug('dropped-namespace-leaves-tombstones', 'upkeep_test engine_model_prop_test', 'a dropped namespace leaves entries in the index'),
    bug('fixed-policy-changeable', 'names store', 'kind and chunk sizes of a namespace can be changed'),
    # ---- the model
    bug('nfc-not-applied', 'model_path_test', 'two spellings of one name are two names'),
    bug('merge-forgets-vector', 'model_merge_test', 'a merge forgets what the other side has seen'),
    bug('delete-wins-over-edit', 'model_record_test model_resolve_test', 'a later delete wins over a concurrent edit'),
    bug('stamp-follows-the-clock', 'model_stamp_test', 'a clock that jumps back takes the stamps along'),
    bug('any-chunk-size', 'model_policy_test', 'a chunk size need not be a power of two'),
    # ---- I/O back ends
    bug('parts-overwrite-each-other', 'io_contract_test', 'the second call of a write of many parts begins at the first offset'),
    bug('lock-of-the-process', 'io_contract_test io_linux_test', 'one process can open a store twice'),
    bug('renamed-before-synced', 'io_sim_crash_test power_cut_test', 'a file is replaced by one whose bytes are not durable'),
    bug('short-ring-read-believed', 'io_contract_test io_linux_test', 'what io_uring did not read counts as the end of the file'),
    # ---- archives and the C API
    bug('archive-check-ignored', 'archive', 'a damaged archive is imported'),
    bug('archive-history-reversed', 'archive', 'older versions are exported the newest first'),
    bug('unknown-field-accepted', 'structs', 'a field of a later version is ignored in silence'),
    bug('unknown-result-not-zeroed', 'structs', "what a newer caller's result has more is left as it was"),
]
