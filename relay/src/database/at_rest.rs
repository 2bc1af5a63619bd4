//! A replica without links, for a database that no relay runs.

use std::sync::Arc;

use bayou_core::{Output, Outputs, Replica, StoredBatch};

use crate::store::{Store, StoreError, StoredDatabase};

/// Stores what such a replica puts out.
pub(crate) async fn store_all(
    replica: &mut Replica,
    outputs: Outputs,
    store: &Arc<dyn Store>,
    database: &StoredDatabase,
) -> Result<(), StoreError> {
    let mut batches = batches_of(outputs);
    while let Some(last) = batches.last() {
        let last = last.number;
        store.append(database.clone(), batches).await?;
        batches = batches_of(replica.handle_persisted(last));
    }
    Ok(())
}

fn batches_of(outputs: Outputs) -> Vec<StoredBatch> {
    let batch = |output| match output {
        Output::Persist(batch) => Some(batch),
        _ => None,
    };
    outputs.into_iter().filter_map(batch).collect()
}
