//! Sessions: what a client has read and written, so that the replica it turns to next can be held to it \[94\].

mod refusal;
#[cfg(test)]
mod tests;

pub(crate) use self::refusal::List;
pub use self::refusal::{Lack, SessionRefusal, WaitId};

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    id::{DatabaseId, ReplicaId, WriteId},
    sort::distinct,
    stamp::{Csn, Stamp},
    tuple_store::View,
    vector::{Knowledge, VectorEntry, VersionVector},
    wire::{DecodeError, session::WireSession},
};

/// Which guarantees a session asks for, each on its own \[94 §3\].
///
/// "The data" is the set of writes behind the view that is read: the whole log behind the
/// [tentative view](View::Tentative), the committed prefix behind the [committed](View::Committed) one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarantees {
    /// Read Your Writes: a read finds data that include all earlier writes of the session. On the committed view these
    /// must be committed.
    pub read_your_writes: bool,
    /// Monotonic Reads: a read finds data that include all that earlier reads of the session found. For a read of the
    /// committed view these are the earlier reads of that view.
    pub monotonic_reads: bool,
    /// Writes Follow Reads: wherever a write of the session is held, all that the session read before it is held, too,
    /// and ordered before it.
    pub writes_follow_reads: bool,
    /// Monotonic Writes: wherever a write of the session is held, its earlier writes are held, too, and ordered before
    /// it.
    pub monotonic_writes: bool,
}

impl Guarantees {
    /// All four.
    pub const ALL: Self =
        Self { read_your_writes: true, monotonic_reads: true, writes_follow_reads: true, monotonic_writes: true };
    /// None: every replica will do, and nothing is remembered.
    pub const NONE: Self =
        Self { read_your_writes: false, monotonic_reads: false, writes_follow_reads: false, monotonic_writes: false };
}

/// What a session wants of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionNeed {
    /// To read this view.
    Read(View),
    /// To write.
    Write,
}

