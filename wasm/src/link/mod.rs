//! The links of a replica, each made, lost and made again, and with a switch that really closes it: a WebSocket to the
//! relay, and channels to other tabs of this browser.

mod backoff;
mod nearby;
mod refusal;
mod relay;
mod socket;
mod traffic;

pub(crate) use nearby::{NearbyLinks, PeerState, TabId};
pub(crate) use refusal::Refusal;
pub(crate) use relay::{LinkState, RelayLink, RelayUrl, RelayUrlError};
pub(crate) use traffic::Traffic;
