//! The embedded engine: it runs workflow definitions without a clock, randomness or IO of its own.
//!
//! The host reports what has happened and when ([`Engine::submit`], [`Engine::tool_finished`], [`Engine::tick`],
//! [`Engine::cancel`]). The engine returns [`Output`]: first the records for the journal, then the effects that the
//! host may carry out once the records are kept. The host runs tools, keeps one timer
//! ([`next_wake`](State::next_wake)), and reports the results. Every change of the state is a [`Record`], so replaying
//! the records rebuilds the engine.
//!
//! Each room uses only rooms that come before it in this list, which a test checks:
//!
//! | room | what |
//! | --- | --- |
//! | `config` | how an engine behaves: limits, secrets, clocks of time zones |
//! | `plan` | a definition with all policies in force |
//! | `state` | runs, scopes, steps, schedules, …: data, and questions to it |
//! | `journal` | records, their text, the snapshot |
//! | `apply` | what each record changes: the only writer of the state |
//! | `effects` | what the engine asks of its host |
//! | `machine` | [`Engine`]: the state, and the output that is due |
//! | `tools` | which tools there are, what they report, what they write |
//! | `view` | objects of the API, the timeline |
//! | `decide` | what follows from the state, and from what the host says |
//! | `server` | routes and answers of the REST API |

mod apply;
mod config;
mod decide;
mod effects;
mod journal;
mod machine;
mod plan;
pub mod server;
mod state;
mod tools;
mod view;

pub use config::Config;
pub use config::limits::{Limit, Limits};
pub use config::secrets::Secrets;
pub use config::zones::Zones;
pub use decide::acts::Acts;
pub use decide::artifacts::{ArtifactFault, LARGEST_ARTIFACT};
pub use decide::schedules::ScheduleRequest;
pub use effects::{Effect, Output, ToolCall, write_effects};
pub use journal::record::Record;
pub use journal::snapshot::read::KeptRun;
pub use journal::snapshot::{Snapshot, Standing};
pub use journal::{Journal, write_records};
pub use machine::{Engine, Submission, Submitted};
pub use plan::hash::{definition_hash, uuid_of};
pub use plan::read::plan;
pub use plan::retry::Retry;
pub use plan::{Body, Branch, Breaker, Links, Operation, Plan, Planned, Reflexive, Timetable, ToolUse, Wait};
pub use state::State;
pub use state::artifact::Artifact;
pub use state::definitions::Registered;
pub use state::failure::Failure;
pub use state::output::Stream;
pub use state::positions::{CallId, Placed, RunIx, ScopeIx, StepIx};
pub use state::reports::{Heartbeat, LogLevel, LogLine, Reports};
pub use state::run::{Parent, Run, RunCreated, RunState, Signal};
pub use state::schedule::{Schedule, ScheduleState};
pub use state::scope::{Scope, ScopeKind};
pub use state::step::{Attempt, Inner, Step, StepState};
pub use state::timeline::{Entry, EntryKind, Link};
pub use state::update::{Update, UpdateState};
pub use tools::builtin::builtin_tools;
pub use view::logs::step_logs;
pub use view::{run_summary, run_view, step_name, steps_view};

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::{fs, io};

    const ROOMS: [&str; 11] = [
        "config", "plan", "state", "journal", "apply", "effects", "machine", "tools", "view", "decide",
        "server",
    ];

    fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                found.extend(sources(&path)?);
            } else {
                found.push(path);
            }
        }
        Ok(found)
    }

    #[test]
    fn rooms_use_only_those_before_them() {
        let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine");
        let rank = |room: &str| ROOMS.iter().position(|known| *known == room);
        let mut looked_at = 0;
        for path in sources(&engine).unwrap() {
            let inside = path.strip_prefix(&engine).unwrap().with_extension("");
            let room = inside.iter().next().unwrap().to_str().unwrap();
            if room == "mod" {
                continue;
            }
            let own = rank(room).unwrap_or_else(|| panic!("`{room}` is not in the list of rooms"));
            let text = fs::read_to_string(&path).unwrap();
            for used in text.split("crate::engine::").skip(1) {
                let end = used.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(used.len());
                // A name that is not a room is exported at the top. Only `server` may use those.
                if let Some(used) = rank(&used[..end]) {
                    assert!(used <= own, "{}: `{room}` must not use `{}`", path.display(), ROOMS[used]);
                    looked_at += 1;
                } else {
                    assert_eq!(room, "server", "{}: names its room", path.display());
                }
            }
        }
        assert!(looked_at > 100);
    }
}