/// A client's view of its own reads and writes, as it goes from replica to replica of one database \[94 §4\].
///
/// [`Replica::read_in`](crate::Replica::read_in) and [`Replica::submit_in`](crate::Replica::submit_in) hold the replica
/// to the [`Guarantees`] that were chosen: they succeed, and the session remembers what was read or written, or they
/// refuse and say what is [lacking](Lack). A client may then ask another replica, or wait
/// ([`Replica::wait_for`](crate::Replica::wait_for)).
///
/// A session stays with the replica that it was last used at, for what it read there need not be stored yet: if the
/// replica forgot it in a crash, no replica could ever meet the session again. It goes to another replica, or survives
/// this one, as a [`SessionToken`], which [`Replica::session_token`](crate::Replica::session_token) hands out once all
/// that the session names is stored. A session that is used elsewhere without, or that outlives a crash of its replica,
/// is refused ([`SessionRefusal::InUseElsewhere`]). A server whose client holds the session answers with the token, and
/// so not before what the answer shows is stored.
///
/// No replica can serve a session that names what is no more: a write that lost its place because two replicas had used
/// one id, or commits of a primary whose reign ended before them. It [waits](crate::Replica::wait_for) until its deadline,
/// and its client begins another one.
///
/// ```
/// use bayou_core::*;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = DatabaseName::parse("demo")?;
/// # let (mut relay, outputs) = Replica::found(Options::default(), DatabaseId::from_random([7; 16]), name.clone());
/// # carry_out(&mut relay, outputs);
/// # let mut tab = Replica::join(Options::default(), name);
/// # meet(&mut relay, &mut tab);
/// # let desks = Query::new(Name::new("desks")?, Predicate::All);
/// # let operation = Operation::Put(Name::new("desks")?, Key::new("window")?, Fields::none());
/// # let draft = Draft { update: UpdateSet(vec![operation]), ..Draft::default() };
/// // A tab without a network writes in a session, which then goes on at the relay.
/// let mut session = Session::new(tab.database().expect("it was created"), Guarantees::ALL);
/// let (write, outputs) = tab.submit_in(&mut session, draft)?;
/// assert!(matches!(tab.session_token(&session), Err(SessionTokenError::NotSaved { .. })));
/// carry_out(&mut tab, outputs); // stores what is to be stored
/// let bytes = tab.session_token(&session)?.to_bytes();
///
/// let mut session = Session::from(SessionToken::from_bytes(&bytes)?);
/// let refused = relay.read_in(&mut session, View::Tentative, &desks).unwrap_err();
/// assert_eq!(refused.to_string(), "not held yet: writes of 0.1 through stamp 2");
///
/// // Rather than an answer that lacks its own write, the client has one as soon as the relay has the write.
/// let now = Millis(0);
/// let (wait, outputs) = relay.wait_for(now, &session, SessionNeed::Read(View::Committed), Millis(5_000))?;
/// carry_out(&mut relay, outputs);
/// let events = meet(&mut relay, &mut tab);
/// assert!(events.contains(&Event::SessionReady { wait }));
/// assert_eq!(relay.read_in(&mut session, View::Committed, &desks)?[0].tuple.written_by, write);
/// # Ok(())
/// # }
/// # fn carry_out(replica: &mut Replica, outputs: Outputs) -> (Vec<Vec<u8>>, Vec<Event>) {
/// #     let (mut frames, mut events) = (Vec::new(), Vec::new());
/// #     let mut waiting = vec![outputs];
/// #     while let Some(outputs) = waiting.pop() {
/// #         for output in outputs {
/// #             match output {
/// #                 Output::Persist(batch) => waiting.push(replica.handle_persisted(batch.number)),
/// #                 Output::Transmit { frame, .. } => frames.push(frame),
/// #                 Output::Event(event) => events.push(event),
/// #                 Output::Disconnect { reason, .. } => panic!("{reason}"),
/// #                 Output::Forget { .. } => {}
/// #             }
/// #         }
/// #     }
/// #     (frames, events)
/// # }
/// # fn meet(left: &mut Replica, right: &mut Replica) -> Vec<Event> {
/// #     use std::sync::atomic::{AtomicU64, Ordering};
/// #     static LINKS: AtomicU64 = AtomicU64::new(0);
/// #     let peer = PeerId(LINKS.fetch_add(1, Ordering::Relaxed));
/// #     let outputs = left.handle_link_up(Millis(0), peer, PeerKind::Elsewhere);
/// #     let (mut to_right, mut events) = carry_out(left, outputs);
/// #     let outputs = right.handle_link_up(Millis(0), peer, PeerKind::Elsewhere);
/// #     let (mut to_left, _) = carry_out(right, outputs);
/// #     while !(to_left.is_empty() && to_right.is_empty()) {
/// #         for frame in std::mem::take(&mut to_right) {
/// #             let outputs = right.handle_frame(Millis(0), peer, &frame);
/// #             to_left.extend(carry_out(right, outputs).0);
/// #         }
/// #         for frame in std::mem::take(&mut to_left) {
/// #             let outputs = left.handle_frame(Millis(0), peer, &frame);
/// #             let (frames, told) = carry_out(left, outputs);
/// #             to_right.extend(frames);
/// #             events.extend(told);
/// #         }
/// #     }
/// #     for replica in [left, right] {
/// #         let outputs = replica.handle_link_down(Millis(0), peer);
/// #         carry_out(replica, outputs);
/// #     }
/// #     events
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) named: SessionToken,
    /// Where the session was last used; `None` since it came as a token.
    pub(crate) used: Option<Used>,
}

/// Where, and through which of its stored batches, a session has read and written.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    pub(crate) at: Instance,
    pub(crate) through: u64,
}

/// One replica between its creation or recovery and its end. What it had not stored ends with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instance(Arc<()>);

impl Instance {
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Session {
    /// A session that has neither read nor written.
    #[must_use]
    pub fn new(database: DatabaseId, guarantees: Guarantees) -> Self {
        let named = SessionToken {
            database,
            guarantees,
            read: VersionVector::default(),
            written: BTreeMap::new(),
            csn: Csn::ZERO,
            prefix: Digest::EMPTY,
        };
        Self { named, used: None }
    }

    /// The database.
    #[must_use]
    pub const fn database(&self) -> DatabaseId {
        self.named.database
    }

    /// What was chosen.
    #[must_use]
    pub const fn guarantees(&self) -> Guarantees {
        self.named.guarantees
    }

    /// The read vector: covers all writes behind what was read. Kept only where a guarantee rests on it.
    #[must_use]
    pub const fn read_vector(&self) -> &VersionVector {
        &self.named.read
    }

    /// The write vector: the last write of this session that each replica accepted. Kept only where a guarantee rests on
    /// it.
    pub fn written(&self) -> impl Iterator<Item = WriteId> {
        let write =
            |(replica, entry): (&ReplicaId, &VectorEntry)| WriteId { stamp: entry.stamp, replica: replica.clone() };
        self.named.written.iter().map(write)
    }

    /// How much of the committed order was read.
    #[must_use]
    pub const fn csn_read(&self) -> Csn {
        self.named.csn
    }
}

impl From<SessionToken> for Session {
    fn from(named: SessionToken) -> Self {
        Self { named, used: None }
    }
}

/// A session on its way from one replica to another, or over a restart: plain data, which names only what is stored.
///
/// It comes from [`Replica::session_token`](crate::Replica::session_token) and becomes a [`Session`] again by
/// [`From`]. Its bytes carry their own version and checksum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WireSession", into = "WireSession")]
pub struct SessionToken {
    pub(crate) database: DatabaseId,
    pub(crate) guarantees: Guarantees,
    pub(crate) read: VersionVector,
    /// This is no version vector: it has an entry for each replica that the session wrote at, and an absent one says
    /// nothing. Through `CompleteV` the others, created by one of those, would seem to be retired.
    pub(crate) written: BTreeMap<ReplicaId, VectorEntry>,
    pub(crate) csn: Csn,
    /// The digest of the committed order through `csn`.
    pub(crate) prefix: Digest,
}

impl SessionToken {
    /// The token as bytes, at most [`SESSION_BYTES_MAX`](crate::limits::SESSION_BYTES_MAX) of them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        WireSession::from(self.clone()).encode()
    }

