//! A whole file, read and checked before anything of it is used \[97 §4.1\].

#[cfg(test)]
use crate::wire::file::{FileWriter, record_content};
use crate::{
    digest::Digest,
    id::{DatabaseId, DatabaseName},
    incoming::IncomingSnapshots,
    stamp::Csn,
    vector::VersionVector,
    wire::{
        DecodeError, IdTable,
        file::{DataPlace, FileError, FileReader, FileRecord, Header, RecordPlace, Seal, State, Trailer},
        frame::{Batch, Commit},
        snapshot::{SnapshotPart, read_reigns},
    },
    write_log::{Omitted, Reigns},
};

/// What is held at some point of a chain of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) csn: Csn,
    /// The digest of the committed order through `csn`.
    pub(crate) prefix: Digest,
    pub(crate) vector: VersionVector,
    /// The state transfer that this point lies in.
    pub(crate) data: Option<DataPlace>,
}

impl Held {
    pub(crate) fn to_wire(&self) -> State {
        let Self { csn, prefix, vector, data } = self;
        State { csn: *csn, prefix: *prefix, vector: vector.into(), data: data.clone() }
    }

    fn from_wire(state: State) -> Result<Self, DecodeError> {
        let State { csn, prefix, vector, data } = state;
        Ok(Self { csn, prefix, vector: vector.into_vector()?, data })
    }

    /// Stands before a part of the data.
    pub(crate) fn begin_data(&mut self, part: &SnapshotPart) {
        self.data = Some(DataPlace { csn: part.csn, digest: part.digest, after: part.after.clone(), outcomes: 0 });
    }

    /// Goes on to behind a part of the data.
    pub(crate) fn pass_part(&mut self, part: &SnapshotPart) {
        if self.data.is_none() {
            self.begin_data(part);
        }
        let Some(place) = &mut self.data else { return };
        place.after = part.tuples.last().or_else(|| place.after.take());
        place.outcomes += part.outcomes.outcomes.len() as u64;
        if part.end.is_some() {
            self.data = None;
        }
    }
}

/// What is inside.
#[derive(Debug)]
pub(crate) enum Content {
    Part(SnapshotPart),
    Batch(Batch),
}

/// A file that is being read, a record at a time.
pub(crate) struct ReadingFile<'a> {
    reader: FileReader<'a>,
    /// The file as far as it was read, once that has begun.
    file: Option<WholeFile>,
    snapshots: IncomingSnapshots,
    trailer: Option<(RecordPlace, Trailer, Seal<'a>)>,
}

impl<'a> ReadingFile<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, FileError> {
        let reader = FileReader::new(bytes)?;
        Ok(Self { reader, file: None, snapshots: IncomingSnapshots::default(), trailer: None })
    }

    /// How many bytes have been read.
    pub(crate) const fn bytes_read(&self) -> usize {
        self.reader.bytes_read()
    }

    /// Reads some more; `false` if that was all.
    pub(crate) fn step(&mut self) -> Result<bool, FileError> {
        let Some(file) = &mut self.file else {
            let (place, FileRecord::Header(header)) = self.reader.record()? else {
                return Err(RecordPlace::FIRST.out_of_place());
            };
            self.file = Some(WholeFile::begun(*header).map_err(|error| place.damaged(error))?);
            return Ok(true);
        };
        if let Some((place, trailer, seal)) = &mut self.trailer {
            if seal.step()? {
                return Ok(true);
            }
            let to = Held::from_wire(trailer.to.clone()).map_err(|error| place.damaged(error))?;
            if to != file.to {
                return Err(place.out_of_place());
            }
            file.more = trailer.more;
            self.reader.end()?;
            return Ok(false);
        }
        let (place, record) = self.reader.record()?;
        match record {
            FileRecord::Header(_) => return Err(place.out_of_place()),
            FileRecord::Data(part) => file.take_part(place, part, &mut self.snapshots)?,
            FileRecord::Batch(batch) => file.take_batch(place, batch)?,
            FileRecord::Trailer(trailer) => {
                let seal = self.reader.seal(place, &trailer);
                self.trailer = Some((place, *trailer, seal));
            }
        }
        Ok(true)
    }

    /// The file, after the last step.
    pub(crate) fn finish(mut self) -> Result<WholeFile, FileError> {
        while self.step()? {}
        Ok(self.file.expect("a file ends only after it began"))
    }
}

/// A file of which every record is whole and goes with the others.
#[derive(Debug)]
pub(crate) struct WholeFile {
    pub(crate) database: DatabaseId,
    pub(crate) name: DatabaseName,
    pub(crate) number: u32,
    pub(crate) primary: bool,
    pub(crate) outcomes_after: Option<Csn>,
    pub(crate) reigns: Reigns,
    /// The least that a reader must hold.
    pub(crate) from: Held,
    /// What one that held no more than that holds afterwards.
    pub(crate) to: Held,
    /// What the data in it covers, where it brings the last part of that.
    pub(crate) omitted: Option<Omitted>,
    /// The commit that the data in it is as of.
    pub(crate) data_csn: Option<Csn>,
    pub(crate) contents: Vec<Content>,
    /// The chain goes on with another file.
    pub(crate) more: bool,
    /// The digests of the committed order after each commit in it, beyond `from` or `omitted`.
    prefixes: Vec<Digest>,
}

