// SPDX-License-Identifier: Apache-2.0
// Every bound of the library in one place. Sizes are bytes unless the name says otherwise.
#ifndef JZSE_BASE_LIMITS_H_
#define JZSE_BASE_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace jzse::base {

inline constexpr uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;

// Names
inline constexpr size_t kPathSizeMax = 4096;
inline constexpr size_t kPathDepthMax = 256;           // segments of a tree path
inline constexpr size_t kPathSegmentSizeMax = 1024;
inline constexpr size_t kKeySizeMax = 1024;            // names in a `keys` namespace
inline constexpr size_t kNamespaceNameSizeMax = 64;
inline constexpr size_t kNamespaceCountMax = 65535;
inline constexpr size_t kRegionNameSizeMax = 64;
inline constexpr size_t kContentTypeSizeMax = 256;
inline constexpr size_t kMetadataCountMax = 64;
inline constexpr size_t kMetadataKeySizeMax = 256;
inline constexpr size_t kMetadataSizeMax = 16 * kKiB;  // all keys and values of one file
inline constexpr size_t kSymlinkSizeMax = kPathSizeMax;

// Content
inline constexpr size_t kInlineSizeMax = 64 * kKiB;    // larger contents are chunked
inline constexpr size_t kChunkSizeMin = 16 * kKiB;
inline constexpr size_t kChunkSizeAverage = 64 * kKiB;
inline constexpr size_t kChunkSizeMax = 256 * kKiB;
inline constexpr uint64_t kFileSizeMax = uint64_t{1} << 46;  // 64 TiB
inline constexpr size_t kManifestEntriesMax = 512;     // of one manifest node
inline constexpr size_t kManifestDepthMax = 8;
inline constexpr size_t kManifestNodeSizeMax = 64 * kKiB;

// Journal
inline constexpr size_t kSegmentHeaderSize = 4096;
inline constexpr size_t kRecordAlignment = 8;
inline constexpr size_t kRecordHeaderSize = 16;
inline constexpr size_t kRecordCheckSize = 16;
inline constexpr size_t kRecordPayloadMax = 2 * kMiB;
inline constexpr size_t kCompactionFilesMax = 1u << 19;   // deleted or moved files that one compaction looks for in all segments
inline constexpr size_t kCompactionStatesMax = 1u << 20;  // states of them
inline constexpr size_t kSpareContextsMax = 4;          // of zstd for each direction, process-wide
inline constexpr size_t kSpareContextBytesMax = 2 * kMiB;  // of a spare one; that of high levels for large contents is made anew
inline constexpr uint64_t kSequenceMax = uint64_t{1} << 62;  // of sequences and ordinals: counting on never wraps around
inline constexpr size_t kGroupRecordsMax = 1u << 20;   // records in one commit group
inline constexpr size_t kGroupBytesTarget = 4 * kMiB;  // a group closes when it reaches this
inline constexpr size_t kGroupBytesMax = 768 * kMiB;   // of its records; with header and footer it fits a segment
inline constexpr size_t kTransactionChangesMax = 1u << 18;
inline constexpr size_t kTransactionBytesMax = 256 * kMiB;  // names, attributes and inline contents
inline constexpr uint64_t kCommitSegmentSizeMin = 256 * kKiB;
inline constexpr uint64_t kCommitSegmentSizeMax = 64 * kMiB;
inline constexpr uint64_t kBulkSegmentSizeMin = 1 * kMiB;
inline constexpr uint64_t kBulkSegmentSizeMax = 256 * kMiB;
inline constexpr uint64_t kSegmentSizeMax = 1 * kGiB;  // one huge group may need more than the usual
inline constexpr uint64_t kCheckpointJournalBytes = 64 * kMiB;
inline constexpr uint64_t kCheckpointBulkBytes = 1 * kGiB;
inline constexpr size_t kRecycledSegmentsMax = 2;

// Queues and memory
inline constexpr size_t kCommitQueueCountMax = 65536;
inline constexpr size_t kCommitQueueBytesMax = 64 * kMiB;
inline constexpr size_t kOverlayCountMax = 65536;
inline constexpr size_t kPendingChunksMax = 8192;      // written by writers, not yet in the index
inline constexpr size_t kAsyncInFlightMax = 65536;
inline constexpr size_t kListLimitMax = 10000;
inline constexpr size_t kListLimitDefault = 1000;
inline constexpr size_t kFeedBatchMax = 4096;
inline constexpr size_t kSnapshotsMax = 256;
inline constexpr size_t kWritersMax = 4096;            // streaming writers open at once
inline constexpr size_t kOpenSegmentsMax = 512;        // descriptors for segments
inline constexpr size_t kMemoryLimitMin = 8 * kMiB;
inline constexpr size_t kMemoryLimitDefault = 128 * kMiB;

// Versions
inline constexpr uint32_t kVersionsCountDefault = 16;
inline constexpr uint32_t kVersionsCountMax = 1u << 20;
inline constexpr size_t kVersionVectorReplicasMax = 4096;
inline constexpr size_t kSiblingsMax = 64;             // concurrent contents of one file

// Disk
inline constexpr uint64_t kFreeSpaceReserveDefault = 16 * kMiB;

// Waits
inline constexpr int kLockHolderWaitMs = 100;          // for the holder of a store's lock to write its pid

}  // namespace jzse::base

#endif  // JZSE_BASE_LIMITS_H_
