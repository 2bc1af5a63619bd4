//! Anti-entropy through files \[97 §4.1\]: what a file brings has the effects that a link would have had.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    Branch, DatabaseId, DatabaseName, Event, ExportError, ImportError, ImportStep, Importing, Lack, Options, Predicate,
    Query, ReadOnlyCopy, ReaderState, ReaderStateError, Replica, View,
};

use support::{
    Host, Network,
    files::{LARGE, carry, export, import, import_in_steps, known, notes, state, truncate},
    generate::{named, note},
    name,
};

#[test]
fn a_primary_commits_what_comes_in_a_file_and_tells_it_in_the_next_one() {
    let mut network = Network::with_replicas(2);
    let write = network.submit(1, note("a", 10));
    let brought = carry(&mut network, 1, 0, LARGE);
    assert_eq!((brought[0].writes, brought[0].commits, brought[0].complete), (1, 0, true));
    assert!(network.hosts[0].replica.status(&write).unwrap().is_committed());

    // The writer gets a notification, the other one the write. Neither needed a link.
    let brought = carry(&mut network, 0, 1, LARGE);
    // The other one's creation, and both commits.
    assert_eq!((brought[0].writes, brought[0].commits, brought[0].complete), (1, 2, true));
    let brought = carry(&mut network, 0, 2, LARGE);
    assert_eq!((brought[0].writes, brought[0].commits), (1, 1));
    assert_eq!(known(&network.hosts[1]), known(&network.hosts[0]));
    assert_eq!(known(&network.hosts[2]), known(&network.hosts[0]));
    assert!(network.hosts[1].events.contains(&Event::Committed { write }));
    for host in 0..3 {
        let before = known(&network.hosts[host]);
        network.restart(host);
        assert_eq!(known(&network.hosts[host]), before, "what was imported is stored");
    }
}

#[test]
fn what_comes_in_a_file_goes_on_over_the_links() {
    let mut network = Network::with_replicas(2);
    let write = network.submit(1, note("a", 10));
    network.link(2, 0);
    network.settle();
    carry(&mut network, 1, 2, LARGE);
    network.settle();
    assert!(network.hosts[2].replica.status(&write).unwrap().is_committed());
    // That a file named it says nothing of where the file came from.
    network.unlink_all();
    network.pause();
    let write = network.submit(1, note("b", 10));
    carry(&mut network, 1, 2, LARGE);
    assert!(!network.hosts[2].replica.status(&write).unwrap().known_elsewhere);
}

#[test]
fn a_chain_of_small_files_is_used_in_its_order_and_goes_on_after_an_interruption() {
    let mut network = Network::with_replicas(2);
    for number in 0..20 {
        network.submit(0, note(&format!("committed-{number}"), 100));
    }
    network.pause();
    for number in 0..10 {
        network.submit(1, note(&format!("tentative-{number}"), 100));
    }
    network.exchange(1, 0);
    let files = export(&network.hosts[0], Some(&state(&network.hosts[2])), 1_000);
    assert!(files.len() > 4, "{}", files.len());

    let before = known(&network.hosts[2]);
    for later in &files[1..] {
        let refused = import(&mut network, 2, later).unwrap_err();
        let ImportError::Lacking { number, lacks } = &refused else { panic!("{refused}") };
        assert!(*number > 1 && !lacks.is_empty(), "{refused}");
        assert_eq!(known(&network.hosts[2]), before, "nothing has changed");
    }
    for (index, file) in files.iter().enumerate() {
        let brought = import(&mut network, 2, file).unwrap();
        assert_eq!((brought.number as usize, brought.more), (index + 1, index + 1 < files.len()));
        assert!(brought.complete);
        network.restart(2);
    }
    assert_eq!(known(&network.hosts[2]), known(&network.hosts[0]));

    // Once more, in any order, changes nothing.
    for file in files.iter().rev() {
        let brought = import(&mut network, 2, file).unwrap();
        assert_eq!((brought.writes, brought.commits, brought.complete), (0, 0, true));
    }
    assert_eq!(known(&network.hosts[2]), known(&network.hosts[0]));
}

