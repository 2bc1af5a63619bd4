//! The task that owns a database: waits for whatever comes first, and lets the host handle it.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bayou_core::{DatabaseName, StoredBatch};
use futures_util::{
    FutureExt,
    future::{BoxFuture, OptionFuture},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tracing::Instrument;

use super::{Command, Database, host::Host, load};
use crate::{
    close::Close,
    directory::Directory,
    store::{Store, StoreError, StoredDatabase},
};

/// Starts the task of one database. It takes commands at once; they wait until the database is loaded.
pub(crate) fn spawn(directory: &Arc<Directory>, name: DatabaseName) -> Database {
    let (database, mut commands) = Database::new();
    let tasks = directory.tasks().clone();
    let directory = Arc::clone(directory);
    let span = tracing::info_span!(parent: None, "database", %name);
    let task = async move {
        // A panic is a fault of this program. It costs this database its sockets, and them a reconnect: what was
        // acknowledged is stored, and the next one to connect has it recovered from there.
        let run = AssertUnwindSafe(run(&directory, &name, &mut commands)).catch_unwind();
        if run.await.is_err() {
            tracing::error!("the engine panicked; the database is closed and will be reopened from what is stored");
        }
        commands.close();
        directory.forget_closed(&name);
    };
    tasks.spawn(task.instrument(span));
    database
}

async fn run(directory: &Directory, name: &DatabaseName, commands: &mut mpsc::Receiver<Command>) {
    let store = directory.store();
    let loaded = match load::load(name.clone(), store, directory.options().replica).await {
        Ok(loaded) => loaded,
        Err(error) => {
            tracing::error!(%error, "the database cannot be opened");
            return;
        }
    };
    tracing::debug!(stored_through = loaded.stored_through, "opened");
    let options = directory.options();
    let mut host = Host::new(loaded, options.retention, directory.started(), directory.take_ages(name));
    match serve(&mut host, store, directory, commands).await {
        Ok(()) => {
            tracing::debug!("closed");
            directory.keep_ages(name, host.into_ages());
        }
        Err(error) => {
            tracing::error!(%error, "storing failed; the database is closed and will be reopened from what is stored");
            commands.close();
            host.close_links(&Close::FAILED);
        }
    }
}

/// Serves until the database is idle or all its senders are gone.
async fn serve(
    host: &mut Host,
    store: &Arc<dyn Store>,
    directory: &Directory,
    commands: &mut mpsc::Receiver<Command>,
) -> Result<(), StoreError> {
    let mut appending: OptionFuture<BoxFuture<'static, Result<u64, StoreError>>> = None.into();
    let mut is_appending = false;
    let mut forgetting: OptionFuture<BoxFuture<'static, Result<(), StoreError>>> = None.into();
    let mut is_forgetting = false;
    let idle_after = directory.options().idle_after;
    let mut idle_at = Instant::now() + idle_after;
    loop {
        // One append at a time: what the replica gives out meanwhile goes together in the next one, and when one
        // fails nothing is on the way behind it.
        if !is_appending && let Some(batches) = host.take_unstored() {
            appending = Some(append(Arc::clone(store), host.database.clone(), batches)).into();
            is_appending = true;
        }
        if !is_forgetting && let Some(before) = host.take_unforgotten() {
            forgetting = Some(forget(Arc::clone(store), host.database.name.clone(), before)).into();
            is_forgetting = true;
        }
        let deadline: OptionFuture<_> = host.deadline().map(sleep_until).into();
        tokio::select! {
            biased;
            Some(stored) = &mut appending, if is_appending => {
                is_appending = false;
                host.handle_stored(stored?);
            }
            Some(forgotten) = &mut forgetting, if is_forgetting => {
                is_forgetting = false;
                if let Err(error) = forgotten {
                    // They cost room and nothing else; the next ones that are not needed go together with them.
                    tracing::warn!(%error, "batches that are not needed any more could not be deleted");
                }
            }
            Some(()) = deadline => host.handle_deadline(),
            () = sleep_until(idle_at), if !host.has_links() && !is_appending && !is_forgetting => {
                if directory.release_idle(&host.database.name, commands) {
                    return Ok(());
                }
                idle_at = Instant::now() + idle_after;
            }
            command = commands.recv() => match command {
                Some(command) => {
                    host.handle_command(command);
                    idle_at = Instant::now() + idle_after;
                }
                None => break,
            },
        }
    }
    // The relay shuts down: what the replica gave out is still stored. (Nobody was told of it yet.)
    if is_appending && let Some(stored) = appending.await {
        host.handle_stored(stored?);
    }
    while let Some(batches) = host.take_unstored() {
        let stored = append(Arc::clone(store), host.database.clone(), batches).await?;
        host.handle_stored(stored);
    }
    Ok(())
}

fn forget(store: Arc<dyn Store>, name: DatabaseName, before: u64) -> BoxFuture<'static, Result<(), StoreError>> {
    async move { store.forget(name, before).await }.boxed()
}

fn append(
    store: Arc<dyn Store>,
    database: StoredDatabase,
    batches: Vec<StoredBatch>,
) -> BoxFuture<'static, Result<u64, StoreError>> {
    async move {
        let last = batches.last().map_or(0, |batch| batch.number);
        store.append(database, batches).await.map(|()| last)
    }
    .boxed()
}
