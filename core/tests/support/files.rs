//! Files between the hosts of a network.

use bayou_core::{
    Csn, Import, ImportError, ImportStep, Importing, Predicate, Query, ReaderState, Replica, Row, View, WriteId,
};

use super::{Host, Network, generate::named};

pub(crate) const LARGE: usize = 16 * 1024 * 1024;

pub(crate) fn state(host: &Host) -> ReaderState {
    ReaderState::from_bytes(&host.replica.reader_state().unwrap().to_bytes()).unwrap()
}

pub(crate) fn export(host: &Host, reader: Option<&ReaderState>, file_bytes_max: usize) -> Vec<Vec<u8>> {
    let files: Vec<Vec<u8>> = host.replica.export(reader, file_bytes_max).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(!files.is_empty() && files.iter().all(|file| file.len() <= file_bytes_max));
    files
}

pub(crate) fn import(network: &mut Network, host: usize, file: &[u8]) -> Result<Import, ImportError> {
    let (import, outputs) = network.hosts[host].replica.import(file)?;
    network.carry_out(host, outputs);
    Ok(import)
}

/// Imports a file as a host does that has other things to do between two steps.
pub(crate) fn import_in_steps(
    network: &mut Network,
    host: usize,
    file: &[u8],
    mut between: impl FnMut(&mut Network, (usize, usize)),
) -> Result<Import, ImportError> {
    let mut importing = Importing::new(file)?;
    loop {
        let (step, outputs) = network.hosts[host].replica.import_step(importing)?;
        network.carry_out(host, outputs);
        importing = match step {
            ImportStep::More(rest) => rest,
            ImportStep::Done(import) => return Ok(import),
        };
        between(network, importing.done());
    }
}

/// Brings a host by files what another one holds and it lacks.
pub(crate) fn carry(network: &mut Network, from: usize, to: usize, file_bytes_max: usize) -> Vec<Import> {
    let files = export(&network.hosts[from], Some(&state(&network.hosts[to])), file_bytes_max);
    files.iter().map(|file| import(network, to, file).unwrap()).collect()
}

pub(crate) fn notes(replica: &Replica, view: View) -> Vec<Row> {
    replica.read(view, &Query::new(named("notes"), Predicate::All)).unwrap()
}

/// All that a replica shows of what it holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) log: Vec<(WriteId, Option<Csn>)>,
    pub(crate) csn: Csn,
    pub(crate) committed: Vec<Row>,
    pub(crate) tentative: Vec<Row>,
}

pub(crate) fn known(host: &Host) -> Known {
    let log = host.replica.inspect(usize::MAX).log.into_iter();
    let log = log.map(|row| (row.id, row.committed.map(|(csn, _)| csn))).collect();
    let [committed, tentative] = [View::Committed, View::Tentative].map(|view| notes(&host.replica, view));
    Known { log, csn: host.replica.csn(), committed, tentative }
}

pub(crate) fn truncate(network: &mut Network, host: usize) {
    let outputs = {
        let replica = &mut network.hosts[host].replica;
        replica.truncate(replica.csn())
    };
    network.carry_out(host, outputs);
}
