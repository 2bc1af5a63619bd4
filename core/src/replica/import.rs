//! Files that are imported \[97 §4.1\]: what they bring has the effects that a peer's messages would have.

use core::fmt;
use std::vec;

use thiserror::Error;

use crate::{
    file::{Content, Held, ReadingFile, WholeFile},
    id::{DatabaseId, DatabaseName, ReplicaId},
    output::{DisconnectReason, Event, Outputs},
    session::{Lack, List},
    sort::distinct,
    stamp::Csn,
    wire::file::FileError,
};

use super::{
    Replica,
    receive::{FileSender, Sender},
};

/// Why a file is not imported. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It is no file that can be used, here or elsewhere.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no file at all.
    #[error("there is no file")]
    NoFile,
    /// This replica has not been created yet, and a file creates none.
    #[error("this replica is still being created, and a file creates none; it can be opened read-only")]
    NotCreated,
    /// The file is of another database.
    #[error("the file is of database {theirs}, and this is {ours}")]
    OtherDatabase {
        /// Its id here.
        ours: DatabaseId,
        /// Its id in the file.
        theirs: DatabaseId,
    },
    /// The file is of a database of another name.
    #[error("the file is of database \"{theirs}\", and this is \"{ours}\"")]
    OtherName {
        /// The name here.
        ours: DatabaseName,
        /// The name in the file.
        theirs: DatabaseName,
    },
    /// What the file presupposes is not held here. It may be in the files before it in the chain.
    #[error("file {number} of its chain presupposes what is not held here: {}", List(.lacks))]
    Lacking {
        /// The place of the file in its chain, from 1.
        number: u32,
        /// What is lacking; there is at least one thing.
        lacks: Vec<Lack>,
    },
    /// The file goes on in the middle of a state transfer, whose beginning was not imported here.
    #[error("file {number} of its chain goes on in the middle of the data; the files before it come first")]
    LackingData {
        /// The place of the file in its chain, from 1.
        number: u32,
    },
    /// The committed orders of the file and of this replica differ.
    #[error("the committed orders differ at or before commit {0}")]
    CommittedOrdersDiffer(Csn),
}

/// What an imported file brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The place of the file in its chain, from 1.
    pub number: u32,
    /// The chain goes on with another file.
    pub more: bool,
    /// How many writes were new here, those that are in the data aside.
    pub writes: usize,
    /// How many commits were new here, those that are in the data aside.
    pub commits: usize,
    /// The data as of this commit took the place of what was committed here.
    pub installed: Option<Csn>,
    /// All that the file brings is held here. Otherwise something was left out: commits of a primary whose reign is over,
    /// writes of an id that two replicas used, or data that covers writes of this replica without telling what became of
    /// them. A peer that is met later has it, or has what is right.
    pub complete: bool,
    /// Where the file contradicts what was held here, so that what follows in it was not taken. The same would have ended
    /// a peer's session.
    pub stopped: Option<DisconnectReason>,
}

/// A file on its way into a replica, for hosts that have other things to do meanwhile: see [`Replica::import_step`].
pub struct Importing<'f> {
    bytes: usize,
    stage: Stage<'f>,
}

enum Stage<'f> {
    Reading(Box<ReadingFile<'f>>),
    Taking(Box<Taking>),
}

/// What a step of an import leads to.
#[derive(Debug)]
pub enum ImportStep<'f> {
    /// There is more to do.
    More(Importing<'f>),
    /// All that the file brings has been taken.
    Done(Import),
}

impl<'f> Importing<'f> {
    /// Begins with a file.
    ///
    /// # Errors
    /// When the bytes do not even begin as a file does.
    pub fn new(file: &'f [u8]) -> Result<Self, FileError> {
        Ok(Self { bytes: file.len(), stage: Stage::Reading(Box::new(ReadingFile::new(file)?)) })
    }

    /// What is done, and of how much. Half of it is reading.
    #[must_use]
    pub fn done(&self) -> (usize, usize) {
        let done = match &self.stage {
            Stage::Reading(file) => file.bytes_read(),
            Stage::Taking(taking) => self.bytes + taking.taken.saturating_mul(self.bytes) / taking.count.max(1),
        };
        (done, 2 * self.bytes)
    }
}

