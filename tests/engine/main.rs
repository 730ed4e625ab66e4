//! The embedded engine, driven without a host: the tests start tools, move the clock and replay the journal.
//!
//! Runs and what they do:
//! - `scenarios`: order of tasks, failures, retries, cancel: one scenario a test
//! - `routing`: which way a run takes: conditions, choices, skips, trigger rules
//! - `branches`: forks: waits for their branches, what branches can read, joins after them
//! - `joins`: joins, and forks and loops inside one another
//! - `loops`: loops over items, and as long as a condition holds
//! - `callbacks`: callbacks after success and failure, failures that a task handles, early ends
//! - `events`: events, signals, activities, durable waits, approvals
//! - `guards`: conditions before and after a task, idempotency keys, counters, the time limit of a run
//! - `reflexive`: steps that generate, verify and correct in turns
//! - `children`: runs that other runs start
//! - `updates`: requests to a run that wait for its answer
//! - `time`: waits and time limits
//!
//! Tools and their arguments:
//! - `tools`: tasks of tools that nobody registered are refused
//! - `arguments`: arguments that a tool does not have fail the task
//! - `templates`: what `{{ }}` in the arguments of a task reads
//! - `names`: names that the engine gives, whatever else has the same name
//! - `secrets`: secrets reach tools, and nothing that is written
//! - `breakers`: circuits around tools that keep failing
//! - `output`: what a tool writes while it runs, shown at once and kept when the attempt is given up
//! - `reports`: log lines and heartbeats of tools
//!
//! Schedules:
//! - `schedules`: workflows that start on a schedule
//! - `catchup`: schedules that make up for missed moments
//! - `random_schedules`: random schedules and updates against a small model of both
//!
//! Limits:
//! - `limits`: input that is too large fails its task, its run or its request, and nothing else
//! - `limits_table`: each row of `docs/limits.md` refuses what it says
//! - `random_limits`: a random mix of everything from outside, under tiny limits
//! - `retention`: how many finished runs an engine keeps
//!
//! Journal and views:
//! - `replay`: what a host does that opens a store
//! - `journal`: journals of earlier versions are read
//! - `recovery`: crashes after every batch of records end as the run without a crash
//! - `timeline`: the timeline of a run, and its critical path against longest paths of random graphs
//!
//! Everything at random:
//! - `properties`: what holds for every workflow of tasks, for any outcomes in any order
//! - `random_workflows`: random workflows of all operators in random order: each ends, leaves nothing, replays
#![cfg(feature = "engine")]

mod arguments;
mod branches;
mod breakers;
mod callbacks;
mod catchup;
mod children;
mod events;
mod guards;
mod joins;
mod journal;
mod limits;
mod limits_table;
mod loops;
mod names;
mod output;
mod properties;
mod random_limits;
mod random_schedules;
mod random_workflows;
mod recovery;
mod reflexive;
mod replay;
mod reports;
mod retention;
mod routing;
mod scenarios;
mod schedules;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
mod templates;
mod time;
mod timeline;
mod tools;
mod updates;
