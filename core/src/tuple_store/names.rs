//! Lists of field names, each once for all tuples that have these fields.

use std::{collections::BTreeSet, sync::Arc};

use crate::value::{Fields, Name};

/// How many lists are kept; tuples with further ones keep their own.
const LISTS_MAX: usize = 1_024;

#[derive(Clone, Debug, Default)]
pub(super) struct SharedNames {
    lists: BTreeSet<Arc<[Name]>>,
    /// The one that was asked for last, which mostly is the next one, too.
    last: Arc<[Name]>,
}

impl SharedNames {
    /// The same fields with names that are shared.
    pub(super) fn shared(&mut self, fields: Fields) -> Fields {
        if *fields.names() != self.last {
            match self.lists.get(fields.names()) {
                Some(names) => self.last = Arc::clone(names),
                None if self.lists.len() < LISTS_MAX => {
                    self.last = Arc::clone(fields.names());
                    self.lists.insert(Arc::clone(fields.names()));
                }
                None => return fields,
            }
        }
        fields.with_names(&self.last)
    }
}
