//! Files for who looks on from elsewhere: what the replica exports, one file for each request.

use bayou_core::{ExportError, ReaderState, Replica};
use tokio::sync::oneshot;

/// How large a file becomes. It is made in the database's own task, which does nothing else meanwhile; who lacks more asks
/// again, with what it then holds.
const FILE_BYTES_MAX: usize = 1024 * 1024;

/// Somebody lacks what is here.
#[derive(Debug)]
pub(crate) struct ExportRequest {
    /// What they hold; `None` is nothing.
    pub(crate) reader: Option<Box<ReaderState>>,
    pub(crate) answer: oneshot::Sender<Result<Vec<u8>, ExportError>>,
}

/// Requests that wait: a replica exports only when all that it holds is stored.
#[derive(Debug, Default)]
pub(super) struct Exports(Vec<ExportRequest>);

impl Exports {
    /// Answers a request, or lets it wait.
    pub(super) fn take(&mut self, request: ExportRequest, replica: &Replica) {
        match next_file(replica, request.reader.as_deref()) {
            Err(ExportError::NotSaved { .. }) => self.0.push(request),
            // Who does not wait any more needs no answer.
            told => {
                let _ = request.answer.send(told);
            }
        }
    }

    /// Answers those that wait, as far as all is stored.
    pub(super) fn handle_stored(&mut self, replica: &Replica) {
        for request in std::mem::take(&mut self.0) {
            if !request.answer.is_closed() {
                self.take(request, replica);
            }
        }
    }
}

/// The first file of the chain that brings a reader all that it lacks.
fn next_file(replica: &Replica, reader: Option<&ReaderState>) -> Result<Vec<u8>, ExportError> {
    let first = |bytes_max| {
        let mut files = replica.export(reader, bytes_max)?;
        files.next().expect("a chain has at least one file")
    };
    match first(FILE_BYTES_MAX) {
        // A version vector of very many replicas stands in it twice.
        Err(ExportError::FileTooSmall { bytes, .. }) => first(bytes),
        file => file,
    }
}

#[cfg(test)]
mod tests {
    use bayou_core::{DatabaseId, DatabaseName, Options, Output, ReadOnlyCopy};
    use futures_util::FutureExt;

    use super::*;

    fn request() -> (ExportRequest, oneshot::Receiver<Result<Vec<u8>, ExportError>>) {
        let (answer, answered) = oneshot::channel();
        (ExportRequest { reader: None, answer }, answered)
    }

    #[test]
    fn a_request_waits_until_all_is_stored() {
        let name = DatabaseName::parse("demo").expect("a name");
        let (mut replica, outputs) = Replica::found(Options::default(), DatabaseId::from_random([7; 16]), name);
        let batches = outputs.into_iter().filter_map(|output| match output {
            Output::Persist(batch) => Some(batch.number),
            _ => None,
        });
        let last = batches.last().expect("a foundation is stored");
        let mut exports = Exports::default();
        let ((first, mut answered), (given_up, gone)) = (request(), request());
        exports.take(first, &replica);
        exports.take(given_up, &replica);
        drop(gone);
        exports.handle_stored(&replica);
        assert!((&mut answered).now_or_never().is_none());
        assert_eq!(exports.0.len(), 1, "who has given up is not waited for");

        let mut outputs = replica.handle_persisted(last).into_iter();
        assert!(outputs.all(|output| matches!(output, Output::Event(_))));
        exports.handle_stored(&replica);
        let file = answered.now_or_never().expect("an answer").expect("it is not dropped").expect("a file");
        assert!(ReadOnlyCopy::open([file]).expect("a file that can be read").is_whole());
        assert!(exports.0.is_empty());
    }
}
