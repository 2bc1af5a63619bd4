//! The steps of a plan, each carried out as well as it can be.

use bayou_core::{Draft, Replica, Stamp, limits::STAMP_JUMP_MAX};

use super::{Happening, NodeId, OTHER, Outcome, World, database, name, roles::choose};
use crate::{
    faults::Fault,
    net::PairId,
    node::{Kind, State},
    plan::{Action, Step},
};

/// More would make runs slow without making them worse.
const NODES_MAX: usize = 10;

impl World {
    pub(super) fn act(&mut self, index: usize) -> Outcome {
        let Step { action, pick, .. } = self.plan.steps[index].clone();
        self.trace.note(self.now, &[20, index as u64, pick], || format!("-- step {index}: {action:?}"));
        match action {
            Action::Book => self.write(pick, Wanted::Booking),
            Action::Cancel => self.write(pick, Wanted::Cancellation),
            Action::Write => self.write(pick, Wanted::Plain),
            Action::WriteNewer => self.write_newer(pick),
            Action::SessionRead => self.session_read(pick),
            Action::SessionWrite => self.session_write(pick),
            Action::SessionMove => self.session_move(pick),
            Action::SessionWait => self.session_wait(pick),
            Action::Cut => self.with_pair(pick, |world, pair| world.cut_pair(pair, pick % 5_000)),
            Action::CutInMidFrame => self.with_pair(pick, |world, pair| {
                world.links_of_pair(pair).into_iter().for_each(|link| world.lose(link));
            }),
            Action::Isolate => self.isolate(pick),
            Action::OneWay => self.one_way(pick),
            Action::Slow => self.with_pair(pick, |world, pair| {
                world.pairs[pair].delay_ms_max = *crate::dice::Dice::new(pick).pick(&[0, 1_000, 20_000, 120_000]);
            }),
            Action::Flap => self.with_pair(pick, Self::flap),
            Action::Double => self.with_pair(pick, |world, pair| {
                world.pairs[pair].wanted = 2;
                world.want(pair, 0);
            }),
            Action::Damage => self.with_pair(pick, |world, pair| {
                for link in world.links_of_pair(pair) {
                    world.links[link].damages_next = true;
                }
            }),
            Action::Crash => self.with_node(pick, Self::crash),
            Action::CrashBetweenOutputs => self.with_node(pick, |world, node| {
                world.nodes[node].crash_in = Some((pick >> 8) % 4);
                Ok(())
            }),
            Action::StorageFails => self.with_node(pick, |world, node| world.break_disk(node, Fault::StorageFailed, 1)),
            Action::StorageFull => {
                let for_ms = pick % 20_000;
                self.with_node(pick, |world, node| world.break_disk(node, Fault::StorageFull, for_ms))
            }
            Action::Evict => {
                self.with_ordinary_tab(
                    pick,
                    |world, node| {
                        if world.others_can_create(node) { world.evict(node) } else { Ok(()) }
                    },
                )
            }
            Action::BackUp => self.with_node(pick, |world, node| {
                world.nodes[node].disk.back_up();
                Ok(())
            }),
            Action::SetBack => self.with_ordinary_tab(pick, |world, node| {
                if world.others_can_create(node) && world.set_back(node)? {
                    world.counters.count(Fault::SetBack);
                }
                Ok(())
            }),
            Action::Clone => self.with_ordinary_tab(pick, |world, node| {
                let can = world.nodes.len() < NODES_MAX && world.others_can_create(node);
                if can { world.clone_host(node) } else { Ok(()) }
            }),
            Action::PausePrimary => self.pause_primary(pick),
            Action::ResumePrimary => match choose(&self.primaries(), pick) {
                Some(node) => self.resume_if_sound(node),
                None => Ok(()),
            },
            Action::CrashPrimary => match choose(&self.primaries(), pick) {
                Some(node) => self.crash(node),
                None => Ok(()),
            },
            Action::Consent => self.consent(pick),
            Action::HandOver => self.hand_over(pick),
            Action::TakeOver => self.take_over(pick),
            Action::RestorePrimary => self.restore_primary(pick),
            Action::Truncate => self.truncate(pick),
            Action::Checkpoint => self.checkpoint(pick),
            Action::Join => {
                if self.nodes.len() < NODES_MAX {
                    self.join(Kind::Tab, pick % 3);
                }
                Ok(())
            }
            Action::Retire => self.with_ordinary_tab(pick, |world, node| {
                if !world.can_leave(node) {
                    return Ok(());
                }
                world.try_call(node, |replica| replica.retire().map(|outputs| ((), outputs)))?;
                Ok(())
            }),
            Action::RetireThroughOne => self.retire_through_one(pick),
            Action::RetireIntoCrash => self.retire_into_crash(pick),
            Action::OtherDatabase => self.other_database_comes(pick),
            Action::LeapStamp => self.leap(pick, STAMP_JUMP_MAX + 1 + pick % 1_000),
            Action::LeapClock => self.leap(pick, pick % 1_000_000),
            Action::Upgrade => self.with_node(pick, |world, node| {
                if world.plan.setup.newer && !world.nodes[node].newer {
                    world.crash(node)?;
                    world.nodes[node].newer = true;
                }
                Ok(())
            }),
        }
    }

