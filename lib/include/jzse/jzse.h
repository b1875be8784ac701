/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jzse.h - the C API of libjzse, and its manual.
 *
 * WHAT IT IS
 *   A store is a directory on a local disk. It holds namespaces; a namespace holds files; a file has a path, a
 *   content, metadata, and earlier versions. Every call that changes something returns JZSE_OK only when the
 *   change is on disk: neither a killed process nor a power cut can take it back.
 *
 * RULES THAT HOLD FOR EVERY CALL
 *   Results    `int`: JZSE_OK (0) or a negative JZSE_* code. The codes are frozen.
 *   Errors     The last parameter `jzse_error *error` may be NULL. Otherwise set error->struct_size to
 *              sizeof(jzse_error) (JZSE_ERROR_INIT does); a failing call writes the code and a one-line message
 *              that names the object and the cause. A call that succeeds leaves it alone.
 *   Strings    UTF-8, NUL-terminated; the library copies what it keeps. Paths are canonicalised (NFC) at this
 *              edge; what breaks the rules is JZSE_INVALID.
 *   Structs    Transparent structs begin with `uint32_t struct_size`, set by the caller to sizeof the struct as
 *              it was compiled; the JZSE_*_INIT macros do that. They grow only at the end, so old callers keep
 *              working; an option that a newer caller sets and this library does not know is JZSE_UNSUPPORTED. A NULL options pointer means all defaults. Structs are zero by default; a zero field
 *              means the default.
 *   Ownership  What `*_open` or `*_begin` gives, the matching `*_close`, `*_commit` or `*_abort` takes back. All
 *              of these accept NULL. Borrowed pointers say until when they are valid. Memory that the library
 *              allocates for the caller is released by jzse_free.
 *   Threads    All calls are thread-safe, except that one handle of a reader, writer, group, list or feed
 *              belongs to one thread at a time. Closing a store while other threads are inside its calls, or
 *              while handles opened from it live, is the caller's mistake: jzse_store_close waits for calls
 *              under way and answers JZSE_BUSY if handles are left; the message says how many of which kind.
 *   Buffers    Contents that a call is given are read more than once (hashed, then written). A host that changes them
 *              before the call returns, or an asynchronous request is reaped, may store what later reads as
 *              JZSE_CORRUPT; that file only, nothing else.
 *   Fork       A child of fork() must not use handles of its parent, not even to close them. It shares the parent's
 *              lock: as long as a child lives that did not exec (descriptors are close-on-exec), the store stays
 *              locked, also after the parent closed it or ended. Fork before opening, or exec. Nothing in here forks,
 *              changes signal handling, the environment or the locale, or terminates the process for bad input.
 *
 * NAMES
 *   A namespace name is 1 to 64 characters of [a-z0-9._-], beginning with a letter or digit. A namespace of kind
 *   `tree` (the default) has paths of segments between slashes, none of them empty, `.` or `..`, up to 4,096 bytes in
 *   up to 256 segments of up to 1,024 bytes, and directories mean something: a file and a directory cannot share a path. In one of kind `keys` every string
 *   of 1 to 1,024 bytes is a name. Control characters are refused in both.
 */
#ifndef JZSE_JZSE_H_
#define JZSE_JZSE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define JZSE_API __attribute__((visibility("default")))
#else
#define JZSE_API
#endif

#define JZSE_VERSION_MAJOR 0
#define JZSE_VERSION_MINOR 1
#define JZSE_VERSION_PATCH 0

/* ------------------------------------------------------------------------------------------------ results */

enum {
  JZSE_OK = 0,
  JZSE_INVALID = -1,       /* an argument, name or option breaks its rules */
  JZSE_NOT_FOUND = -2,
  JZSE_EXISTS = -3,        /* something is there already; also: a file where a directory is needed, a directory
                              that is not empty */
  JZSE_PRECONDITION = -4,  /* if_match or if_none_match did not hold */
  JZSE_TOO_LARGE = -5,     /* beyond a bound; the message names it */
  JZSE_NO_SPACE = -6,      /* disk full, or the free-space reserve is reached; reads and deletes still work */
  JZSE_QUOTA = -7,         /* the namespace's quota is reached */
  JZSE_CORRUPT = -8,       /* stored bytes fail their check; never served */
  JZSE_IO = -9,            /* the operating system reported an error */
  JZSE_LOCKED = -10,       /* the store is open elsewhere; the message names the process id */
  JZSE_READ_ONLY = -11,    /* opened read-only, a read-only disk, no permission, or writes stopped after a failed sync */
  JZSE_UNSUPPORTED = -12,  /* a newer format, or a feature this build lacks */
  JZSE_CLOSED = -13,       /* the store is closing, or the operation was cancelled by a callback */
  JZSE_TIMEOUT = -14,
  JZSE_NO_MEMORY = -15,
  JZSE_BUSY = -16          /* a bounded resource is used up at the moment; a later try may succeed */
};

typedef struct jzse_error {
  uint32_t struct_size;
  int code;
  char message[500];       /* one line, NUL-terminated */
} jzse_error;
#define JZSE_ERROR_INIT {sizeof(jzse_error), 0, {0}}