    /// The token that these bytes say.
    ///
    /// # Errors
    /// When they are too many, damaged or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        WireSession::decode(bytes)?.try_into()
    }

    /// Whether the session names the write.
    pub(crate) fn names(&self, write: &WriteId) -> bool {
        self.read.covers(write) || self.has_written(write)
    }

    /// Whether the write is the session's last one at its accepter, or stands before that one there.
    pub(crate) fn has_written(&self, write: &WriteId) -> bool {
        self.written.get(&write.replica).is_some_and(|last| write.stamp <= last.stamp)
    }

    /// What a holder of this vector lacks, one entry a replica: of what was read, of what was written, or of both.
    pub(crate) fn lacking_writes<'a>(
        &'a self,
        held: &'a VersionVector,
        Vectors { read, written }: Vectors,
    ) -> impl Iterator<Item = Lack> + 'a {
        // What the session knows to be retired has an entry on the other side at most.
        let of_read = read.then(|| self.read.iter().chain(held.iter()).map(|(replica, _)| replica));
        let of_written = written.then(|| self.written.keys());
        let replicas = of_read.into_iter().flatten().chain(of_written.into_iter().flatten());
        distinct(replicas).into_iter().filter_map(move |replica| {
            let of_read = if read { self.read.knowledge_of(replica) } else { Knowledge::NotCreated };
            let of_written = self.written.get(replica).filter(|_| written);
            let needed = of_written.map_or(of_read, |entry| of_read.max(Knowledge::Through(entry.stamp)));
            let held = held.knowledge_of(replica);
            (held < needed).then(|| Lack::Writes { replica: replica.clone(), held, needed })
        })
    }

    /// The entries of these vectors; one that is in both, once.
    pub(crate) fn entries(
        &self,
        Vectors { read, written }: Vectors,
    ) -> impl Iterator<Item = (&ReplicaId, &VectorEntry)> {
        let of_read = self.read.iter().filter(move |_| read);
        let of_written = self.written.iter().filter(move |(replica, entry)| {
            let said = read && self.read.entry(replica) == Some(*entry);
            written && !said
        });
        of_read.chain(of_written)
    }
}

/// Which of a session's vectors an operation depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vectors {
    pub(crate) read: bool,
    pub(crate) written: bool,
}

/// The write that a replica's entry in a vector names: where it has accepted nothing yet, its creation. `None` for the
/// first replica of a database before its first write.
pub(crate) fn last_write(replica: &ReplicaId, stamp: Stamp) -> Option<WriteId> {
    match replica.creation() {
        Some(creation) if creation.stamp == stamp => Some(creation),
        _ if stamp == Stamp::ZERO => None,
        _ => Some(WriteId { stamp, replica: replica.clone() }),
    }
}

impl From<SessionToken> for WireSession {
    fn from(token: SessionToken) -> Self {
        let SessionToken { database, guarantees, read, written, csn, prefix } = token;
        let written = written.into_iter().map(|(replica, entry)| (replica, entry.stamp, entry.chain)).collect();
        Self { database, guarantees, read: (&read).into(), written, csn, prefix }
    }
}

impl TryFrom<WireSession> for SessionToken {
    type Error = DecodeError;
    fn try_from(wire: WireSession) -> Result<Self, DecodeError> {
        wire.check()?;
        let WireSession { database, guarantees, read, written, csn, prefix } = wire;
        let written = written.into_vector()?.iter().map(|(replica, entry)| (replica.clone(), *entry)).collect();
        Ok(Self { database, guarantees, read: read.into_vector()?, written, csn, prefix })
    }
}
