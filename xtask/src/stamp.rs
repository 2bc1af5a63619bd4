//! A note that a step was done: the fingerprints of what it read and of what it wrote.
//!
//! Both count, so that a step is done again when its result was deleted, changed by hand, or made
//! from other sources in the meantime (another branch, another target folder). The note is removed
//! before the work begins: what was interrupted was not done.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::fingerprint::Fingerprint;

/// The note of one step.
pub(crate) struct Stamp {
    file: PathBuf,
    inputs: String,
    outputs: Vec<PathBuf>,
}

impl Stamp {
    /// The note in `file` of a step that reads `inputs` and writes the files or folders `outputs`.
    pub(crate) fn new(file: PathBuf, inputs: Fingerprint, outputs: Vec<PathBuf>) -> Self {
        Self { file, inputs: inputs.finish(), outputs }
    }

    /// Whether the step was done with these inputs and its outputs are as it left them.
    pub(crate) fn is_current(&self) -> Result<bool> {
        // A note that cannot be read is as good as none.
        let Ok(noted) = std::fs::read_to_string(&self.file) else {
            return Ok(false);
        };
        Ok(noted == self.note()?)
    }

    /// Does the work and notes it, if it succeeds.
    pub(crate) fn renew(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.file.exists() {
            std::fs::remove_file(&self.file).with_context(|| format!("{} cannot be removed", self.file.display()))?;
        }
        work()?;
        for output in &self.outputs {
            anyhow::ensure!(output.exists(), "{} should have been made and is not there", output.display());
        }
        std::fs::write(&self.file, self.note()?).with_context(|| format!("{} cannot be written", self.file.display()))
    }

    fn note(&self) -> Result<String> {
        let outputs = self.outputs.iter().try_fold(Fingerprint::default(), |outputs, output| outputs.path(output))?;
        Ok(format!("inputs {}\noutputs {}\n", self.inputs, outputs.finish()))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use super::*;

    /// A folder of its own for one test, removed with what is in it.
    pub(crate) struct Scratch(PathBuf);

    impl Scratch {
        pub(crate) fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("bayou-xtask-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub(crate) fn path(&self) -> &Path {
            &self.0
        }

        pub(crate) fn write(&self, name: &str, contents: &str) {
            let path = self.0.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, contents).unwrap();
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn stamp(scratch: &Scratch) -> Stamp {
        let inputs = Fingerprint::default().path(&scratch.path().join("input")).unwrap();
        Stamp::new(scratch.path().join("stamp"), inputs, vec![scratch.path().join("output")])
    }

    fn copy(scratch: &Scratch) -> Result<()> {
        std::fs::copy(scratch.path().join("input"), scratch.path().join("output"))?;
        Ok(())
    }

    fn done(name: &str) -> Scratch {
        let scratch = Scratch::new(name);
        scratch.write("input", "1");
        assert!(!stamp(&scratch).is_current().unwrap());
        stamp(&scratch).renew(|| copy(&scratch)).unwrap();
        assert!(stamp(&scratch).is_current().unwrap());
        scratch
    }

    #[test]
    fn a_changed_input_makes_the_step_due() {
        let scratch = done("stamp-input");
        scratch.write("input", "2");
        assert!(!stamp(&scratch).is_current().unwrap());
    }

    #[test]
    fn a_changed_or_deleted_output_makes_the_step_due() {
        let scratch = done("stamp-output");
        scratch.write("output", "by hand");
        assert!(!stamp(&scratch).is_current().unwrap());
        std::fs::remove_file(scratch.path().join("output")).unwrap();
        assert!(!stamp(&scratch).is_current().unwrap());
    }

    #[test]
    fn a_step_that_failed_is_due_even_when_its_output_looks_right() {
        let scratch = done("stamp-failure");
        assert!(stamp(&scratch).renew(|| anyhow::bail!("interrupted")).is_err());
        assert!(!stamp(&scratch).is_current().unwrap());
    }

    #[test]
    fn a_step_that_made_nothing_has_failed() {
        let scratch = Scratch::new("stamp-nothing");
        scratch.write("input", "1");
        assert!(stamp(&scratch).renew(|| Ok(())).is_err());
    }
}
