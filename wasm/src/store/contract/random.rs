//! Numbers that are the same at every run.

use bayou_core::StoredBatch;

pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The generator `SplitMix64` of Steele, Lea and Flood (2014); near enough to even for small ends.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// One to four batches from this number on: mostly small ones, and now and then one of the size of segments. Seldom one
    /// is left out.
    pub(super) fn batches(&mut self, from: u64) -> Vec<StoredBatch> {
        let count = 1 + self.below(4);
        let mut batches: Vec<StoredBatch> = (from..from + count).map(|number| self.batch(number)).collect();
        if count == 4 && self.below(4) == 0 {
            batches.remove(1);
        }
        batches
    }

    fn batch(&mut self, number: u64) -> StoredBatch {
        let size = if self.below(8) == 0 { self.below(300 * 1024) } else { self.below(40) };
        let byte = self.below(256) as u8;
        StoredBatch { number, bytes: (0..size).map(|index| byte.wrapping_add(index as u8)).collect() }
    }
}
