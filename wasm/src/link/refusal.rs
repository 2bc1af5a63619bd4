//! The ends of a session after which trying again by itself would not help.

use std::fmt;

use bayou_core::DisconnectReason;

/// The two sides do not fit: a person or a newer version has to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The WebSocket close code; zero if the browser itself forbids the connection.
    pub(crate) code: u16,
    /// The refusing side's own words.
    detail: String,
}

impl Refusal {
    /// Another database has this name.
    const OTHER_DATABASE: u16 = 4409;
    /// What is committed here and there differs.
    const COMMITS_DIFFER: u16 = 4412;
    /// The sides speak different versions.
    const VERSION: u16 = 4426;

    /// The refusal that a close code stands for, if it stands for one.
    pub(super) fn from_close(code: u16, detail: &str) -> Option<Self> {
        DisconnectReason::is_final_code(code).then(|| Self { code, detail: detail.to_owned() })
    }

    /// The browser does not even try.
    pub(super) fn by_browser(detail: String) -> Self {
        Self { code: 0, detail }
    }

    /// Whether what is written here from now on could never be sent.
    pub(crate) fn stops_writing(&self) -> bool {
        matches!(self.code, Self::OTHER_DATABASE | Self::COMMITS_DIFFER)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.code {
            Self::OTHER_DATABASE => {
                "The relay holds a new database of this name. What is saved here stays readable, but nothing new can be saved."
            }
            Self::COMMITS_DIFFER => {
                "What is confirmed here differs from what is confirmed at the relay. Nothing new can be saved; ask whoever runs the relay."
            }
            Self::VERSION => "This page and the relay are of different versions. Reload to get the relay's page.",
            _ => &self.detail,
        })
    }
}
