//! The links of a replica: what there is to say of each, and its switch.

use std::rc::Rc;

use js_sys::Array;
use tsify::Ts;
use wasm_bindgen::prelude::*;

use super::data::{LinkState, plain};
use crate::{
    host::Host,
    link::{PeerState, TabId, Traffic},
    platform,
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** The links of a replica. */
export interface Links {
    /** With the relay. */
    readonly relay: RelayLink;
    /** With other tabs of this browser that have the same database open. */
    readonly nearby: NearbyLinks;
}
"#;

/// The links of a host, as the page gets them.
pub(super) fn links(host: &Rc<Host>) -> JsValue {
    let relay = RelayLink { host: Rc::clone(host) };
    let nearby = NearbyLinks { host: Rc::clone(host) };
    platform::object(&[("relay", relay.into()), ("nearby", nearby.into())])
}

/// The link to the relay.
#[wasm_bindgen]
pub struct RelayLink {
    host: Rc<Host>,
}

#[wasm_bindgen]
impl RelayLink {
    /// Whether the link is to be open. Setting it to `false` really closes the socket, at once.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.host.relay().is_enabled()
    }

    /// Opens the link and keeps it open, or closes it.
    #[wasm_bindgen(setter)]
    pub fn set_enabled(&self, enabled: bool) {
        self.host.relay().set_enabled(enabled);
    }

    /// Where the link stands.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn state(&self) -> Ts<LinkState> {
        plain(&self.host.relay().state().into())
    }

    /// When the relay was last heard, in `Date.now()` milliseconds; `undefined` if it was not since the page was opened.
    #[wasm_bindgen(getter, js_name = lastHeard)]
    #[must_use]
    pub fn last_heard(&self) -> Option<f64> {
        self.host.relay().traffic().last_heard
    }

    /// Bytes of the frames that came from the relay since the page was opened.
    #[wasm_bindgen(getter, js_name = bytesIn)]
    #[must_use]
    pub fn bytes_in(&self) -> usize {
        self.host.relay().traffic().bytes_in
    }

    /// Bytes of the frames that went to it.
    #[wasm_bindgen(getter, js_name = bytesOut)]
    #[must_use]
    pub fn bytes_out(&self) -> usize {
        self.host.relay().traffic().bytes_out
    }
}

/// The links with other tabs of this browser. They need no network and no relay.
///
/// Up to five tabs are linked each with all others; of more, each with four, through which it reaches the others.
#[wasm_bindgen]
pub struct NearbyLinks {
    host: Rc<Host>,
}

#[wasm_bindgen]
impl NearbyLinks {
    /// Whether this tab is to be linked with others. Setting it to `false` closes all these links, at once.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.host.nearby().is_enabled()
    }

    /// Makes links with other tabs and keeps them, or closes them all. Switches of single links stay as they are.
    #[wasm_bindgen(setter)]
    pub fn set_enabled(&self, enabled: bool) {
        self.host.nearby().set_enabled(enabled);
    }

    /// The tabs that this one is linked with or would be, were all well.
    #[wasm_bindgen(getter, unchecked_return_type = "NearbyLink[]")]
    #[must_use]
    pub fn peers(&self) -> Array {
        let peer = |tab| JsValue::from(NearbyLink { host: Rc::clone(&self.host), tab });
        self.host.nearby().tabs().into_iter().map(peer).collect()
    }

    /// How many other tabs of this browser take part, those included that this one reaches through others.
    #[wasm_bindgen(getter, js_name = tabCount)]
    #[must_use]
    pub fn tab_count(&self) -> usize {
        self.host.nearby().others()
    }
}

/// The link with one other tab of this browser.
#[wasm_bindgen]
pub struct NearbyLink {
    host: Rc<Host>,
    tab: TabId,
}

impl NearbyLink {
    fn traffic(&self) -> Traffic {
        self.host.nearby().traffic(&self.tab)
    }
}

#[wasm_bindgen]
impl NearbyLink {
    /// Which tab: another name than that of its replica, and a new one whenever the tab is loaded.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn tab(&self) -> String {
        self.tab.to_string()
    }

    /// The id of its replica; `undefined` until it has said so.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn replica(&self) -> Option<String> {
        self.host.nearby().replica(&self.tab)
    }

    /// Whether the link is to be open. Setting it to `false` closes it, at once; the other tab cannot open it then.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.host.nearby().is_switched_on(&self.tab)
    }

    /// Opens the link and keeps it open, or closes it.
    #[wasm_bindgen(setter)]
    pub fn set_enabled(&self, enabled: bool) {
        self.host.nearby().switch(&self.tab, enabled);
    }

    /// Where the link stands. The code of a refusal is 1000 where the link is switched off in the other tab.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn state(&self) -> Ts<LinkState> {
        plain(&match self.host.nearby().state(&self.tab) {
            PeerState::Off => LinkState::Off,
            PeerState::Connecting => LinkState::Connecting,
            PeerState::Open { caught_up } => LinkState::Open { caught_up },
            PeerState::Waiting { until, reason } => {
                #[expect(clippy::cast_precision_loss, reason = "waits are far below 2^53 ms")]
                let wait_ms = until.0.saturating_sub(platform::now().0) as f64;
                LinkState::Waiting { retry_at: js_sys::Date::now() + wait_ms, reason }
            }
            PeerState::Refused { code, reason } => LinkState::Refused { code, reason },
        })
    }

    /// When the tab was last heard, in `Date.now()` milliseconds; `undefined` if it was not.
    #[wasm_bindgen(getter, js_name = lastHeard)]
    #[must_use]
    pub fn last_heard(&self) -> Option<f64> {
        self.traffic().last_heard
    }

    /// Bytes of the frames that came from it since this page was opened.
    #[wasm_bindgen(getter, js_name = bytesIn)]
    #[must_use]
    pub fn bytes_in(&self) -> usize {
        self.traffic().bytes_in
    }

    /// Bytes of the frames that went to it.
    #[wasm_bindgen(getter, js_name = bytesOut)]
    #[must_use]
    pub fn bytes_out(&self) -> usize {
        self.traffic().bytes_out
    }
}