/* The version as "0.1.0", and a code's name as "JZSE_NOT_FOUND" ("JZSE_?" for an unknown one). Static strings. */
JZSE_API const char *jzse_version(void);
JZSE_API const char *jzse_code_name(int code);
/* Releases memory that the library allocated for the caller. NULL is fine. */
JZSE_API void jzse_free(void *memory);

/* -------------------------------------------------------------------------------------------------- store */

typedef struct jzse_store jzse_store;
typedef struct jzse_snapshot jzse_snapshot;

enum { JZSE_LOG_ERROR = 0, JZSE_LOG_WARNING = 1, JZSE_LOG_INFO = 2, JZSE_LOG_DEBUG = 3 };
/* Called from any thread of the library or of the caller, one line at a time; must not call back into it. */
typedef void (*jzse_log_fn)(void *context, int level, const char *line);

enum {
  JZSE_OPEN_CREATE = 1u << 0,         /* create the store if the directory is absent or empty */
  JZSE_OPEN_EXCLUSIVE = 1u << 1,      /* with CREATE: fail with JZSE_EXISTS if a store is there */
  JZSE_OPEN_READ_ONLY = 1u << 2,      /* nothing on disk is changed, except the index cache if it must be rebuilt */
  JZSE_OPEN_REBUILD_INDEX = 1u << 3   /* discard the index and rebuild it from the journal */
};
enum { JZSE_IO_AUTO = 0, JZSE_IO_PLAIN = 1, JZSE_IO_URING = 2 };

typedef struct jzse_options {
  uint32_t struct_size;
  uint32_t flags;                 /* JZSE_OPEN_* */
  const char *region;             /* name of the place, for a new store; default "local" */
  uint64_t memory_limit;          /* bytes for caches and buffers; default 128 MiB, at least 8 MiB */
  uint64_t free_space_reserve;    /* bytes of the disk that writes leave free; default 16 MiB, UINT64_MAX for none */
  uint64_t background_rate;       /* bytes a second that background work may read and write; default 64 MiB */
  uint32_t io_backend;            /* JZSE_IO_* */
  uint32_t background_off;        /* 1: no background compaction or version expiry; jzse_compact does it on call */
  jzse_log_fn log;
  void *log_context;
} jzse_options;
#define JZSE_OPTIONS_INIT {sizeof(jzse_options), 0, NULL, 0, 0, 0, 0, 0, NULL, NULL}

/* Opens the store in directory `path`. A new store has one namespace, "default" (a tree). One process at a time.
 * Errors: NOT_FOUND (no such directory), INVALID (the directory is no store), LOCKED, UNSUPPORTED, CORRUPT, IO,
 * READ_ONLY, NO_SPACE. */
JZSE_API int jzse_store_open(const char *path, const jzse_options *options, jzse_store **store,
                             jzse_error *error);
/* Makes everything durable that is not, writes the index out, releases the lock. After JZSE_BUSY the store is still
 * open; after any other result the handle is gone. */
JZSE_API int jzse_store_close(jzse_store *store, jzse_error *error);

typedef struct jzse_stats {
  uint32_t struct_size;
  uint32_t read_only;             /* 1 when writes are refused, for whatever reason */
  uint64_t store_id[2];
  uint64_t replica_id;
  uint64_t sequence;              /* of the newest change */
  uint64_t namespace_count;
  uint64_t file_count;            /* live files, symlinks and explicit directories */
  uint64_t logical_bytes;         /* of live files */
  uint64_t version_count;         /* retained older versions */
  uint64_t version_bytes;
  uint64_t tombstone_count;
  uint64_t chunk_count;           /* distinct chunks */
  uint64_t chunk_bytes;           /* their size as stored */
  uint64_t disk_bytes;            /* segments and index */
  uint64_t segment_count;
  uint64_t commits;               /* groups committed since open */
  uint64_t changes;               /* changes committed since open */
  uint64_t syncs;                 /* waits for the disk on the commit path since open */
  uint64_t journal_bytes;         /* bytes appended since open */
  uint64_t compacted_bytes;       /* bytes that compaction freed since open */
  uint64_t corrupt_records;       /* records found damaged since open */
  uint64_t recovered_changes;     /* changes replayed into the index by this open */
  uint64_t index_rebuilt;         /* 1 when this open rebuilt the index from the segments */
  uint64_t uses_uring;
} jzse_stats;
#define JZSE_STATS_INIT {sizeof(jzse_stats), 0, {0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

/* What the store holds, and what has been done since this process opened it. */
JZSE_API int jzse_store_stats(jzse_store *store, jzse_stats *stats, jzse_error *error);
/* The region name; valid until the store is closed. */
JZSE_API const char *jzse_store_region(jzse_store *store);

/* --------------------------------------------------------------------------------------------- namespaces */

