//! How a socket ends: a WebSocket close code and a reason that both sides can show.

use std::borrow::Cow;

use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

/// A reason longer than this does not fit into a close frame [RFC 6455 §5.5].
const REASON_BYTES_MAX: usize = 123;

/// Why a socket is closed. Codes of 4000 and above are the engine's; the others are those of RFC 6455 and its registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: Cow<'static, str>,
}

impl Close {
    pub(crate) const SHUTTING_DOWN: Self = Self::new(1001, "the relay is shutting down");
    pub(crate) const MALFORMED: Self = Self::new(1002, "the WebSocket protocol was broken");
    pub(crate) const TEXT: Self = Self::new(1003, "bayou.v1 has binary messages only");
    pub(crate) const TOO_BIG: Self = Self::new(1009, "a message is larger than bayou.v1 allows");
    pub(crate) const FAILED: Self = Self::new(1011, "the relay has closed this database after a failure; try again");
    pub(crate) const TOO_SLOW: Self = Self::new(1013, "this side reads too slowly; try again later");
    pub(crate) const TOO_MANY_DATABASES: Self = Self::new(1013, "this relay holds as many databases as it may");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    /// The engine's own words.
    pub(crate) fn by_engine(reason: &bayou_core::DisconnectReason) -> Self {
        Self { code: reason.code(), reason: reason.to_string().into() }
    }

    pub(crate) fn frame(&self) -> CloseFrame {
        let mut end = self.reason.len().min(REASON_BYTES_MAX);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        CloseFrame { code: CloseCode::from(self.code), reason: self.reason[..end].into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_two_characters() {
        let close = Close { code: 4000, reason: "ä".repeat(100).into() };
        assert_eq!(close.frame().reason.as_str(), "ä".repeat(61));
    }
}