/// Of 10 kB each, so that even the comparison of all bytes with the trailer takes more than a step.
const LONG: usize = 60;

/// A writer that has accepted so much that its file has many records.
fn long_file() -> (Network, Vec<u8>) {
    let mut network = Network::with_replicas(2);
    (1..=2).for_each(|host| network.exchange(host, 0));
    for number in 0..LONG {
        network.submit(1, note(&format!("n{number:02}"), 10_000));
    }
    let file = export(&network.hosts[1], Some(&state(&network.hosts[2])), LARGE).remove(0);
    (network, file)
}

#[test]
fn in_steps_a_file_brings_what_it_brings_at_once() {
    let (network, file) = long_file();
    let (mut at_once, mut in_steps) = (network.copy(), network.copy());
    let expected = import(&mut at_once, 2, &file).unwrap();
    let before = known(&network.hosts[2]);
    let mut parts = vec![(0, 1)];
    let brought = import_in_steps(&mut in_steps, 2, &file, |network, (done, all)| {
        let now = known(&network.hosts[2]);
        assert_eq!(now == before, done <= all / 2, "it changes nothing before it is read to its end");
        parts.push((done, all));
    });
    assert_eq!(brought.unwrap(), expected);
    assert_eq!(known(&in_steps.hosts[2]), known(&at_once.hosts[2]));
    assert!(parts.len() > 10, "{parts:?}");
    assert!(parts.is_sorted_by(|earlier, later| earlier.0 <= later.0), "{parts:?}");
    assert_eq!(parts.last().map(|(done, all)| done == all), Some(true));
}

#[test]
fn between_the_steps_the_replica_goes_on() {
    let (mut network, file) = long_file();
    let mut mine = Vec::new();
    let brought = import_in_steps(&mut network, 2, &file, |network, _| {
        mine.push(network.submit(2, note(&format!("mine-{}", mine.len()), 10)));
        network.exchange_anew(2, 0);
        // Its own truncation is none that the file brings.
        truncate(network, 2);
    });
    let brought = brought.unwrap();
    assert_eq!((brought.writes, brought.installed, brought.complete), (LONG, None, true));
    network.exchange_anew(2, 0);
    for write in mine {
        assert!(network.hosts[2].replica.status(&write).unwrap().is_committed());
    }
    assert_eq!(notes(&network.hosts[2].replica, View::Committed), notes(&network.hosts[0].replica, View::Committed));
}

#[test]
fn a_file_that_is_given_up_halfway_has_brought_what_came_first_and_can_be_imported_again() {
    let (mut network, file) = long_file();
    let mut importing = Importing::new(&file).unwrap();
    while importing.done().0 < importing.done().1 * 3 / 4 {
        let (step, outputs) = network.hosts[2].replica.import_step(importing).unwrap();
        network.carry_out(2, outputs);
        let ImportStep::More(rest) = step else { panic!("it ends before its end") };
        importing = rest;
    }
    network.restart(2);
    let first = notes(&network.hosts[2].replica, View::Tentative).len();
    assert!(first > 0 && first < LONG, "{first}");
    let brought = import(&mut network, 2, &file).unwrap();
    assert_eq!((brought.writes, brought.complete), (LONG - first, true));
}

