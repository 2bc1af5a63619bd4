//! Bytes from outside: whatever comes over a link costs at most that link, and whatever a store returns is recovered or
//! refused.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

mod support;

use bayou_core::{
    Digest, Options, Output, PeerId, PeerKind, Recovery, Replica, Row, StoredBatch, View, WriteId,
    limits::{FRAME_BYTES_MAX, STORED_BATCH_BYTES_MAX},
};
use proptest::{collection::vec, prelude::*, sample::Index};

use support::{
    NOW, Network,
    generate::{cases, damage, draft, named, note, relations, suffer},
};

const HOSTILE: PeerId = PeerId(1_000);

/// A primary, a laptop that has a few writes and a link to a phone, and the frames that a fourth replica with writes of
/// its own would send the laptop.
struct Scene {
    network: Network,
    frames: Vec<Vec<u8>>,
}

const LAPTOP: usize = 1;
const PHONE: usize = 2;
const FOURTH: usize = 3;

impl Scene {
    fn new(drafts: Vec<bayou_core::Draft>) -> Self {
        let mut network = Network::with_replicas(3);
        (1..=3).for_each(|host| network.exchange(host, 0));
        network.submit(LAPTOP, note("mine", 10));
        for (index, draft) in drafts.into_iter().enumerate() {
            network.submit(FOURTH, draft);
            if index == 1 {
                network.exchange(FOURTH, 0);
            }
        }
        // A copy of the scene is played to the end, and what was sent is taken down.
        let mut played = network.copy();
        played.link(FOURTH, LAPTOP);
        let mut frames = Vec::new();
        loop {
            let next = played.under_way(FOURTH, LAPTOP).first().map(|frame| frame.to_vec());
            frames.extend(next);
            if !played.deliver_between(FOURTH, LAPTOP) && !played.deliver_between(LAPTOP, FOURTH) {
                break;
            }
        }
        assert!(frames.len() >= 4, "a hello, a batch, an acknowledgement, and that it is caught up");
        network.link(LAPTOP, PHONE);
        network.settle();
        Self { network, frames }
    }

    fn link_up(&mut self) {
        let outputs = self.network.hosts[LAPTOP].replica.handle_link_up(NOW, HOSTILE, PeerKind::Elsewhere);
        self.network.carry_out(LAPTOP, outputs);
    }

    /// The laptop hears this over the hostile link; whether it ended the session.
    fn hear(&mut self, frame: &[u8]) -> bool {
        let before = self.network.hosts[LAPTOP].disconnects.len();
        let outputs = self.network.hosts[LAPTOP].replica.handle_frame(NOW, HOSTILE, frame);
        self.network.carry_out(LAPTOP, outputs);
        self.network.hosts[LAPTOP].disconnects.len() > before
    }

    fn known(&self) -> (Vec<WriteId>, u64, Vec<Row>) {
        let replica = &self.network.hosts[LAPTOP].replica;
        let log = replica.inspect(usize::MAX).log.into_iter().map(|row| row.id).collect();
        let notes = bayou_core::Query::new(named("notes"), bayou_core::Predicate::All);
        (log, replica.csn().get(), replica.read(View::Tentative, &notes).unwrap())
    }

    /// The link to the phone has taken no harm: what is written goes over it.
    fn check_other_link(&mut self) {
        for (peer, _) in &self.network.hosts[LAPTOP].disconnects {
            assert_eq!(*peer, HOSTILE);
        }
        let write = self.network.submit(LAPTOP, note("after", 10));
        self.network.settle();
        assert!(self.network.hosts[PHONE].replica.write(&write).is_some());
        // And all of it survives a restart.
        let known = self.known();
        self.network.restart(LAPTOP);
        assert_eq!(self.known(), known);
    }
}