enum { JZSE_NAMESPACE_TREE = 0, JZSE_NAMESPACE_KEYS = 1 };
enum { JZSE_CONFLICT_LWW = 0, JZSE_CONFLICT_FORK = 1, JZSE_CONFLICT_MERGE = 2, JZSE_CONFLICT_MANUAL = 3 };
enum { JZSE_REPLICATION_EAGER = 0, JZSE_REPLICATION_LAZY = 1, JZSE_REPLICATION_ON_DEMAND = 2 };

/* All fields are used as they are: begin from JZSE_NAMESPACE_CONFIG_INIT or from jzse_namespace_get. */
typedef struct jzse_namespace_config {
  uint32_t struct_size;
  uint32_t kind;                  /* JZSE_NAMESPACE_*; fixed at creation */
  uint32_t conflict;              /* JZSE_CONFLICT_* */
  uint32_t replication;           /* JZSE_REPLICATION_* */
  uint32_t versions_max;          /* older versions kept of each file; 0 keeps none. Lowered, it holds for versions
                                   * that are there already from the next compaction on */
  uint32_t compression;           /* zstd level 1..19, 0 off; used where it makes the content smaller */
  uint64_t versions_age_max_s;    /* older versions expire this many seconds after they were superseded; 0 never */
  uint64_t quota_bytes;           /* logical bytes of live files; 0 unlimited */
  uint64_t quota_files;           /* live files; 0 unlimited */
  uint32_t chunk_min;             /* bytes; chunk sizes are fixed at creation: powers of two, 4 KiB..1 MiB */
  uint32_t chunk_average;
  uint32_t chunk_max;
  uint32_t reserved;
} jzse_namespace_config;
#define JZSE_NAMESPACE_CONFIG_INIT \
  {sizeof(jzse_namespace_config), 0, 0, 0, 16, 0, 0, 0, 0, 16384, 65536, 262144, 0}

typedef struct jzse_namespace_info {
  uint32_t struct_size;
  uint32_t reserved;
  char name[72];
  uint64_t file_count;            /* live files, symlinks and explicit directories */
  uint64_t logical_bytes;
  uint64_t version_count;
  uint64_t version_bytes;
  uint64_t tombstone_count;
  uint64_t directory_count;       /* explicit directories, which file_count includes */
} jzse_namespace_info;
#define JZSE_NAMESPACE_INFO_INIT {sizeof(jzse_namespace_info), 0, {0}, 0, 0, 0, 0, 0, 0}

/* EXISTS when there is one of that name. `config` may be NULL. */
JZSE_API int jzse_namespace_create(jzse_store *store, const char *name, const jzse_namespace_config *config,
                                   jzse_error *error);
/* Changes what may change; a different kind or chunk size is INVALID. */
JZSE_API int jzse_namespace_configure(jzse_store *store, const char *name, const jzse_namespace_config *config,
                                      jzse_error *error);
/* Either output may be NULL. */
JZSE_API int jzse_namespace_get(jzse_store *store, const char *name, jzse_namespace_config *config,
                                jzse_namespace_info *info, jzse_error *error);
/* Calls `each` for every namespace in order of name until it returns non-zero. */
JZSE_API int jzse_namespace_list(jzse_store *store, int (*each)(void *context, const jzse_namespace_info *info),
                                 void *context, jzse_error *error);
/* Drops the namespace with all files and versions in it. Not undoable. */
JZSE_API int jzse_namespace_drop(jzse_store *store, const char *name, jzse_error *error);

/* ---------------------------------------------------------------------------------------------------- put */

enum { JZSE_KIND_FILE = 1, JZSE_KIND_SYMLINK = 2, JZSE_KIND_DIRECTORY = 3,
       JZSE_KIND_DELETED = 0, JZSE_KIND_PREFIX = 4 /* in listings only */ };

typedef struct jzse_file_info {
  uint32_t struct_size;
  uint32_t kind;                  /* JZSE_KIND_*; an implied directory is a DIRECTORY with sequence 0 */
  uint64_t size;                  /* bytes of content; of the target for a symlink */
  int64_t mtime_ns;               /* as given when put, else the time of the change; ns since 1970 */
  uint32_t mode;                  /* POSIX permission bits as given, or 0 */
  uint32_t reserved;
  uint64_t changed_ms;            /* time of the change by the store's clock, ms since 1970 */
  uint64_t sequence;              /* names this version; grows with every change in this store */
  uint64_t file_replica;          /* the file's id, stable across moves */
  uint64_t file_counter;
  char etag[72];                  /* 64 hex digits of the content's identity; "" for directories */
} jzse_file_info;
#define JZSE_FILE_INFO_INIT {sizeof(jzse_file_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}}

typedef struct jzse_pair {
  const char *key;
  const char *value;
} jzse_pair;

typedef struct jzse_put_options {
  uint32_t struct_size;
  uint32_t kind;                  /* JZSE_KIND_FILE (default) or SYMLINK: the content is the target */
  const char *if_match;           /* the file must exist with this etag; "*": must exist */
  const char *if_none_match;      /* "*": must not exist; an etag: must not be that one */
  const char *content_type;
  const jzse_pair *metadata;      /* at most 64 pairs, 16 KiB; keys are unique */
  size_t metadata_count;
  int64_t mtime_ns;               /* 0: the time of the change */
  uint32_t mode;
  uint32_t reserved;
} jzse_put_options;
#define JZSE_PUT_OPTIONS_INIT {sizeof(jzse_put_options), 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0}

