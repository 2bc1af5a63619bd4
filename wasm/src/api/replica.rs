//! The classes of the API.

use std::{cell::OnceCell, rc::Rc};

use bayou_core::{DatabaseName, View, WriteId, rooms};
use js_sys::{Function, Promise};
use tsify::Ts;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::{
    ApiError,
    data::{Failure, Status, Summary, plain},
    draft::{read_draft, read_query},
    input::Input,
    inspection::Inspection,
    links::links,
    promise::promise,
    rooms::Rooms,
    value::rows_to_js,
};
use crate::{
    host::{Enabled, Host, Waiter},
    link::RelayUrl,
    opening,
    platform::{self, object},
    wait::unless_aborted,
};

/// How much of the log an inspection shows unless more is asked for.
const INSPECTION_ROWS_MAX: usize = 500;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface OpenOptions {
    /** Name of the database: 1 to 64 characters from `a-z`, `0-9` and `-`. */
    database: string;
    /** Address of the relay without a path: `ws://127.0.0.1:8787`. */
    relay: string;
    /** Whether the link to the relay is opened at once. Default: true. */
    relayEnabled?: boolean;
    /** Whether links with other tabs of this browser are made at once. Default: true. */
    nearbyEnabled?: boolean;
    /** Aborts the opening; afterwards it has no effect. */
    signal?: AbortSignal;
    /** Called now and then while a large store is read, with the part that is done: from 0 to 1. */
    progress?: ((part: number) => void) | undefined;
}
"#;

/// A replica of a database in this tab.
///
/// It lives until it is closed or the tab goes away, whether or not the page holds on to this object.
#[wasm_bindgen]
pub struct Replica {
    host: Rc<Host>,
    links: JsValue,
    rooms: JsValue,
    closing: OnceCell<Promise>,
}

impl Replica {
    pub(super) const fn host(&self) -> &Rc<Host> {
        &self.host
    }
}

#[wasm_bindgen]
impl Replica {
    /// Opens this tab's replica of a database: resumed from this device, or new.
    ///
    /// Resolves when the local store is open and read; it does not wait for the relay. Rejects with a `StorageError`
    /// where nothing can be stored safely.
    #[wasm_bindgen(unchecked_return_type = "Promise<Replica>")]
    pub fn open(#[wasm_bindgen(unchecked_param_type = "OpenOptions")] options: JsValue) -> Promise {
        promise(async move {
            let OpenOptions { database, relay, enabled, signal, progress } = OpenOptions::read(options)?;
            let tell = |part| call(progress.as_ref(), part);
            let host = unless_aborted(signal.as_ref(), opening::open(database, relay, enabled, &tell)).await;
            let host = host.map_err(ApiError::Aborted)??;
            let links = links(&host);
            let rooms = Rooms::new(Rc::clone(&host)).into();
            Ok(Self { host, links, rooms, closing: OnceCell::new() }.into())
        })
    }

