//! The link to the relay: a WebSocket that is opened, lost and opened again, and a switch that really closes it.

mod backoff;
mod refusal;
mod relay;
mod socket;

pub(crate) use refusal::Refusal;
pub(crate) use relay::{LinkState, RelayLink, RelayUrl, RelayUrlError};
