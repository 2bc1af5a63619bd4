//! The steps that lead from a fresh checkout to a page and a relay.

mod bindings;
mod engine;
mod page;
mod relay;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::console;
use crate::toolchain;
use crate::workspace::Workspace;

pub(crate) use self::bindings::{bench_package, contract_package, sim_package};
pub(crate) use self::engine::without_own_flags;
pub(crate) use self::relay::RelayProfile;

/// One step, in the order in which steps are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Node and npm are there and new enough.
    Node,
    /// The npm packages that the page needs. Before the long steps, because it needs the network.
    Packages,
    /// Rust can compile for the browser.
    WasmTarget,
    /// The engine as a WebAssembly module.
    Engine,
    /// JavaScript and TypeScript around it: the npm package `bayou`.
    Bindings,
    /// The page.
    Page,
    /// The relay.
    Relay,
}

/// What a step found when it looked at what is there.
pub(crate) enum Due<'a> {
    /// Nothing is left to do.
    Nothing,
    /// This is to be done.
    Work(Box<dyn FnOnce() -> Result<()> + 'a>),
}

impl<'a> Due<'a> {
    /// Work that is to be done.
    pub(crate) fn work(work: impl FnOnce() -> Result<()> + 'a) -> Result<Self> {
        Ok(Self::Work(Box::new(work)))
    }
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Node => "Node and npm",
            Self::WasmTarget => "Rust's WebAssembly target",
            Self::Engine => "Engine for the browser",
            Self::Bindings => "JavaScript bindings",
            Self::Packages => "npm packages of the page",
            Self::Page => "Page",
            Self::Relay => "Relay",
        }
    }

    /// The steps whose results this one reads.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::Node | Self::WasmTarget | Self::Relay => &[],
            Self::Engine => &[Self::WasmTarget],
            Self::Packages => &[Self::Node],
            Self::Bindings => &[Self::Engine],
            Self::Page => &[Self::Packages, Self::Bindings],
        }
    }

    fn look(self, workspace: &Workspace, relay: RelayProfile) -> Result<Due<'_>> {
        match self {
            Self::Node => toolchain::check_node().map(|()| Due::Nothing),
            Self::WasmTarget => toolchain::look_for_wasm_target(workspace),
            Self::Engine => Due::work(|| engine::build(workspace)),
            Self::Bindings => bindings::look(workspace),
            Self::Packages => page::look_for_packages(workspace),
            Self::Page => page::look(workspace),
            Self::Relay => Due::work(move || relay::build(workspace, relay)),
        }
    }
}

/// Does steps, each at most once.
pub(crate) struct Builder<'a> {
    workspace: &'a Workspace,
    relay: RelayProfile,
    /// Whether the steps that were tried succeeded.
    tried: BTreeMap<Step, bool>,
}

impl<'a> Builder<'a> {
    /// A builder that has done nothing yet.
    pub(crate) fn new(workspace: &'a Workspace, relay: RelayProfile) -> Self {
        Self { workspace, relay, tried: BTreeMap::new() }
    }

    /// Does what is left of the goals and of all that they need.
    pub(crate) fn reach(&mut self, goals: &[Step]) -> Result<()> {
        let plan = plan(goals);
        let _lock = lock(self.workspace)?;
        for (index, &step) in plan.iter().enumerate() {
            match self.tried.get(&step) {
                Some(true) => continue,
                Some(false) => bail!("The step “{}” failed before, see above.", step.name()),
                None => {}
            }
            let heading = format!("[{}/{}] {}", index + 1, plan.len(), step.name());
            let result = self.take(step, &heading);
            self.tried.insert(step, result.is_ok());
            result?;
        }
        Ok(())
    }

    fn take(&self, step: Step, heading: &str) -> Result<()> {
        match step.look(self.workspace, self.relay)? {
            Due::Nothing => console::up_to_date(heading),
            Due::Work(work) => {
                console::begin(heading);
                let begun = Instant::now();
                work()?;
                console::done(heading, begun.elapsed());
            }
        }
        Ok(())
    }
}

/// The goals with all that they need, in order.
fn plan(goals: &[Step]) -> Vec<Step> {
    let mut plan = BTreeSet::new();
    let mut open = goals.to_vec();
    while let Some(step) = open.pop() {
        if plan.insert(step) {
            open.extend(step.needs());
        }
    }
    plan.into_iter().collect()
}

/// Two of these programs in one checkout would overwrite each other's results.
fn lock(workspace: &Workspace) -> Result<File> {
    let path = workspace.notes().join("lock");
    let unusable = || format!("{} cannot be locked", path.display());
    std::fs::create_dir_all(workspace.notes()).with_context(unusable)?;
    let file = File::create(&path).with_context(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            console::note("Waiting for another `cargo xtask` that builds in this checkout.");
            file.lock().with_context(unusable)?;
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_everything_but_the_relay() {
        let all_but_relay = [Step::Node, Step::Packages, Step::WasmTarget, Step::Engine, Step::Bindings, Step::Page];
        assert_eq!(plan(&[Step::Page]), all_but_relay);
    }

    #[test]
    fn every_step_comes_after_what_it_needs() {
        for step in plan(&[Step::Relay, Step::Page]) {
            for &needed in step.needs() {
                assert!(needed < step, "{needed:?} must come before {step:?}");
            }
        }
    }
}