    fn with_node(&mut self, pick: u64, act: impl FnOnce(&mut Self, NodeId) -> Outcome) -> Outcome {
        match choose(&self.running(), pick) {
            Some(node) => act(self, node),
            None => Ok(()),
        }
    }

    /// A tab that neither holds the primary role nor may get it.
    fn with_ordinary_tab(&mut self, pick: u64, act: impl FnOnce(&mut Self, NodeId) -> Outcome) -> Outcome {
        let ordinary = |node: &NodeId| {
            let host = &self.nodes[*node];
            host.kind == Kind::Tab
                && host.replica.as_ref().is_some_and(|replica| !replica.is_primary())
                && host.ids.iter().all(|id| !self.oracle.consented.contains(id))
        };
        let candidates: Vec<NodeId> = self.running().into_iter().filter(ordinary).collect();
        match choose(&candidates, pick) {
            Some(node) => act(self, node),
            None => Ok(()),
        }
    }

    /// Whether a tab remains that can give others a new id: of an id that nobody else can have, ready, and not about to
    /// leave.
    fn others_can_create(&self, leaving: NodeId) -> bool {
        let can = |node: &NodeId| {
            let ready = |replica: &Replica| replica.is_ready() && !replica.is_primary() && !replica.has_retired();
            let is_sound = self.nodes[*node].ids.iter().all(|id| !self.oracle.tainted.contains(id));
            *node != leaving && is_sound && self.nodes[*node].replica.as_ref().is_some_and(ready)
        };
        self.running().iter().any(can)
    }

    /// Whether a primary can go on from its copy: it was a replica then, and somebody else knows its term, which it would
    /// begin again.
    fn can_be_restored(&self, node: NodeId) -> bool {
        self.enter(node);
        let options = self.nodes[node].options;
        let Ok(copy) = Replica::recover(options, self.nodes[node].disk.read_copy()) else { return false };
        let Some(here) = &self.nodes[node].replica else { return false };
        let mut others = self.running().into_iter().filter(|other| *other != node);
        let knows_term = |other: NodeId| self.nodes[other].replica.as_ref().map(Replica::term) == Some(here.term());
        copy.replica.is_ready() && !copy.replica.has_retired() && others.any(knows_term)
    }

    /// Whether a node can retire. Of two copies of one storage that retire before they meet, nobody can tell the second.
    fn can_leave(&self, node: NodeId) -> bool {
        let is_copied = self.nodes[node].ids.iter().any(|id| self.oracle.tainted.contains(id));
        !is_copied && self.others_can_create(node)
    }

    fn with_pair(&mut self, pick: u64, act: impl FnOnce(&mut Self, PairId)) -> Outcome {
        let pairs: Vec<PairId> = (0..self.pairs.len()).collect();
        if let Some(pair) = choose(&pairs, pick >> 4) {
            act(self, pair);
        }
        Ok(())
    }

    pub(super) fn has_link(&self, node: NodeId) -> bool {
        self.links.iter().any(|link| link.is_up() && link.ends.iter().any(|end| end.node == node))
    }

    fn isolate(&mut self, pick: u64) -> Outcome {
        self.with_node(pick, |world, node| {
            world.counters.count(Fault::Partition);
            for pair in 0..world.pairs.len() {
                if world.pairs[pair].has(node) {
                    world.cut_pair(pair, (pick >> 8) % 30_000);
                }
            }
            Ok(())
        })
    }

    fn one_way(&mut self, pick: u64) -> Outcome {
        self.with_pair(pick, |world, pair| {
            if !world.links_of_pair(pair).is_empty() {
                world.counters.count(Fault::OneWay);
            }
            let end = usize::from(pick.is_multiple_of(2));
            world.pairs[pair].stopped_until[end] = world.now + (pick >> 8) % 60_000;
        })
    }

    fn break_disk(&mut self, node: NodeId, fault: Fault, for_ms: u64) -> Outcome {
        self.counters.count(fault);
        self.nodes[node].disk.broken = true;
        self.schedule(for_ms, Happening::Mended(node));
        Ok(())
    }

    /// The storage of the primary is set back, and the operator has it take its role anew.
    fn restore_primary(&mut self, pick: u64) -> Outcome {
        let restorable = |node: &NodeId| self.nodes[*node].disk.has_copy();
        let candidates: Vec<NodeId> = self.primaries().into_iter().filter(restorable).collect();
        let Some(node) = choose(&candidates, pick) else { return Ok(()) };
        if self.someone_takes_over() || !self.can_be_restored(node) {
            return Ok(());
        }
        self.set_back(node)?;
        Ok(())
    }

