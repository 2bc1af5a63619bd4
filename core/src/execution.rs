//! Executing a write of any kind at its place in the log. The result depends on the data it meets, and on nothing else.

use std::sync::Arc;

use crate::{
    digest::Digest,
    id::{ReplicaId, WriteId},
    merge,
    outcome::{Attempt, Branch, Conflict, Outcome, Step},
    planted::{self, Bug},
    query::{Predicate, Query},
    relation,
    stamp::Term,
    tuple_store::{Effect, Tables},
    value::{Fields, Key, Name, Text, Tuple, Value},
    write::{Write, WriteKind},
};

/// Executes a write, unless the primary refused it.
pub(crate) fn execute(tables: &mut Tables, write: &Write, refused: Option<&Text>) -> (Vec<Effect>, Outcome) {
    if let Some(reason) = refused {
        return refuse(tables, write, reason);
    }
    execute_kind(tables, &write.id, &write.kind())
}

/// Executes a write that does this.
pub(crate) fn execute_kind(tables: &mut Tables, id: &WriteId, kind: &WriteKind) -> (Vec<Effect>, Outcome) {
    match kind {
        WriteKind::Update(draft) => merge::execute_draft(tables, id, draft),
        WriteKind::Again { tag, draft } => {
            if is_known_again(tables, *tag) && !planted::is(Bug::AgainTwice) {
                return (Vec::new(), Outcome::plain(Branch::Duplicate));
            }
            let key = id_key(tag);
            let (mut effects, outcome) = merge::execute_draft(tables, id, draft);
            effects.push(tables.set(&relation::AGAIN, &key, tuple(id, Fields::none())));
            (effects, outcome)
        }
        // Their effects are on the version vector and took place when they were inserted.
        WriteKind::CreateReplica | WriteKind::RetireReplica => (Vec::new(), Outcome::plain(Branch::Update)),
        WriteKind::Consent => {
            let consent = tables.set(&relation::CONSENTS, &id_key(&id.replica), tuple(id, Fields::none()));
            (vec![consent], Outcome::plain(Branch::Update))
        }
        WriteKind::HandOver { to, term } => (begin_term(tables, id, to, *term), Outcome::plain(Branch::Update)),
        WriteKind::TakeOver { term } => (begin_term(tables, id, &id.replica, *term), Outcome::plain(Branch::Update)),
        WriteKind::Unknown(_) => (Vec::new(), Outcome::plain(Branch::Unknown)),
    }
}

/// The writes of a replica whose creation was refused are refused, too, so that must be known as long as there is data.
fn refuse(tables: &mut Tables, write: &Write, reason: &Text) -> (Vec<Effect>, Outcome) {
    let created = match write.kind() {
        WriteKind::CreateReplica => ReplicaId::created_by(&write.id),
        _ => None,
    };
    let effects = created.map(|created| {
        let because = [(Name::literal("reason"), Value::from(reason.clone()))];
        let fields = Fields::new(because).expect("one field");
        tables.set(&relation::REFUSED, &id_key(&created), tuple(&write.id, fields))
    });
    let attempts = vec![Attempt { step: Step::Update, conflict: Conflict::Refused { reason: reason.clone() } }];
    (effects.into_iter().collect(), Outcome { branch: Branch::Refused, attempts })
}

/// Names the primary, and forgets who had consented to become it.
fn begin_term(tables: &mut Tables, id: &WriteId, primary: &ReplicaId, term: Term) -> Vec<Effect> {
    let fields = [
        (Name::literal("replica"), Value::from(primary.to_string().as_str())),
        (Name::literal("term"), Value::Int(term.get().into())),
    ];
    let fields = Fields::new(fields).expect("two fields");
    let key = Key::new("primary").expect("a short key");
    let mut effects = vec![tables.set(&relation::PRIMARY, &key, tuple(id, fields))];
    for row in tables.query(&Query::new(relation::CONSENTS, Predicate::All), usize::MAX) {
        effects.push(tables.set(&relation::CONSENTS, &row.key, None));
    }
    effects
}

/// Whether the replica has consented to become the primary, as far as this view tells.
pub(crate) fn has_consented(tables: &Tables, replica: &ReplicaId) -> bool {
    tables.tuple(&relation::CONSENTS, &id_key(replica)).is_some()
}

/// Why the creation of the replica was refused, if it was.
pub(crate) fn refusal_of(tables: &Tables, replica: &ReplicaId) -> Option<Text> {
    let tuple = tables.tuple(&relation::REFUSED, &id_key(replica))?;
    Some(tuple.fields.value("reason").as_text().cloned().unwrap_or_default())
}

/// Whether a lost write was offered again under this tag.
pub(crate) fn is_known_again(tables: &Tables, tag: Digest) -> bool {
    tables.tuple(&relation::AGAIN, &id_key(&tag)).is_some()
}

fn tuple(written_by: &WriteId, fields: Fields) -> Option<Arc<Tuple>> {
    Some(Arc::new(Tuple { fields, written_by: written_by.clone() }))
}

/// The key of a tuple about a replica or a write: its id, or where a deep chain of creations makes that too long, its
/// digest.
pub(crate) fn id_key(id: &impl ToString) -> Key {
    let text = id.to_string();
    Key::new(&text).unwrap_or_else(|_| {
        let digest = Digest::EMPTY.chained(&[text.as_bytes()]);
        Key::new(&digest.to_string()).expect("a digest has 32 characters")
    })
}
