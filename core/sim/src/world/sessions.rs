//! Clients that read and write in sessions, now at one replica and now at another.

use bayou_core::{
    Guarantees, Millis, Name, Predicate, Query, Replica, Session, SessionNeed, SessionReadError, SessionSubmitError,
    View, WaitId,
};

use super::{NodeId, OURS, Outcome, World, database, roles::choose};
use crate::{
    faults::Fault,
    oracle::{Client, Place, Sessions},
};

const CLIENTS: u64 = 2;

/// A session that waits at a node.
#[derive(Debug)]
pub(super) struct Waiting {
    node: NodeId,
    life: u64,
    wait: WaitId,
    session: Session,
    need: SessionNeed,
}

fn everything() -> Query {
    Query::new(Name::new("a").expect("a short name"), Predicate::All)
}

impl World {
    /// A client with its session at a node that can be asked; the client's number.
    fn client_at_a_node(&mut self, pick: u64) -> Option<(usize, NodeId)> {
        let ready = |node: &NodeId| self.nodes[*node].replica.as_ref().is_some_and(Replica::is_ready);
        let running: Vec<NodeId> = self.running().into_iter().filter(ready).collect();
        let node = choose(&running, pick >> 8)?;
        let life = self.nodes[node].life;
        let number = usize::try_from(pick % CLIENTS).expect("a small number");
        while self.oracle.sessions.clients.len() <= number {
            let bit = |at: usize| !(pick >> (16 + at)).is_multiple_of(4);
            let guarantees = Guarantees {
                read_your_writes: bit(0),
                monotonic_reads: bit(2),
                writes_follow_reads: bit(4),
                monotonic_writes: bit(6),
            };
            self.oracle.sessions.clients.push(Client::new(database(OURS), guarantees, node, life));
        }
        let client = &mut self.oracle.sessions.clients[number];
        if let Place::At { node: at, life, .. } = &client.place {
            if self.nodes[*at].life == *life && running.contains(at) {
                return Some((number, *at));
            }
            client.fall_back(node, self.nodes[node].life);
        }
        if let Place::Token(token) = &client.place {
            client.place = Place::At { node, life, session: Session::from(token.clone()) };
        }
        Some((number, node))
    }

    pub(super) fn session_read(&mut self, pick: u64) -> Outcome {
        let Some((number, node)) = self.client_at_a_node(pick) else { return Ok(()) };
        self.enter(node);
        let view = if (pick >> 40).is_multiple_of(2) { View::Tentative } else { View::Committed };
        let oracle = &mut self.oracle;
        let client = &mut oracle.sessions.clients[number];
        let (Some(replica), Place::At { session, .. }) = (&self.nodes[node].replica, &mut client.place) else {
            return Ok(());
        };
        match replica.read_in(session, view, &everything()) {
            Ok(_) => {
                let guarantees = session.guarantees();
                let record = &mut client.record;
                Sessions::has_read(record, guarantees, replica, view, &oracle.history, &oracle.tainted)
            }
            Err(SessionReadError::Session(_)) => {
                self.counters.count(Fault::SessionRefused);
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    pub(super) fn session_write(&mut self, pick: u64) -> Outcome {
        let Some((number, node)) = self.client_at_a_node(pick) else { return Ok(()) };
        let draft = self.workload.plain(pick);
        let before = self.oracle.before_accepting(&self.nodes, node);
        let place = &self.oracle.sessions.clients[number].place;
        let Place::At { session, .. } = place else { return Ok(()) };
        let (mut session, life) = (session.clone(), self.nodes[node].life);
        let guarantees = session.guarantees();
        match self.try_call(node, |replica| replica.submit_in(&mut session, draft))? {
            Some(Ok(write)) => {
                let sessions = &mut self.oracle.sessions;
                let mut record = sessions.clients[number].record.clone();
                sessions.has_written(&mut record, guarantees, &write);
                sessions.clients[number].record = record;
                sessions.clients[number].place = Place::At { node, life, session };
                self.oracle.accepted(&self.nodes, node, &write, &before)
            }
            Some(Err(SessionSubmitError::Session(_))) => {
                self.counters.count(Fault::SessionRefused);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The session leaves its replica, if all that it names is stored there.
    pub(super) fn session_move(&mut self, pick: u64) -> Outcome {
        let Some((number, node)) = self.client_at_a_node(pick) else { return Ok(()) };
        let client = &mut self.oracle.sessions.clients[number];
        let (Some(replica), Place::At { session, .. }) = (&self.nodes[node].replica, &client.place) else {
            return Ok(());
        };
        if let Ok(token) = replica.session_token(session) {
            client.last = Some((token.clone(), client.record.clone()));
            client.place = Place::Token(token);
            self.counters.count(Fault::SessionMoved);
        }
        Ok(())
    }

    pub(super) fn session_wait(&mut self, pick: u64) -> Outcome {
        let Some((number, node)) = self.client_at_a_node(pick) else { return Ok(()) };
        let Place::At { session, .. } = &self.oracle.sessions.clients[number].place else { return Ok(()) };
        let session = session.clone();
        let need = match (pick >> 40) % 3 {
            0 => SessionNeed::Read(View::Tentative),
            1 => SessionNeed::Read(View::Committed),
            _ => SessionNeed::Write,
        };
        let (now, life) = (self.clock(node), self.nodes[node].life);
        let deadline = Millis(now.0 + 10_000);
        self.enter(node);
        let Some(replica) = &mut self.nodes[node].replica else { return Ok(()) };
        let Ok((wait, outputs)) = replica.wait_for(now, &session, need, deadline) else { return Ok(()) };
        self.waiting.push(Waiting { node, life, wait, session, need });
        self.perform(node, outputs)?;
        self.after_call(node)
    }

    /// **A session that is told to be ready is**: the operation that it waited for is let in.
    pub(super) fn session_ready(&mut self, node: NodeId, wait: WaitId) -> Outcome {
        let life = self.nodes[node].life;
        let is_it = |waiting: &Waiting| (waiting.node, waiting.life, waiting.wait) == (node, life, wait);
        let Some(at) = self.waiting.iter().position(is_it) else { return Ok(()) };
        let Waiting { mut session, need, .. } = self.waiting.remove(at);
        let Some(replica) = &self.nodes[node].replica else { return Ok(()) };
        if let SessionNeed::Read(view) = need
            && let Err(error) = replica.read_in(&mut session, view, &everything())
        {
            return Err(self.violated("session-ready", &format!("{node} refuses what it said to be ready: {error}")));
        }
        Ok(())
    }
}
