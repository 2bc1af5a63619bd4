//! Errors as the page gets them: real `Error` objects, told apart by their `name`.

use bayou_core::{
    ExportError, ImportError, QueryError, ReaderStateError, RecoverError, RetireError, SalvageError, SubmitError,
};
use js_sys::{Error, TypeError};
use wasm_bindgen::prelude::*;

use super::{
    data::{self, plain},
    files::TransferFailed,
    input::InputError,
    room_data::FieldError,
};
use crate::{
    host::{Failure, FailureKind},
    link::RelayUrlError,
    locks::LockError,
    platform,
    store::StorageError,
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/**
 * What is wrong with a booking or a room, field by field.
 */
export interface ValidationError extends Error {
    readonly name: "ValidationError";
    readonly fields: FieldError[];
}

/**
 * The store of this browser cannot be used, or the page may not use one safely. `kind` is that of {@link Failure}.
 */
export interface StorageError extends Error {
    readonly name: "StorageError";
    readonly kind: Failure["kind"];
    /** Of a store that has not answered yet, or that others keep from being opened: resolves when to try again. */
    readonly answered?: Promise<void>;
}

/**
 * Writing has stopped; see {@link Replica.failure}.
 */
export interface StoppedError extends Error {
    readonly name: "StoppedError";
    readonly kind: Failure["kind"];
}

/**
 * The replica is new and has not met a relay yet. Wait for {@link Replica.whenReady}.
 */
export interface NotReadyError extends Error {
    readonly name: "NotReadyError";
}

/**
 * The replica was closed.
 */
export interface ClosedError extends Error {
    readonly name: "ClosedError";
}

/**
 * The replica has retired, or cannot.
 */
export interface RetiredError extends Error {
    readonly name: "RetiredError";
}

/**
 * Another write was committed under the id of this one, because the replica's storage was a copy. It was offered again
 * before, under an id that is not known here.
 */
export interface DisplacedError extends Error {
    readonly name: "DisplacedError";
}

/**
 * A write was refused before it was accepted; nothing has changed.
 */
export interface DraftError extends Error {
    readonly name: "DraftError";
}

/**
 * A query is over a limit.
 */
export interface QueryError extends Error {
    readonly name: "QueryError";
}

/**
 * A file was not written, or not imported; then nothing has changed. The message says why, and `lacking` what is not held
 * here, each in words.
 */
export interface TransferError extends Error {
    readonly name: "TransferError";
    readonly kind: TransferErrorKind;
    readonly lacking: readonly string[];
}

/**
 * There is no booking of that id to be cancelled, or it is cancelled already.
 */
export interface CancelError extends Error {
    readonly name: "CancelError";
}
"#;

/// Why a call of the API failed.
pub(crate) enum ApiError {
    /// An argument is not of the documented shape: a defect of the calling code.
    Input(InputError),
    /// The relay's address is none.
    Relay(RelayUrlError),
    /// Opening needs a lock.
    Lock(LockError),
    /// Opening needs storage.
    Storage(StorageError),
    /// Writing has stopped.
    Stopped(Failure),
    /// The replica has no id yet; `reason` says what keeps it from getting one, if that is known.
    NotReady { reason: Option<String> },
    /// The replica was closed.
    Closed,
    /// It has retired, or cannot.
    Retire(RetireError),
    /// A write lost its place.
    Displaced,
    /// The engine does not accept the draft.
    Submit(SubmitError),
    /// The engine does not accept the query.
    Query(QueryError),
    /// No file was exported or imported.
    Transfer(TransferFailed),
    /// Fields of a form.
    Validation(Vec<FieldError>),
    /// Nothing to cancel.
    Cancel(String),
    /// The caller's signal was aborted; this is its reason, which is thrown as it is.
    Aborted(JsValue),
}

impl From<ApiError> for JsValue {
    fn from(error: ApiError) -> Self {
        let kind = |kind: FailureKind| Self::from(plain(&data::FailureKind::from(kind)));
        match error {
            ApiError::Input(error) => TypeError::new(&error.to_string()).into(),
            ApiError::Relay(error) => TypeError::new(&error.to_string()).into(),
            ApiError::Lock(error) => {
                named("StorageError", &error.to_string(), &[("kind", kind(FailureKind::Insecure))])
            }
            ApiError::Storage(error) => {
                let failure = Failure::from(&error);
                let mut properties = vec![("kind", kind(failure.kind)), ("cause", Self::from_str(&error.detail))];
                properties.extend(error.answered.map(|answered| ("answered", answered.into())));
                named("StorageError", &failure.message, &properties)
            }
            ApiError::Stopped(failure) => named("StoppedError", &failure.message, &[("kind", kind(failure.kind))]),
            ApiError::NotReady { reason } => {
                let message = reason.unwrap_or_else(|| SubmitError::NotReady.to_string());
                named("NotReadyError", &message, &[])
            }
            ApiError::Closed => named("ClosedError", "This replica was closed.", &[]),
            ApiError::Retire(error) => named("RetiredError", &error.to_string(), &[]),
            ApiError::Displaced => {
                let message =
                    "Another write was committed under this one's id. It was offered again under another one.";
                named("DisplacedError", message, &[])
            }
            ApiError::Submit(error) => named("DraftError", &error.to_string(), &[]),
            ApiError::Query(error) => named("QueryError", &error.to_string(), &[]),
            ApiError::Transfer(TransferFailed { kind, message, lacking }) => {
                let lacking: js_sys::Array = lacking.iter().map(|lack| Self::from_str(lack)).collect();
                named("TransferError", &message, &[("kind", plain(&kind).into()), ("lacking", lacking.into())])
            }
            ApiError::Validation(fields) => {
                let message = fields.iter().map(|field| field.message.as_str()).collect::<Vec<_>>().join(" ");
                let fields: js_sys::Array = fields.iter().map(|field| Self::from(plain(field))).collect();
                named("ValidationError", &message, &[("fields", fields.into())])
            }
            ApiError::Cancel(message) => named("CancelError", &message, &[]),
            ApiError::Aborted(reason) => reason,
        }
    }
}

fn named(name: &str, message: &str, properties: &[(&str, JsValue)]) -> JsValue {
    let error = Error::new(message);
    error.set_name(name);
    for (name, value) in properties {
        platform::set(&error, name, value);
    }
    error.into()
}

impl From<InputError> for ApiError {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl From<RelayUrlError> for ApiError {
    fn from(error: RelayUrlError) -> Self {
        Self::Relay(error)
    }
}

impl From<LockError> for ApiError {
    fn from(error: LockError) -> Self {
        Self::Lock(error)
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::NotReady => Self::NotReady { reason: None },
            SubmitError::Retired => Self::Retire(error.into()),
            error => Self::Submit(error),
        }
    }
}

impl From<RetireError> for ApiError {
    fn from(error: RetireError) -> Self {
        match error {
            RetireError::Submit(error) => error.into(),
            error => Self::Retire(error),
        }
    }
}

impl From<TransferFailed> for ApiError {
    fn from(failed: TransferFailed) -> Self {
        Self::Transfer(failed)
    }
}

impl From<ReaderStateError> for ApiError {
    fn from(error: ReaderStateError) -> Self {
        match error {
            ReaderStateError::NotCreated => Self::NotReady { reason: None },
            error => TransferFailed::of_reader_state(&error).into(),
        }
    }
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::NotCreated => Self::NotReady { reason: None },
            error => TransferFailed::of_export(&error).into(),
        }
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::NotCreated => Self::NotReady { reason: None },
            error => TransferFailed::of_import(&error).into(),
        }
    }
}

impl From<SalvageError> for ApiError {
    fn from(error: SalvageError) -> Self {
        match error {
            SalvageError::NotCreated => Self::NotReady { reason: None },
            error => TransferFailed::of_salvage(&error).into(),
        }
    }
}

impl From<RecoverError> for ApiError {
    fn from(error: RecoverError) -> Self {
        TransferFailed::of_damage(&error).into()
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}
