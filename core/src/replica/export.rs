//! Files for a reader to import \[97 §4.1\]: what a session of anti-entropy would send it, written down.

use thiserror::Error;

use crate::{
    anti_entropy::{Offer, Peer, Source},
    digest::Digest,
    file::Held,
    id::{DatabaseId, ReplicaId},
    limits::{BATCH_BYTES_TARGET, FILE_RECORD_BYTES_MAX, FRAME_REPLICAS_MAX, READER_STATE_BYTES_MAX},
    output::PeerKind,
    reader::ReaderState,
    stamp::{Csn, Millis, Term},
    vector::VersionVector,
    wire::{
        file::{FileRecord, FileWriter, Header, record_content, trailer_content},
        snapshot::wire_reigns,
    },
};

use super::Replica;

/// Why a replica does not say what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReaderStateError {
    /// The replica has not been created yet. A file creates no replica.
    #[error("this replica is still being created; it needs a first contact with another one")]
    NotCreated,
    /// Something that it holds is not stored yet.
    #[error("what this replica holds is not all stored yet")]
    NotSaved {
        /// The number of the batch whose storage is to be confirmed.
        batch: u64,
    },
    /// It knows too many replicas.
    #[error("a reader's state has at most {READER_STATE_BYTES_MAX} bytes, this one {bytes}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// Why nothing is exported, or no further file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The replica has not been created yet, and so knows nothing.
    #[error("this replica is still being created and holds nothing yet")]
    NotCreated,
    /// Something that it holds is not stored yet. What is told of and then forgotten in a crash could never be mended.
    #[error("what this replica holds is not all stored yet")]
    NotSaved {
        /// The number of the batch whose storage is to be confirmed.
        batch: u64,
    },
    /// The reader holds another database.
    #[error("the reader holds database {theirs}, and this is {ours}")]
    OtherDatabase {
        /// Its id here.
        ours: DatabaseId,
        /// Its id there.
        theirs: DatabaseId,
    },
    /// The reader knows that commits which are held here are void. This replica has to hear of the later term first.
    #[error("the reader knows term {}, in which commits of term {} that are held here are void", theirs.get(), ours.get())]
    OlderTerm {
        /// The term here.
        ours: Term,
        /// The term there.
        theirs: Term,
    },
    /// Reader and writer hold different committed orders.
    #[error("the committed orders differ at or before commit {0}")]
    CommittedOrdersDiffer(Csn),
    /// Both together know more replicas than a file can name.
    #[error("reader and writer together know too many replicas for a file")]
    TooManyReplicas,
    /// What cannot be divided does not fit into a file.
    #[error("the next file takes at least {bytes} bytes, and {bytes_max} are allowed")]
    FileTooSmall {
        /// How many bytes the next file needs at least.
        bytes: usize,
        /// How many are allowed.
        bytes_max: usize,
    },
}

impl Replica {
    /// What this replica holds, for another one to export what it lacks.
    ///
    /// # Errors
    /// When the replica has not been created, or something that it holds is not stored yet.
    pub fn reader_state(&self) -> Result<ReaderState, ReaderStateError> {
        let identity = self.identity.as_ref().ok_or(ReaderStateError::NotCreated)?;
        if let Some(batch) = self.unsaved_batch() {
            return Err(ReaderStateError::NotSaved { batch });
        }
        self.reader_state_as(identity.database, Some(identity.replica.clone()))
    }

    pub(super) fn reader_state_as(
        &self,
        database: DatabaseId,
        replica: Option<ReplicaId>,
    ) -> Result<ReaderState, ReaderStateError> {
        let csn = self.log.csn();
        let state = ReaderState {
            name: self.name.clone(),
            database,
            replica,
            reigns: self.log.reigns().clone(),
            csn,
            prefix: self.log.prefix(csn).expect("the log knows the digest of its own end"),
            vector: self.log.vector().clone(),
            incoming: self.incoming.cursor(),
        };
        let bytes = state.to_bytes().len();
        if bytes > READER_STATE_BYTES_MAX { Err(ReaderStateError::TooLarge { bytes }) } else { Ok(state) }
    }

