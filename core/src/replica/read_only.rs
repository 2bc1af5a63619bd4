//! A copy of a database that is only looked at: out of files, or out of what can be read of a damaged store.

use core::fmt;

use crate::{
    file::WholeFile,
    id::{DatabaseId, DatabaseName, WriteId},
    outcome::WriteStatus,
    output::{Output, StoredBatch},
    query::{Query, QueryError},
    reader::ReaderState,
    stamp::Csn,
    tuple_store::View,
    value::Row,
    vector::VersionVector,
    write::Write,
    write_log::WriteLog,
};

use super::{
    Export, ExportError, Import, ImportError, Inspection, Options, ReaderStateError, RecoverError, Replica, Views,
    salvage,
};

/// What files or a damaged store hold of a database, for who has no replica of it, or has one no more.
///
/// It has no id, accepts nothing and talks to nobody; what was tentative when it was written stays so. It can be
/// [exported](Self::export), so that replicas take from it what they lack. It follows the writer of its files by
/// [importing](Self::import) what they make for its [state](Self::reader_state).
pub struct ReadOnlyCopy {
    database: DatabaseId,
    /// A replica that was never created.
    replica: Replica,
    is_whole: bool,
}

/// What could be read of a damaged store.
#[derive(Debug)]
pub struct Salvage {
    /// What it amounts to.
    pub copy: ReadOnlyCopy,
    /// What is wrong with the store, in the order of its batches; empty if nothing is.
    pub faults: Vec<RecoverError>,
    /// How many writes and other changes could be read and do not fit what is left before them.
    pub left_out: usize,
}

impl ReadOnlyCopy {
    /// Reads a chain of files, or the beginning of one, in order. The first presupposes nothing: it was
    /// [exported](Replica::export) for no reader in particular.
    ///
    /// # Errors
    /// When there is no file, one is damaged, or one does not follow those before it.
    pub fn open<F: AsRef<[u8]>>(files: impl IntoIterator<Item = F>) -> Result<Self, ImportError> {
        let mut copy: Option<Self> = None;
        for file in files {
            let file = WholeFile::read(file.as_ref())?;
            let copy = copy.get_or_insert_with(|| Self {
                database: file.database,
                replica: Replica::blank(Options::default(), file.name.clone(), WriteLog::default()),
                is_whole: true,
            });
            copy.take(file)?;
        }
        copy.ok_or(ImportError::NoFile)
    }

    /// Looks for what can be read of a store, in the order of its batches, that
    /// [cannot be recovered](Replica::recover): all before the first damage, and of what follows it as much as fits. No
    /// replica comes from it: its id is another's now, if it goes on at all, for nobody knows what it had told of.
    ///
    /// # Errors
    /// When not even a beginning can be read.
    pub fn salvage(batches: impl IntoIterator<Item = StoredBatch>) -> Result<Salvage, RecoverError> {
        let batches: Vec<StoredBatch> = batches.into_iter().collect();
        let salvage::Readable { replica, database, faults, left_out } = salvage::salvage(&batches)?;
        let is_whole = faults.is_empty() && left_out == 0;
        Ok(Salvage { copy: Self { database, replica, is_whole }, faults, left_out })
    }

    /// Takes in another file: the next one of its chain, or one that was made for what it [holds](Self::reader_state).
    ///
    /// # Errors
    /// When the file is damaged, belongs to another database, or presupposes what is not held here. Then nothing has
    /// changed.
    pub fn import(&mut self, file: &[u8]) -> Result<Import, ImportError> {
        self.take(WholeFile::read(file)?)
    }

    fn take(&mut self, file: WholeFile) -> Result<Import, ImportError> {
        if file.name != *self.name() {
            return Err(ImportError::OtherName { ours: self.name().clone(), theirs: file.name });
        }
        if file.database != self.database {
            return Err(ImportError::OtherDatabase { ours: self.database, theirs: file.database });
        }
        let brought = file.to.vector.clone();
        let import = self.replica.take_file(file)?;
        // Its writer has stored all of it, and is somebody else.
        self.replica.elsewhere.note_all(&brought);
        self.is_whole = import.complete && !import.more;
        // Nobody stores what is only looked at.
        let mut outputs = self.replica.finish();
        while !outputs.is_empty() {
            let last = outputs.into_iter().filter_map(|output| match output {
                Output::Persist(batch) => Some(batch.number),
                _ => None,
            });
            let Some(last) = last.last() else { break };
            outputs = self.replica.handle_persisted(last);
        }
        Ok(import)
    }

    /// The database.
    #[must_use]
    pub const fn database(&self) -> DatabaseId {
        self.database
    }

    /// The database's name.
    #[must_use]
    pub const fn name(&self) -> &DatabaseName {
        self.replica.name()
    }

    /// Whether it holds all that its writer held: the chain of files has come to its end, or the store has no fault.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// How many writes are known to be committed.
    #[must_use]
    pub fn csn(&self) -> Csn {
        self.replica.csn()
    }

    /// What is held.
    #[must_use]
    pub const fn version_vector(&self) -> &VersionVector {
        self.replica.version_vector()
    }

    /// Asks a view.
    ///
    /// # Errors
    /// When the query is over a limit.
    pub fn read(&self, view: View, query: &Query) -> Result<Vec<Row>, QueryError> {
        self.replica.read(view, query)
    }

    /// What is known of a write; `None` if it is not held. Who has written a file that it came with counts as elsewhere.
    #[must_use]
    pub fn status(&self, write: &WriteId) -> Option<WriteStatus> {
        self.replica.status(write)
    }

    /// The write itself; `None` if it is not held.
    #[must_use]
    pub fn write(&self, write: &WriteId) -> Option<&Write> {
        self.replica.write(write)
    }

    /// The copy as an inspector shows it, with the last `rows_max` writes of its log. It has no id.
    #[must_use]
    pub fn inspect(&self, rows_max: usize) -> Inspection {
        Inspection { database: Some(self.database), ..self.replica.inspect(rows_max) }
    }

    /// What is held, for a replica to [export](Replica::export) what is lacking.
    ///
    /// # Errors
    /// When it knows too many replicas.
    pub fn reader_state(&self) -> Result<ReaderState, ReaderStateError> {
        self.replica.reader_state_as(self.database, None)
    }

    /// Writes files as [`Replica::export`] does.
    ///
    /// # Errors
    /// When the reader holds what contradicts this copy.
    pub fn export(&self, reader: Option<&ReaderState>, file_bytes_max: usize) -> Result<Export<'_>, ExportError> {
        self.replica.export_as(self.database, reader, file_bytes_max)
    }
}

impl Views for ReadOnlyCopy {
    fn read(&self, view: View, query: &Query) -> Result<Vec<Row>, QueryError> {
        self.read(view, query)
    }

    fn status(&self, write: &WriteId) -> Option<WriteStatus> {
        self.status(write)
    }
}

impl fmt::Debug for ReadOnlyCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOnlyCopy").field("name", self.name()).field("csn", &self.csn()).finish_non_exhaustive()
    }
}
