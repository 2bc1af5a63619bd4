//! The golden bytes of the engine through the door that WebAssembly uses, too.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::{fs, path::Path};

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|char| char.to_digit(16)).map(|digit| digit.try_into().unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The names and bytes of all golden files.
fn golden_files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().strip_suffix(".hex")?.to_owned();
        Some((name, bytes(&fs::read_to_string(&path).unwrap())))
    };
    let files: Vec<_> = fs::read_dir(folder).unwrap().filter_map(file).collect();
    assert!(files.len() > 40, "only {} files were found", files.len());
    files
}

#[test]
fn golden_bytes_are_read_and_written_again_or_refused() {
    for (name, golden) in golden_files() {
        let again = bayou_sim::reencoded(&name, &golden);
        match name.starts_with("refused-") {
            true => assert!(again.is_err(), "{name} is to be refused"),
            false => assert_eq!(again.as_ref(), Ok(&golden), "{name}"),
        }
    }
}

#[test]
fn golden_bytes_that_are_cut_short_anywhere_or_go_on_are_refused() {
    for (name, golden) in golden_files().into_iter().filter(|(name, _)| !name.starts_with("refused-")) {
        for length in 0..golden.len() {
            assert!(bayou_sim::reencoded(&name, &golden[..length]).is_err(), "{name}, {length} bytes of it");
        }
        let goes_on = [golden.as_slice(), &[0]].concat();
        assert!(bayou_sim::reencoded(&name, &goes_on).is_err(), "{name}, with a byte too many");
    }
}