/* Stores `size` bytes as the content of `path`, replacing a file that is there (its content becomes a version).
 * On return the change is on disk and visible to every later read. `info` may be NULL.
 * Errors: INVALID, NOT_FOUND (namespace), EXISTS (a directory is there, or a file where a parent should be),
 * PRECONDITION, TOO_LARGE, NO_SPACE, QUOTA, READ_ONLY, IO. After an error nothing has changed, except that after
 * IO or READ_ONLY the change may be found after the store is reopened (it was never acknowledged). */
JZSE_API int jzse_put(jzse_store *store, const char *ns, const char *path, const void *data, size_t size,
                      const jzse_put_options *options, jzse_file_info *info, jzse_error *error);
/* The same from a descriptor, from its current position to its end. */
JZSE_API int jzse_put_fd(jzse_store *store, const char *ns, const char *path, int fd,
                         const jzse_put_options *options, jzse_file_info *info, jzse_error *error);

/* A writer takes content of any size piece by piece, in memory bounded by about 4 MiB; nothing is visible before
 * commit. Preconditions are checked at commit. Commit and abort release the handle whatever they answer. */
typedef struct jzse_writer jzse_writer;
JZSE_API int jzse_writer_open(jzse_store *store, const char *ns, const char *path,
                              const jzse_put_options *options, jzse_writer **writer, jzse_error *error);
/* After an error the content would have a hole: every later write, and the commit, fail with the same code. */
JZSE_API int jzse_writer_write(jzse_writer *writer, const void *data, size_t size, jzse_error *error);
JZSE_API int jzse_writer_commit(jzse_writer *writer, jzse_file_info *info, jzse_error *error);
JZSE_API void jzse_writer_abort(jzse_writer *writer);

/* ---------------------------------------------------------------------------------------------------- get */

typedef struct jzse_get_options {
  uint32_t struct_size;
  uint32_t reserved;
  jzse_snapshot *snapshot;        /* read as of the snapshot; NULL: now */
  uint64_t version;               /* a sequence from a version list; 0: the current one */
} jzse_get_options;
#define JZSE_GET_OPTIONS_INIT {sizeof(jzse_get_options), 0, NULL, 0}

/* The whole content, in memory of its own that jzse_free releases (also when *size is 0). `info` may be NULL.
 * Every byte is checked before it is given out. Errors: NOT_FOUND, CORRUPT, EXISTS (it is a directory), IO,
 * NO_MEMORY. */
JZSE_API int jzse_get(jzse_store *store, const char *ns, const char *path, const jzse_get_options *options,
                      void **data, size_t *size, jzse_file_info *info, jzse_error *error);
/* The whole content in memory of the caller's, whose size need not be known before: `place` is called once, on the
 * calling thread, with the size that was found, and answers where that many bytes go, or NULL to give up (JZSE_CLOSED;
 * for an empty content NULL is as good as any). It must not call the store. After an error that followed, the memory
 * holds nothing of meaning. Other errors as jzse_get. */
typedef void *(*jzse_place_fn)(void *context, uint64_t size);
JZSE_API int jzse_get_into(jzse_store *store, const char *ns, const char *path, const jzse_get_options *options,
                           jzse_place_fn place, void *context, jzse_file_info *info, jzse_error *error);
/* Up to `size` bytes from `offset` into the caller's buffer; *count is less only at the end of the content. */
JZSE_API int jzse_get_range(jzse_store *store, const char *ns, const char *path,
                            const jzse_get_options *options, uint64_t offset, void *buffer, size_t size,
                            size_t *count, jzse_error *error);
JZSE_API int jzse_stat(jzse_store *store, const char *ns, const char *path, const jzse_get_options *options,
                       jzse_file_info *info, jzse_error *error);

/* Content type and user metadata of a file. Strings are valid until jzse_metadata_close. */
typedef struct jzse_metadata jzse_metadata;
JZSE_API int jzse_metadata_open(jzse_store *store, const char *ns, const char *path,
                                const jzse_get_options *options, jzse_metadata **metadata, jzse_error *error);
JZSE_API const char *jzse_metadata_content_type(const jzse_metadata *metadata);  /* "" if none */
JZSE_API size_t jzse_metadata_count(const jzse_metadata *metadata);
JZSE_API jzse_pair jzse_metadata_pair(const jzse_metadata *metadata, size_t i);  /* NULLs beyond the count */
JZSE_API void jzse_metadata_close(jzse_metadata *metadata);
/* Replaces content type, metadata, mtime and mode of a file, symlink or explicit directory; content stays. */
JZSE_API int jzse_metadata_set(jzse_store *store, const char *ns, const char *path,
                               const jzse_put_options *options, jzse_file_info *info, jzse_error *error);

