//! What the browser does to the store of a running replica: a person may clear it, and a newer page may change it.
//! The page is told at once, and not when somebody tries to book the next time.

use super::{Failure, Host};
use crate::{
    store::{StorageError, StorageErrorKind, StoreEnd},
    wait::spawn,
};

impl Host {
    pub(super) fn watch_store(&self) {
        let this = self.this.clone();
        self.writer.store().on_end(move |end| {
            if let Some(host) = this.upgrade() {
                host.store_ended(end);
            }
        });
    }

    fn store_ended(&self, end: StoreEnd) {
        if self.is_closed.get() {
            return;
        }
        match end {
            StoreEnd::Deleted => self.lost(&StorageError::new(StorageErrorKind::Lost, "its database is deleted")),
            StoreEnd::Upgraded => self.lost(&StorageError::new(StorageErrorKind::Newer, "its database is upgraded")),
            StoreEnd::Closed => {
                let Some(host) = self.this.upgrade() else { return };
                spawn(async move {
                    let opened = host.writer.store().reconnect().await;
                    // It may have been left to others meanwhile.
                    if let Err(error) = opened
                        && !host.is_closed.get()
                    {
                        host.lost(&error);
                    }
                });
            }
        }
    }

    fn lost(&self, error: &StorageError) {
        self.fail(Failure::from(error));
    }

    /// Storing failed: from here on only what is stored is shown, as far as that can be read.
    pub(super) fn storing_failed(&self, error: &StorageError) {
        if self.is_stopped.get() {
            // It has been told, or the replica was left to others.
            return;
        }
        self.fail(Failure::from(error));
        match error.kind {
            // This page holds more than its store does.
            StorageErrorKind::Lost | StorageErrorKind::Newer => {}
            _ => self.read_back(),
        }
    }
}
