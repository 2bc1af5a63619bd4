//! What an application reads of a database, wherever that is held.

use crate::{
    id::WriteId,
    outcome::WriteStatus,
    query::{Query, QueryError},
    tuple_store::View,
    value::Row,
};

use super::Replica;

/// Who can be asked for the two views of a database: a replica, or a [`ReadOnlyCopy`](super::ReadOnlyCopy).
pub trait Views {
    /// Asks a view.
    ///
    /// # Errors
    /// When the query is over a limit.
    fn read(&self, view: View, query: &Query) -> Result<Vec<Row>, QueryError>;

    /// What is known of a write; `None` if it is not held.
    fn status(&self, write: &WriteId) -> Option<WriteStatus>;
}

impl Views for Replica {
    fn read(&self, view: View, query: &Query) -> Result<Vec<Row>, QueryError> {
        self.read(view, query)
    }

    fn status(&self, write: &WriteId) -> Option<WriteStatus> {
        self.status(write)
    }
}
