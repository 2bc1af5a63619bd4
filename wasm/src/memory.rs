//! Room for the engine, made in few large steps.
//!
//! The allocator asks for 64 KiB of WebAssembly memory at a time, and each time the browser takes up to a millisecond,
//! however much is asked for. Memory that was asked for and not touched costs nothing.

use std::{cell::Cell, hint::black_box};

/// What a stored byte becomes in memory: the parsed write, its place in log and indexes, and what it changed.
const MEMORY_PER_STORED_BYTE: usize = 8;
/// The part of the memory in use that is added when more is needed.
const GROWTH_PART: usize = 4;

const PAGE_BYTES: usize = 64 * 1024;

/// Makes room for what comes of so many stored bytes.
pub(crate) fn reserve_for(stored: usize) {
    reserve(stored.saturating_mul(MEMORY_PER_STORED_BYTE));
}

/// Makes more room if the last has been used up.
pub(crate) fn keep_room() {
    thread_local! {
        static PAGES: Cell<usize> = const { Cell::new(0) };
    }
    let pages = memory_pages();
    if PAGES.get() != pages {
        reserve(pages / GROWTH_PART * PAGE_BYTES);
        PAGES.set(memory_pages());
    }
}

/// The allocator keeps what it is given back, in one piece.
fn reserve(bytes: usize) {
    let mut room: Vec<u8> = Vec::new();
    // Where there is no room, there may still be enough for what is really needed.
    let _ = room.try_reserve_exact(bytes);
    drop(black_box(room));
}

#[cfg(target_arch = "wasm32")]
fn memory_pages() -> usize {
    core::arch::wasm32::memory_size(0)
}

#[cfg(not(target_arch = "wasm32"))]
const fn memory_pages() -> usize {
    0
}
