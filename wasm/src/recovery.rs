//! Recovery of a replica from its store, in slices, so that the page's thread is never held for long.

use bayou_core::{RecoverError, Recovering, Recovery, StoredBatch};

use crate::{host::REPLICA_OPTIONS, memory, platform, wait::Turns};

/// For so long the thread is held at a time, and a batch more.
const SLICE_MS: u64 = 8;

/// Recovers the replica whose batches these are, and tells each time it rests which part is done.
pub(crate) async fn recover(batches: Vec<StoredBatch>, tell: &dyn Fn(f64)) -> Result<Recovery, RecoverError> {
    memory::reserve_for(&batches);
    let mut recovering = Recovering::new(REPLICA_OPTIONS);
    let turns = Turns::new();
    let mut begun = platform::now();
    let total = batches.len();
    for (taken, batch) in batches.into_iter().enumerate() {
        recovering.take(batch)?;
        loop {
            let is_left = recovering.step()?;
            if platform::now().0 >= begun.0 + SLICE_MS {
                tell(part(taken, total));
                turns.next().await;
                begun = platform::now();
            }
            if !is_left {
                break;
            }
        }
    }
    recovering.finish()
}

/// Recovers it while nobody watches.
pub(crate) async fn recover_quietly(batches: Vec<StoredBatch>) -> Result<Recovery, RecoverError> {
    recover(batches, &|_| {}).await
}

#[expect(clippy::cast_precision_loss, reason = "a store has fewer than 2^53 batches")]
fn part(taken: usize, total: usize) -> f64 {
    taken as f64 / total as f64
}
