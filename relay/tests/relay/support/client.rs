//! A client as a browser is one, without the browser: a real replica, a real socket, and storage that never fails.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use bayou_core::{
    DatabaseName, Draft, Event, Fields, Import, ImportError, Millis, Name, Options, Output, Outputs, PeerId, PeerKind,
    Predicate, Query, Replica, SUBPROTOCOL, StoredBatch, View, WriteId,
};
use futures_util::{SinkExt, StreamExt, future::join_all};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        handshake::client::{Request, Response},
    },
};

use super::{DEADLINE, note};

/// How a socket ended: code and reason, or `None` where no close frame came.
pub(crate) type Closed = Option<(u16, String)>;

/// A replica with at most one link, to a relay. What it asks to persist is in memory and counts as durable at once.
pub(crate) struct Client {
    pub(crate) replica: Replica,
    pub(crate) events: Vec<Event>,
    /// How the last link ended, if it has.
    pub(crate) closed: Option<Closed>,
    stored: Vec<StoredBatch>,
    pongs: usize,
    link: Option<Link>,
    peers: u64,
    started: Instant,
}

struct Link {
    peer: PeerId,
    socket: WebSocketStream<TcpStream>,
    outgoing: Vec<Message>,
}

impl Client {
    /// A replica that is still to be created.
    pub(crate) fn new(name: DatabaseName) -> Self {
        Self::with_replica(Replica::join(Options::default(), name))
    }

    /// A client on any replica whose outputs so far were performed.
    pub(crate) fn with_replica(replica: Replica) -> Self {
        Self {
            replica,
            events: Vec::new(),
            closed: None,
            stored: Vec::new(),
            pongs: 0,
            link: None,
            peers: 0,
            started: Instant::now(),
        }
    }

    /// A replica that has joined through this relay, and is connected to it.
    pub(crate) async fn joined(relay: SocketAddr, name: DatabaseName) -> Self {
        let mut client = Self::new(name);
        client.connect(relay).await;
        client.until("the replica is created", |client| client.replica.is_ready()).await;
        client
    }

    /// Opens a link to a relay.
    pub(crate) async fn connect(&mut self, relay: SocketAddr) {
        let socket = open_socket(relay, self.replica.name()).await;
        self.connect_over(socket);
    }

    /// Begins a session over an open socket.
    pub(crate) fn connect_over(&mut self, socket: WebSocketStream<TcpStream>) {
        self.disconnect();
        self.peers += 1;
        let peer = PeerId(self.peers);
        self.closed = None;
        self.link = Some(Link { peer, socket, outgoing: Vec::new() });
        let outputs = self.replica.handle_link_up(self.now(), peer, PeerKind::Elsewhere);
        self.perform(outputs);
    }

    /// Drops the connection without a farewell, as a network does.
    pub(crate) fn disconnect(&mut self) {
        if let Some(link) = self.link.take() {
            let outputs = self.replica.handle_link_down(self.now(), link.peer);
            self.perform(outputs);
        }
    }

    /// Accepts a write. It leaves with the next pumping.
    pub(crate) fn submit(&mut self, draft: Draft) -> WriteId {
        let (write, outputs) = self.replica.submit(draft).unwrap();
        self.perform(outputs);
        write
    }

    /// Imports a file.
    pub(crate) fn import(&mut self, file: &[u8]) -> Result<Import, ImportError> {
        let (import, outputs) = self.replica.import(file)?;
        self.perform(outputs);
        Ok(import)
    }

    /// Accepts so many writes of about so many bytes each.
    pub(crate) fn submit_many(&mut self, count: usize, bytes: usize) -> Vec<WriteId> {
        let own = self.replica.id().unwrap().to_string();
        let text = "x".repeat(bytes);
        (0..count)
            .map(|index| self.submit(note(&format!("{own}-{index}-{}", self.started.elapsed().as_nanos()), &text)))
            .collect()
    }

