//! Whatever way it takes, by files or by links, the same comes to the same: properties of export and import.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    Csn, Digest, Draft, ExportError, Import, ImportError, Predicate, Query, ReadOnlyCopy, ReaderState, Replica, Row,
    VersionVector, View,
    limits::{FILE_RECORD_BYTES_MAX, READER_STATE_BYTES_MAX},
};
use proptest::{collection::vec, prelude::*, sample::Index};

use support::{
    Network,
    files::{LARGE, import, import_in_steps},
    generate::{cases, damage, draft, note, relations, suffer},
};

/// What a replica shows of its data, however much of its log it has truncated.
#[derive(Debug, PartialEq)]
struct Shown {
    csn: Csn,
    vector: VersionVector,
    views: Vec<Vec<Row>>,
}

fn shown(replica: &Replica) -> Shown {
    let all: Vec<_> = relations().into_iter().map(|relation| Query::new(relation, Predicate::All)).collect();
    let views = [View::Committed, View::Tentative].into_iter();
    let views = views.flat_map(|view| all.iter().map(move |query| replica.read(view, query).unwrap())).collect();
    Shown { csn: replica.csn(), vector: replica.version_vector().clone(), views }
}

#[derive(Clone, Debug)]
enum Step {
    Submit(usize, Draft),
    Truncate(usize),
    Restart(usize),
    /// A chain of files, for its reader or for anybody, as it is now, so many of which arrive, at some time.
    Carry {
        from: usize,
        to: usize,
        for_reader: bool,
        file_bytes_max: usize,
        arriving: usize,
        /// Imported in steps, between which the reader accepts this and meets another replica.
        meanwhile: Option<(Draft, usize)>,
    },
    Link(usize, usize),
    Retire(usize),
}

const HOSTS: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let host = || 0..HOSTS;
    let file_bytes_max = prop_oneof![1_500..4_000_usize, Just(LARGE)];
    let arriving = prop_oneof![1 => 0..4_usize, 2 => Just(99)];
    let meanwhile = prop::option::of((draft(), host()));
    let carry = (host(), host(), prop::bool::weighted(0.7), file_bytes_max, arriving, meanwhile);
    prop_oneof![
        6 => (host(), draft()).prop_map(|(host, draft)| Step::Submit(host, draft)),
        2 => host().prop_map(Step::Truncate),
        1 => host().prop_map(Step::Restart),
        8 => carry.prop_map(|(from, to, for_reader, file_bytes_max, arriving, meanwhile)| Step::Carry {
            from, to, for_reader, file_bytes_max, arriving, meanwhile
        }),
        1 => (host(), host()).prop_map(|(left, right)| Step::Link(left, right)),
        1 => (1..HOSTS).prop_map(Step::Retire),
    ]
}

fn export(network: &Network, from: usize, reader: Option<&ReaderState>, file_bytes_max: usize) -> Vec<Vec<u8>> {
    // A write that is larger than the file ends the chain.
    let files = network.hosts[from].replica.export(reader, file_bytes_max).unwrap();
    files.map_while(Result::ok).inspect(|file| assert!(file.len() <= file_bytes_max)).collect()
}

fn import_with(network: &mut Network, host: usize, file: &[u8], meanwhile: Option<&(Draft, usize)>) -> Import {
    let Some((draft, other)) = meanwhile else { return import(network, host, file).unwrap() };
    let between = |network: &mut Network, _| {
        take(network, &Step::Submit(host, draft.clone()));
        take(network, &Step::Link(host, *other));
    };
    import_in_steps(network, host, file, between).unwrap()
}

