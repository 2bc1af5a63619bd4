//! The golden bytes of the engine through the door that WebAssembly uses, too.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::{fs, path::Path};

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|char| char.to_digit(16)).map(|digit| digit.try_into().unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn golden_bytes_are_read_and_written_again_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".hex") else { continue };
        let golden = bytes(&fs::read_to_string(entry.unwrap().path()).unwrap());
        let again = bayou_sim::reencoded(name, &golden);
        match name.starts_with("refused-") {
            true => assert!(again.is_err(), "{name} is to be refused"),
            false => assert_eq!(again.as_ref(), Ok(&golden), "{name}"),
        }
        count += 1;
    }
    assert!(count > 40, "only {count} files were found");
}