/* A reader holds one version of one file, however the file changes meanwhile. */
typedef struct jzse_reader jzse_reader;
JZSE_API int jzse_reader_open(jzse_store *store, const char *ns, const char *path,
                              const jzse_get_options *options, jzse_reader **reader, jzse_file_info *info,
                              jzse_error *error);
/* Sequential: the next up to `size` bytes; *count 0 at the end. */
JZSE_API int jzse_reader_read(jzse_reader *reader, void *buffer, size_t size, size_t *count, jzse_error *error);
JZSE_API int jzse_reader_read_at(jzse_reader *reader, uint64_t offset, void *buffer, size_t size,
                                 size_t *count, jzse_error *error);
/* The content without a copy: the bytes from `offset` to the end of the stored piece that they are in, in memory of the
 * reader's. They were checked in that memory, and are valid until the next call on this reader; *size is 0 at the end of the
 * content only. The reader keeps one piece: at most the namespace's chunk_max, twice that where it is compressed.
 * With flags, JZSE_BUSY in place of a wait; the same call without them, on another thread if need be, then gets the bytes. */
enum {
  JZSE_SPAN_CACHED = 1u << 0,   /* do not wait for the disk to bring contents: they must be in the system's page cache */
  JZSE_SPAN_LOCATED = 1u << 1   /* nor for the index (implies CACHED); an earlier call without it looks some pieces ahead */
};
JZSE_API int jzse_reader_span(jzse_reader *reader, uint64_t offset, uint32_t flags, const void **data, size_t *size,
                              jzse_error *error);
/* Content type and user metadata of the version that is read, without another look-up. To be closed before the store is. */
JZSE_API int jzse_reader_metadata(jzse_reader *reader, jzse_metadata **metadata, jzse_error *error);
/* Where the content lies on disk, for sendfile and its kin: up to `max` pieces covering the content from `offset`
 * on. The bytes were checked by this call. Descriptors are valid, and the bytes behind them stable, until the
 * reader is closed; read only. JZSE_UNSUPPORTED when a piece is stored compressed. */
typedef struct jzse_extent {
  int fd;
  uint32_t reserved;
  uint64_t offset;                /* in the descriptor's file */
  uint64_t length;
} jzse_extent;
JZSE_API int jzse_reader_extents(jzse_reader *reader, uint64_t offset, jzse_extent *extents, size_t max,
                                 size_t *count, jzse_error *error);
JZSE_API void jzse_reader_close(jzse_reader *reader);

/* --------------------------------------------------------------------------------------------------- list */

typedef struct jzse_list_options {
  uint32_t struct_size;
  uint32_t with_deleted;          /* 1: tombstones too, as JZSE_KIND_DELETED */
  const char *prefix;             /* only names that begin so; NULL or "": all */
  const char *delimiter;          /* one character: what lies beyond its next occurrence after the prefix is given
                                     once, as a JZSE_KIND_PREFIX entry. NULL or "": everything, flat */
  const char *start_after;        /* only names after this one: the last path of the page before */
  uint64_t limit;                 /* entries to give at most; 0: all */
  jzse_snapshot *snapshot;
} jzse_list_options;
#define JZSE_LIST_OPTIONS_INIT {sizeof(jzse_list_options), 0, NULL, NULL, NULL, 0, NULL}

typedef struct jzse_list jzse_list;
typedef struct jzse_list_entry {
  const char *path;               /* full path; ends with the delimiter for a PREFIX */
  jzse_file_info info;
} jzse_list_entry;
/* Entries come in byte order of the path, from one consistent moment: that of the open. */
JZSE_API int jzse_list_open(jzse_store *store, const char *ns, const jzse_list_options *options,
                            jzse_list **list, jzse_error *error);
/* *entry is NULL at the end, and otherwise valid until the next call on this list. */
JZSE_API int jzse_list_next(jzse_list *list, const jzse_list_entry **entry, jzse_error *error);
JZSE_API void jzse_list_close(jzse_list *list);

/* ------------------------------------------------------------------------------------ delete, copy, move */

enum {
  JZSE_RECURSIVE = 1u << 0,       /* delete: with everything below, as one atomic change */
  JZSE_NO_REPLACE = 1u << 1       /* copy, move: EXISTS when the target is there */
};
typedef struct jzse_change_options {
  uint32_t struct_size;
  uint32_t flags;
  const char *if_match;           /* of the file deleted, or of the source; a directory has no etag, only "*" holds */
} jzse_change_options;
#define JZSE_CHANGE_OPTIONS_INIT {sizeof(jzse_change_options), 0, NULL}

/* The content stays retrievable as a version, as far as the namespace keeps versions. EXISTS: a directory with
 * something below, without JZSE_RECURSIVE. */
JZSE_API int jzse_delete(jzse_store *store, const char *ns, const char *path,
                         const jzse_change_options *options, jzse_error *error);
/* Copies a file within or between namespaces; within one no content byte is moved. Between two the source is read when
 * the call is made, also in a group: what the group itself has changed is not seen then. */