#[test]
fn a_file_for_a_reader_serves_it_later_and_others_that_hold_as_much() {
    let mut network = Network::with_replicas(3);
    (1..=3).for_each(|host| network.exchange(host, 0));
    let then = state(&network.hosts[1]);
    network.submit(0, note("a", 10));
    let files = export(&network.hosts[0], Some(&then), LARGE);
    // It goes on writing, and hears of some of the same and of more.
    network.submit(1, note("mine", 10));
    network.submit(0, note("b", 10));
    network.exchange(1, 0);
    let before = known(&network.hosts[1]);
    let brought = import(&mut network, 1, &files[0]).unwrap();
    assert_eq!((brought.writes, brought.commits, brought.complete), (0, 0, true));
    assert_eq!(known(&network.hosts[1]), before);
    assert_eq!(import(&mut network, 2, &files[0]).unwrap().commits, 1);

    // One that holds less is told what it lacks.
    let newcomer = state(&network.hosts[1]);
    let files = export(&network.hosts[0], Some(&newcomer), LARGE);
    let refused = import(&mut network, 3, &files[0]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "file 1 of its chain presupposes what is not held here: the commits 4 to 6, writes of 0 through stamp 5, \
         writes of 0.1 through stamp 4"
    );
}

#[test]
fn a_truncated_writer_sends_data_in_as_many_files_as_it_takes() {
    let mut network = Network::with_replicas(3);
    (1..=3).for_each(|host| network.exchange(host, 0));
    let mine = network.submit(1, note("mine", 50));
    carry(&mut network, 1, 0, LARGE);
    for number in 0..30 {
        network.submit(0, note(&format!("truncated-{number:02}"), 100));
    }
    truncate(&mut network, 0);
    network.submit(0, note("kept", 10));
    network.pause();
    network.submit(0, note("tentative", 10));

    let files = export(&network.hosts[0], Some(&state(&network.hosts[1])), 1_200);
    assert!(files.len() > 3);
    let before = known(&network.hosts[1]);
    let refused = import(&mut network, 1, &files[1]).unwrap_err();
    assert_eq!(refused, ImportError::LackingData { number: 2 });
    assert_eq!(known(&network.hosts[1]), before);
    for (index, file) in files.iter().enumerate() {
        assert!(import(&mut network, 1, file).unwrap().complete || index + 1 < files.len());
        network.restart(1);
    }
    let (now, there) = (known(&network.hosts[1]), known(&network.hosts[0]));
    assert_eq!((now.csn, now.committed, now.tentative), (there.csn, there.committed, there.tentative));
    assert_eq!(network.hosts[1].replica.omitted_csn(), network.hosts[0].replica.omitted_csn());
    let status = network.hosts[1].replica.status(&mine).unwrap();
    assert_eq!(status.outcome.unwrap().branch, Branch::Update, "the outcome came with the data");

    // For whoever has nothing, and so for anybody. It keeps what the writer of the file does not know.
    let own = network.submit(2, note("own", 10));
    let files = export(&network.hosts[0], None, 1_200);
    for file in &files {
        import(&mut network, 2, file).unwrap();
    }
    assert!(network.hosts[2].replica.status(&own).unwrap().csn.is_none());
    assert_eq!(network.hosts[2].replica.csn(), network.hosts[0].replica.csn());
    carry(&mut network, 2, 0, LARGE);
    assert!(network.hosts[0].replica.write(&own).is_some());
    for file in &files {
        import(&mut network, 2, file).unwrap();
    }
}

#[test]
fn a_state_transfer_in_files_goes_on_where_an_interrupted_one_ended() {
    let mut network = Network::with_replicas(1);
    for number in 0..30 {
        network.submit(0, note(&format!("truncated-{number:02}"), 100));
    }
    truncate(&mut network, 0);
    let files = export(&network.hosts[0], Some(&state(&network.hosts[1])), 1_200);
    for file in &files[..2] {
        import(&mut network, 1, file).unwrap();
    }
    // A stick was lost. What it says of itself now includes what it has of the data.
    let rest = export(&network.hosts[0], Some(&state(&network.hosts[1])), 1_200);
    assert!(rest.len() < files.len());
    for file in &rest {
        import(&mut network, 1, file).unwrap();
    }
    assert_eq!(known(&network.hosts[1]).committed, known(&network.hosts[0]).committed);
    // Nobody else can begin there.
    let newcomer = network.join();
    network.hosts[newcomer].stored.truncate(0);
    let mut other = Network::with_replicas(1);
    assert!(matches!(import(&mut other, 1, &rest[0]), Err(ImportError::LackingData { .. })));
}