    /// Carries frames until the condition holds. A link that ends is noted in `closed`; it does not end the wait.
    pub(crate) async fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let pumping = async {
            while !condition(self) {
                self.pump().await;
            }
            // What the last step gave rise to leaves too: the other side waits for it.
            self.flush().await;
        };
        if timeout(DEADLINE, pumping).await.is_err() {
            panic!("waited {DEADLINE:?} for: {what}; closed: {:?}; {:?}", self.closed, self.replica.summary());
        }
    }

    /// Asks the relay's socket for a sign of life and waits for it: what the relay had sent before has then arrived.
    pub(crate) async fn round_trip(&mut self) {
        let pongs = self.pongs;
        self.socket().send(Message::Ping("are you there?".into())).await.unwrap();
        self.until("a pong", |client| client.pongs > pongs).await;
    }

    /// Carries frames until the link has ended, and tells how.
    pub(crate) async fn until_closed(&mut self) -> Closed {
        self.until("the link is closed", |client| client.closed.is_some()).await;
        self.closed.clone().unwrap()
    }

    /// Whether all own writes are committed and so many are committed altogether.
    pub(crate) fn has_all(&self, committed: u64) -> bool {
        self.replica.summary().tentative == 0 && self.replica.csn().get() == committed
    }

    /// Whether a relay has said that it has sent all that it held when the link came up.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::CaughtUp { .. }))
    }

    /// The committed order.
    pub(crate) fn committed(&self) -> Vec<WriteId> {
        let rows = self.replica.inspect(usize::MAX).log;
        rows.into_iter().filter(|row| row.committed.is_some()).map(|row| row.id).collect()
    }

    /// All notes of a view.
    pub(crate) fn notes(&self, view: View) -> BTreeMap<String, Fields> {
        let query = Query::new(Name::new("notes").unwrap(), Predicate::All);
        let rows = self.replica.read(view, &query).unwrap();
        rows.into_iter().map(|row| (row.key.as_str().to_owned(), row.tuple.fields.clone())).collect()
    }

    /// Those of the writes that the relay has acknowledged.
    pub(crate) fn acknowledged(&self, writes: &[WriteId]) -> Vec<WriteId> {
        let is_known = |write: &&WriteId| self.replica.status(write).is_some_and(|status| status.known_elsewhere);
        writes.iter().filter(is_known).cloned().collect()
    }

    /// The socket itself, to do with it what a replica would not.
    pub(crate) fn socket(&mut self) -> &mut WebSocketStream<TcpStream> {
        &mut self.link.as_mut().expect("the client is connected").socket
    }

    /// One step: sends what is to be sent, then waits for one message or for the replica's time.
    async fn pump(&mut self) {
        self.flush().await;
        let deadline = self.deadline();
        let Some(link) = &mut self.link else { return std::future::pending().await };
        tokio::select! {
            message = link.socket.next() => self.receive(message).await,
            () = sleep_until(deadline) => {
                let outputs = self.replica.handle_timeout(self.now());
                self.perform(outputs);
            }
        }
    }

    /// Sends what is to be sent.
    pub(crate) async fn flush(&mut self) {
        let Some(link) = &mut self.link else { return };
        for message in std::mem::take(&mut link.outgoing) {
            if link.socket.feed(message).await.is_err() {
                // How it ended is read from it.
                break;
            }
        }
        let _ = link.socket.flush().await;
    }

    async fn receive(&mut self, message: Option<Result<Message, Error>>) {
        let Some(link) = &mut self.link else { return };
        match message {
            Some(Ok(Message::Binary(frame))) => {
                let outputs = self.replica.handle_frame(Millis(millis(self.started)), link.peer, &frame);
                self.perform(outputs);
            }
            Some(Ok(Message::Close(frame))) => {
                let _ = link.socket.close(None).await;
                self.end(frame.map(|frame| (frame.code.into(), frame.reason.to_string())));
            }
            Some(Ok(Message::Pong(_))) => self.pongs += 1,
            Some(Ok(_)) => {}
            Some(Err(_)) | None => self.end(None),
        }
    }

    fn end(&mut self, closed: Closed) {
        self.disconnect();
        self.closed.get_or_insert(closed);
    }

    fn now(&self) -> Millis {
        Millis(millis(self.started))
    }

    fn deadline(&self) -> Instant {
        let far = Instant::now() + 2 * DEADLINE;
        self.replica.poll_timeout().map_or(far, |Millis(at)| self.started + Duration::from_millis(at))
    }

    fn perform(&mut self, mut outputs: Outputs) {
        loop {
            let mut stored_through = None;
            for output in outputs {
                match output {
                    Output::Persist(batch) => {
                        stored_through = Some(batch.number);
                        self.stored.push(batch);
                    }
                    Output::Transmit { peer, frame } => match &mut self.link {
                        Some(link) if link.peer == peer => link.outgoing.push(Message::Binary(frame.into())),
                        _ => {}
                    },
                    // The relay is told why by a farewell that was transmitted before; it closes the socket.
                    Output::Disconnect { .. } => {}
                    Output::Forget { before } => self.stored.retain(|batch| batch.number >= before),
                    Output::Event(event) => self.events.push(event),
                }
            }
            let Some(through) = stored_through else { return };
            outputs = self.replica.handle_persisted(through);
        }
    }
}

