//! Bytes read and written again: what golden bytes are checked with where there is no test, as in WebAssembly.

use crate::{file::WholeFile, reader::ReaderState, session::SessionToken, write::Body};

use super::{
    frame::Frame,
    record::{decode_batch, encode_batch},
};

/// Reads the bytes of a file of `core/vectors`, whose name tells what they are (a `frame-...`, `stored-...`, `body-...`, or
/// the `session`, behind `refused-` where they are to be refused), and writes them again.
///
/// # Errors
/// When they are refused, or the name tells nothing; in words.
pub fn reencoded(file: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let name = file.strip_prefix("refused-").unwrap_or(file);
    match name.split('-').next().unwrap_or(name) {
        "frame" => Frame::decode(bytes).map(|frame| frame.encode()).map_err(|error| error.to_string()),
        "stored" => decode_batch(bytes).map(|records| encode_batch(&records)).map_err(|error| error.to_string()),
        "body" => {
            let (_, kind) = Body::parse(bytes.into()).map_err(|error| error.to_string())?;
            Body::new(&kind).map(|body| body.bytes.to_vec()).map_err(|error| error.to_string())
        }
        "session" => SessionToken::from_bytes(bytes).map(|token| token.to_bytes()).map_err(|error| error.to_string()),
        "reader" => ReaderState::from_bytes(bytes).map(|state| state.to_bytes()).map_err(|error| error.to_string()),
        // How a file is divided into records is its writer's to decide: it is read whole, and not written again.
        "file" => WholeFile::read(bytes).map(|_| bytes.to_vec()).map_err(|error| error.to_string()),
        _ => Err(format!("{file} is of no kind that is known")),
    }
}