proptest! {
    #![proptest_config(cases(50))]

    #[test]
    fn any_bytes_before_the_hello_change_nothing(frames in vec(vec(any::<u8>(), 0..200), 1..6), versioned: bool) {
        let mut scene = Scene::new(vec![note("a", 10)]);
        let before = scene.known();
        for mut frame in frames {
            if versioned {
                frame.insert(0, 1);
            }
            scene.link_up();
            scene.hear(&frame);
            prop_assert_eq!(&scene.known(), &before);
        }
        scene.check_other_link();
    }

    #[test]
    fn any_bytes_after_the_hello_cost_at_most_the_session(frames in vec(vec(any::<u8>(), 0..200), 1..6), versioned: bool) {
        let mut scene = Scene::new(vec![note("a", 10)]);
        let before = scene.known();
        for mut frame in frames {
            if versioned {
                frame.insert(0, 1);
            }
            scene.link_up();
            prop_assert!(!scene.hear(&scene.frames[0].clone()));
            scene.hear(&frame);
            prop_assert_eq!(&scene.known(), &before, "no write can be forged of noise");
        }
        scene.check_other_link();
    }

    #[test]
    fn a_damaged_message_costs_at_most_the_session(
        drafts in vec(draft(), 2..5), damaged in any::<Index>(), damages in vec(damage(), 1..4)
    ) {
        let mut scene = Scene::new(drafts);
        let damaged = damaged.index(scene.frames.len());
        scene.link_up();
        for (number, mut frame) in scene.frames.clone().into_iter().enumerate() {
            let before = scene.known();
            if number == damaged {
                suffer(&mut frame, &damages);
            }
            let ended = scene.hear(&frame);
            if number == damaged {
                // Nothing that stood is gone: the log goes on, if at all, where it was.
                let after = scene.known();
                prop_assert!(after.1 >= before.1);
                prop_assert!(before.0.iter().all(|id| after.0.contains(id)));
            }
            if ended {
                break;
            }
        }
        scene.check_other_link();
    }

    #[test]
    fn a_damaged_message_that_was_refused_is_made_up_for_by_the_next_session(
        drafts in vec(draft(), 2..5), damages in vec(damage(), 1..3)
    ) {
        let mut scene = Scene::new(drafts);
        let batch = scene.frames.iter().max_by_key(|frame| frame.len()).unwrap().clone();
        let mut frame = batch.clone();
        suffer(&mut frame, &damages);
        prop_assume!(frame != batch);
        scene.link_up();
        prop_assert!(!scene.hear(&scene.frames[0].clone()));
        let csn = scene.known().1;
        // Bytes of a commit's term are all that the chains do not vouch for.
        if scene.hear(&frame) && scene.known().1 == csn {
            scene.network.exchange(FOURTH, LAPTOP);
            scene.network.exchange(LAPTOP, 0);
            let fourth = scene.network.hosts[FOURTH].replica.inspect(usize::MAX).log;
            for row in fourth {
                prop_assert!(scene.network.hosts[0].replica.write(&row.id).is_some());
                prop_assert!(scene.network.hosts[LAPTOP].replica.status(&row.id).unwrap().csn.is_some());
            }
        }
        scene.check_other_link();
    }

    #[test]
    fn a_damaged_store_is_recovered_or_refused(
        drafts in vec(draft(), 2..5), at in any::<Index>(), damages in vec(damage(), 1..4), mends_checksum: bool
    ) {
        let scene = Scene::new(drafts);
        let mut stored = scene.network.hosts[LAPTOP].stored.clone();
        let at = at.index(stored.len());
        let before = stored[at].bytes.clone();
        suffer(&mut stored[at].bytes, &damages);
        if mends_checksum && stored[at].bytes.len() > 9 {
            let checksum = Digest::EMPTY.chained(&[&stored[at].bytes[9..]]);
            stored[at].bytes[1..9].copy_from_slice(&checksum.as_bytes()[..8]);
        }
        let recovered = Replica::recover(Options::default(), stored.clone());
        if !mends_checksum && stored[at].bytes != before {
            let cut = recovered.as_ref().is_ok_and(|recovered| recovered.torn == Some(stored[at].number));
            prop_assert!(recovered.is_err() || cut, "the checksum does not fit");
        }
        if let Ok(Recovery { replica, .. }) = recovered {
            for relation in relations() {
                let all = bayou_core::Query::new(relation, bayou_core::Predicate::All);
                prop_assert!(replica.read(View::Tentative, &all).is_ok());
            }
        }
    }

    #[test]
    fn any_store_is_recovered_or_refused(batches in vec(vec(any::<u8>(), 0..120), 0..4), has_checksum: bool) {
        let mut stored: Vec<StoredBatch> =
            (1..).zip(batches).map(|(number, bytes)| StoredBatch { number, bytes }).collect();
        if has_checksum {
            for batch in &mut stored {
                let checksum = Digest::EMPTY.chained(&[&batch.bytes]);
                let header = [1].into_iter().chain(checksum.as_bytes()[..8].iter().copied());
                batch.bytes.splice(0..0, header);
            }
        }
        drop(Replica::recover(Options::default(), stored));
    }
}

#[test]
fn frames_and_batches_over_their_limits_are_refused_unread() {
    let mut scene = Scene::new(vec![note("a", 10), note("b", 10)]);
    scene.link_up();
    assert!(scene.hear(&vec![1; FRAME_BYTES_MAX + 1]));
    let (_, reason) = scene.network.hosts[LAPTOP].disconnects.last().unwrap();
    assert_eq!(reason.code(), 4413);
    scene.check_other_link();

    let huge = StoredBatch { number: 1, bytes: vec![1; STORED_BATCH_BYTES_MAX + 1] };
    assert!(Replica::recover(Options::default(), [huge]).is_err());
}

#[test]
fn frames_for_links_that_do_not_exist_are_ignored() {
    let mut scene = Scene::new(vec![note("a", 10), note("b", 10)]);
    let before = scene.known();
    for frame in scene.frames.clone() {
        let outputs = scene.network.hosts[LAPTOP].replica.handle_frame(NOW, PeerId(77), &frame);
        let said: Vec<Output> = outputs.into_iter().collect();
        assert!(said.is_empty(), "{said:?}");
    }
    let outputs = scene.network.hosts[LAPTOP].replica.handle_link_down(NOW, PeerId(77));
    scene.network.carry_out(LAPTOP, outputs);
    assert_eq!(scene.known(), before);
    scene.check_other_link();
}
