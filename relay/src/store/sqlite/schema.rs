//! The tables of the store's file, and the checks before a file is taken for one of ours.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

/// The version of the tables below. What the batches hold has a version of its own, which is the engine's.
pub const FORMAT_VERSION: u32 = 1;

/// "Bayo" in ASCII: tells `file` and people whose SQLite file this is.
const APPLICATION_ID: i32 = 0x4261_796f;

/// How long to wait for somebody who looks into the file or backs it up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What the write-ahead log shrinks to after a checkpoint.
const WAL_BYTES_KEPT: u32 = 16 * 1024 * 1024;

/// Batches with lower numbers than `first` are forgotten: none is read, and they are deleted when there is time for it.
///
/// Rows are found by (database, number) through the index of the primary key; the blobs stay out of that index, so
/// that finding the last number of a database reads no blob.
const TABLES: &str = "
    CREATE TABLE format (version INTEGER NOT NULL) STRICT;
    CREATE TABLE databases (
        key INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        id BLOB NOT NULL CHECK (length(id) = 16),
        first INTEGER NOT NULL DEFAULT 1 CHECK (first > 0)
    ) STRICT;
    CREATE TABLE batches (
        database INTEGER NOT NULL REFERENCES databases (key),
        number INTEGER NOT NULL CHECK (number > 0),
        bytes BLOB NOT NULL,
        PRIMARY KEY (database, number)
    ) STRICT;
";

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be read or written.
    #[error("The store {} cannot be opened ({source}); check its permissions and the disk it is on.", path.display())]
    Unusable {
        /// The store's file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// It is not a store of this program.
    #[error("{} is not a store of this relay; choose another folder with --data.", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer relay has written it.
    #[error(
        "The store {} was written by a newer relay (format {found}, this one knows {FORMAT_VERSION}); start that \
         newer relay, or choose another folder with --data.",
        path.display()
    )]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// The version of its format.
        found: u32,
    },
    /// The writer's thread could not be started.
    #[error("The store's writer could not be started ({source}); free some memory or raise the limit on threads.")]
    Thread {
        /// What the operating system said.
        source: io::Error,
    },
}

impl OpenError {
    pub(super) fn unusable(path: &Path, source: rusqlite::Error) -> Self {
        if source.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
            return Self::Foreign { path: path.to_owned() };
        }
        Self::Unusable { path: path.to_owned(), source }
    }
}

/// Opens a connection with the settings that durability rests on.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    Ok(connection)
}

/// Makes the tables in a new file, and otherwise checks that the file is ours and of a version we know.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let unusable = |source| OpenError::unusable(path, source);
    let objects: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(unusable)?;
    if objects > 0 {
        check(connection, path)?;
    }
    // Only a file that is ours, or new, may be changed; the journal mode is a property of the file.
    connection.pragma_update(None, "journal_mode", "WAL").map_err(unusable)?;
    if objects == 0 {
        create(connection).map_err(unusable)?;
    }
    Ok(())
}

fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let unusable = |source| OpenError::unusable(path, source);
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(unusable)?;
    if application != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let found: u32 = connection.query_row("SELECT version FROM format", [], |row| row.get(0)).map_err(unusable)?;
    if found > FORMAT_VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found });
    }
    Ok(())
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute("INSERT INTO format (version) VALUES (?1)", [FORMAT_VERSION])?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()
}
