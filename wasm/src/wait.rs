//! Waiting: for the first of some browser events, with a deadline, or until a caller's `AbortSignal` fires.

use std::{
    cell::RefCell,
    future::Future,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
};

use bayou_core::Millis;
use futures_channel::oneshot;
use gloo::{events::EventListener, timers::callback::Timeout};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortSignal, Event, EventTarget, MessageChannel};

use crate::platform;

/// The first of some events of one target, or `None` if none comes in time. It listens from its creation on, not only
/// when it is polled.
pub(crate) struct FirstEvent {
    arrived: oneshot::Receiver<Option<Event>>,
    _listeners: Vec<EventListener>,
    _deadline: Option<Timeout>,
}

impl FirstEvent {
    pub(crate) fn of(target: &EventTarget, names: &[&'static str], milliseconds: Option<u32>) -> Self {
        let (sender, arrived) = oneshot::channel();
        let sender = Rc::new(RefCell::new(Some(sender)));
        let arrive = move |event| {
            if let Some(sender) = sender.take() {
                // Nobody waits any longer when the receiver is gone.
                let _ = sender.send(event);
            }
        };
        let listeners = names.iter().map(|name| {
            let arrive = arrive.clone();
            EventListener::once(target, *name, move |event| arrive(Some(event.clone())))
        });
        let listeners = listeners.collect();
        let deadline = milliseconds.map(|milliseconds| Timeout::new(milliseconds, move || arrive(None)));
        Self { arrived, _listeners: listeners, _deadline: deadline }
    }
}

impl Future for FirstEvent {
    type Output = Option<Event>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        // The listeners, and with them the sender, live as long as this future: it is never cancelled.
        Pin::new(&mut self.arrived).poll(context).map(Result::unwrap_or_default)
    }
}

/// Completes after so many milliseconds.
pub(crate) struct Sleep {
    over: oneshot::Receiver<()>,
    _timeout: Timeout,
}

impl Sleep {
    pub(crate) fn new(milliseconds: u32) -> Self {
        let (sender, over) = oneshot::channel();
        let timeout = Timeout::new(milliseconds, move || {
            let _ = sender.send(());
        });
        Self { over, _timeout: timeout }
    }
}

impl Future for Sleep {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.over).poll(context).map(drop)
    }
}

/// Lets the browser do what else waits for the thread. (A timer would wait for 4 ms each time.)
pub(crate) struct Turns(MessageChannel);

impl Turns {
    pub(crate) fn new() -> Self {
        let channel = MessageChannel::new().expect("a channel can always be made");
        channel.port1().start();
        Self(channel)
    }

    /// Completes in a task of its own, after those that wait already.
    pub(crate) async fn next(&self) {
        let arrived = FirstEvent::of(&self.0.port1(), &["message"], None);
        // Nothing is sent that could fail to be copied.
        let _ = self.0.port2().post_message(&JsValue::UNDEFINED);
        arrived.await;
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.0.port1().close();
    }
}

/// Long work in slices, so that the page's thread is never held for long.
pub(crate) struct Slices {
    turns: Turns,
    begun: Millis,
}

/// For so long the thread is held at a time, and a step of the work more.
const SLICE_MS: u64 = 8;

impl Slices {
    pub(crate) fn new() -> Self {
        Self { turns: Turns::new(), begun: platform::now() }
    }

    /// Whether the work is to rest.
    pub(crate) fn is_over(&self) -> bool {
        platform::now().0 >= self.begun.0 + SLICE_MS
    }

    /// Lets the browser do what else waits, and begins the next slice.
    pub(crate) async fn next(&mut self) {
        self.turns.next().await;
        self.begun = platform::now();
    }
}

/// Which of two futures ended first.
pub(crate) enum Either<A, B> {
    First(A),
    Second(B),
}

/// Waits for whichever ends first; the other is dropped, and with it all it holds.
pub(crate) async fn either<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    std::future::poll_fn(move |context| {
        if let Poll::Ready(value) = first.as_mut().poll(context) {
            return Poll::Ready(Either::First(value));
        }
        second.as_mut().poll(context).map(Either::Second)
    })
    .await
}

/// Waits for both.
pub(crate) async fn both<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut of_first, mut of_second) = (None, None);
    std::future::poll_fn(move |context| {
        if of_first.is_none()
            && let Poll::Ready(value) = first.as_mut().poll(context)
        {
            of_first = Some(value);
        }
        if of_second.is_none()
            && let Poll::Ready(value) = second.as_mut().poll(context)
        {
            of_second = Some(value);
        }
        match (of_first.take(), of_second.take()) {
            (Some(first), Some(second)) => Poll::Ready((first, second)),
            (first, second) => {
                (of_first, of_second) = (first, second);
                Poll::Pending
            }
        }
    })
    .await
}

/// The future's value, or `None` if it takes longer than this.
pub(crate) async fn within<F: Future>(milliseconds: u32, future: F) -> Option<F::Output> {
    match either(future, Sleep::new(milliseconds)).await {
        Either::First(value) => Some(value),
        Either::Second(()) => None,
    }
}

/// The future's value, or the signal's reason as soon as it is aborted.
pub(crate) async fn unless_aborted<F: Future>(signal: Option<&AbortSignal>, future: F) -> Result<F::Output, JsValue> {
    let Some(signal) = signal else { return Ok(future.await) };
    if signal.aborted() {
        return Err(signal.reason());
    }
    match either(future, FirstEvent::of(signal, &["abort"], None)).await {
        Either::First(value) => Ok(value),
        Either::Second(_) => Err(signal.reason()),
    }
}

/// Runs a future in the background.
///
/// Boxed here, so that the executor is compiled once and not once for each kind of future.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(future);
    spawn_local(future);
}

/// A promise with the two functions that settle it.
pub(crate) struct Deferred {
    pub(crate) promise: Promise,
    resolve: js_sys::Function,
    reject: js_sys::Function,
}

impl Deferred {
    pub(crate) fn new() -> Self {
        let mut functions = None;
        let promise = Promise::new(&mut |resolve, reject| functions = Some((resolve, reject)));
        let (resolve, reject) = functions.expect("a promise calls its executor before its constructor returns");
        Self { promise, resolve, reject }
    }

    pub(crate) fn resolve(&self, value: &JsValue) {
        // The functions that settle a promise never throw.
        let _ = self.resolve.call1(&JsValue::UNDEFINED, value);
    }

    pub(crate) fn reject(&self, reason: &JsValue) {
        let _ = self.reject.call1(&JsValue::UNDEFINED, reason);
    }
}
