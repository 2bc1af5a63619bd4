//! **Vectors cover exactly what is held**: a replica's version vector is what its log amounts to, that of what it truncated
//! is what was committed there, and each holds of every replica a beginning of its writes (the prefix property)
//! \[97 §3.1, §3.3, §4.3\].
//!
//! No false alarm: the ends of the chains are put together from the writes that are held, by the rules of creation and
//! retirement, and no announcement of a peer is among them.

use bayou_core::{Replica, VersionVector};

use super::{History, Violation, history};

pub(super) fn check(replica: &Replica, history: &History) -> Result<(), Violation> {
    if replica.database().is_none() {
        return Ok(());
    }
    let (csn, omitted, prefix) = replica.omitted();
    let Some(state) = history.state(prefix) else {
        return Err(Violation::of("vectors", format!("what was truncated through commit {csn} is not known")));
    };
    let has_nothing = csn.get() == 0 && omitted.is_empty();
    let mut ends = if has_nothing { history::Ends::new() } else { state.ends.clone() };
    if !has_nothing {
        compare("omitted", omitted, &ends)?;
    }
    for entry in replica.committed_entries(csn) {
        extend(&mut ends, entry.write)?;
    }
    for write in replica.tentative_writes() {
        extend(&mut ends, write)?;
    }
    compare("version", replica.version_vector(), &ends)
}

fn extend(ends: &mut history::Ends, write: &bayou_core::Write) -> Result<(), Violation> {
    let last = ends.get(&write.id.replica).map(|(stamp, _)| *stamp);
    let begins = write.previous.get() == 0 && write.id.replica == bayou_core::ReplicaId::first();
    if last != Some(write.previous) && !(last.is_none() && begins) {
        let what = format!("{} follows {}, and {last:?} is held", write.id, write.previous);
        return Err(Violation::of("prefix-property", what));
    }
    history::extend(ends, write);
    Ok(())
}

fn compare(name: &str, vector: &VersionVector, ends: &history::Ends) -> Result<(), Violation> {
    let expected = ends.iter().map(|(id, (stamp, chain))| (id, *stamp, *chain));
    let found = vector.iter().map(|(id, entry)| (id, entry.stamp, entry.chain));
    if found.eq(expected) {
        return Ok(());
    }
    Err(Violation::of("vectors", format!("the {name} vector is {vector:?}, but what is held amounts to {ends:?}")))
}
