//! The folder that holds all that a relay keeps, owned by one relay at a time.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// A data folder that this process has locked for as long as the value lives.
///
/// The lock is the operating system's, on an open file: a relay that is killed leaves none behind. It is not SQLite's
/// own exclusive mode, because people should be able to look into a running store with the `sqlite3` shell.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataFolderError {
    /// It could not be made or written to.
    #[error(
        "The data folder {} cannot be used ({source}); make it writable for this user, or choose another with --data.",
        path.display()
    )]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process holds it.
    #[error(
        "Another relay is running on the data folder {}; stop it, or choose another folder with --data.",
        path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
}

impl DataFolder {
    /// Makes the folder if need be, and locks it.
    ///
    /// # Errors
    /// When it cannot be made or written to, or another relay holds it.
    pub fn open(path: &Path) -> Result<Self, DataFolderError> {
        let unusable = |source| DataFolderError::Unusable { path: path.to_owned(), source };
        if !path.is_dir() {
            fs::create_dir_all(path).map_err(unusable)?;
            // The folder's own entry must survive a loss of power too, or all that is synced inside is lost with it.
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            sync_folder(parent).map_err(unusable)?;
        }
        let lock =
            File::options().create(true).truncate(false).write(true).open(path.join("relay.lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataFolderError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file, and its entries need no sync of their own.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
