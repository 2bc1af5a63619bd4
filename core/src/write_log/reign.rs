//! Who commits, and since when.

use crate::{
    digest::Digest,
    id::ReplicaId,
    limits::REIGNS_MAX,
    stamp::{Csn, Term},
};

/// The time of one primary in the committed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reign {
    pub(crate) term: Term,
    /// `None` while a role that was taken has not said whose it is: its first commits are of what waited.
    pub(crate) primary: Option<ReplicaId>,
    /// The last CSN before its first commit.
    pub(crate) after: Csn,
    /// The digest of the committed order there.
    pub(crate) prefix: Digest,
    /// The commit that began it: the hand-over that stands at `after`, or the first commit of the term.
    pub(crate) begun_at: Csn,
}

impl Reign {
    fn first() -> Self {
        let (after, prefix, begun_at) = (Csn::ZERO, Digest::EMPTY, Csn::ZERO);
        Self { term: Term::FIRST, primary: Some(ReplicaId::first()), after, prefix, begun_at }
    }
}

/// All reigns of a database, the present one last. Their terms rise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reigns(Vec<Reign>);

impl Default for Reigns {
    fn default() -> Self {
        Self(vec![Reign::first()])
    }
}

impl Reigns {
    /// Reigns that came from elsewhere, if they can be a history of reigns.
    pub(crate) fn new(reigns: Vec<Reign>) -> Option<Self> {
        let rising = reigns.windows(2).all(|pair| pair[0].term < pair[1].term && pair[0].after <= pair[1].after);
        (rising && !reigns.is_empty()).then_some(Self(reigns))
    }

    pub(crate) fn last(&self) -> &Reign {
        self.0.last().expect("a database has a primary from the start")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Reign> {
        self.0.iter()
    }

    /// The first reign here that is later than all of `theirs`.
    pub(crate) fn first_unknown_to(&self, theirs: &Self) -> Option<&Reign> {
        self.0.iter().find(|reign| reign.term > theirs.last().term)
    }

    /// Whether there may be one more.
    pub(crate) fn has_room(&self) -> bool {
        self.0.len() < REIGNS_MAX
    }

    pub(super) fn push(&mut self, reign: Reign) {
        self.0.push(reign);
    }

    /// The present reign is this replica's.
    pub(super) fn name_primary(&mut self, primary: ReplicaId) {
        self.0.last_mut().expect("a database has a primary from the start").primary = Some(primary);
    }

    /// Forgets the reigns that began with a commit beyond this CSN.
    pub(super) fn end_after(&mut self, csn: Csn) {
        self.0.retain(|reign| reign.begun_at <= csn);
    }
}
