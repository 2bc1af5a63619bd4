//! The workloads for `node.mjs`, which has the clock.

use core::any::Any;

use wasm_bindgen::prelude::*;

use super::{BYTES, MEMORY, Round, WORKLOADS};

/// One workload and what its present round holds.
#[wasm_bindgen]
pub struct Bench {
    prepare: Box<dyn FnMut() -> Round>,
    round: Option<Round>,
    left: Option<Box<dyn Any>>,
}

#[wasm_bindgen]
impl Bench {
    /// Prepares the workload of this index.
    #[must_use]
    #[wasm_bindgen(constructor)]
    pub fn new(index: usize) -> Self {
        Self { prepare: (WORKLOADS[index].prepare)(), round: None, left: None }
    }

    /// Forgets the last round and sets up another.
    #[wasm_bindgen(js_name = setUp)]
    pub fn set_up(&mut self) {
        self.left = None;
        self.round = Some((self.prepare)());
    }

    /// What is timed.
    pub fn run(&mut self) {
        self.left = self.round.take().map(|round| round());
    }
}

/// The names of the workloads.
#[must_use]
#[wasm_bindgen]
pub fn names() -> Vec<String> {
    WORKLOADS.iter().map(|workload| workload.name.into()).collect()
}

/// How many units each workload handles in a round.
#[must_use]
#[wasm_bindgen]
pub fn units() -> Vec<u32> {
    WORKLOADS.iter().map(|workload| workload.units).collect()
}

/// What [`load`] loads.
#[must_use]
#[wasm_bindgen(js_name = memoryName)]
pub fn memory_name() -> String {
    MEMORY.into()
}

/// Loads what is to be seen in memory, and keeps it; how many bytes of it are not the engine's.
#[must_use]
#[wasm_bindgen]
pub fn load() -> usize {
    let (held, stored) = super::memory();
    core::mem::forget(held);
    stored
}

/// What [`bytes`] counts.
#[must_use]
#[wasm_bindgen(js_name = bytesNames)]
pub fn bytes_names() -> Vec<String> {
    BYTES.map(Into::into).into()
}

/// Bytes a booking.
#[must_use]
#[wasm_bindgen]
pub fn bytes() -> Vec<f64> {
    super::bytes().into()
}

/// Makes room for all that follows in one step, as the browser host does: otherwise growing would be what is timed.
#[wasm_bindgen]
pub fn reserve(bytes: usize) {
    drop(core::hint::black_box(Vec::<u8>::with_capacity(bytes)));
}