fn millis(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64
}

/// Pumps clients until each has all of `committed` writes, and checks that they agree in everything.
pub(crate) async fn converge(clients: &mut [&mut Client], committed: u64) {
    let what = format!("all clients have all {committed} commits");
    join_all(clients.iter_mut().map(|client| client.until(&what, |client| client.has_all(committed)))).await;
    let (first, others) = clients.split_first().unwrap();
    for other in others {
        assert_eq!(first.committed(), other.committed(), "one committed order");
        assert_eq!(first.notes(View::Committed), other.notes(View::Committed), "one committed view");
        assert_eq!(first.notes(View::Tentative), other.notes(View::Tentative), "one tentative view");
        assert_eq!(first.replica.version_vector(), other.replica.version_vector(), "one vector");
    }
}

/// A request for a database's socket, as a program sends it that is no browser.
pub(crate) fn upgrade_request(relay: SocketAddr, name: &str) -> Request {
    let mut request = format!("ws://{relay}/v1/databases/{name}/socket").into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().unwrap());
    request
}

/// Sends a request for a socket.
pub(crate) async fn handshake(
    relay: SocketAddr,
    request: Request,
) -> Result<(WebSocketStream<TcpStream>, Response), Error> {
    let connection = TcpStream::connect(relay).await.unwrap();
    // As browsers do: an acknowledgement does not wait for the one of the packet before.
    connection.set_nodelay(true).unwrap();
    client_async(request, connection).await
}

/// Opens a database's socket over a connection of which the operating system buffers little.
pub(crate) async fn open_narrow_socket(relay: SocketAddr, name: &DatabaseName) -> WebSocketStream<TcpStream> {
    let connection = TcpSocket::new_v4().unwrap();
    connection.set_send_buffer_size(NARROW_BYTES).unwrap();
    connection.set_recv_buffer_size(NARROW_BYTES).unwrap();
    let connection = connection.connect(relay).await.unwrap();
    client_async(upgrade_request(relay, name.as_str()), connection).await.unwrap().0
}

/// What the operating system may buffer on a narrow connection, at each side.
pub(crate) const NARROW_BYTES: u32 = 32 * 1024;

/// Opens a database's socket.
pub(crate) async fn open_socket(relay: SocketAddr, name: &DatabaseName) -> WebSocketStream<TcpStream> {
    let (socket, response) = handshake(relay, upgrade_request(relay, name.as_str())).await.unwrap();
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], SUBPROTOCOL);
    socket
}