#[test]
fn nothing_is_told_that_is_not_stored() {
    let mut network = Network::with_replicas(1);
    network.exchange(1, 0);
    network.hosts[1].slow_storage = true;
    network.submit(1, note("a", 10));
    let replica = &network.hosts[1].replica;
    assert!(matches!(replica.export(None, LARGE), Err(ExportError::NotSaved { .. })));
    assert!(matches!(replica.reader_state(), Err(ReaderStateError::NotSaved { .. })));
    network.store(1, 1);
    export(&network.hosts[1], None, LARGE);
    state(&network.hosts[1]);
}

#[test]
fn a_file_creates_no_replica() {
    let network = Network::with_replicas(1);
    let file = export(&network.hosts[0], None, LARGE).remove(0);
    let mut joining = Replica::join(Options::default(), name());
    assert_eq!(joining.import(&file).map(|_| ()), Err(ImportError::NotCreated));
    assert!(matches!(joining.export(None, LARGE), Err(ExportError::NotCreated)));
    assert_eq!(joining.reader_state(), Err(ReaderStateError::NotCreated));
}

#[test]
fn files_of_another_database_are_refused() {
    let network = Network::with_replicas(1);
    let file = export(&network.hosts[0], None, LARGE).remove(0);
    let ids = [DatabaseId::from_random([7; 16]), DatabaseId::from_random([8; 16])];
    for (id, name) in [(ids[1], name()), (ids[0], DatabaseName::parse("other").unwrap())] {
        let (replica, outputs) = Replica::found(Options::default(), id, name.clone());
        let mut host = Network::default();
        host.hosts.push(Host {
            replica,
            stored: Vec::new(),
            unstored: std::collections::VecDeque::new(),
            slow_storage: false,
            events: Vec::new(),
            disconnects: Vec::new(),
        });
        host.carry_out(0, outputs);
        let expected = if id == ids[1] {
            ImportError::OtherDatabase { ours: ids[1], theirs: ids[0] }
        } else {
            ImportError::OtherName { ours: name, theirs: support::name() }
        };
        assert_eq!(import(&mut host, 0, &file), Err(expected));
        if id == ids[1] {
            let refused = network.hosts[0].replica.export(Some(&state(&host.hosts[0])), LARGE);
            assert!(matches!(refused, Err(ExportError::OtherDatabase { .. })));
        }
    }
}

#[test]
fn a_write_that_fits_into_no_file_is_named_and_what_came_before_can_be_used() {
    let mut network = Network::with_replicas(1);
    network.exchange(1, 0);
    let reader = state(&network.hosts[1]);
    network.submit(0, note("small", 10));
    network.submit(0, note("large", 5_000));
    let items: Vec<_> = network.hosts[0].replica.export(Some(&reader), 2_000).unwrap().collect();
    let [Ok(first), Err(ExportError::FileTooSmall { bytes, bytes_max: 2_000 })] = &items[..] else {
        panic!("{items:?}")
    };
    assert!((5_000..6_000).contains(bytes));
    import(&mut network, 1, first).unwrap();
    assert_eq!(notes(&network.hosts[1].replica, View::Committed).len(), 1);
}

