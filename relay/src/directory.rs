//! Which databases there are, and which of them are running.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bayou_core::DatabaseName;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::task::TaskTracker;

use crate::{
    database::{self, Command, Database},
    options::Options,
    retention::Ages,
    store::{Store, StoreError},
};

/// Finds a database's task, and starts it where none is running.
#[derive(Debug)]
pub(crate) struct Directory {
    store: Arc<dyn Store>,
    options: Arc<Options>,
    tasks: TaskTracker,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// All names that the store holds or that were opened since; those alone count against the limit.
    known: BTreeSet<DatabaseName>,
    running: HashMap<DatabaseName, Database>,
    /// What is known of the ages of commits in databases that are not running.
    ages: HashMap<DatabaseName, Ages>,
    closed: bool,
}

/// Why a database is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenRefused {
    /// It is new, and the relay holds as many as it may.
    TooMany,
    /// The relay shuts down.
    ShuttingDown,
}

impl Directory {
    /// A directory of what the store holds.
    pub(crate) async fn load(store: Arc<dyn Store>, options: Arc<Options>) -> Result<Arc<Self>, StoreError> {
        let known = store.databases().await?.into_iter().map(|database| database.name).collect();
        let state = Mutex::new(State { known, ..State::default() });
        Ok(Arc::new(Self { store, options, tasks: TaskTracker::new(), started: Instant::now(), state }))
    }

    /// The database of this name, which is founded if there is none.
    pub(crate) fn open(self: &Arc<Self>, name: &DatabaseName) -> Result<Database, OpenRefused> {
        let mut state = self.lock();
        if !state.known.contains(name) {
            if state.known.len() >= self.options.databases_max {
                return Err(OpenRefused::TooMany);
            }
            state.known.insert(name.clone());
        }
        self.run(&mut state, name)
    }

    /// The database of this name if there is one.
    pub(crate) fn open_known(self: &Arc<Self>, name: &DatabaseName) -> Option<Result<Database, OpenRefused>> {
        let mut state = self.lock();
        state.known.contains(name).then(|| self.run(&mut state, name))
    }

    /// Lets the tasks end, each after it has stored what is on its way, and waits for that.
    pub(crate) async fn close(&self) {
        {
            let mut state = self.lock();
            state.closed = true;
            state.running.clear();
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Keeps what is known of the ages of a database's commits until it is opened again.
    pub(crate) fn keep_ages(&self, name: &DatabaseName, ages: Ages) {
        self.lock().ages.insert(name.clone(), ages);
    }

    pub(crate) fn take_ages(&self, name: &DatabaseName) -> Ages {
        self.lock().ages.remove(name).unwrap_or_default()
    }

    /// Takes an idle database out, unless somebody is about to use it. Its task ends if this returns `true`.
    ///
    /// A sender comes only from this directory or from another sender. So if the directory's own is the last, seen
    /// under the lock, none can appear, and what the others had sent is in the queue.
    pub(crate) fn release_idle(&self, name: &DatabaseName, commands: &mpsc::Receiver<Command>) -> bool {
        let mut state = self.lock();
        let idle = state.running.get(name).is_none_or(|database| database.is_last() && commands.is_empty());
        if idle {
            state.running.remove(name);
        }
        idle
    }

    /// Takes out a database whose task has ended, so that the next to ask for it starts another.
    pub(crate) fn forget_closed(&self, name: &DatabaseName) {
        let mut state = self.lock();
        if state.running.get(name).is_some_and(Database::is_closed) {
            state.running.remove(name);
        }
    }

    fn run(self: &Arc<Self>, state: &mut State, name: &DatabaseName) -> Result<Database, OpenRefused> {
        if state.closed {
            return Err(OpenRefused::ShuttingDown);
        }
        if let Some(running) = state.running.get(name)
            && !running.is_closed()
        {
            return Ok(running.clone());
        }
        let database = database::spawn(self, name.clone());
        state.running.insert(name.clone(), database.clone());
        Ok(database)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bayou_core::StoredBatch;
    use futures_util::{FutureExt, future::BoxFuture};
    use tokio::{sync::Semaphore, task::yield_now};

    use super::*;
    use crate::store::{StoredDatabase, memory::MemoryStore};

    /// Lets an append pass for each permit.
    #[derive(Debug)]
    struct GatedStore {
        inner: MemoryStore,
        gate: Semaphore,
    }

    impl Store for GatedStore {
        fn databases(&self) -> BoxFuture<'_, Result<Vec<StoredDatabase>, StoreError>> {
            self.inner.databases()
        }

        fn read(
            &self,
            name: DatabaseName,
            after: u64,
            bytes_max: usize,
        ) -> BoxFuture<'_, Result<Vec<StoredBatch>, StoreError>> {
            self.inner.read(name, after, bytes_max)
        }

        fn append(&self, database: StoredDatabase, batches: Vec<StoredBatch>) -> BoxFuture<'_, Result<(), StoreError>> {
            async move {
                self.gate.acquire().await.map_err(StoreError::failed)?.forget();
                self.inner.append(database, batches).await
            }
            .boxed()
        }

        fn cut(&self, name: DatabaseName, number: u64) -> BoxFuture<'_, Result<(), StoreError>> {
            self.inner.cut(name, number)
        }

        fn forget(&self, name: DatabaseName, before: u64) -> BoxFuture<'_, Result<(), StoreError>> {
            self.inner.forget(name, before)
        }
    }

    fn name() -> DatabaseName {
        DatabaseName::parse("demo").unwrap()
    }

    /// Lets the tasks of this (single-threaded) runtime go as far as they can.
    async fn let_tasks_run() {
        for _ in 0..100 {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn closing_stores_what_is_at_the_store_and_what_waits_behind_it() {
        let store = Arc::new(GatedStore { inner: MemoryStore::new(), gate: Semaphore::new(0) });
        let directory = Directory::load(store.clone(), Arc::new(Options::default())).await.unwrap();
        let database = directory.open(&name()).unwrap();
        let_tasks_run().await;
        // The founding stands before the gate; a pause is given out behind it. Nobody waits for the answer.
        assert!(database.pause_commits(true).now_or_never().is_none());
        drop(database);
        let_tasks_run().await;

        let opened = async {
            let_tasks_run().await;
            store.gate.add_permits(2);
        };
        tokio::join!(directory.close(), opened);
        assert_eq!(store.read(name(), 0, usize::MAX).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_database_is_released_only_when_nobody_can_send_to_it() {
        let directory = Directory::load(Arc::new(MemoryStore::new()), Arc::new(Options::default())).await.unwrap();
        let (database, mut commands) = Database::new();
        directory.lock().running.insert(name(), database);

        let held = directory.lock().running.get(&name()).cloned().unwrap();
        assert!(!directory.release_idle(&name(), &commands), "somebody holds a sender");
        assert!(held.describe().now_or_never().is_none());
        drop(held);
        assert!(!directory.release_idle(&name(), &commands), "a command waits");
        drop(commands.try_recv().unwrap());
        assert!(directory.release_idle(&name(), &commands));
        assert!(directory.lock().running.is_empty());
    }

    #[tokio::test]
    async fn a_closed_directory_opens_nothing() {
        let directory = Directory::load(Arc::new(MemoryStore::new()), Arc::new(Options::default())).await.unwrap();
        directory.close().await;
        assert_eq!(directory.open(&name()).unwrap_err(), OpenRefused::ShuttingDown);
    }
}
