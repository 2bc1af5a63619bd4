//! Files that say anything whatever that can be encoded: they change a replica as a peer could, or not at all.

use std::sync::Arc;

use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::{
    generated::{Mode, REPLICAS, Victim, batch_of, mode, pool},
    *,
};
use crate::{
    file::WholeFile,
    replica::ReadOnlyCopy,
    tuple_store::BaseBuilder,
    value::Tuple,
    wire::{
        file::{DataPlace, FileRecord, Header, State},
        snapshot::{self, Outcomes, SnapshotPart, Tuples, WireOmitted},
        tests::cases,
    },
    write_log::Reign,
};

/// What stands in one file.
#[derive(Clone, Debug)]
struct Saying {
    /// The least that a reader must hold; `None`: what the replica holds.
    from: Option<(u64, Vec<(usize, u64)>)>,
    honest_prefix: bool,
    primary: bool,
    outcomes_after: Option<u64>,
    /// A second reign: its primary, and after which commit it began.
    reign: Option<(usize, u64)>,
    in_data: bool,
    data: Option<Data>,
    batches: Vec<Batched>,
}

/// How far after the commits before it a batch begins, its commits, and its tentative writes.
type Batched = (u64, Vec<(Index, Mode, u8)>, Vec<Index>);

#[derive(Clone, Debug)]
struct Data {
    csn: u64,
    keys: Vec<u8>,
    honest_digest: bool,
    vector: Vec<(usize, u64)>,
    ends: bool,
}

fn saying() -> impl Strategy<Value = Saying> {
    let vector = || vec((0..REPLICAS.len(), 0..12_u64), 0..5);
    let data = (1..9_u64, vec(0..5_u8, 0..4), any::<bool>(), vector(), any::<bool>());
    let data =
        data.prop_map(|(csn, keys, honest_digest, vector, ends)| Data { csn, keys, honest_digest, vector, ends });
    let batch = (0..4_u64, vec((any::<Index>(), mode(), 1..4_u8), 0..4), vec(any::<Index>(), 0..6));
    let header = (
        option::weighted(0.3, (0..6_u64, vector())),
        prop::bool::weighted(0.8),
        any::<bool>(),
        option::of(0..4_u64),
        option::weighted(0.2, (0..REPLICAS.len(), 0..6_u64)),
        prop::bool::weighted(0.1),
    );
    (header, option::weighted(0.4, data), vec(batch, 0..4)).prop_map(|(header, data, batches)| {
        let (from, honest_prefix, primary, outcomes_after, reign, in_data) = header;
        Saying { from, honest_prefix, primary, outcomes_after, reign, in_data, data, batches }
    })
}

fn named(entries: &[(usize, u64)]) -> WireVector {
    vector(&entries.iter().map(|(index, number)| (REPLICAS[*index], *number)).collect::<Vec<_>>())
}

fn parts(data: &Data) -> Vec<FileRecord> {
    let mut base = BaseBuilder::default();
    let mut interner = Interner::default();
    let mut tuples = Vec::new();
    let mut keys = data.keys.clone();
    keys.sort_unstable_by_key(ToString::to_string);
    keys.dedup();
    for key in keys {
        let place = (Name::new("notes").unwrap(), Key::new(&key.to_string()).unwrap());
        let tuple = Tuple { fields: Fields::none(), written_by: "1@0".parse().unwrap() };
        tuples.push(snapshot::tuple(&mut interner, &place.0, &place.1, &tuple));
        assert!(base.append(place, Arc::new(tuple)));
    }
    let tuples = Tuples { replicas: interner.finish(), tuples };
    let digest = if data.honest_digest { base.finish().0.digest() } else { Digest::EMPTY };
    let after = tuples.last();
    let csn = csn(data.csn);
    let part = SnapshotPart { csn, digest, after: None, tuples, outcomes: Outcomes::default(), end: None };
    let omitted = WireOmitted {
        csn,
        vector: named(&data.vector),
        prefix: Digest::EMPTY.chained(&[b"data"]),
        reigns: wire_reigns(&Reigns::default()),
    };
    let end = SnapshotPart { after, tuples: Tuples::default(), end: Some(Box::new(omitted)), ..part.clone() };
    let ends = data.ends.then_some(FileRecord::Data(end));
    [FileRecord::Data(part)].into_iter().chain(ends).collect()
}

fn file(saying: &Saying, replica: &Replica, pool: &[Write]) -> Option<Vec<u8>> {
    let (held, entries) = match &saying.from {
        Some((number, entries)) => (csn(*number), named(entries)),
        None => (replica.csn(), replica.version_vector().into()),
    };
    let prefix = replica.log.prefix(held).filter(|_| saying.honest_prefix).unwrap_or_default();
    let mut reigns = vec![Reigns::default().last().clone()];
    if let Some((primary, after)) = saying.reign {
        let (primary, after) = (Some(REPLICAS[primary].parse().unwrap()), csn(after));
        let prefix = replica.log.prefix(after).unwrap_or_default();
        reigns.push(Reign { term: term(2), primary, after, prefix });
    }
    let data = saying.data.as_ref().map(parts).unwrap_or_default();
    let place = match data.first() {
        Some(FileRecord::Data(part)) if saying.in_data => {
            Some(DataPlace { csn: part.csn, digest: part.digest, after: None, outcomes: 0 })
        }
        _ => None,
    };
    let header = Header {
        name: name(),
        database: database(),
        number: 1,
        primary: saying.primary,
        outcomes_after: saying.outcomes_after.map(csn),
        reigns: wire_reigns(&Reigns::new(reigns).unwrap()),
        from: State { csn: held, prefix, vector: entries, data: place },
    };
    let mut after = match &saying.data {
        Some(data) if data.ends => data.csn,
        _ => held.get(),
    };
    let mut records = data;
    for (shift, commits, tentative) in &saying.batches {
        // Mostly what follows.
        let from = if *shift == 3 { after + 1 } else { after };
        let Frame::Batch(batch) = batch_of(pool, from, commits, tentative) else { unreachable!("it makes batches") };
        after = from + commits.len() as u64;
        records.push(FileRecord::Batch(batch));
    }
    WholeFile::sealed(header, records)
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn nothing_that_a_file_can_say_stops_a_replica_or_its_recovery(
        is_primary in any::<bool>(), sayings in vec(saying(), 1..12)
    ) {
        let pool = pool();
        let mut victim = if is_primary { Victim::primary() } else { Victim::laptop() };
        for saying in sayings {
            let Some(file) = file(&saying, &victim.replica, &pool) else { continue };
            drop(ReadOnlyCopy::open([&file]));
            let before = data(&victim.replica);
            match victim.replica.import(&file) {
                Ok((_, outputs)) => drop(victim.carry_out(outputs)),
                Err(_) => prop_assert_eq!(data(&victim.replica), before),
            }
        }
        victim.check();
    }
}