JZSE_API int jzse_copy(jzse_store *store, const char *ns, const char *path, const char *to_ns,
                       const char *to_path, const jzse_change_options *options, jzse_file_info *info,
                       jzse_error *error);
/* Moves a file, or a directory with everything below, to a new path in the same namespace, atomically. A file that
 * is at the target is replaced (and kept as a deleted file's versions); a directory there is EXISTS. At most
 * 262,144 files at once. */
JZSE_API int jzse_move(jzse_store *store, const char *ns, const char *path, const char *to_path,
                       const jzse_change_options *options, jzse_error *error);
/* Makes an explicit directory, which exists also when it is empty. Parents are implied. EXISTS if it, or a file
 * of that name, is there. Trees only. */
JZSE_API int jzse_mkdir(jzse_store *store, const char *ns, const char *path, const jzse_put_options *options,
                        jzse_error *error);

/* ----------------------------------------------------------------------------------------------- versions */

/* Lists the states of the file at `path`, newest first, the current one included; of a deleted file the tombstone
 * comes first. Read with jzse_list_next: entry->info.sequence names the version, entry->path is its path then. With a
 * snapshot in `options`: what it sees; `version` must be 0. */
JZSE_API int jzse_versions_open(jzse_store *store, const char *ns, const char *path,
                                const jzse_get_options *options, jzse_list **list, jzse_error *error);
/* Makes an old version the newest one again (a new change; also undeletes). */
JZSE_API int jzse_version_restore(jzse_store *store, const char *ns, const char *path, uint64_t version,
                                  jzse_file_info *info, jzse_error *error);
/* Forgets one older version for good. The current one is INVALID: delete the file instead. */
JZSE_API int jzse_version_delete(jzse_store *store, const char *ns, const char *path, uint64_t version,
                                 jzse_error *error);

/* ------------------------------------------------------------------------------------------------- groups */

/* Several changes that become durable and visible together or not at all. Later operations of a group see the
 * earlier ones. Commit and abort release the handle whatever they answer. At most 262,144 changes. */
typedef struct jzse_group jzse_group;
JZSE_API int jzse_group_begin(jzse_store *store, jzse_group **group, jzse_error *error);
JZSE_API int jzse_group_put(jzse_group *group, const char *ns, const char *path, const void *data, size_t size,
                            const jzse_put_options *options, jzse_error *error);
/* Takes the writer over, whatever it answers: its content joins the group, or is dropped. */
JZSE_API int jzse_group_add_writer(jzse_group *group, jzse_writer *writer, jzse_error *error);
JZSE_API int jzse_group_delete(jzse_group *group, const char *ns, const char *path,
                               const jzse_change_options *options, jzse_error *error);
JZSE_API int jzse_group_move(jzse_group *group, const char *ns, const char *path, const char *to_path,
                             const jzse_change_options *options, jzse_error *error);
JZSE_API int jzse_group_copy(jzse_group *group, const char *ns, const char *path, const char *to_ns,
                             const char *to_path, const jzse_change_options *options, jzse_error *error);
JZSE_API int jzse_group_mkdir(jzse_group *group, const char *ns, const char *path,
                              const jzse_put_options *options, jzse_error *error);
JZSE_API int jzse_group_commit(jzse_group *group, jzse_error *error);
JZSE_API void jzse_group_abort(jzse_group *group);

/* -------------------------------------------------------------------------------------------- change feed */

enum { JZSE_CHANGE_PUT = 1, JZSE_CHANGE_DELETE = 2, JZSE_CHANGE_MOVE = 3, JZSE_CHANGE_MKDIR = 4,
       JZSE_CHANGE_METADATA = 5 };
typedef struct jzse_change {
  uint64_t sequence;              /* resume after this one */
  uint32_t type;                  /* JZSE_CHANGE_* */
  uint32_t more;                  /* 1: the next change that this feed brings belongs to the same atomic group */
  const char *ns;
  const char *path;
  const char *old_path;           /* for MOVE; else NULL */
  jzse_file_info info;
} jzse_change;

typedef struct jzse_feed_options {
  uint32_t struct_size;
  uint32_t reserved;
  const char *ns;                 /* only this namespace; NULL: all */
  const char *prefix;             /* only paths that begin so */
  uint64_t after;                 /* changes with a higher sequence; 0: from the beginning */
} jzse_feed_options;
#define JZSE_FEED_OPTIONS_INIT {sizeof(jzse_feed_options), 0, NULL, NULL, 0}

/* Changes in order of sequence. A cursor never becomes too old: what compaction dropped was superseded by a later
 * change, which the feed still brings; except that the deletion of a file, or that a move took it away from a path, goes
 * once nothing older of the file is left. Read from the beginning the feed always leads to what there is. A consumer that
 * keeps a copy and was away during a compaction looks once for what the store has no more (examples/c/mirror.c). Only
 * durable changes appear. */
typedef struct jzse_feed jzse_feed;
JZSE_API int jzse_feed_open(jzse_store *store, const jzse_feed_options *options, jzse_feed **feed,
                            jzse_error *error);
