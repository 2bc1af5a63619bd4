//! The queue between a database and one of its sockets, bounded in bytes.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::close::Close;

/// What a queued frame costs beside its bytes, so that many empty frames have a bound too.
const FRAME_OVERHEAD_BYTES: usize = 64;

/// Makes a queue that holds at most `bytes_max`, frames on their way into the socket included.
pub(crate) fn queue(bytes_max: usize) -> (Outbound, OutboundQueue) {
    let (items, queued) = mpsc::unbounded_channel();
    let (abort, aborted) = oneshot::channel();
    let budget = Arc::new(Semaphore::new(bytes_max.min(Semaphore::MAX_PERMITS)));
    (Outbound { items, budget, abort }, OutboundQueue { items: queued, aborted })
}

/// The database's end.
#[derive(Debug)]
pub(crate) struct Outbound {
    /// The channel itself needs no bound: every frame in it holds its share of the budget.
    items: mpsc::UnboundedSender<Item>,
    budget: Arc<Semaphore>,
    abort: oneshot::Sender<Close>,
}

/// The socket's end.
#[derive(Debug)]
pub(crate) struct OutboundQueue {
    pub(crate) items: mpsc::UnboundedReceiver<Item>,
    /// Set when the socket must end though frames are queued.
    pub(crate) aborted: oneshot::Receiver<Close>,
}

/// What the socket is to do next.
#[derive(Debug)]
pub(crate) enum Item {
    /// Send this, and give its share of the budget back when it is with the operating system.
    Frame(Bytes, OwnedSemaphorePermit),
    /// All that was queued before is sent: close.
    Close(Close),
}

/// The peer reads more slowly than it is sent to, by more than the queue holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct QueueFull;

impl Outbound {
    /// Queues one frame. A socket that has gone meanwhile is no error: its own end is reported separately.
    pub(crate) fn transmit(&self, frame: Vec<u8>) -> Result<(), QueueFull> {
        let share = u32::try_from(frame.len() + FRAME_OVERHEAD_BYTES).map_err(|_| QueueFull)?;
        let permit = Arc::clone(&self.budget).try_acquire_many_owned(share).map_err(|_| QueueFull)?;
        let _ = self.items.send(Item::Frame(frame.into(), permit));
        Ok(())
    }

    /// Closes the socket after what is queued.
    pub(crate) fn close(self, close: Close) {
        let _ = self.items.send(Item::Close(close));
    }

    /// Closes the socket at once.
    pub(crate) fn abort(self, close: Close) {
        let _ = self.abort.send(close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_queue_takes_frames_up_to_its_bytes_and_again_when_they_are_sent() {
        let (outbound, mut queue) = queue(2 * (100 + FRAME_OVERHEAD_BYTES));
        outbound.transmit(vec![1; 100]).unwrap();
        outbound.transmit(vec![2; 100]).unwrap();
        assert_eq!(outbound.transmit(Vec::new()), Err(QueueFull));
        drop(queue.items.recv().await);
        outbound.transmit(vec![3; 100]).unwrap();
    }
}
