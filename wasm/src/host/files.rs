//! Files and damaged stores in place of links: what is told is stored, and so is what they bring before anybody is told.

use bayou_core::{
    Export, ExportError, Import, ImportError, ImportStep, Importing, Outputs, ReaderState, ReaderStateError, Replica,
    SalvageError, Salvaged, StoredBatch,
};

use super::{Host, Waiter};
use crate::{api::ApiError, wait::Slices};

/// What the engine answers when it is asked something that it tells only once everything is stored.
enum Asked<T> {
    Told(T),
    /// The batch of this number is to be stored first.
    NotSaved(u64),
}

impl Host {
    /// What this replica holds, once that is stored.
    pub(crate) async fn reader_state(&self) -> Result<Result<ReaderState, ReaderStateError>, ApiError> {
        self.ask_when_stored(|replica| match replica.reader_state() {
            Err(ReaderStateError::NotSaved { batch }) => Asked::NotSaved(batch),
            told => Asked::Told(told),
        })
        .await
    }

    /// Writes files once all that they tell is stored; `take` is handed what the engine exports.
    pub(crate) async fn export<T>(
        &self,
        reader: Option<&ReaderState>,
        file_bytes_max: usize,
        take: impl Fn(Export<'_>) -> Result<T, ExportError>,
    ) -> Result<Result<T, ExportError>, ApiError> {
        self.ask_when_stored(|replica| match replica.export(reader, file_bytes_max).and_then(&take) {
            Err(ExportError::NotSaved { batch }) => Asked::NotSaved(batch),
            told => Asked::Told(told),
        })
        .await
    }

    /// Imports a file in slices, and tells each time it rests what is done, and of how much. The waiter is told when what it
    /// brought is stored.
    pub(crate) async fn import(&self, file: &[u8], tell: &dyn Fn(usize, usize)) -> Result<(Import, Waiter), ApiError> {
        let mut importing = Importing::new(file).map_err(ImportError::from)?;
        let mut slices = Slices::new();
        loop {
            self.check_writable()?;
            let step = self.drive(|replica| match replica.import_step(importing) {
                Ok((step, outputs)) => (Ok(step), outputs),
                Err(error) => (Err(error), Outputs::default()),
            })??;
            importing = match step {
                ImportStep::More(rest) => rest,
                ImportStep::Done(import) => {
                    return Ok((import, self.waiters.for_stored(self.writer.last_pushed())));
                }
            };
            if slices.is_over() {
                let (done, all) = importing.done();
                tell(done, all);
                slices.next().await;
            }
        }
    }

    /// Takes over what can be read of another replica's store. The waiter is told when that is stored.
    pub(crate) fn salvage(
        &self,
        batches: Vec<StoredBatch>,
    ) -> Result<(Result<Salvaged, SalvageError>, Waiter), ApiError> {
        self.check_writable()?;
        let salvaged = self.drive(|replica| match replica.salvage(batches) {
            Ok((salvaged, outputs)) => (Ok(salvaged), outputs),
            Err(error) => (Err(error), Outputs::default()),
        })?;
        Ok((salvaged, self.waiters.for_stored(self.writer.last_pushed())))
    }

    /// What was stored last may not have been the last that is to be stored: it is asked again until it is.
    async fn ask_when_stored<T>(&self, question: impl Fn(&Replica) -> Asked<T>) -> Result<T, ApiError> {
        loop {
            if self.is_closed.get() {
                return Err(ApiError::Closed);
            }
            let batch = match self.read(&question)? {
                Asked::Told(told) => return Ok(told),
                Asked::NotSaved(batch) => batch,
            };
            if self.is_stopped.get() {
                // It never will be.
                return Err(self.failure().cloned().map_or(ApiError::Closed, ApiError::Stopped));
            }
            self.waiters.for_stored(batch).await.map_err(|_| ApiError::Closed)?.map_err(ApiError::Aborted)?;
        }
    }
}