    /// The replica's id; `undefined` until the relay or another tab has created it.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn id(&self) -> Option<String> {
        self.host.read(|replica| replica.id().map(ToString::to_string)).ok().flatten()
    }

    /// The database's name, and its id once that is known.
    #[wasm_bindgen(getter, unchecked_return_type = "{ readonly id: string | undefined; readonly name: string }")]
    #[must_use]
    pub fn database(&self) -> JsValue {
        let id = self.host.read(bayou_core::Replica::database).ok().flatten();
        let id = id.map_or(JsValue::UNDEFINED, |id| JsValue::from_str(&id.to_string()));
        object(&[("id", id), ("name", self.host.name().as_str().into())])
    }

    /// Whether it can accept writes: `false` until a new replica got its id and its data.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn ready(&self) -> bool {
        self.host.is_ready()
    }

    /// Whether this object has let go of its replica, which another tab may run meanwhile: it was closed, or the browser has
    /// put the page away (frozen it, or kept it for going back). A page that comes back opens a replica anew. What this
    /// object shows is as it was then.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn closed(&self) -> bool {
        self.host.is_closed()
    }

    /// Why writing has stopped, if it has.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn failure(&self) -> Option<Ts<Failure>> {
        self.host.failure().map(|failure| plain(&Failure::from(failure)))
    }

    /// Resolves when the replica can accept writes. Rejects with a `NotReadyError` when the relay refuses it, with a
    /// `StoppedError` when writing has stopped, and with the signal's reason when that is aborted.
    #[wasm_bindgen(js_name = whenReady, unchecked_return_type = "Promise<void>")]
    pub fn when_ready(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "AbortSignal")] signal: JsValue,
    ) -> Promise {
        let host = Rc::clone(&self.host);
        promise(async move {
            let signal = read_signal(&Input::argument("signal", signal))?;
            if !host.is_ready() {
                let waiter = host.when_ready()?;
                unless_aborted(signal.as_ref(), waited(waiter)).await.map_err(ApiError::Aborted)??;
            }
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Calls back, at most once a task and never from within another call, when data, states or links may have changed.
    /// Returns the function that ends it; aborting the signal ends it too.
    #[wasm_bindgen(js_name = onChange, unchecked_return_type = "() => void")]
    pub fn on_change(
        &self,
        #[wasm_bindgen(unchecked_param_type = "() => void")] callback: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "{ signal?: AbortSignal }")] options: JsValue,
    ) -> Result<JsValue, JsValue> {
        let callback = Input::argument("callback", callback).instance::<Function>("a function is expected");
        let signal = read_signal(&Input::argument("options", options).field("signal"));
        let (callback, signal) = (callback.map_err(ApiError::from)?, signal?);
        let number = self.host.listeners().add(callback, signal);
        let listeners = Rc::downgrade(self.host.listeners());
        let unsubscribe = Closure::<dyn Fn()>::new(move || {
            if let Some(listeners) = listeners.upgrade() {
                listeners.remove(number);
            }
        });
        Ok(unsubscribe.into_js_value())
    }

    /// Accepts a write. It takes effect in the tentative view at once; the promise resolves when it is stored on this
    /// device. Rejects with a `DraftError`, `NotReadyError`, `StoppedError` or `ClosedError`, or with a `TypeError` that
    /// says where the draft is not one.
    #[wasm_bindgen(unchecked_return_type = "Promise<SubmittedWrite>")]
    pub fn submit(&self, #[wasm_bindgen(unchecked_param_type = "Draft")] draft: JsValue) -> Promise {
        let draft = read_draft(&Input::argument("draft", draft)).map_err(ApiError::from);
        submit(&self.host, draft)
    }

    /// The tuples that a query finds, in its order, in the tentative view or in the committed one.
    #[wasm_bindgen(unchecked_return_type = "Row[]")]
    pub fn query(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Query")] query: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = r#""tentative" | "committed""#)] view: JsValue,
    ) -> Result<JsValue, JsValue> {
        Ok(self.try_query(query, view)?)
    }

    fn try_query(&self, query: JsValue, view: JsValue) -> Result<JsValue, ApiError> {
        let query = read_query(&Input::argument("query", query))?;
        let view = Input::argument("view", view);
        let view = match view.value().as_string().as_deref() {
            Some("tentative") => View::Tentative,
            Some("committed") => View::Committed,
            None if view.is_missing() => View::Tentative,
            _ => return Err(view.error(r#""tentative" or "committed" is expected"#).into()),
        };
        let rows = self.host.read(|replica| replica.read(view, &query))??;
        Ok(rows_to_js(&rows))
    }

    /// What is known of a write; `undefined` if it is not held.
    pub fn status(&self, id: &str) -> Result<Option<Ts<Status>>, JsValue> {
        let write: WriteId = id
            .parse()
            .map_err(|error| Input::argument("id", JsValue::UNDEFINED).error(error))
            .map_err(ApiError::from)?;
        Ok(self.host.read(|replica| replica.status(&write))?.map(|status| plain(&Status::from(status))))
    }

    /// How far the writes have come.
    pub fn summary(&self) -> Result<Ts<Summary>, JsValue> {
        let rounds = self.host.rounds();
        let summary = self.host.read(|replica| Summary::new(&replica.summary(), rounds.taking_over(replica)))?;
        Ok(plain(&summary))
    }

    /// All that an inspector shows, with the last `rowsMax` writes of the log (default: 500).
    pub fn inspect(&self, #[wasm_bindgen(js_name = rowsMax)] rows_max: Option<u32>) -> Result<Ts<Inspection>, JsValue> {
        let rows_max = rows_max.map_or(INSPECTION_ROWS_MAX, |rows| rows as usize);
        let inspection = self.host.read(|replica| {
            let inspection = in_words(replica, replica.inspect(rows_max));
            Inspection::new(replica, inspection)
        })?;
        Ok(plain(&inspection))
    }

    /// The links, each with a switch.
    #[wasm_bindgen(getter, unchecked_return_type = "Links")]
    #[must_use]
    pub fn links(&self) -> JsValue {
        self.links.clone()
    }

    /// The booking application.
    #[wasm_bindgen(getter, unchecked_return_type = "Rooms")]
    #[must_use]
    pub fn rooms(&self) -> JsValue {
        self.rooms.clone()
    }

    /// Stores what was submitted, closes links and store, and leaves the replica to the next tab.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn close(&self) -> Promise {
        let close = || {
            let host = Rc::clone(&self.host);
            promise(async move {
                host.close().await;
                Ok(JsValue::UNDEFINED)
            })
        };
        self.closing.get_or_init(close).clone()
    }

    /// Retires the replica: it accepts nothing from now on, and its id leaves every version vector. Resolves when another
    /// replica has all that it held, its retirement included, and it is deleted from this device. If the page goes away
    /// before, another tab of this browser completes it. Rejects with a `RetiredError` where it may not retire, and with a
    /// `StorageError` where it has retired and somebody keeps it from being deleted: another tab does that later.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn retire(&self) -> Promise {
        let host = Rc::clone(&self.host);
        promise(async move {
            host.retire().await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Closes the replica for good, when the relay holds a new database of this name: the next opening begins anew. What
    /// is stored stays on this device, but no tab opens it again.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn leave(&self) -> Promise {
        let leave = || {
            let host = Rc::clone(&self.host);
            promise(async move {
                host.leave().await;
                Ok(JsValue::UNDEFINED)
            })
        };
        self.closing.get_or_init(leave).clone()
    }
}

/// A write that was accepted and is stored on this device.
#[wasm_bindgen]
pub struct SubmittedWrite {
    host: Rc<Host>,
    id: WriteId,
}

#[wasm_bindgen]
impl SubmittedWrite {
    /// Its id, kept for ever.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    /// Resolves with the final outcome when the write is committed. Rejects when the replica stops or is closed before.
    #[wasm_bindgen(getter, unchecked_return_type = "Promise<Outcome>")]
    pub fn committed(&self) -> Promise {
        self.host.when_committed(&self.id).unwrap_or_else(|error| Promise::reject(&error.into()))
    }
}

struct OpenOptions {
    database: DatabaseName,
    relay: RelayUrl,
    enabled: Enabled,
    signal: Option<AbortSignal>,
    progress: Option<Function>,
}

impl OpenOptions {
    fn read(options: JsValue) -> Result<Self, ApiError> {
        let options = Input::argument("options", options);
        options.only(&["database", "relay", "relayEnabled", "nearbyEnabled", "signal", "progress"])?;
        let database = options.field("database");
        let database = DatabaseName::parse(&database.text()?).map_err(|error| database.error(error))?;
        let relay = options.field("relay");
        let relay = RelayUrl::new(&relay.text()?, &database).map_err(|error| relay.error(error))?;
        let flag = |name| Ok::<_, ApiError>(options.optional(name, Input::flag)?.unwrap_or(true));
        let enabled = Enabled { relay: flag("relayEnabled")?, nearby: flag("nearbyEnabled")? };
        let signal = read_signal(&options.field("signal"))?;
        let progress = options.optional("progress", |progress| progress.instance("a function is expected"))?;
        Ok(Self { database, relay, enabled, signal, progress })
    }
}

/// Tells the page's callback, which must not stop what goes on here.
pub(super) fn call(progress: Option<&Function>, part: f64) {
    let called = progress.map(|progress| progress.call1(&JsValue::UNDEFINED, &part.into()));
    if let Some(Err(error)) = called {
        platform::report_error(&error);
    }
}

fn read_signal(signal: &Input<'_>) -> Result<Option<AbortSignal>, ApiError> {
    if signal.is_missing() {
        return Ok(None);
    }
    Ok(Some(signal.instance("an AbortSignal is expected")?))
}

/// Submits a draft, if it is one, and promises to tell when it is stored. The write takes effect before this returns.
pub(super) fn submit(host: &Rc<Host>, draft: Result<bayou_core::Draft, ApiError>) -> Promise {
    let submitted = draft.and_then(|draft| host.submit(draft));
    let host = Rc::clone(host);
    promise(async move {
        let (id, waiter) = submitted?;
        waited(waiter).await?;
        Ok(SubmittedWrite { host, id }.into())
    })
}

pub(crate) async fn waited(waiter: Waiter) -> Result<(), ApiError> {
    waiter.await.map_err(|_| ApiError::Closed)?.map_err(ApiError::Aborted)
}

/// An inspection that calls the writes of the booking application what people call them.
fn in_words(replica: &bayou_core::Replica, mut inspection: bayou_core::Inspection) -> bayou_core::Inspection {
    for row in &mut inspection.log {
        if let Some(words) = replica.write(&row.id).and_then(|write| rooms::describe(replica, write)) {
            row.summary = words;
        }
    }
    inspection
}
