//! What happened, as a hash that two runs of one seed share, and in words where that is asked for.

#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(crate) fn new(with_lines: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: with_lines.then(Vec::new) }
    }

    /// Notes an event. The words are made only where they are kept.
    pub(crate) fn note(&mut self, now: u64, numbers: &[u64], words: impl FnOnce() -> String) {
        self.add(&now.to_le_bytes());
        numbers.iter().for_each(|number| self.add(&number.to_le_bytes()));
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{now:>8} {}", words()));
        }
    }

    /// Notes bytes that were sent or stored.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        // FNV-1a: not to withstand anybody, but the same everywhere.
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
