//! The order in which writes were inserted, for as long as some session has not followed it.

use std::collections::VecDeque;

use crate::id::WriteId;

#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// The number of the first one kept.
    first: u64,
    ids: VecDeque<WriteId>,
}

impl Arrivals {
    pub(crate) fn push(&mut self, id: WriteId) {
        self.ids.push_back(id);
    }

    /// The number that the next one will have.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.ids.len() as u64
    }

    /// How many are kept.
    #[cfg(feature = "sim")]
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn at(&self, number: u64) -> Option<&WriteId> {
        self.ids.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Those from this number on.
    pub(super) fn since(&self, number: u64) -> impl Iterator<Item = &WriteId> {
        let skipped = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.ids.iter().skip(skipped)
    }

    /// Forgets those before this number.
    pub(crate) fn trim(&mut self, before: u64) {
        let forgotten = usize::try_from(before.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.ids.len());
        self.ids.drain(..forgotten);
        self.first += forgotten as u64;
    }
}
