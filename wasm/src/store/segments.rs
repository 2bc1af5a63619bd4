//! Which adjacent records to join into one.
//!
//! Reading 100,000 records one by one takes 0.7 s, the same bytes in some hundreds of records 0.1 s. So small records are
//! joined now and then; what has become a full segment is not touched again.

use std::ops::Range;

/// Where a segment is closed and the next begun.
const SEGMENT_BYTES_TARGET: usize = 256 * 1024;

/// How many records at the end of the list are too small to stay as they are.
pub(super) fn loose_count(sizes: &[usize]) -> usize {
    sizes.iter().rev().take_while(|size| **size < SEGMENT_BYTES_TARGET / 2).count()
}

/// The runs of records to be joined, each into one.
pub(super) fn plan(sizes: &[usize]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, size) in sizes.iter().enumerate() {
        if bytes > 0 && bytes + size > SEGMENT_BYTES_TARGET {
            runs.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    runs.push(start..sizes.len());
    runs.retain(|run| run.len() > 1);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "a plan of one run")]
    fn small_records_are_joined_up_to_the_target() {
        assert_eq!(plan(&[100; 5]), [0..5]);
        assert_eq!(plan(&[100 * 1024; 5]), [0..2, 2..4]);
    }

    #[test]
    fn what_cannot_be_joined_is_left_alone() {
        assert!(plan(&[]).is_empty());
        assert!(plan(&[10]).is_empty());
        assert!(plan(&[SEGMENT_BYTES_TARGET; 3]).is_empty());
    }

    #[test]
    fn loose_records_are_the_small_ones_after_the_last_full_segment() {
        assert_eq!(loose_count(&[10, 200 * 1024, 10, 10]), 2);
        assert_eq!(loose_count(&[200 * 1024]), 0);
    }
}