    /// Writes files that bring a reader all that is held here and that it lacks, as a session of anti-entropy would, or
    /// with `None`, all that is held here, for whoever has nothing. Together they are a chain: each is used after the one
    /// before it. None is longer than `file_bytes_max`, and there is at least one.
    ///
    /// A chain for a reader can be used by it later, too, when it has moved on, and by any other replica that holds at
    /// least as much. What is truncated here goes as data, with the outcomes of the reader's own writes, or for whoever
    /// reads it, with all that are kept.
    ///
    /// Only what is stored is told. A host whose storage is never idle recovers a second replica from a copy of what is
    /// stored and lets that one export.
    ///
    /// # Errors
    /// When something held here is not stored yet, or the reader holds what contradicts it. An item is an error when not
    /// even the next write fits into a file; the files before it can be used.
    pub fn export(&self, reader: Option<&ReaderState>, file_bytes_max: usize) -> Result<Export<'_>, ExportError> {
        let database = self.database().ok_or(ExportError::NotCreated)?;
        if let Some(batch) = self.unsaved_batch() {
            return Err(ExportError::NotSaved { batch });
        }
        self.export_as(database, reader, file_bytes_max)
    }

    fn unsaved_batch(&self) -> Option<u64> {
        (!self.journal.is_idle()).then(|| self.journal.current())
    }

    pub(super) fn export_as(
        &self,
        database: DatabaseId,
        reader: Option<&ReaderState>,
        file_bytes_max: usize,
    ) -> Result<Export<'_>, ExportError> {
        let held = match reader {
            None => {
                let (csn, prefix, vector) = (Csn::ZERO, Digest::EMPTY, VersionVector::default());
                Held { csn, prefix, vector, data: None }
            }
            Some(reader) if reader.database != database => {
                return Err(ExportError::OtherDatabase { ours: database, theirs: reader.database });
            }
            Some(reader) => self.least_of(reader)?,
        };
        let both = held.vector.iter().chain(self.log.vector().iter()).count();
        let trailers = [&held.vector, self.log.vector()].map(|vector| {
            let held = Held { vector: vector.clone(), ..held.clone() };
            trailer_content(held.to_wire(), true, Digest::EMPTY).len()
        });
        // A header says some more than a trailer: the reigns, and a place in the data.
        if both > FRAME_REPLICAS_MAX || trailers.iter().sum::<usize>() > FILE_RECORD_BYTES_MAX / 2 {
            return Err(ExportError::TooManyReplicas);
        }
        if held.csn < self.log.omitted().csn {
            // The files are not written in steps.
            self.schedule.base().digest();
        }
        let mut peer = Peer::new(PeerKind::Elsewhere, Millis::default());
        peer.replica = reader.and_then(|reader| reader.replica.clone());
        peer.forked = reader.map(|reader| self.log.forked(&reader.vector)).unwrap_or_default();
        let interrupted = reader.and_then(|reader| reader.incoming.clone());
        peer.open(held.vector.clone(), held.csn, interrupted, &self.arrivals);
        let (pending, written, done) = (None, 0, false);
        let for_any_reader = reader.is_none();
        Ok(Export { replica: self, database, peer, for_any_reader, held, pending, written, file_bytes_max, done })
    }

    /// The least of what a reader holds that it must hold to use what is sent. Commits of it that a later term has made
    /// void are sent anew, and commits that are not held here are not needed.
    fn least_of(&self, reader: &ReaderState) -> Result<Held, ExportError> {
        let (ours, theirs) = (self.log.reigns(), &reader.reigns);
        let here = self.log.csn();
        let parting = ours.parting(theirs);
        if theirs.last().term > ours.last().term && parting.is_some_and(|parting| here > parting) {
            return Err(ExportError::OlderTerm { ours: self.log.term(), theirs: theirs.last().term });
        }
        let beginning = |csn| ours.iter().find(|reign| reign.after == csn).map(|reign| reign.prefix);
        let (csn, prefix) = match parting {
            Some(parting) if parting < reader.csn => {
                (parting, self.log.prefix(parting).or_else(|| beginning(parting)).unwrap_or_default())
            }
            _ => (reader.csn, reader.prefix),
        };
        if self.log.prefix(csn).is_some_and(|here| here != prefix) {
            return Err(ExportError::CommittedOrdersDiffer(csn));
        }
        let end = || self.log.prefix(here).expect("the log knows the digest of its own end");
        let (csn, prefix) = if here < csn { (here, end()) } else { (csn, prefix) };
        Ok(Held { csn, prefix, vector: reader.vector.clone(), data: None })
    }
}

