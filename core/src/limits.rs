//! Every bound of the engine, with its unit in its name.
//!
//! The bounds on a write are constants of the write format: what one replica has accepted no other may
//! refuse to carry, so none of them is a setting. The bounds on links may differ between hosts and versions.

// --- A write (format version 1) ---------------------------------------------------------------------------

/// Encoded body of one write.
pub const WRITE_BYTES_MAX: usize = 64 * 1024;
/// Body of one write as it would be with every value written out wherever it stands: no reference makes a write cost more
/// than a small multiple of its bytes. What counts how much, `core/src/encoding/mod.rs` says.
pub const WRITE_EXPANDED_BYTES_MAX: usize = 4 * WRITE_BYTES_MAX;
/// What each name, key, predicate and value of a write counts there, beside the bytes of its text.
pub const WRITE_PART_BYTES: usize = 8;
/// Operations of one update set.
pub const OPERATIONS_MAX: usize = 512;
/// Alternatives of one merge procedure.
pub const ALTERNATIVES_MAX: usize = 64;
/// Queries of one dependency check.
pub const CHECKS_MAX: usize = 64;
/// Nesting of a predicate or of a list value.
pub const NESTING_MAX: usize = 16;
/// Parts of all predicates of one query.
pub const PREDICATE_PARTS_MAX: usize = 256;
/// Name of a relation or a field.
pub const NAME_BYTES_MAX: usize = 64;
/// Key of a tuple.
pub const KEY_BYTES_MAX: usize = 256;
/// Fields of one tuple.
pub const FIELDS_MAX: usize = 64;
/// Fields of a tuple that patches have put together: as much as one write can put, so that every tuple fits into a frame.
pub const TUPLE_BYTES_MAX: usize = WRITE_EXPANDED_BYTES_MAX;
/// Tuples a dependency check may name in [`Expectation::Exactly`](crate::Expectation::Exactly).
pub const EXPECTED_ROWS_MAX: usize = 256;
/// Tuples in the way that an outcome remembers for each failed step; what it shows, never what it decides.
pub const BLOCKERS_MAX: usize = 4;
/// Secondary indexes of one database; further ones are ignored, which costs speed and changes no result.
pub const INDEXES_MAX: usize = 32;

// --- Order ------------------------------------------------------------------------------------------------

/// Accept stamps and CSNs stay below this, so that a browser's numbers hold them exactly.
pub const STAMP_MAX: u64 = (1 << 53) - 1;
/// Commits that a replica or a file may have left out: what follows them gets numbers of its own.
pub const OMITTED_CSN_MAX: u64 = 1 << 52;
/// A received stamp further than this beyond the local clock is ordered as it stands but does not move the clock.
pub const STAMP_JUMP_MAX: u64 = 1 << 32;
/// Creations between a database's first replica and any other.
pub const REPLICA_DEPTH_MAX: usize = 64;
/// Name of a database.
pub const DATABASE_NAME_BYTES_MAX: usize = 64;

/// Terms of one database: how often its primary role can move.
pub const REIGNS_MAX: usize = 256;

// --- Links ------------------------------------------------------------------------------------------------

/// One frame on a link.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Where a batch of writes is closed and the next one begun. A browser handles each in one task on its page's thread, in which
/// nothing is drawn.
pub const BATCH_BYTES_TARGET: usize = 64 * 1024;
/// Unacknowledged bytes of batches on one link: what a slow peer can make its sender hold.
pub const IN_FLIGHT_BYTES_MAX: usize = 1024 * 1024;
/// Replicas that one frame may name.
pub const FRAME_REPLICAS_MAX: usize = 20_000;
/// Data of one state transfer.
pub const SNAPSHOT_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// State transfers that a replica receives at a time.
pub const SNAPSHOTS_MAX: usize = 4;
/// Reason in a farewell or of a refusal.
pub const REASON_BYTES_MAX: usize = 200;

// --- Replay -----------------------------------------------------------------------------------------------

/// Writes that are rolled back and replayed at once, whatever else is about to arrive. (The logs of the simulator are short.)
pub const REPLAY_WRITES_MIN: usize = if cfg!(feature = "sim") { 2 } else { 512 };
/// How long the data waits for a peer to catch up where more would have to be replayed.
pub const REPLAY_DELAY_MS_MAX: u64 = 200;

// --- State transfer ---------------------------------------------------------------------------------------

/// Tuples that are digested at once before the first part of their transfer, or freed at once when others took their place;
/// the rest waits for calls of its own. (The databases of the simulator are small.)
pub const TUPLES_AT_ONCE: usize = if cfg!(feature = "sim") { 4 } else { 4_096 };

// --- Session guarantees -----------------------------------------------------------------------------------

/// One session token.
pub const SESSION_BYTES_MAX: usize = 1024 * 1024;
/// Sessions that wait at one replica.
pub const SESSION_WAITS_MAX: usize = 256;

// --- Files ------------------------------------------------------------------------------------------------

/// One record of a file: a batch, a part of the data, or what a header or trailer says of all replicas.
/// It has to fit into a stored batch with what that says beside it.
pub const FILE_RECORD_BYTES_MAX: usize = STORED_BATCH_BYTES_MAX - 1024 * 1024;
/// What a reader says of itself, so that a file is made for it.
pub const READER_STATE_BYTES_MAX: usize = 1024 * 1024;

// --- Storage ----------------------------------------------------------------------------------------------

/// Outcomes of own writes that are kept when the writes are truncated.
pub const OWN_OUTCOMES_MAX: usize = 10_000;
/// Where a part of a checkpoint is closed and the next one begun.
pub const CHECKPOINT_BYTES_TARGET: usize = 512 * 1024;
/// One stored batch.
pub const STORED_BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
