//! Files in place of links, from and for the store of a database that no relay runs.

use std::{io, sync::Arc};

use bayou_core::{
    Csn, DatabaseName, Export, ExportError, Import, ImportError, ReadOnlyCopy, ReaderState, RecoverError, Recovery,
    Replica,
};
use tokio::task;

use crate::{
    database::{LoadError, Loaded, read_all, recover, store_all},
    options::Options,
    store::{Store, StoreError, StoredDatabase},
};

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The number of files.
    pub files: u32,
    /// The last commit in them, or in what the reader holds.
    pub csn: Csn,
    /// What is wrong with the store, if it is damaged: the files hold what could be read of it.
    pub damage: Option<Damage>,
}

/// What is wrong with a damaged store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first fault.
    pub fault: RecoverError,
    /// Writes and other changes that could be read and do not fit what is left before them.
    pub left_out: usize,
}

/// Why nothing was exported, or no further file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportFailed {
    /// There is nothing to export.
    #[error("there is no database of this name")]
    NoDatabase,
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not even the beginning of what is stored can be read.
    #[error("nothing of what is stored can be read: {0}")]
    Unreadable(RecoverError),
    /// The stored batches are another database's.
    #[error("the stored batches of this database belong to another one")]
    Misplaced,
    /// The engine forbids it.
    #[error(transparent)]
    Refused(#[from] ExportError),
    /// A file could not be written.
    #[error("a file cannot be written: {0}")]
    Write(#[from] io::Error),
    /// A fault of this program.
    #[error("the engine failed to read what is stored: {0}")]
    Panicked(#[from] task::JoinError),
}

/// Hands files to `write` that bring a reader all that is stored of a database and that it lacks, or with `None` all that
/// is stored, none of them larger than `file_bytes_max`. The store is left as it is. Where it is damaged, the files hold
/// what can be read of it.
///
/// # Errors
/// When the store holds no such database or nothing of it can be read, the reader contradicts it, or `write` fails.
pub async fn export(
    store: &Arc<dyn Store>,
    name: &DatabaseName,
    reader: Option<ReaderState>,
    file_bytes_max: usize,
    mut write: impl FnMut(Vec<u8>) -> io::Result<()> + Send + 'static,
) -> Result<Exported, ExportFailed> {
    let batches = read_all(name, store).await?;
    if batches.is_empty() {
        return Err(ExportFailed::NoDatabase);
    }
    let name = name.clone();
    // A long log is replayed here; that must not hold up anything else.
    let exporting = task::spawn_blocking(move || {
        let mut write_all = |files: Export<'_>| {
            let mut count = 0;
            for file in files {
                write(file?)?;
                count += 1;
            }
            Ok::<_, ExportFailed>(count)
        };
        // Should it be damaged, it is read again, otherwise.
        match Replica::recover(Options::default().replica, batches.iter().cloned()) {
            Ok(Recovery { replica, .. }) => {
                check_name(replica.name(), &name)?;
                let files = write_all(replica.export(reader.as_ref(), file_bytes_max)?)?;
                Ok(Exported { files, csn: replica.csn(), damage: None })
            }
            Err(error) => {
                let salvage = ReadOnlyCopy::salvage(batches).map_err(ExportFailed::Unreadable)?;
                check_name(salvage.copy.name(), &name)?;
                let files = write_all(salvage.copy.export(reader.as_ref(), file_bytes_max)?)?;
                let fault = salvage.faults.into_iter().next().unwrap_or(error);
                let damage = Some(Damage { fault, left_out: salvage.left_out });
                Ok(Exported { files, csn: salvage.copy.csn(), damage })
            }
        }
    });
    exporting.await?
}

fn check_name(stored: &DatabaseName, name: &DatabaseName) -> Result<(), ExportFailed> {
    if stored == name { Ok(()) } else { Err(ExportFailed::Misplaced) }
}

/// Why a file was not imported. What was imported before it stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportFailed {
    /// A file makes no database.
    #[error("there is no database of this name, and a file makes none")]
    NoDatabase,
    /// What is stored is no replica.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The engine refuses the file; nothing of it has changed anything.
    #[error(transparent)]
    Refused(#[from] ImportError),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A database that no relay runs, into which files are imported.
#[derive(Debug)]
pub struct Importer {
    store: Arc<dyn Store>,
    replica: Replica,
    database: StoredDatabase,
}

impl Importer {
    /// For a database of a store.
    ///
    /// # Errors
    /// When the store holds no such database, or it cannot be recovered.
    pub async fn open(store: Arc<dyn Store>, name: &DatabaseName) -> Result<Self, ImportFailed> {
        let loaded = recover(name.clone(), &store, Options::default().replica).await?;
        let Loaded { replica, database, .. } = loaded.ok_or(ImportFailed::NoDatabase)?;
        Ok(Self { store, replica, database })
    }

    /// The last commit that the database holds.
    #[must_use]
    pub fn csn(&self) -> Csn {
        self.replica.csn()
    }

    /// Imports a file. What it brings is stored when this returns, and where this relay is the primary, committed.
    ///
    /// # Errors
    /// When the file cannot be used here, or what it brings cannot be stored.
    pub async fn import(&mut self, file: &[u8]) -> Result<Import, ImportFailed> {
        let (import, outputs) = self.replica.import(file)?;
        store_all(&mut self.replica, outputs, &self.store, &self.database).await?;
        Ok(import)
    }
}
