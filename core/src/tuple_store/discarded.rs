//! Data that other data took the place of. Each tuple of it is memory of its own: to free much of it takes longer than a host may
//! be held up, and so it is freed in steps.

use std::{iter, sync::Arc};

use super::{TupleStore, base::Base};

/// Frees one tuple, or entry of an index, each time it is asked.
type Remains = Box<dyn Iterator<Item = ()> + Send + Sync>;

/// What is still to be freed.
#[derive(Default)]
pub(crate) struct Discarded(Vec<Remains>);

impl Discarded {
    /// Takes what is not needed any more. What somebody else still holds, such as a transfer under way, stays until that is over.
    pub(crate) fn add(&mut self, store: TupleStore, base: Arc<Base>) {
        let TupleStore { committed, tentative } = store;
        let views = committed.into_remains().chain(tentative.into_remains());
        let base = iter::once(base).filter_map(Arc::into_inner).flat_map(Base::into_remains);
        self.0.push(Box::new(views.chain(base)));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Frees so many tuples and entries of indexes.
    pub(crate) fn step(&mut self, count: usize) {
        let freed = self.0.iter_mut().flatten().take(count).count();
        if freed < count {
            self.0.clear();
        }
    }
}