/* The next change, waiting up to timeout_ms for one (0: poll, -1: for ever, until jzse_feed_cancel). *change is
 * NULL when the time is over, and otherwise valid until the next call on this feed. CLOSED after a cancel. */
JZSE_API int jzse_feed_next(jzse_feed *feed, int timeout_ms, const jzse_change **change, jzse_error *error);
/* A descriptor for poll and its kin, so that an event loop needs no thread to wait: readable while changes may wait, and
 * after a cancel. When it is, call jzse_feed_next with timeout 0 until *change is NULL; that may be at once, because
 * the feed's namespace and prefix are looked at only then. Owned by the feed, valid until jzse_feed_close; or -1. */
JZSE_API int jzse_feed_fd(jzse_feed *feed);
/* Ends waits in jzse_feed_next, now and later. The only call allowed while another thread uses the feed. */
JZSE_API void jzse_feed_cancel(jzse_feed *feed);
JZSE_API void jzse_feed_close(jzse_feed *feed);

/* The callback form: `each` is called for every change on a thread of the library, one at a time, until it returns
 * non-zero or the watch is stopped. It may call the API, except for stopping its own watch and closing the store. */
typedef struct jzse_watch jzse_watch;
JZSE_API int jzse_watch_start(jzse_store *store, const jzse_feed_options *options,
                              int (*each)(void *context, const jzse_change *change), void *context,
                              jzse_watch **watch, jzse_error *error);
/* Waits for a callback under way. */
JZSE_API void jzse_watch_stop(jzse_watch *watch);

/* ---------------------------------------------------------------------------------------------- snapshots */

/* One moment of the whole store, for reads and listings that agree with each other, also in namespaces that are dropped
 * meanwhile. Cheap; while it is open the disk space of what it sees is not given back. At most 256. */
JZSE_API int jzse_snapshot_open(jzse_store *store, jzse_snapshot **snapshot, jzse_error *error);
JZSE_API uint64_t jzse_snapshot_sequence(const jzse_snapshot *snapshot);
JZSE_API void jzse_snapshot_close(jzse_snapshot *snapshot);

/* ------------------------------------------------------------------------------------------------- upkeep */

/* Called now and then during long work; `total` may be 0 when unknown. Non-zero cancels it (JZSE_CLOSED). */
typedef int (*jzse_progress_fn)(void *context, uint64_t done, uint64_t total);
/* One finding: the file or object, and what is wrong with it. `ns` is "" and `path` a segment's name when no file is
 * touched. */
typedef void (*jzse_problem_fn)(void *context, const char *ns, const char *path, uint64_t version,
                                const char *problem);

typedef struct jzse_verify_options {
  uint32_t struct_size;
  uint32_t repair;                /* 1: rebuild the index when it disagrees, drop leftovers */
  jzse_progress_fn progress;      /* in bytes */
  jzse_problem_fn problem;
  void *context;
  uint64_t rate;                  /* bytes a second; 0: as fast as it goes */
} jzse_verify_options;
#define JZSE_VERIFY_OPTIONS_INIT {sizeof(jzse_verify_options), 0, NULL, NULL, NULL, 0}

typedef struct jzse_verify_report {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t segments, records, bytes;      /* read and checked */
  uint64_t files, versions, chunks;       /* whose content was found whole */
  uint64_t problems;                      /* damaged records, files or index entries */
  uint64_t repaired;
} jzse_verify_report;
#define JZSE_VERIFY_REPORT_INIT {sizeof(jzse_verify_report), 0, 0, 0, 0, 0, 0, 0, 0, 0}

/* Reads every record of every segment and compares the index with the journal. JZSE_OK when nothing is wrong or all
 * was repaired, JZSE_CORRUPT when there are problems (the report and the callback tell them). */
JZSE_API int jzse_verify(jzse_store *store, const jzse_verify_options *options, jzse_verify_report *report,
                         jzse_error *error);

typedef struct jzse_compact_options {
  uint32_t struct_size;
  uint32_t full;                  /* 1: every segment with anything dead; 0: where it pays */
  jzse_progress_fn progress;
  void *context;
} jzse_compact_options;
#define JZSE_COMPACT_OPTIONS_INIT {sizeof(jzse_compact_options), 0, NULL, NULL}

typedef struct jzse_compact_report {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t segments;              /* rewritten */
  uint64_t bytes_before, bytes_after;
  uint64_t versions_expired, chunks_dropped, tombstones_dropped;
} jzse_compact_report;
#define JZSE_COMPACT_REPORT_INIT {sizeof(jzse_compact_report), 0, 0, 0, 0, 0, 0, 0}

/* Copies together what is alive and gives back the space of the rest; forgets versions that have expired. Other calls go
 * on meanwhile. Cancelled, it keeps what it has finished. */
JZSE_API int jzse_compact(jzse_store *store, const jzse_compact_options *options, jzse_compact_report *report,
                          jzse_error *error);

