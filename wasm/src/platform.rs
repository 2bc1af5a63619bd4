//! What the browser's global scope offers and `web-sys` does not (Web Locks and IndexedDB's durability are still marked
//! unstable there), without assuming that the scope is a window: a worker has all of it but `sessionStorage`.

use bayou_core::Millis;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Crypto, EventTarget, IdbDatabase, IdbFactory, IdbTransaction, Performance, Storage};

#[wasm_bindgen]
extern "C" {
    type Scope;
    #[wasm_bindgen(method, getter, js_name = isSecureContext)]
    fn is_secure_context(this: &Scope) -> Option<bool>;
    #[wasm_bindgen(method, getter)]
    fn performance(this: &Scope) -> Performance;
    #[wasm_bindgen(method, getter)]
    fn crypto(this: &Scope) -> Crypto;
    #[wasm_bindgen(method, getter)]
    fn navigator(this: &Scope) -> Option<Navigator>;
    #[wasm_bindgen(method, getter)]
    fn document(this: &Scope) -> Option<Document>;
    // Reading either of these throws where the user has forbidden the site to store anything.
    #[wasm_bindgen(method, getter, catch, js_name = indexedDB)]
    fn indexed_db(this: &Scope) -> Result<Option<IdbFactory>, JsValue>;
    #[wasm_bindgen(method, getter, catch, js_name = sessionStorage)]
    fn session_storage(this: &Scope) -> Result<Option<Storage>, JsValue>;
    #[wasm_bindgen(method, catch, js_name = reportError)]
    fn report_error(this: &Scope, error: &JsValue) -> Result<(), JsValue>;

    type Navigator;
    #[wasm_bindgen(method, getter)]
    fn locks(this: &Navigator) -> Option<LockManager>;

    /// The browser's register of Web Locks.
    pub(crate) type LockManager;
    #[wasm_bindgen(method)]
    pub(crate) fn request(this: &LockManager, name: &str, options: &JsValue, granted: &Function) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn query(this: &LockManager) -> Promise;

    #[wasm_bindgen(extends = EventTarget)]
    type Document;
    #[wasm_bindgen(method, getter, js_name = visibilityState)]
    fn visibility_state(this: &Document) -> String;

    type StrictTransactions;
    #[wasm_bindgen(method, catch)]
    fn transaction(
        this: &StrictTransactions,
        stores: &str,
        mode: &str,
        options: &JsValue,
    ) -> Result<IdbTransaction, JsValue>;

    type CommittedTransaction;
    #[wasm_bindgen(method, catch)]
    fn commit(this: &CommittedTransaction) -> Result<(), JsValue>;
}

fn scope() -> Scope {
    js_sys::global().unchecked_into()
}

/// Where the scope's events arrive: a window's, or a worker's.
pub(crate) fn event_target() -> EventTarget {
    js_sys::global().unchecked_into()
}

/// A new plain object with these properties.
pub(crate) fn object(properties: &[(&str, JsValue)]) -> JsValue {
    let object = js_sys::Object::new();
    for (name, value) in properties {
        set(&object, name, value);
    }
    object.into()
}

/// Sets a property of an object that this crate made itself, which therefore takes it.
pub(crate) fn set(object: &JsValue, name: &str, value: &JsValue) {
    let taken = js_sys::Reflect::set(object, &JsValue::from_str(name), value);
    debug_assert!(taken.is_ok(), "a plain object takes every property");
}

/// The time for the engine: monotonic, so that a clock that is put right makes no peer look silent.
pub(crate) fn now() -> Millis {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a page's age is positive and below 2^53"
    )]
    Millis(scope().performance().now() as u64)
}

/// Fills the buffer from the browser's cryptographic source.
pub(crate) fn fill_random(buffer: &mut [u8]) {
    scope().crypto().get_random_values_with_u8_array(buffer).expect("buffers here are far below the 65,536 byte limit");
}

/// An even draw from `0..=max`, near enough for spreading retries.
pub(crate) fn random_up_to(max: u32) -> u32 {
    let mut bytes = [0; 8];
    fill_random(&mut bytes);
    u32::try_from(u64::from_le_bytes(bytes) % (u64::from(max) + 1)).unwrap_or(max)
}

/// The lock register, or `None` where the page is no secure context (or the browser has no Web Locks).
pub(crate) fn locks() -> Option<LockManager> {
    if scope().is_secure_context() == Some(false) {
        return None;
    }
    scope().navigator()?.locks()
}

/// What is told when the page is put to sleep and wakes up; a worker has none.
pub(crate) fn document() -> Option<EventTarget> {
    scope().document().map(Into::into)
}

/// Whether somebody can see the page. A worker works for pages unseen.
pub(crate) fn is_visible() -> bool {
    scope().document().is_none_or(|document| document.visibility_state() == "visible")
}

/// IndexedDB, or what the browser threw instead.
pub(crate) fn indexed_db() -> Result<IdbFactory, JsValue> {
    scope().indexed_db()?.ok_or(JsValue::UNDEFINED)
}

/// The tab's own storage, where there is one: hints only, so that its absence is no error.
pub(crate) fn session_storage() -> Option<Storage> {
    scope().session_storage().ok().flatten()
}

/// Whether this page was loaded by a reload.
pub(crate) fn is_reload() -> bool {
    let entries = scope().performance().get_entries_by_type("navigation");
    let kind = js_sys::Reflect::get(&entries.get(0), &JsValue::from_str("type"));
    kind.is_ok_and(|kind| kind == "reload")
}

/// Hands an exception of a caller's callback to the page's own error handling.
pub(crate) fn report_error(error: &JsValue) {
    if scope().report_error(error).is_err() {
        web_sys::console::error_1(error);
    }
}

/// Begins a read-write transaction whose `complete` event comes only when the data is on the disk.
pub(crate) fn strict_transaction(database: &IdbDatabase, stores: &str) -> Result<IdbTransaction, JsValue> {
    let options = object(&[("durability", "strict".into())]);
    database.unchecked_ref::<StrictTransactions>().transaction(stores, "readwrite", &options)
}

/// Lets a transaction commit at once, without waiting for the browser to see that no request follows.
pub(crate) fn commit(transaction: &IdbTransaction) -> Result<(), JsValue> {
    transaction.unchecked_ref::<CommittedTransaction>().commit()
}
