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
}

impl Reign {
    fn first() -> Self {
        let (after, prefix) = (Csn::ZERO, Digest::EMPTY);
        Self { term: Term::FIRST, primary: Some(ReplicaId::first()), after, prefix }
    }
}

/// All reigns of a database, the present one last. Their terms rise.
///
/// A reign may be known before its first commit is held, and before all that precedes it is: a peer has told of it.
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
        let begins = reigns.first().is_some_and(|first| first.after == Csn::ZERO);
        (rising && begins).then_some(Self(reigns))
    }

    pub(crate) fn last(&self) -> &Reign {
        self.0.last().expect("a database has a primary from the start")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Reign> {
        self.0.iter()
    }

    /// The term that the commit of this CSN is of.
    pub(crate) fn term_at(&self, csn: Csn) -> Term {
        let reign = self.0.iter().rev().find(|reign| reign.after < csn);
        reign.map_or(Term::FIRST, |reign| reign.term)
    }

    /// The reign that begins after this CSN.
    pub(super) fn beginning_after(&self, csn: Csn) -> Option<&Reign> {
        self.0.iter().rev().find(|reign| reign.after == csn && reign.term > Term::FIRST)
    }

    /// The last CSN that both histories give to the same term; `None` where they are the same history.
    pub(crate) fn parting(&self, other: &Self) -> Option<Csn> {
        let same = |(ours, theirs): &(&Reign, &Reign)| (ours.term, ours.after) == (theirs.term, theirs.after);
        let common = self.0.iter().zip(&other.0).take_while(same).count();
        let next = [self, other].into_iter().filter_map(|reigns| reigns.0.get(common));
        next.map(|reign| reign.after).min()
    }

    /// Whether there may be one more.
    pub(crate) fn has_room(&self) -> bool {
        self.0.len() < REIGNS_MAX && self.last().term.next().is_valid()
    }

    /// Forgets the reigns that were to begin beyond this CSN: a later one begins before them.
    pub(super) fn end_after(&mut self, csn: Csn) {
        self.0.retain(|reign| reign.after <= csn);
    }

    pub(super) fn push(&mut self, reign: Reign) {
        self.0.push(reign);
    }

    /// The present reign is this replica's.
    pub(super) fn name_primary(&mut self, primary: ReplicaId) {
        self.0.last_mut().expect("a database has a primary from the start").primary = Some(primary);
    }
}
