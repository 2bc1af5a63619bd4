//! A replica in words, for whoever looks for what went wrong.

use bayou_core::{Replica, VersionVector};

use super::{NodeId, World};

impl World {
    pub(super) fn describe(&self, node: NodeId) -> String {
        let Some(replica) = &self.nodes[node].replica else { return format!("{node}: down") };
        let states = [
            ("not ready", !replica.is_ready()),
            ("primary", replica.is_primary()),
            ("taking over", replica.is_taking_over()),
            ("paused", replica.commits_paused()),
            ("retired", replica.has_retired()),
            ("id lost", replica.has_lost_id()),
        ];
        let states: Vec<&str> = states.iter().filter(|(_, is)| *is).map(|(state, _)| *state).collect();
        let tentative: Vec<String> = replica.tentative_writes().map(|write| write.id.to_string()).collect();
        format!(
            "{node}: id {:?} ({}), term {}, commits {} shown, behind {}: {:?}, tentative {tentative:?}, vector {:?}",
            replica.id(),
            states.join(", "),
            replica.term().get(),
            replica.shown_csn(),
            replica.omitted_csn(),
            committed(replica),
            entries(replica.version_vector()),
        )
    }
}

/// Each commit with its term.
fn committed(replica: &Replica) -> Vec<String> {
    let entries = replica.committed_entries(replica.omitted_csn());
    let words = entries.map(|entry| {
        let refused = if entry.refused.is_some() { " refused" } else { "" };
        format!("{}/{} {}{refused}", entry.csn, entry.term.get(), entry.write.id)
    });
    words.collect()
}

fn entries(vector: &VersionVector) -> Vec<String> {
    vector.iter().map(|(id, entry)| format!("{id}:{}", entry.stamp)).collect()
}
