//! A relay in the test's own process.

use std::{net::SocketAddr, sync::Arc};

use bayou_relay::{MemoryStore, Options, Store, StoreError, run};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::oneshot,
    task::JoinHandle,
};

use super::{client::NARROW_BYTES, within_deadline};

/// A relay that serves until it is stopped or dropped.
pub(crate) struct TestRelay {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), StoreError>>,
}

impl TestRelay {
    /// One with an empty store and the default options.
    pub(crate) async fn start() -> Self {
        Self::start_with(Arc::new(MemoryStore::new()), Options::default()).await
    }

    pub(crate) async fn start_with(store: Arc<dyn Store>, options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_at(listener, store, options)
    }

    /// One of whose connections the operating system buffers little, so that it does not read in a client's stead.
    pub(crate) async fn start_narrow(options: Options) -> Self {
        let listener = TcpSocket::new_v4().unwrap();
        listener.set_send_buffer_size(NARROW_BYTES).unwrap();
        listener.set_recv_buffer_size(NARROW_BYTES).unwrap();
        listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self::start_at(listener.listen(16).unwrap(), Arc::new(MemoryStore::new()), options)
    }

    fn start_at(listener: TcpListener, store: Arc<dyn Store>, options: Options) -> Self {
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(listener, store, options, async {
            // A test that drops the relay unstopped ends it too.
            let _ = stopped.await;
        }));
        Self { address, stop, task }
    }

    /// Stops it as a signal would.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        within_deadline("the relay stops", self.task).await.unwrap().unwrap();
    }
}