impl WholeFile {
    /// Reads a file. What it says of the commits and writes in it is compared with what they are: the trailer verifies.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, FileError> {
        ReadingFile::new(bytes)?.finish()
    }

    fn begun(header: Header) -> Result<Self, DecodeError> {
        let Header { name, database, number, primary, outcomes_after, reigns, from } = header;
        let from = Held::from_wire(from)?;
        Ok(Self {
            database,
            name,
            number,
            primary,
            outcomes_after,
            reigns: read_reigns(reigns)?,
            to: from.clone(),
            from,
            omitted: None,
            data_csn: None,
            contents: Vec::new(),
            more: false,
            prefixes: Vec::new(),
        })
    }

    /// A file of these records, with the trailer that they ask for; `None` if they do not go together.
    #[cfg(test)]
    pub(crate) fn sealed(header: Header, records: Vec<FileRecord>) -> Option<Vec<u8>> {
        let mut file = Self::begun(header.clone()).ok()?;
        let mut writer = FileWriter::new(header);
        let mut snapshots = IncomingSnapshots::default();
        for record in records {
            writer.append(&record_content(&record));
            match record {
                FileRecord::Data(part) => file.take_part(RecordPlace::FIRST, part, &mut snapshots).ok()?,
                FileRecord::Batch(batch) => file.take_batch(RecordPlace::FIRST, batch).ok()?,
                FileRecord::Header(_) | FileRecord::Trailer(_) => return None,
            }
        }
        Some(writer.finish(file.to.to_wire(), false))
    }

    /// The digest of the committed order through a CSN, where the file knows it.
    pub(crate) fn prefix(&self, csn: Csn) -> Option<Digest> {
        if csn == self.from.csn {
            return Some(self.from.prefix);
        }
        let (after, prefix) = match &self.omitted {
            Some(omitted) => (omitted.csn, omitted.prefix),
            None => (self.from.csn, self.from.prefix),
        };
        match csn.get().checked_sub(after.get())? {
            0 => Some(prefix),
            further => self.prefixes.get(usize::try_from(further - 1).ok()?).copied(),
        }
    }

    /// All parts are of the same data, each continues the one before, and none follows the last one or a batch.
    fn take_part(
        &mut self,
        place: RecordPlace,
        part: SnapshotPart,
        snapshots: &mut IncomingSnapshots,
    ) -> Result<(), FileError> {
        let begins = self.data_csn.is_none();
        let continues = match &self.to.data {
            Some(at) => (at.csn, at.digest) == (part.csn, part.digest) && at.after == part.after,
            None => begins && part.after.is_none(),
        };
        let only_parts = self.contents.iter().all(|content| matches!(content, Content::Part(_)));
        if !continues || !only_parts || self.omitted.is_some() || part.csn <= self.from.csn {
            return Err(place.out_of_place());
        }
        self.data_csn = Some(part.csn);
        self.to.pass_part(&part);
        let damaged = |error| place.damaged(error);
        part.tuples.clone().into_tuples().map_err(damaged)?;
        part.outcomes.clone().into_outcomes().map_err(damaged)?;
        if let Some(end) = &part.end {
            let (omitted, _) = end.as_ref().clone().into_parts().map_err(damaged)?;
            if omitted.csn != part.csn {
                return Err(place.out_of_place());
            }
            self.to.csn = omitted.csn;
            self.to.prefix = omitted.prefix;
            self.to.vector = self.to.vector.merged(&omitted.vector);
            self.omitted = Some(omitted);
        }
        // Data that is in this file as a whole is compared with its digest; what came with other files is when it is
        // put together.
        if self.from.data.is_none() && snapshots.take(part.clone()).is_err() {
            return Err(place.out_of_place());
        }
        self.contents.push(Content::Part(part));
        Ok(())
    }

    fn take_batch(&mut self, place: RecordPlace, batch: Batch) -> Result<(), FileError> {
        if self.to.data.is_some() || (batch.after != self.to.csn && !batch.commits.is_empty()) {
            return Err(place.out_of_place());
        }
        let Batch { replicas, commits, tentative, .. } = &batch;
        for (_, commit, refused) in commits {
            let chain = self.take_commit(replicas, commit).map_err(|error| place.damaged(error))?;
            self.to.csn = self.to.csn.next();
            self.to.prefix = match refused {
                None => self.to.prefix.chained(&[chain.as_bytes()]),
                Some(reason) => self.to.prefix.chained(&[chain.as_bytes(), reason.as_bytes()]),
            };
            self.prefixes.push(self.to.prefix);
        }
        for wire in tentative {
            let (write, _) = replicas.write(wire.clone()).map_err(|error| place.damaged(error))?;
            write.extend(&mut self.to.vector);
        }
        self.contents.push(Content::Batch(batch));
        Ok(())
    }

    fn take_commit(&mut self, replicas: &IdTable, commit: &Commit) -> Result<Digest, DecodeError> {
        match commit {
            Commit::Whole(wire) => {
                let (write, _) = replicas.write(wire.clone())?;
                write.extend(&mut self.to.vector);
                Ok(write.chain)
            }
            Commit::Notification(wire, chain) => {
                replicas.id(*wire)?;
                Ok(*chain)
            }
        }
    }
}
