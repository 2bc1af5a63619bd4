//! A replica's storage: what is stable, what is on its way there, and how it fails.

use std::collections::{BTreeMap, VecDeque};

use bayou_core::StoredBatch;

use crate::{
    dice::Dice,
    faults::{Counters, Fault},
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    stored: BTreeMap<u64, Vec<u8>>,
    writing: VecDeque<StoredBatch>,
    /// Every attempt to store something fails.
    pub(crate) broken: bool,
    /// What was stored at some time.
    copy: Option<BTreeMap<u64, Vec<u8>>>,
}

impl Disk {
    pub(crate) fn begin(&mut self, batch: StoredBatch) {
        self.writing.push_back(batch);
    }

    /// The oldest batch under way is stored; its number. `None`: nothing is under way.
    pub(crate) fn complete(&mut self) -> Option<u64> {
        let StoredBatch { number, bytes } = self.writing.pop_front()?;
        self.stored.insert(number, bytes);
        Some(number)
    }

    pub(crate) fn forget(&mut self, before: u64) {
        self.stored = self.stored.split_off(&before);
    }

    /// Of what is under way some may have been stored, and the next one in part.
    pub(crate) fn crash(&mut self, dice: &mut Dice, counters: &mut Counters) {
        let survive = dice.below(self.writing.len() as u64 + 1);
        for _ in 0..survive {
            self.complete();
        }
        if let Some(StoredBatch { number, mut bytes }) = self.writing.pop_front() {
            counters.count(Fault::UnstoredLost);
            if dice.one_in(3) {
                counters.count(Fault::TornBatch);
                let kept = usize::try_from(dice.below(bytes.len() as u64)).expect("a length");
                bytes.truncate(kept);
                // A block of it never reached the disk.
                if let Some(byte) = bytes.get_mut(1 + kept / 2).filter(|_| dice.one_in(2)) {
                    *byte ^= 0x55;
                }
                self.stored.insert(number, bytes);
            }
        }
        self.writing.clear();
    }

    /// What a host reads when it starts.
    pub(crate) fn read(&self) -> Vec<StoredBatch> {
        self.stored.iter().map(|(number, bytes)| StoredBatch { number: *number, bytes: bytes.clone() }).collect()
    }

    /// A batch that was half stored is not kept.
    pub(crate) fn drop_torn(&mut self, number: u64) {
        self.stored.remove(&number);
    }

    pub(crate) fn evict(&mut self) {
        self.stored.clear();
        self.writing.clear();
        self.copy = None;
    }

    pub(crate) fn back_up(&mut self) {
        self.copy = Some(self.stored.clone());
    }

    pub(crate) fn has_copy(&self) -> bool {
        self.copy.as_ref().is_some_and(|copy| !copy.is_empty())
    }

    /// What a host would read from the copy.
    pub(crate) fn read_copy(&self) -> Vec<StoredBatch> {
        let copy = self.copy.iter().flatten();
        copy.map(|(number, bytes)| StoredBatch { number: *number, bytes: bytes.clone() }).collect()
    }

    /// Goes back to the copy. `false`: there is none, or nothing was stored since.
    pub(crate) fn set_back(&mut self) -> bool {
        match self.copy.take() {
            Some(copy) if copy != self.stored && !copy.is_empty() => {
                self.stored = copy;
                self.writing.clear();
                true
            }
            _ => false,
        }
    }

    /// A copy of what is stable, for another replica to run on.
    pub(crate) fn cloned(&self) -> Self {
        Self { stored: self.stored.clone(), ..Self::default() }
    }

    pub(crate) fn is_writing(&self) -> bool {
        !self.writing.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }
}
