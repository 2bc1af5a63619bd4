//! Files in place of links.

use std::rc::Rc;

use bayou_core::{Export, ExportError, ImportError, ReaderState, ReaderStateError, RecoverError, SalvageError};
use js_sys::{Array, Function, Promise, Uint8Array};
use serde::Serialize;
use tsify::Tsify;
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::{
    ApiError, Replica,
    data::plain,
    input::Input,
    promise::promise,
    replica::{call, waited},
};

/// A file is read and written as a whole, in the memory that the replica itself needs.
pub(super) const FILE_BYTES_MAX: usize = 256 * 1024 * 1024;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/**
 * For whom a file is written.
 */
export interface ExportOptions {
    /** What the reader holds, from its {@link Replica.readerState}. Without it the file is for whoever has nothing. */
    reader?: Uint8Array;
}

export interface ImportOptions {
    /** Called now and then while a large file is imported, with the part that is done: from 0 to 1. */
    progress?: ((part: number) => void) | undefined;
}

export interface Replica {
    /**
     * Writes what this replica holds and the reader lacks into a file, for {@link Replica.importFile} there. With
     * `bytesMax` it becomes as many files as that takes, none of which is larger: each is imported after the one before
     * it. Waits until all that is told is stored on this device. Rejects with a `TransferError`, `NotReadyError`,
     * `StoppedError` or `ClosedError`.
     */
    exportFile(options?: ExportOptions & { bytesMax?: undefined }): Promise<Blob>;
    exportFile(options: ExportOptions & { bytesMax: number }): Promise<Blob[]>;
}
"#;

#[wasm_bindgen]
impl Replica {
    /// What this replica holds, for another one to export what it lacks. Waits until it is stored on this device. Rejects
    /// with a `TransferError`, `NotReadyError`, `StoppedError` or `ClosedError`.
    #[wasm_bindgen(js_name = readerState, unchecked_return_type = "Promise<Uint8Array>")]
    pub fn reader_state(&self) -> Promise {
        let host = Rc::clone(self.host());
        promise(async move {
            let state = host.reader_state().await??;
            Ok(Uint8Array::from(&*state.to_bytes()).into())
        })
    }

    /// See the interface above: TypeScript is told of two ways to call it.
    #[wasm_bindgen(js_name = exportFile, skip_typescript)]
    pub fn export_file(&self, options: JsValue) -> Promise {
        let host = Rc::clone(self.host());
        promise(async move {
            let ExportOptions { reader, bytes_max } = ExportOptions::read(options)?;
            let files = host.export(reader.as_ref(), bytes_max.unwrap_or(FILE_BYTES_MAX), write_all).await??;
            if bytes_max.is_some() {
                return Ok(files.into());
            }
            match files.length() {
                1 => Ok(files.get(0)),
                _ => Err(TransferFailed::too_large().into()),
            }
        })
    }

    /// Imports a file that another replica of this database exported. Resolves when what it brought is stored on this
    /// device. Rejects with a `TransferError` where the file cannot be used here, and then nothing has changed, or with a
    /// `NotReadyError`, `StoppedError` or `ClosedError`.
    #[wasm_bindgen(js_name = importFile, unchecked_return_type = "Promise<ImportedFile>")]
    pub fn import_file(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Blob | Uint8Array")] file: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "ImportOptions")] options: JsValue,
    ) -> Promise {
        let host = Rc::clone(self.host());
        promise(async move {
            let progress = import_progress(options)?;
            let bytes = read_file(&Input::argument("file", file)).await?;
            #[expect(clippy::cast_precision_loss, reason = "twice the largest file is far below 2^53")]
            let tell = |done, all| call(progress.as_ref(), done as f64 / all as f64);
            let (import, stored) = host.import(&bytes, &tell).await?;
            waited(stored).await?;
            Ok(plain(&ImportedFile::from(import)).into())
        })
    }
}

