//! How an engine behaves: its limits, its secrets, the clocks of its time zones.

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

/// How an engine behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Tools that may run at once; further tasks wait for a place.
    pub concurrency: usize,
    /// What a template that names nothing does.
    pub templates: Mode,
    /// What `{{ENV.NAME}}` reads.
    pub env: Map<String, Value>,
    /// What `{{secrets.NAME}}` reads in the arguments of tools.
    pub secrets: Secrets,
    /// Time zones of schedules.
    pub zones: Zones,
    /// Whether records are given out; without a store nobody wants them.
    pub is_durable: bool,
    /// Names of the host's tools, against which definitions are checked before they run; none where they are not.
    pub tools: Option<BTreeSet<String>>,
    /// Those of them that are this package's own: arguments that they do not have are refused.
    pub own_tools: BTreeSet<String>,
    /// Whether a timeline is kept.
    pub timeline: bool,
    /// How many runs that are over are kept; all where there is no number.
    pub keep_runs: Option<usize>,
    /// How large things may become.
    pub limits: Limits,
    /// How much is done before the host gets its turn, in units of about one step that starts. With a timeline
    /// everything is.
    pub slice: usize,
}

/// Steps that start in about 10 ms.
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