/// Files as they are written, one after the other.
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
/// // A tab that has no network says what it holds, and gets what it lacks on a stick.
/// let state = tab.reader_state()?.to_bytes();
/// let (write, outputs) = relay.submit(draft)?;
/// carry_out(&mut relay, outputs);
/// let reader = ReaderState::from_bytes(&state)?;
/// let chain: Vec<Vec<u8>> = relay.export(Some(&reader), 1024 * 1024)?.collect::<Result<_, _>>()?;
///
/// for file in &chain {
///     let (import, outputs) = tab.import(file)?;
///     carry_out(&mut tab, outputs);
///     assert!(import.complete);
/// }
/// assert!(tab.status(&write).unwrap().is_committed());
///
/// // Who has no replica looks at a chain that presupposes nothing.
/// let chain: Vec<Vec<u8>> = relay.export(None, 1024 * 1024)?.collect::<Result<_, _>>()?;
/// let copy = ReadOnlyCopy::open(&chain)?;
/// assert_eq!(copy.read(View::Committed, &desks)?.len(), 1);
/// # Ok(())
/// # }
/// # fn carry_out(replica: &mut Replica, outputs: Outputs) -> Vec<Vec<u8>> {
/// #     let mut frames = Vec::new();
/// #     let mut waiting = vec![outputs];
/// #     while let Some(outputs) = waiting.pop() {
/// #         for output in outputs {
/// #             match output {
/// #                 Output::Persist(batch) => waiting.push(replica.handle_persisted(batch.number)),
/// #                 Output::Transmit { frame, .. } => frames.push(frame),
/// #                 _ => {}
/// #             }
/// #         }
/// #     }
/// #     frames
/// # }
/// # fn meet(left: &mut Replica, right: &mut Replica) {
/// #     let peer = PeerId(1);
/// #     let outputs = left.handle_link_up(Millis(0), peer, PeerKind::Elsewhere);
/// #     let mut to_right = carry_out(left, outputs);
/// #     let outputs = right.handle_link_up(Millis(0), peer, PeerKind::Elsewhere);
/// #     let mut to_left = carry_out(right, outputs);
/// #     while !(to_left.is_empty() && to_right.is_empty()) {
/// #         for frame in std::mem::take(&mut to_right) {
/// #             let outputs = right.handle_frame(Millis(0), peer, &frame);
/// #             to_left.extend(carry_out(right, outputs));
/// #         }
/// #         for frame in std::mem::take(&mut to_left) {
/// #             let outputs = left.handle_frame(Millis(0), peer, &frame);
/// #             to_right.extend(carry_out(left, outputs));
/// #         }
/// #     }
/// #     for replica in [left, right] {
/// #         let outputs = replica.handle_link_down(Millis(0), peer);
/// #         carry_out(replica, outputs);
/// #     }
/// # }
/// ```
#[must_use = "the files are written as they are asked for"]
pub struct Export<'a> {
    replica: &'a Replica,
    database: DatabaseId,
    /// The reader, as if all that is written had been sent to it.
    peer: Peer,
    for_any_reader: bool,
    /// What it holds after all that is in the files.
    held: Held,
    /// What did not fit into the last file, with what the reader holds after it.
    pending: Option<(Vec<u8>, Held)>,
    written: u32,
    file_bytes_max: usize,
    done: bool,
}

impl core::fmt::Debug for Export<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Export").field("written", &self.written).field("done", &self.done).finish_non_exhaustive()
    }
}

impl Iterator for Export<'_> {
    type Item = Result<Vec<u8>, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        self.written += 1;
        let mut next = self.pending.take().or_else(|| self.next_record());
        let mut file = FileWriter::new(self.header());
        let mut is_empty = true;
        loop {
            let after = next.as_ref().map_or(&self.held, |(_, after)| after);
            let trailer = trailer_content(after.to_wire(), true, Digest::EMPTY);
            let content = next.as_ref().map(|(content, _)| content.as_slice());
            let bytes = file.bytes_with(content.into_iter().chain([trailer.as_slice()]));
            if bytes > self.file_bytes_max {
                if is_empty {
                    self.done = true;
                    return Some(Err(ExportError::FileTooSmall { bytes, bytes_max: self.file_bytes_max }));
                }
                self.pending = next;
                return Some(Ok(file.finish(self.held.to_wire(), true)));
            }
            let Some((content, after)) = next else {
                self.done = true;
                return Some(Ok(file.finish(self.held.to_wire(), false)));
            };
            file.append(&content);
            self.held = after;
            is_empty = false;
            next = self.next_record();
        }
    }
}

impl Export<'_> {
    fn header(&self) -> Header {
        let replica = self.replica;
        Header {
            name: replica.name.clone(),
            database: self.database,
            number: self.written,
            primary: replica.is_primary(),
            outcomes_after: replica.options.keeps_outcomes.then_some(replica.outcomes_after),
            reigns: wire_reigns(replica.log.reigns()),
            from: self.held.to_wire(),
        }
    }

    fn next_record(&mut self) -> Option<(Vec<u8>, Held)> {
        let Replica { log, arrivals, schedule, outcomes, .. } = self.replica;
        let (base, for_any_reader) = (schedule.base(), self.for_any_reader);
        // Small files are filled well, too.
        let bytes_target = BATCH_BYTES_TARGET.min(self.file_bytes_max / 4).max(1);
        let offer = self.peer.offer(&Source { log, arrivals, base, outcomes, bytes_target, for_any_reader })?;
        let mut after = self.held.clone();
        let record = match offer {
            Offer::Part(part) => {
                if self.held.data.is_none() && part.after.is_some() {
                    // It goes on where the reader was interrupted, and presupposes what the reader has of the data.
                    self.held.begin_data(&part);
                    after = self.held.clone();
                }
                after.pass_part(&part);
                FileRecord::Data(part)
            }
            Offer::Batch(batch) => FileRecord::Batch(batch),
        };
        let (csn, vector) = self.peer.offered();
        if csn != after.csn {
            (after.csn, after.prefix) = (csn, log.prefix(csn).expect("what is sent is held"));
        }
        after.vector.clone_from(vector);
        Some((record_content(&record), after))
    }
}
