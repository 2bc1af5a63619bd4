//! A digest of everything that a step reads or writes.
//!
//! Contents count, times do not: a `git checkout` touches files without changing them, and some tools
//! restore old times with old contents.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

/// Collects texts, files and folders, and tells a digest of them all.
#[derive(Default)]
pub(crate) struct Fingerprint {
    hasher: blake3::Hasher,
}

impl Fingerprint {
    /// Adds a text, an option or a version for example.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.add(text.as_bytes());
        self
    }

    /// Adds a file, or a folder with all below it. That nothing is there counts as well.
    pub(crate) fn path(self, path: &Path) -> Result<Self> {
        self.path_without(path, &[])
    }

    /// Adds a folder without the entries of it that are named.
    pub(crate) fn path_without(mut self, path: &Path, left_out: &[&str]) -> Result<Self> {
        self.visit(path, left_out).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(self)
    }

    /// The digest as text.
    pub(crate) fn finish(self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    /// Adds bytes with their length before them, so that no two sequences of additions look alike.
    fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
    }

    fn visit(&mut self, path: &Path, left_out: &[&str]) -> std::io::Result<()> {
        let kind = match path.symlink_metadata() {
            Ok(metadata) => metadata.file_type(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.add(b"absent");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if kind.is_dir() {
            let mut names = std::fs::read_dir(path)?
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<std::io::Result<Vec<_>>>()?;
            names.retain(|name| !left_out.iter().any(|other| name == other));
            names.sort_unstable();
            self.add(b"folder");
            self.add(&(names.len() as u64).to_le_bytes());
            for name in names {
                self.add(name.as_encoded_bytes());
                self.visit(&path.join(name), &[])?;
            }
        } else if kind.is_symlink() {
            // Not followed: a link may lead to a folder above.
            self.add(b"link");
            self.add(std::fs::read_link(path)?.as_os_str().as_encoded_bytes());
        } else if kind.is_file() {
            self.add(b"file");
            self.add(&std::fs::read(path)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::tests::Scratch;

    fn of(path: &Path) -> String {
        Fingerprint::default().path_without(path, &["left-out"]).unwrap().finish()
    }

    #[test]
    fn contents_names_and_absence_count() {
        let scratch = Scratch::new("fingerprint-contents");
        let absent = of(&scratch.path().join("folder"));
        scratch.write("folder/a", "1");
        let first = of(&scratch.path().join("folder"));
        scratch.write("folder/a", "2");
        let changed = of(&scratch.path().join("folder"));
        scratch.write("folder/a", "1");
        scratch.write("folder/below/b", "");
        let more = of(&scratch.path().join("folder"));
        let mut all = vec![absent, first, changed, more];
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn times_and_what_is_left_out_do_not_count() {
        let scratch = Scratch::new("fingerprint-times");
        scratch.write("folder/a", "1");
        let before = of(&scratch.path().join("folder"));
        scratch.write("folder/a", "1");
        scratch.write("folder/left-out/b", "2");
        assert_eq!(of(&scratch.path().join("folder")), before);
    }

    #[test]
    fn texts_do_not_run_together() {
        let pair = |a: &str, b: &str| Fingerprint::default().text(a).text(b).finish();
        assert_ne!(pair("ab", "c"), pair("a", "bc"));
    }
}