#[test]
fn who_has_no_replica_reads_a_chain_and_passes_it_on() {
    let mut network = Network::with_replicas(1);
    for number in 0..20 {
        network.submit(0, note(&format!("truncated-{number:02}"), 100));
    }
    truncate(&mut network, 0);
    network.submit(0, note("kept", 10));
    network.pause();
    let tentative = network.submit(0, note("tentative", 10));
    let files = export(&network.hosts[0], None, 1_500);
    assert!(files.len() > 2);

    let copy = ReadOnlyCopy::open(&files).unwrap();
    assert!(copy.is_whole());
    assert_eq!((copy.name(), copy.csn()), (&name(), network.hosts[0].replica.csn()));
    assert_eq!(copy.inspect(10).replica, None);
    assert_eq!(copy.inspect(10).database, network.hosts[0].replica.database());
    assert!(copy.status(&tentative).unwrap().csn.is_none() && copy.write(&tentative).is_some());
    for view in [View::Committed, View::Tentative] {
        let all = Query::new(named("notes"), Predicate::All);
        assert_eq!(copy.read(view, &all).unwrap(), notes(&network.hosts[0].replica, view));
    }
    let passed_on = copy.export(Some(&state(&network.hosts[1])), LARGE).unwrap();
    for file in passed_on.map(Result::unwrap) {
        import(&mut network, 1, &file).unwrap();
    }
    assert_eq!(known(&network.hosts[1]).tentative, known(&network.hosts[0]).tentative);

    assert!(!ReadOnlyCopy::open(&files[..2]).unwrap().is_whole());
    assert_eq!(ReadOnlyCopy::open(&files[1..]).map(|_| ()), Err(ImportError::LackingData { number: 2 }));
    assert_eq!(ReadOnlyCopy::open::<&[u8]>([]).map(|_| ()), Err(ImportError::NoFile));
    // A file for a reader presupposes what it holds.
    let for_reader = export(&network.hosts[0], Some(&state(&network.hosts[1])), LARGE);
    assert!(matches!(ReadOnlyCopy::open(&for_reader), Err(ImportError::Lacking { number: 1, lacks })
        if matches!(lacks[0], Lack::Commits { .. })));
}

/// What a host hands to a copy that says what it holds: the first file of a chain.
fn next_file(host: &Host, copy: &ReadOnlyCopy, file_bytes_max: usize) -> Vec<u8> {
    let reader = ReaderState::from_bytes(&copy.reader_state().unwrap().to_bytes()).unwrap();
    host.replica.export(Some(&reader), file_bytes_max).unwrap().next().unwrap().unwrap()
}

#[test]
fn a_read_only_copy_follows_the_writer_of_its_files() {
    let mut network = Network::with_replicas(1);
    network.exchange(1, 0);
    let mut copy = ReadOnlyCopy::open(export(&network.hosts[0], None, LARGE)).unwrap();
    network.submit(0, note("committed", 10));
    network.pause();
    let tentative = network.submit(1, note("tentative", 10));
    network.exchange(1, 0);

    let file = next_file(&network.hosts[0], &copy, LARGE);
    let brought = copy.import(&file).unwrap();
    assert_eq!((brought.writes, brought.commits, brought.complete, brought.more), (2, 1, true, false));
    assert!(copy.is_whole());
    let status = copy.status(&tentative).unwrap();
    assert!(status.known_elsewhere && !status.is_committed(), "the writer of the file has it");
    let read = |view| copy.read(view, &Query::new(named("notes"), Predicate::All)).unwrap();
    assert_eq!(read(View::Committed), notes(&network.hosts[0].replica, View::Committed));
    assert_eq!(read(View::Tentative), notes(&network.hosts[0].replica, View::Tentative));

    // Where there is nothing new there is next to nothing in the file.
    let file = next_file(&network.hosts[0], &copy, LARGE);
    assert!(file.len() < 600, "{}", file.len());
    let brought = copy.import(&file).unwrap();
    assert_eq!((brought.writes, brought.commits, brought.complete), (0, 0, true));
}