/// What an imported file brought.
#[derive(Serialize, Tsify)]
pub struct ImportedFile {
    /// The place of the file in its chain, from 1.
    pub number: u32,
    /// The chain goes on with another file.
    pub more: bool,
    /// How many writes were new here, those aside that are in the data of a truncated log.
    pub writes: usize,
    /// How many commits were new here, likewise.
    pub commits: usize,
    /// The data as of the commit of this number took the place of what was committed here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub installed: Option<u64>,
    /// All that the file brings is held here. Otherwise something was left out: `stopped` says why, or a replica that is
    /// met over a link knows better.
    pub complete: bool,
    /// Where the file contradicts what was held here, so that what follows in it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub stopped: Option<String>,
}

impl From<bayou_core::Import> for ImportedFile {
    fn from(import: bayou_core::Import) -> Self {
        let bayou_core::Import { number, more, writes, commits, installed, complete, stopped } = import;
        let (installed, stopped) = (installed.map(bayou_core::Csn::get), stopped.map(|reason| reason.to_string()));
        Self { number, more, writes, commits, installed, complete, stopped }
    }
}

/// What kind of obstacle there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Tsify)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TransferErrorKind {
    /// The bytes are no file, are damaged, or are of another version.
    Damaged,
    /// They are of another database.
    OtherDatabase,
    /// The file presupposes what is not held here: `lacking` says what.
    Lacking,
    /// Reader and writer contradict each other.
    Contradiction,
    /// It is too large, or the files may not be large enough.
    Size,
}

/// Why nothing was exported or imported.
pub(crate) struct TransferFailed {
    pub(super) kind: TransferErrorKind,
    pub(super) message: String,
    /// What is lacking, each in words.
    pub(super) lacking: Vec<String>,
}

impl TransferFailed {
    fn new(kind: TransferErrorKind, message: String) -> Self {
        Self { kind, message, lacking: Vec::new() }
    }

    fn too_large() -> Self {
        let mib = FILE_BYTES_MAX / 1024 / 1024;
        Self::new(
            TransferErrorKind::Size,
            format!("A file has at most {mib} MiB here; several are needed: give `bytesMax`."),
        )
    }

    fn unreadable(error: &JsValue) -> Self {
        let detail = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message())).unwrap_or_default();
        Self::new(TransferErrorKind::Damaged, format!("The file cannot be read; choose it again. {detail}"))
    }

    /// The engine's reason for a file that is not imported.
    pub(super) fn of_import(error: &ImportError) -> Self {
        use TransferErrorKind as Kind;
        let (kind, lacking) = match error {
            ImportError::OtherDatabase { .. } | ImportError::OtherName { .. } => (Kind::OtherDatabase, Vec::new()),
            ImportError::Lacking { lacks, .. } => (Kind::Lacking, lacks.iter().map(ToString::to_string).collect()),
            ImportError::LackingData { .. } => (Kind::Lacking, vec!["the files before it in its chain".to_owned()]),
            ImportError::CommittedOrdersDiffer(_) => (Kind::Contradiction, Vec::new()),
            _ => (Kind::Damaged, Vec::new()),
        };
        Self { kind, message: format!("The file was not imported, and nothing has changed: {error}."), lacking }
    }

    /// The engine's reason for not saying what it holds.
    pub(super) fn of_reader_state(error: &ReaderStateError) -> Self {
        Self::new(TransferErrorKind::Size, format!("No file can be made for this replica: {error}."))
    }

    /// The engine's reason for taking nothing over from a damaged store.
    pub(super) fn of_salvage(error: &SalvageError) -> Self {
        Self::new(TransferErrorKind::OtherDatabase, format!("Nothing was taken over: {error}."))
    }

    /// The engine's reason for making no copy of a damaged store.
    pub(super) fn of_damage(error: &RecoverError) -> Self {
        let message = format!("Nothing was exported, for not even the beginning of it can be read: {error}.");
        Self::new(TransferErrorKind::Damaged, message)
    }

    /// The engine's reason for files that are not written.
    pub(super) fn of_export(error: &ExportError) -> Self {
        use TransferErrorKind as Kind;
        let kind = match error {
            ExportError::OtherDatabase { .. } => Kind::OtherDatabase,
            ExportError::OlderTerm { .. } | ExportError::CommittedOrdersDiffer(_) => Kind::Contradiction,
            _ => Kind::Size,
        };
        Self::new(kind, format!("Nothing was exported: {error}."))
    }
}