typedef struct jzse_archive_options {
  uint32_t struct_size;
  uint32_t versions;              /* 1: older versions too */
  const char *prefix;             /* export: only these */
  jzse_snapshot *snapshot;
  jzse_progress_fn progress;      /* in files */
  void *context;
} jzse_archive_options;
#define JZSE_ARCHIVE_OPTIONS_INIT {sizeof(jzse_archive_options), 0, NULL, NULL, NULL, NULL}

typedef struct jzse_archive_report {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t files, versions, bytes;
} jzse_archive_report;
#define JZSE_ARCHIVE_REPORT_INIT {sizeof(jzse_archive_report), 0, 0, 0, 0}

/* Writes a namespace as one stream that any JzSE can import (docs/format-archive.md). The descriptor may be a pipe; one
 * that nobody reads raises SIGPIPE, as write(2) does. With `versions`, deleted files whose versions are kept are
 * included. */
JZSE_API int jzse_archive_export(jzse_store *store, const char *ns, int fd, const jzse_archive_options *options,
                                 jzse_archive_report *report, jzse_error *error);
/* Puts the archive's files into the namespace, each as a new change; files that are there are replaced. A damaged or
 * hostile archive is JZSE_CORRUPT; what came before the damage was imported and is counted in the report. Without
 * `versions` older versions in the archive are passed over. `prefix` and `snapshot` must be NULL. */
JZSE_API int jzse_archive_import(jzse_store *store, const char *ns, int fd, const jzse_archive_options *options,
                                 jzse_archive_report *report, jzse_error *error);

/* -------------------------------------------------------------------------------------------------- async */

/* A queue carries requests out without a waiting thread for each. Submit with a tag, reap completions in any order.
 * Submitting copies contents of up to 64 KiB; larger data must stay valid until its completion is reaped.
 * JZSE_BUSY when `capacity` requests are under way or wait to be reaped. Submission fails only for what can be told
 * at once; everything else arrives as the completion's code. All calls on a queue but close are thread-safe. */
typedef struct jzse_queue jzse_queue;
typedef struct jzse_completion {
  uint64_t tag;
  int code;
  uint32_t reserved;
  void *data;                     /* for gets: jzse_free it */
  size_t size;
  jzse_file_info info;
  char message[200];
} jzse_completion;

/* `capacity`: how many requests may be under way or wait to be reaped. */
JZSE_API int jzse_queue_open(jzse_store *store, uint32_t capacity, jzse_queue **queue, jzse_error *error);
/* A descriptor that polls readable while completions wait. Owned by the queue; or -1. */
JZSE_API int jzse_queue_fd(jzse_queue *queue);
/* Takes up to `max` completions, waiting up to timeout_ms for the first (0: poll, -1: for ever). *count 0 when the
 * time is over. */
JZSE_API int jzse_queue_reap(jzse_queue *queue, jzse_completion *completions, size_t max, int timeout_ms,
                             size_t *count, jzse_error *error);
/* Waits for what is under way, drops unreaped completions. */
JZSE_API void jzse_queue_close(jzse_queue *queue);

/* The calls of these names without `_async`, as requests. */
JZSE_API int jzse_put_async(jzse_queue *queue, uint64_t tag, const char *ns, const char *path, const void *data,
                            size_t size, const jzse_put_options *options, jzse_error *error);
JZSE_API int jzse_get_async(jzse_queue *queue, uint64_t tag, const char *ns, const char *path,
                            const jzse_get_options *options, jzse_error *error);
JZSE_API int jzse_stat_async(jzse_queue *queue, uint64_t tag, const char *ns, const char *path,
                             const jzse_get_options *options, jzse_error *error);
JZSE_API int jzse_delete_async(jzse_queue *queue, uint64_t tag, const char *ns, const char *path,
                               const jzse_change_options *options, jzse_error *error);
JZSE_API int jzse_copy_async(jzse_queue *queue, uint64_t tag, const char *ns, const char *path, const char *to_ns,
                             const char *to_path, const jzse_change_options *options, jzse_error *error);
JZSE_API int jzse_move_async(jzse_queue *queue, uint64_t tag, const char *ns, const char *path,
                             const char *to_path, const jzse_change_options *options, jzse_error *error);
JZSE_API int jzse_mkdir_async(jzse_queue *queue, uint64_t tag, const char *ns, const char *path,
                              const jzse_put_options *options, jzse_error *error);
JZSE_API int jzse_metadata_set_async(jzse_queue *queue, uint64_t tag, const char *ns, const char *path,
                                     const jzse_put_options *options, jzse_error *error);
JZSE_API int jzse_version_restore_async(jzse_queue *queue, uint64_t tag, const char *ns, const char *path,
                                        uint64_t version, jzse_error *error);
/* These take the handle over. When the submission itself is refused, the handle is still the caller's. */
JZSE_API int jzse_writer_commit_async(jzse_queue *queue, uint64_t tag, jzse_writer *writer, jzse_error *error);
JZSE_API int jzse_group_commit_async(jzse_queue *queue, uint64_t tag, jzse_group *group, jzse_error *error);

#ifdef __cplusplus
}
#endif

#endif /* JZSE_JZSE_H_ */
