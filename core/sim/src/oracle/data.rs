//! **The data is what the log means**: each view equals what the reference model makes of the log, executed from the
//! beginning without undo, index or truncation \[95 §4, §5.2\].
//!
//! No false alarm: the model executes the same writes in the same order, and knows what the replica's program knows.

use bayou_core::{Fields, Replica, View};

use super::{History, Violation};
use crate::model::{Model, PlainFields};

pub(super) fn check(replica: &Replica, history: &History) -> Result<(), Violation> {
    let shown = replica.shown_csn();
    let state = replica.prefix_through(shown).and_then(|prefix| history.state(prefix));
    let Some(state) = state else {
        return Err(Violation::of("data", format!("the committed view is as of commit {shown}, which is not known")));
    };
    compare("committed", replica, View::Committed, &state.model)?;
    let mut model = state.model.clone();
    for entry in replica.committed_entries(shown) {
        match entry.refused {
            None => model.execute(entry.write),
            Some(reason) => model.refuse(entry.write, reason),
        };
    }
    for write in replica.tentative_writes() {
        let story = model.execute(write);
        let told = replica.status(&write.id).and_then(|status| status.outcome).map(|outcome| outcome.branch);
        if told != Some(story.branch) {
            return Err(Violation::of(
                "data",
                format!("{} is told to be {told:?}, and is {:?}", write.id, story.branch),
            ));
        }
    }
    compare("tentative", replica, View::Tentative, &model)
}

fn compare(name: &str, replica: &Replica, view: View, model: &Model) -> Result<(), Violation> {
    let mut expected = model.tuples();
    for (relation, key, tuple) in replica.tuples(view) {
        let same = expected.next().is_some_and(|(model_relation, model_key, fields, written_by)| {
            model_relation == relation.as_str()
                && model_key == key.as_str()
                && *written_by == tuple.written_by
                && same_fields(fields, &tuple.fields)
        });
        if !same {
            let what = format!("the {name} view differs from the model at {relation}/{key}: {tuple:?}");
            return Err(Violation::of("data", what));
        }
    }
    match expected.next() {
        None => Ok(()),
        Some((relation, key, ..)) => {
            Err(Violation::of("data", format!("the {name} view lacks {relation}/{key}, which the model has")))
        }
    }
}

fn same_fields(expected: &PlainFields, fields: &Fields) -> bool {
    expected.len() == fields.len()
        && expected
            .iter()
            .zip(fields.iter())
            .all(|(expected, (name, value))| expected.0.as_str() == name.as_str() && expected.1 == value)
}
