//! What has come and gone over a link.

/// Counted from when the page was opened, over all sessions of the link.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Traffic {
    /// When the other side was last heard, in `Date.now()` milliseconds.
    pub(crate) last_heard: Option<f64>,
    pub(crate) bytes_in: usize,
    pub(crate) bytes_out: usize,
}

impl Traffic {
    pub(super) fn received(&mut self, bytes: usize) {
        self.bytes_in += bytes;
        self.last_heard = Some(js_sys::Date::now());
    }

    pub(super) const fn sent(&mut self, bytes: usize) {
        self.bytes_out += bytes;
    }
}
