//! **A pause outlives a restart**: where commits were paused and that was stored, the primary gives none out when it starts
//! again. Bayou knows no pause; it is the operator's, and is stored and told as the role is \[97 §3.2\].
//!
//! No false alarm: only a pause that was stored counts, and it ends when the replica is seen unpaused, be it that it crashed
//! before that was stored, or when its storage is set back or lost.

use std::collections::BTreeSet;

use bayou_core::Replica;

use super::Violation;
use crate::world::NodeId;

/// The nodes whose pause is stored.
#[derive(Debug, Default)]
pub(super) struct Pauses(BTreeSet<NodeId>);

impl Pauses {
    pub(super) fn look(&mut self, node: NodeId, replica: &Replica, all_is_stored: bool) {
        if !(replica.is_primary() && replica.commits_paused()) {
            self.0.remove(&node);
        } else if all_is_stored {
            self.0.insert(node);
        }
    }

    pub(super) fn storage_lost(&mut self, node: NodeId) {
        self.0.remove(&node);
    }

    pub(super) fn started(&self, node: NodeId, replica: &Replica) -> Result<(), Violation> {
        if self.0.contains(&node) && replica.is_primary() && !replica.commits_paused() {
            return Err(Violation::of("pause-kept", format!("{node} goes on committing after a restart")));
        }
        Ok(())
    }
}