struct ExportOptions {
    reader: Option<ReaderState>,
    bytes_max: Option<usize>,
}

impl ExportOptions {
    fn read(options: JsValue) -> Result<Self, ApiError> {
        let options = Input::argument("options", options);
        if options.is_missing() {
            return Ok(Self { reader: None, bytes_max: None });
        }
        options.only(&["reader", "bytesMax"])?;
        let reader =
            options.optional("reader", |reader| reader.bytes().ok_or_else(|| reader.error("bytes are expected")))?;
        // It comes from another person, by whatever way.
        let reader = reader.map(|bytes| ReaderState::from_bytes(&bytes)).transpose().map_err(|error| {
            let message = format!("What the reader says of itself cannot be used: {error}.");
            TransferFailed::new(TransferErrorKind::Damaged, message)
        })?;
        let bytes_max = options.optional("bytesMax", Input::unsigned)?.map(|bytes| bytes as usize);
        Ok(Self { reader, bytes_max: bytes_max.map(|bytes| bytes.min(FILE_BYTES_MAX)) })
    }
}

/// All files of a chain; each leaves this instance's memory when it is written.
pub(super) fn write_all(export: Export<'_>) -> Result<Array, ExportError> {
    let files = Array::new();
    for file in export {
        let bytes = Uint8Array::from(&*file?);
        let blob = Blob::new_with_u8_array_sequence(&Array::of1(&bytes)).expect("a blob can be made of bytes");
        files.push(&blob);
    }
    Ok(files)
}

fn import_progress(options: JsValue) -> Result<Option<Function>, ApiError> {
    let options = Input::argument("options", options);
    if options.is_missing() {
        return Ok(None);
    }
    options.only(&["progress"])?;
    Ok(options.optional("progress", |progress| progress.instance("a function is expected"))?)
}

/// So much of a file is copied at a time.
const PIECE_BYTES: u32 = 1024 * 1024;

/// A file is read as a whole.
pub(super) fn check_size(file: &Uint8Array) -> Result<(), ApiError> {
    if file.length() as usize > FILE_BYTES_MAX { Err(TransferFailed::too_large().into()) } else { Ok(()) }
}

async fn read_file(file: &Input<'_>) -> Result<Vec<u8>, ApiError> {
    let Some(blob) = file.value().dyn_ref::<Blob>() else {
        let array: Uint8Array = file.instance("a Blob, a File or a Uint8Array is expected")?;
        check_size(&array)?;
        return Ok(array.to_vec());
    };
    #[expect(clippy::cast_precision_loss, reason = "the bound is far below 2^53")]
    if blob.size() > FILE_BYTES_MAX as f64 {
        return Err(TransferFailed::too_large().into());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within the bound")]
    let size = blob.size() as u32;
    let mut bytes = Vec::with_capacity(size as usize);
    for from in (0..size).step_by(PIECE_BYTES as usize) {
        let to = size.min(from + PIECE_BYTES);
        let piece = blob.slice_with_f64_and_f64(f64::from(from), f64::from(to));
        let piece = piece.map(|piece| JsFuture::from(piece.array_buffer()));
        let piece = async { piece?.await }.await.map_err(|error| TransferFailed::unreadable(&error))?;
        bytes.extend(Uint8Array::new(&piece).to_vec());
    }
    Ok(bytes)
}
