//! The settings of an engine: its limits, its secrets, the clocks of its time zones.

pub(in crate::engine) mod cut;
pub(in crate::engine) mod limits;
pub(in crate::engine) mod secrets;
pub(in crate::engine) mod zones;

use crate::engine::config::limits::Limits;
use crate::engine::config::secrets::Secrets;
use crate::engine::config::zones::Zones;
use crate::template::Mode;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The settings of an engine.
#[derive(Clone, Debug)]
pub struct Config {
    /// The most calls at once. Further tasks wait for a place.
    pub concurrency: usize,
    /// What happens to a template that names nothing.
    pub templates: Mode,
    /// The values of `{{ENV.NAME}}`.
    pub env: Map<String, Value>,
    /// The values of `{{secrets.NAME}}` in the arguments of tools.
    pub secrets: Secrets,
    /// Time zones of schedules.
    pub zones: Zones,
    /// Whether the output contains records. Without a store, no reader needs them.
    pub is_durable: bool,
    /// Names of the host's tools. Definitions are checked against them before they run; `None` for no check.
    pub tools: Option<BTreeSet<String>>,
    /// The tools among them that come with this package. They refuse unknown arguments.
    pub own_tools: BTreeSet<String>,
    /// Whether a timeline is kept.
    pub timeline: bool,
    /// The most finished runs that are kept; `None` for all.
    pub keep_runs: Option<usize>,
    /// The limits on sizes.
    pub limits: Limits,
    /// The most work before the host gets its turn, in units of about one step that starts. Unlimited with a timeline.
    pub slice: usize,
}

/// About 10 ms of work.
const SLICE: usize = 1_000;

impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency: 64,
            templates: Mode::Strict,
            env: Map::new(),
            secrets: Secrets::default(),
            zones: Zones::default(),
            is_durable: true,
            tools: None,
            own_tools: BTreeSet::new(),
            timeline: false,
            keep_runs: None,
            limits: Limits::default(),
            slice: SLICE,
        }
    }
}