fn take(network: &mut Network, step: &Step) {
    match step {
        Step::Submit(host, draft) => {
            if let Ok((_, outputs)) = network.hosts[*host].replica.submit(draft.clone()) {
                network.carry_out(*host, outputs);
            }
        }
        Step::Truncate(host) => {
            let replica = &mut network.hosts[*host].replica;
            let outputs = replica.truncate(replica.csn());
            network.carry_out(*host, outputs);
            let outputs = network.hosts[*host].replica.checkpoint();
            network.carry_out(*host, outputs);
        }
        Step::Restart(host) => network.restart(*host),
        Step::Carry { from, to, for_reader, file_bytes_max, arriving, meanwhile } => {
            let reader = network.hosts[*to].replica.reader_state().unwrap();
            let reader = ReaderState::from_bytes(&reader.to_bytes()).unwrap();
            let files = export(network, *from, for_reader.then_some(&reader), *file_bytes_max);
            for file in files.iter().take(*arriving) {
                let import = import_with(network, *to, file, meanwhile.as_ref());
                assert_eq!(import.stopped, None);
            }
        }
        Step::Link(left, right) if left != right => network.exchange_anew(*left, *right),
        Step::Link(..) => {}
        Step::Retire(host) => {
            if let Ok(outputs) = network.hosts[*host].replica.retire() {
                network.carry_out(*host, outputs);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn files_bring_replicas_to_where_links_bring_them(steps in vec(step(), 1..40)) {
        let mut network = Network::with_replicas(HOSTS - 1);
        (1..HOSTS).for_each(|host| network.exchange(host, 0));
        for step in &steps {
            take(&mut network, step);
        }
        let mut linked = network.copy();
        for host in (1..HOSTS).chain(1..HOSTS) {
            linked.exchange_anew(host, 0);
            let step = |from, to| Step::Carry {
                from, to, for_reader: true, file_bytes_max: LARGE, arriving: 99, meanwhile: None
            };
            take(&mut network, &step(host, 0));
            take(&mut network, &step(0, host));
        }
        let expected = shown(&network.hosts[0].replica);
        for (host, other) in network.hosts.iter().zip(&linked.hosts) {
            prop_assert_eq!(&shown(&host.replica), &expected);
            prop_assert_eq!(host.replica.summary().tentative, 0);
            // Who commits in which order is chance; that all is known and committed is not.
            prop_assert_eq!(other.replica.summary().tentative, 0);
            prop_assert_eq!(&other.replica.csn(), &expected.csn);
            prop_assert!(other.replica.version_vector().dominates(&expected.vector));
        }
        // And who reads what anyone of them writes sees the same.
        for host in 0..HOSTS {
            let copy = ReadOnlyCopy::open(export(&network, host, None, LARGE)).unwrap();
            for (index, relation) in relations().into_iter().enumerate() {
                let rows = copy.read(View::Committed, &Query::new(relation, Predicate::All)).unwrap();
                prop_assert_eq!(&rows, &expected.views[index]);
            }
        }
    }
}

/// Brings a copy, as somebody does who only looks on, the first file of the chain that a host makes for what it holds, and
/// begins anew where it contradicts the host.
fn follow(network: &Network, host: usize, copy: &mut ReadOnlyCopy, file_bytes_max: usize) -> bool {
    let reader = ReaderState::from_bytes(&copy.reader_state().unwrap().to_bytes()).unwrap();
    let first =
        |reader| network.hosts[host].replica.export(reader, file_bytes_max).and_then(|mut files| files.next().unwrap());
    match first(Some(&reader)) {
        // A write that is larger than the file.
        Err(ExportError::FileTooSmall { .. }) => return false,
        Ok(file) => {
            if let Ok(brought) = copy.import(&file)
                && brought.complete
            {
                return !brought.more;
            }
        }
        Err(_) => {}
    }
    *copy = ReadOnlyCopy::open(export(network, host, None, LARGE)).unwrap();
    copy.is_whole()
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn who_looks_on_sees_what_the_writer_of_the_files_sees(
        steps in vec((step(), prop_oneof![Just(None), (1_500..4_000_usize).prop_map(Some)]), 1..40)
    ) {
        let mut network = Network::with_replicas(HOSTS - 1);
        (1..HOSTS).for_each(|host| network.exchange(host, 0));
        let mut copies: Vec<_> =
            (0..HOSTS).map(|host| ReadOnlyCopy::open(export(&network, host, None, LARGE)).unwrap()).collect();
        for (step, looks) in &steps {
            take(&mut network, step);
            if let Some(file_bytes_max) = looks {
                copies.iter_mut().enumerate().for_each(|(host, copy)| {
                    follow(&network, host, copy, *file_bytes_max);
                });
            }
        }
        for (host, copy) in copies.iter_mut().enumerate() {
            while !follow(&network, host, copy, LARGE) {}
            let expected = shown(&network.hosts[host].replica);
            prop_assert!(copy.is_whole());
            prop_assert_eq!((copy.csn(), copy.version_vector()), (expected.csn, &expected.vector));
            let all = [View::Committed, View::Tentative].into_iter().flat_map(|view| {
                let copy = &*copy;
                relations().into_iter().map(move |relation| copy.read(view, &Query::new(relation, Predicate::All)).unwrap())
            });
            prop_assert_eq!(all.collect::<Vec<_>>(), expected.views);
        }
    }
}

/// A laptop that has a few writes, and a chain of files that would bring it others.
fn scene(drafts: Vec<Draft>, truncates: bool) -> (Network, Vec<Vec<u8>>) {
    let mut network = Network::with_replicas(2);
    (1..=2).for_each(|host| network.exchange(host, 0));
    let reader = network.hosts[1].replica.reader_state().unwrap();
    for (index, draft) in drafts.into_iter().enumerate() {
        network.submit(2, draft);
        if index == 1 {
            network.exchange(2, 0);
        }
    }
    if truncates {
        take(&mut network, &Step::Truncate(2));
    }
    network.submit(1, note("mine", 10));
    let files = export(&network, 2, Some(&reader), 6_000);
    (network, files)
}

/// Where the records of a file begin and end.
fn records(file: &[u8]) -> Vec<(usize, usize)> {
    let (mut records, mut at) = (Vec::new(), 9);
    while at < file.len() {
        let length = u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        records.push((at + 12, at + 12 + length));
        at += 12 + length;
    }
    records
}

/// The same file with its records' checksums, and the trailer's digest where that stands, made to fit what is in them.
fn mended(contents: &[Vec<u8>], file: &[u8]) -> Vec<u8> {
    let mut mended = file[..9].to_vec();
    for (number, content) in (1_u64..).zip(contents) {
        let mut content = content.clone();
        if number == contents.len() as u64 && content.len() > 16 {
            let digest = Digest::EMPTY.chained(&[b"file", &mended]);
            let at = content.len() - 16;
            content[at..].copy_from_slice(digest.as_bytes());
        }
        mended.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
        let checksum = Digest::EMPTY.chained(&[b"file", &number.to_le_bytes(), &content]);
        mended.extend(&checksum.as_bytes()[..8]);
        mended.extend(content);
    }
    mended
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_damaged_file_is_refused_and_changes_nothing(
        drafts in vec(draft(), 2..5), truncates: bool, damaged in any::<Index>(), damages in vec(damage(), 1..4)
    ) {
        let (mut network, files) = scene(drafts, truncates);
        let file = damaged.get(&files).clone();
        let mut bytes = file.clone();
        suffer(&mut bytes, &damages);
        let before = shown(&network.hosts[1].replica);
        if bytes == file {
            return Ok(());
        }
        let refused = network.hosts[1].replica.import(&bytes).map(|_| ());
        prop_assert!(matches!(refused, Err(ImportError::File(_))), "{:?}", refused);
        let in_steps = import_in_steps(&mut network, 1, &bytes, |_, _| {}).map(|_| ());
        prop_assert_eq!(in_steps, refused);
        prop_assert_eq!(shown(&network.hosts[1].replica), before);
        prop_assert!(ReadOnlyCopy::open([&bytes]).is_err());
        // Whole, it can be used.
        for file in &files {
            let (_, outputs) = network.hosts[1].replica.import(file).unwrap();
            network.carry_out(1, outputs);
        }
    }

    #[test]
    fn a_forged_file_is_imported_or_refused(
        drafts in vec(draft(), 2..5), truncates: bool, damaged in any::<Index>(),
        in_record in any::<Index>(), damages in vec(damage(), 1..4)
    ) {
        let (mut network, files) = scene(drafts, truncates);
        let file = damaged.get(&files);
        let mut contents: Vec<Vec<u8>> = records(file).iter().map(|(from, to)| file[*from..*to].to_vec()).collect();
        prop_assert_eq!(&mended(&contents, file), file);
        let count = contents.len();
        suffer(&mut contents[in_record.index(count)], &damages);
        let bytes = mended(&contents, file);
        drop(ReadOnlyCopy::open([&bytes]));
        let before = shown(&network.hosts[1].replica);
        match network.hosts[1].replica.import(&bytes) {
            Ok((_, outputs)) => network.carry_out(1, outputs),
            Err(_) => prop_assert_eq!(&shown(&network.hosts[1].replica), &before),
        }
        // What it changed is stored.
        let after = shown(&network.hosts[1].replica);
        network.restart(1);
        prop_assert_eq!(&shown(&network.hosts[1].replica), &after);
    }

    #[test]
    fn any_bytes_are_no_file_and_no_reader(noise in vec(any::<u8>(), 0..300)) {
        let (mut network, files) = scene(vec![note("a", 10)], false);
        let versioned = [&files[0][..9], &noise].concat();
        for bytes in [&noise, &versioned] {
            prop_assert!(network.hosts[1].replica.import(bytes).is_err());
            prop_assert!(ReadOnlyCopy::open([bytes]).is_err());
        }
        let checksum = Digest::EMPTY.chained(&[b"reader", &noise]);
        let reader = [&[1], &checksum.as_bytes()[..8], &noise].concat();
        for bytes in [&noise, &reader] {
            drop(ReaderState::from_bytes(bytes));
        }
    }

    #[test]
    fn a_forged_reader_is_served_or_refused(drafts in vec(draft(), 2..5), truncates: bool, damages in vec(damage(), 1..4)) {
        let (network, _) = scene(drafts, truncates);
        let mut content = network.hosts[1].replica.reader_state().unwrap().to_bytes().split_off(9);
        suffer(&mut content, &damages);
        let checksum = Digest::EMPTY.chained(&[b"reader", &content]);
        let bytes = [&[1], &checksum.as_bytes()[..8], &content].concat();
        if let Ok(reader) = ReaderState::from_bytes(&bytes)
            && let Ok(files) = network.hosts[2].replica.export(Some(&reader), LARGE)
        {
            prop_assert!(files.count() > 0);
        }
    }
}

#[test]
fn what_is_over_its_limit_is_refused_unread() {
    let (mut network, files) = scene(vec![note("a", 10)], false);
    let mut file = files[0][..9].to_vec();
    file.extend(u32::try_from(FILE_RECORD_BYTES_MAX + 1).unwrap().to_le_bytes());
    file.extend([0; 8]);
    let refused = network.hosts[1].replica.import(&file).map(|_| ()).unwrap_err();
    let bytes = FILE_RECORD_BYTES_MAX + 1;
    assert_eq!(
        refused.to_string(),
        format!("record 1, at byte 9, is damaged: {bytes} bytes, but at most {FILE_RECORD_BYTES_MAX} are allowed")
    );
    assert!(ReaderState::from_bytes(&vec![1; READER_STATE_BYTES_MAX + 1]).is_err());
}
