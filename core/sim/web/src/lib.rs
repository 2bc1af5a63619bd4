//! The simulator in WebAssembly: the same seeds must give the same traces as natively.
//!
//! A panic ends the module here, so that a seed that panics natively fails the whole run.

use wasm_bindgen::prelude::*;

/// Runs a seed: the hash of its trace, and the property that does not hold or `ok`, as `bayou-sim --hashes` prints them.
#[wasm_bindgen]
#[must_use]
pub fn run(seed: u64) -> String {
    bayou_sim::run(seed, None, false).summary()
}

/// Reads the bytes of a golden file and writes them again.
///
/// # Errors
/// When they are refused; in words.
#[wasm_bindgen]
pub fn reencoded(file: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    bayou_sim::reencoded(file, bytes)
}