#[test]
fn a_read_only_copy_gets_one_file_after_the_other_for_what_it_then_holds() {
    let mut network = Network::with_replicas(1);
    network.exchange(1, 0);
    let first = export(&network.hosts[0], None, LARGE);
    // Their accepter does not know what became of them, so that this is kept: it takes more than a file.
    for number in 0..200 {
        network.submit(1, note(&format!("theirs-{number:03}"), 50));
    }
    carry(&mut network, 1, 0, LARGE);
    for number in 0..40 {
        network.submit(0, note(&format!("truncated-{number:02}"), 100));
    }
    truncate(&mut network, 0);
    network.submit(0, note("kept", 10));

    // One that has nothing, and one that has so little that it gets the data, too.
    let from_nothing = ReadOnlyCopy::open(export(&network.hosts[0], None, 1_500).into_iter().take(1)).unwrap();
    for mut copy in [from_nothing, ReadOnlyCopy::open(&first).unwrap()] {
        let mut files = 0;
        loop {
            let brought = copy.import(&next_file(&network.hosts[0], &copy, 1_500)).unwrap();
            files += 1;
            if !brought.more {
                assert!(brought.complete);
                break;
            }
        }
        assert!(files > 2, "{files}");
        assert!(copy.is_whole());
        assert_eq!(copy.version_vector(), network.hosts[0].replica.version_vector());
        let all = Query::new(named("notes"), Predicate::All);
        assert_eq!(copy.read(View::Committed, &all).unwrap(), notes(&network.hosts[0].replica, View::Committed));
    }
}

#[test]
fn a_read_only_copy_of_another_history_is_refused_further_files() {
    let mut network = Network::with_replicas(1);
    let mut copy = ReadOnlyCopy::open(export(&network.hosts[0], None, LARGE)).unwrap();
    let other = network.add_other_database();
    let reader = copy.reader_state().unwrap();
    let refused = network.hosts[other].replica.export(Some(&reader), LARGE).map(drop);
    assert!(matches!(refused, Err(ExportError::OtherDatabase { .. })), "{refused:?}");
    let before = copy.csn();
    let file = export(&network.hosts[other], None, LARGE).remove(0);
    assert!(matches!(copy.import(&file), Err(ImportError::OtherDatabase { .. })));
    // A file that is damaged, and one from later on.
    network.submit(0, note("a", 10));
    let mut file = next_file(&network.hosts[0], &copy, LARGE);
    let later = state(&network.hosts[0]);
    let last = file.len() - 20;
    file[last] ^= 1;
    assert!(matches!(copy.import(&file), Err(ImportError::File(_))));
    network.submit(0, note("b", 10));
    let file = export(&network.hosts[0], Some(&later), LARGE).remove(0);
    assert!(matches!(copy.import(&file), Err(ImportError::Lacking { .. })));
    assert_eq!(copy.csn(), before);
}

#[test]
fn data_that_covers_a_write_and_does_not_tell_its_outcome_waits_for_who_can_tell() {
    let mut network = Network::with_replicas(2);
    (1..=2).for_each(|host| network.exchange(host, 0));
    let forgets = Options { keeps_outcomes: false, ..Options::default() };
    network.hosts[2].replica = Replica::recover(forgets, network.hosts[2].stored.clone()).unwrap().replica;
    let mine = network.submit(1, note("mine", 10));
    carry(&mut network, 1, 2, LARGE);
    carry(&mut network, 2, 0, LARGE);
    carry(&mut network, 0, 2, LARGE);
    truncate(&mut network, 2);
    let other = network.submit(2, note("other", 10));

    let brought = carry(&mut network, 2, 1, LARGE);
    assert_eq!((brought[0].installed, brought[0].complete, brought[0].writes), (None, false, 1));
    let status = network.hosts[1].replica.status(&mine).unwrap();
    assert!(status.csn.is_none() && status.outcome.is_some());
    assert!(network.hosts[1].replica.write(&other).is_some(), "what is tentative there is taken");
    carry(&mut network, 0, 1, LARGE);
    assert!(network.hosts[1].replica.status(&mine).unwrap().csn.is_some());
    // It holds the commit that the data is as of, and can use the file.
    assert!(carry(&mut network, 2, 1, LARGE)[0].complete);
}
