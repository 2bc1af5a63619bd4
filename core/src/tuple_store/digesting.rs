//! The digest of a base, computed in steps: of much data it takes longer than a host may be held up.

use std::sync::Arc;

use crate::digest::DigestBuilder;

use super::base::{Base, TupleKey, add_to};

/// The digest of a base as far as it is computed.
#[derive(Debug)]
pub(crate) struct Digesting {
    base: Arc<Base>,
    digest: DigestBuilder,
    after: Option<TupleKey>,
}

impl Digesting {
    pub(crate) fn of(base: Arc<Base>) -> Self {
        Self { base, digest: DigestBuilder::default(), after: None }
    }

    /// Goes on with so many tuples, unless the digest is known. Behind the last one the base knows it.
    pub(crate) fn step(&mut self, tuples: usize) {
        if self.base.known_digest().is_some() {
            return;
        }
        let mut rest = self.base.after(self.after.as_ref());
        let mut last = None;
        for (relation, key, tuple) in rest.by_ref().take(tuples) {
            add_to(&mut self.digest, relation, key, tuple);
            last = Some((relation, key));
        }
        let last = last.map(|(relation, key)| (relation.clone(), key.clone()));
        let is_end = rest.next().is_none();
        drop(rest);
        self.after = last;
        if is_end {
            self.base.know_digest(core::mem::take(&mut self.digest).finish());
        }
    }
}