impl fmt::Debug for Importing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Importing").field("done", &self.done()).finish_non_exhaustive()
    }
}

/// A whole file of which some contents have been taken.
pub(super) struct Taking {
    number: u32,
    more: bool,
    to: Held,
    stands: Csn,
    /// Of the data in it nothing is taken.
    declined: bool,
    sender: Sender,
    contents: vec::IntoIter<Content>,
    count: usize,
    taken: usize,
    installed: Option<Csn>,
    stopped: Option<DisconnectReason>,
}

impl Replica {
    /// Imports a file that another replica [exported](Self::export). What it brings is stored and told on like what a peer
    /// sends, and a primary commits the tentative writes in it. What is known already changes nothing.
    ///
    /// # Errors
    /// When the file is damaged, belongs to another database, or presupposes what is not held here. It is read as a whole
    /// before anything changes.
    pub fn import(&mut self, file: &[u8]) -> Result<(Import, Outputs), ImportError> {
        self.database().ok_or(ImportError::NotCreated)?;
        let file = WholeFile::read(file)?;
        self.check_database(&file)?;
        let import = self.take_file(file)?;
        Ok((import, self.finish()))
    }

    /// Does the next step of what [`import`](Self::import) does at once: reads a record, or takes what one brings. Between
    /// two steps anything else may be done with the replica; what is given up halfway has brought what a peer would have
    /// brought whose link broke. All steps are made with the same replica.
    ///
    /// # Errors
    /// As [`import`](Self::import), and only while nothing has changed.
    pub fn import_step<'f>(&mut self, importing: Importing<'f>) -> Result<(ImportStep<'f>, Outputs), ImportError> {
        self.database().ok_or(ImportError::NotCreated)?;
        let Importing { bytes, stage } = importing;
        let more = |stage| ImportStep::More(Importing { bytes, stage });
        let mut taking = match stage {
            Stage::Reading(mut reading) => {
                if reading.step()? {
                    return Ok((more(Stage::Reading(reading)), Outputs::default()));
                }
                let file = reading.finish()?;
                self.check_database(&file)?;
                Box::new(self.begin_taking(file)?)
            }
            Stage::Taking(taking) => taking,
        };
        if self.take_next(&mut taking) {
            self.follow_taking();
            return Ok((more(Stage::Taking(taking)), self.finish_amid(true)));
        }
        let import = self.end_taking(*taking);
        Ok((ImportStep::Done(import), self.finish()))
    }

    fn check_database(&self, file: &WholeFile) -> Result<(), ImportError> {
        if file.name != self.name {
            return Err(ImportError::OtherName { ours: self.name.clone(), theirs: file.name.clone() });
        }
        match self.database() {
            Some(ours) if ours != file.database => Err(ImportError::OtherDatabase { ours, theirs: file.database }),
            _ => Ok(()),
        }
    }

    pub(super) fn take_file(&mut self, file: WholeFile) -> Result<Import, ImportError> {
        let mut taking = self.begin_taking(file)?;
        while self.take_next(&mut taking) {}
        Ok(self.end_taking(taking))
    }

    fn begin_taking(&mut self, file: WholeFile) -> Result<Taking, ImportError> {
        let stands = self.check_usable(&file)?;
        let differ = |reason| match reason {
            DisconnectReason::CommittedOrdersDiffer(csn) => ImportError::CommittedOrdersDiffer(csn),
            _ => ImportError::CommittedOrdersDiffer(stands),
        };
        let (_, begins_anew) = self.compare_reigns(&file.reigns, file.to.csn).map_err(differ)?;
        self.resync |= begins_anew;
        self.check_own_history(&file.to.vector);

        let declined = self.is_without_outcomes(&file);
        let forked = self.log.forked(&file.to.vector);
        let sender = Sender::File(FileSender { forked, declined, stands, writes: 0, commits: 0 });
        let WholeFile { number, more, to, contents, .. } = file;
        let (count, contents) = (contents.len(), contents.into_iter());
        let (taken, installed, stopped) = (0, None, None);
        Ok(Taking { number, more, to, stands, declined, sender, contents, count, taken, installed, stopped })
    }

    /// Takes what comes next; `false` if there is nothing more to be taken.
    fn take_next(&mut self, taking: &mut Taking) -> bool {
        let Some(content) = taking.contents.next().filter(|_| taking.stopped.is_none()) else { return false };
        taking.taken += 1;
        let omitted = self.log.omitted().csn;
        let taken = match content {
            Content::Part(_) if taking.declined => Ok(()),
            // Whether it tells what became of the writes that it covers was asked for the whole file.
            Content::Part(part) => self.receive_part(part, true).map(drop),
            Content::Batch(batch) => self.receive_batch(&mut taking.sender, batch),
        };
        if self.log.omitted().csn > omitted {
            taking.installed = Some(self.log.omitted().csn);
        }
        taking.stopped = taken.err();
        true
    }

    fn follow_taking(&mut self) {
        self.note_ready();
        self.restart_declined(self.log.csn());
        self.journal.tell(Event::Changed);
    }

    fn end_taking(&mut self, taking: Taking) -> Import {
        self.follow_taking();
        let Taking { number, more, to, stands, declined, sender, installed, stopped, .. } = taking;
        let (writes, commits) = match sender {
            Sender::File(file) => (file.writes, file.commits),
            Sender::Peer(_) => (0, 0),
        };
        let all_held = self.log.csn() >= to.csn && self.log.vector().dominates(&to.vector);
        let complete = stopped.is_none() && !declined && to.csn <= stands && all_held;
        Import { number, more, writes, commits, installed, complete, stopped }
    }

    /// Whether a file can be used here, and through which commit its committed order stands here.
    fn check_usable(&self, file: &WholeFile) -> Result<Csn, ImportError> {
        let (ours, theirs) = (self.log.reigns(), &file.reigns);
        let (mut held, mut stands) = (self.log.csn(), file.to.csn);
        if let Some(parting) = ours.parting(theirs) {
            if theirs.last().term > ours.last().term {
                // What was committed here beyond it is void.
                if held > parting && !self.parts_at(theirs, parting) {
                    return Err(ImportError::CommittedOrdersDiffer(parting));
                }
                held = held.min(parting);
            } else {
                stands = stands.min(parting);
            }
        }
        let both = held.min(stands);
        if let (Some(ours), Some(theirs)) = (self.log.prefix(both), file.prefix(both))
            && ours != theirs
        {
            return Err(ImportError::CommittedOrdersDiffer(both));
        }
        if file.data_csn.is_some_and(|csn| csn > held && csn > stands && stands < file.to.csn) {
            // Commits that are void here cannot be taken out of data.
            return Err(ImportError::CommittedOrdersDiffer(stands));
        }
        let number = file.number;
        let lacks = self.lacks_of(file, held);
        if !lacks.is_empty() {
            return Err(ImportError::Lacking { number, lacks });
        }
        match &file.from.data {
            Some(place) if place.csn > held && !self.incoming.reaches(place) => {
                Err(ImportError::LackingData { number })
            }
            _ => Ok(stands),
        }
    }

    /// What the file presupposes and is not held here.
    fn lacks_of(&self, file: &WholeFile, held: Csn) -> Vec<Lack> {
        let needed = &file.from;
        let commits = (held < needed.csn).then_some(Lack::Commits { held, needed: needed.csn });
        let replicas = needed.vector.iter().chain(self.log.vector().iter()).map(|(replica, _)| replica);
        let lacking = |replica: &ReplicaId| {
            let (held, needed) = (self.log.vector().knowledge_of(replica), needed.vector.knowledge_of(replica));
            (held < needed).then(|| Lack::Writes { replica: replica.clone(), held, needed })
        };
        commits.into_iter().chain(distinct(replicas).into_iter().filter_map(lacking)).collect()
    }

    /// Whether the data in a file covers writes of this replica, and the file does not tell what became of them. The
    /// primary has the last word.
    fn is_without_outcomes(&self, file: &WholeFile) -> bool {
        let Some(omitted) = file.omitted.as_ref().filter(|omitted| omitted.csn > self.log.csn()) else { return false };
        let outcomes_known = file.outcomes_after.is_some_and(|after| after <= self.log.csn());
        !file.primary && !outcomes_known && self.own_tentative_covered(&omitted.vector).next().is_some()
    }
}