    /// The trap: what a replica wrote has reached one, and its retirement another.
    fn retire_through_one(&mut self, pick: u64) -> Outcome {
        self.with_ordinary_tab(pick, |world, node| {
            if !world.can_leave(node) {
                return Ok(());
            }
            let pairs: Vec<PairId> = (0..world.pairs.len()).filter(|pair| world.pairs[*pair].has(node)).collect();
            let Some(left) = choose(&pairs, pick >> 8) else { return Ok(()) };
            for pair in pairs.into_iter().filter(|pair| *pair != left) {
                world.cut_pair(pair, 10_000);
            }
            world.try_call(node, |replica| replica.retire().map(|outputs| ((), outputs)))?;
            Ok(())
        })
    }

    /// Who takes a retirement in crashes in the midst of that: the replica that retires may not rely on it.
    fn retire_into_crash(&mut self, pick: u64) -> Outcome {
        self.with_ordinary_tab(pick, |world, node| {
            if !world.can_leave(node) {
                return Ok(());
            }
            for pair in 0..world.pairs.len() {
                if world.pairs[pair].has(node) && !world.links_of_pair(pair).is_empty() {
                    let [left, right] = world.pairs[pair].nodes;
                    let peer = if left == node { right } else { left };
                    world.nodes[peer].crash_in = Some((pick >> 8) % 4);
                }
            }
            world.try_call(node, |replica| replica.retire().map(|outputs| ((), outputs)))?;
            Ok(())
        })
    }

    fn other_database_comes(&mut self, pick: u64) -> Outcome {
        if self.nodes.len() >= NODES_MAX || self.nodes.iter().any(|node| node.is_other_database) {
            return Ok(());
        }
        let tabs: Vec<NodeId> = self.running().into_iter().filter(|node| self.nodes[*node].id().is_some()).collect();
        let Some(tab) = choose(&tabs, pick) else { return Ok(()) };
        let other = self.add(Kind::Relay, 2_000, false);
        self.nodes[other].is_other_database = true;
        let (replica, outputs) = Replica::found(self.options(other), database(OTHER), name());
        self.nodes[other].replica = Some(replica);
        self.perform(other, outputs)?;
        self.after_call(other)?;
        let kind = bayou_core::PeerKind::Elsewhere;
        self.pairs.push(crate::net::Pair::new([tab, other], kind, self.plan.setup.delay_ms_max));
        self.want(self.pairs.len() - 1, 0);
        self.schedule(3_000, Happening::OtherGoes(other));
        Ok(())
    }

    pub(super) fn other_database_goes(&mut self, node: NodeId) {
        self.nodes[node].state = State::Gone;
        self.nodes[node].life += 1;
        self.nodes[node].replica = None;
        self.hang_up(node);
    }

    /// The clock of a replica leaps, and what it writes next bears a stamp far ahead.
    fn leap(&mut self, pick: u64, by: u64) -> Outcome {
        self.with_node(pick, |world, node| {
            let Some(replica) = &mut world.nodes[node].replica else { return Ok(()) };
            if !replica.is_ready() {
                return Ok(());
            }
            let Some(to) = Stamp::new(replica.clock().get() + by) else { return Ok(()) };
            replica.leap_clock(to);
            world.counters.count(Fault::StampLeapt);
            world.write_at(node, pick, Wanted::Plain)
        })
    }
}

/// What is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Booking,
    Cancellation,
    Plain,
}

impl World {
    fn write(&mut self, pick: u64, wanted: Wanted) -> Outcome {
        self.with_node(pick, |world, node| world.write_at(node, pick, wanted))
    }

    pub(super) fn write_at(&mut self, node: NodeId, pick: u64, wanted: Wanted) -> Outcome {
        self.enter(node);
        let Some(replica) = &self.nodes[node].replica else { return Ok(()) };
        let draft = match wanted {
            Wanted::Booking => self.workload.booking(replica, pick),
            Wanted::Cancellation => self.workload.cancellation(replica, pick),
            Wanted::Plain => Some(self.workload.plain(pick)),
        };
        draft.map_or(Ok(()), |draft| self.submit(node, draft))
    }

    pub(super) fn submit(&mut self, node: NodeId, draft: Draft) -> Outcome {
        let before = self.oracle.before_accepting(&self.nodes, node);
        if let Some(Ok(write)) = self.try_call(node, |replica| replica.submit(draft))? {
            self.trace.note(self.now, &[21, node as u64], || format!("{node} writes {write}"));
            self.oracle.accepted(&self.nodes, node, &write, &before)?;
        }
        Ok(())
    }

    fn write_newer(&mut self, pick: u64) -> Outcome {
        let newer: Vec<NodeId> = self.running().into_iter().filter(|node| self.nodes[*node].newer).collect();
        let Some(node) = choose(&newer, pick) else { return Ok(()) };
        let draft = self.workload.plain(pick);
        self.enter(node);
        let before = self.oracle.before_accepting(&self.nodes, node);
        let Some(replica) = &mut self.nodes[node].replica else { return Ok(()) };
        let Some((write, outputs)) = replica.submit_newer(&draft) else { return Ok(()) };
        self.perform(node, outputs)?;
        self.after_call(node)?;
        self.oracle.accepted(&self.nodes, node, &write, &before)
    }
}
