//! The records: every change of the state of an engine. A new one is declared here, and applied in `apply/`.

use crate::engine::journal::KnownDefinitions;
use crate::engine::journal::field::{Field, Whole, read_field, write_field};
use crate::engine::journal::fields::{FieldReader, invalid};
use crate::engine::journal::snapshot::Standing;
use crate::engine::journal::snapshot::read::KeptRun;
use crate::engine::journal::text::{FieldWriter, WriteJson};
use crate::engine::state::artifact::Artifact;
use crate::engine::state::definitions::Registered;
use crate::engine::state::failure::Failure;
use crate::engine::state::positions::{CallId, RunIx, ScheduleIx, ScopeIx, StepIx, UpdateIx};
use crate::engine::state::reports::LogLevel;
use crate::engine::state::run::{RunCreated, RunState};
use crate::engine::state::schedule::Schedule;
use crate::engine::state::scope::ScopeKind;
use crate::engine::state::step::Inner;
use crate::engine::state::update::UpdateState;
use crate::error::Result;
use crate::json::JsonWriter;
use crate::time::Millis;
use serde_json::{Map, Value};
use std::rc::Rc;

/// Declares the records: an enum, and the text of each. A record of `fields` is written and read field by field, see
/// [`Field`](crate::engine::journal::field::Field); a field with `= default` is left out if it has that value. A
/// `whole` record is written and read as [`Whole`] says. In front is the word of the record in the journal, which never
/// changes.
macro_rules! records {
    (
        fields { $($(#[$doc:meta])* $word:literal $name:ident {
            $($(#[$field_doc:meta])* $field:ident: $type:ty $(= $default:expr)?,)*
        })* }
        whole { $($(#[$whole_doc:meta])* $whole_word:literal $whole:ident($thing:ty),)* }
    ) => {
        /// One change of state. Runs and steps are named by their position: runs in order of submission, steps in the
        /// order in which their scopes were opened.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Record {
            $($(#[$doc])* $name { $($(#[$field_doc])* $field: $type,)* },)*
            $($(#[$whole_doc])* $whole(Box<$thing>),)*
        }

        impl Record {
            /// Reads a record. `known` has the definitions of earlier records.
            pub(in crate::engine) fn read(fields: &mut FieldReader<'_>, known: &KnownDefinitions) -> Result<Self> {
                Ok(match String::read(fields, "type")?.as_str() {
                    $($word => Self::$name { $($field: read_field!(fields, $field $(= $default)?),)* },)*
                    $($whole_word => Self::$whole(Box::new(Whole::read(fields, known)?)),)*
                    other => return Err(invalid(&format!("it has a record of type `{other}`"))),
                })
            }
        }

        impl WriteJson for Record {
            fn write(&self, writer: &mut JsonWriter) {
                FieldWriter::object(writer, |out| match self {
                    $(Self::$name { $($field,)* } => {
                        out.set("type", $word);
                        $(write_field!($field, out, $field $(= $default)?);)*
                    })*
                    $(Self::$whole(thing) => {
                        out.set("type", $whole_word);
                        Whole::write(&**thing, out);
                    })*
                });
            }
        }
    };
}

records! {
    fields {
        /// A definition is not kept any more.
        "definition_forgotten" DefinitionForgotten {
            /// Its hash.
            hash: String,
        }
        /// A definition was made of Python.
        "source_kept" SourceKept {
            /// SHA-256 of the definition, under which it is kept.
            hash: String,
            /// The Python.
            source: Rc<str>,
        }
        /// An artifact is not kept any more.
        "artifact_deleted" ArtifactDeleted {
            /// Its id.
            id: String,
        }
        /// A schedule was made, changed, paused or deleted.
        "schedule_set" ScheduleSet {
            /// Its position; that of a deleted one is used again.
            schedule: ScheduleIx,
            /// The schedule as it is now.
            to: Box<Schedule>,
        }
        /// A schedule is due, and waits for a run of its workflow to end.
        "schedule_held" ScheduleHeld {
            /// The schedule.
            schedule: ScheduleIx,
        }
        /// A schedule has started a run.
        "schedule_fired" ScheduleFired {
            /// The schedule.
            schedule: ScheduleIx,
            /// The moment that it fired for.
            slot: Millis,
            /// The next one.
            next: Option<Millis>,
        }
        /// A body is run: for an item, as a round, as a branch.
        "scope_opened" ScopeOpened {
            /// The run.
            run: RunIx,
            /// The step whose body it is.
            owner: StepIx,
            /// Which body, and what for.
            kind: ScopeKind,
            /// Names of its own.
            locals: Map<String, Value>,
            /// When.
            at: Millis,
        }
        /// A scope is not needed any more; what is open in it is cancelled.
        "scope_cancelled" ScopeCancelled {
            /// The run.
            run: RunIx,
            /// The scope.
            scope: ScopeIx,
            /// When.
            at: Millis,
        }
        /// An attempt of a task began.
        "attempt_started" AttemptStarted {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// Number of the tool call; 0 where the attempt failed before it called anything.
            call: CallId,
            /// The idempotency key of the task, where it has one.
            key: Option<String>,
            /// When the attempt is given up.
            deadline: Option<Millis>,
            /// When.
            at: Millis,
        }
        /// A step began to wait, or to run what is inside it.
        "entered" Entered {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// What for.
            inner: Inner,
            /// When it has to be looked at.
            until: Option<Millis>,
            /// When.
            at: Millis,
        }
        /// An attempt failed.
        "attempt_failed" AttemptFailed {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// Why.
            failure: Failure,
            /// What the tool gave all the same, such as its output.
            result: Option<Value>,
            /// When the next attempt is due; none when this was the last.
            retry_at: Option<Millis>,
            /// When.
            at: Millis,
        }
        /// A running step is about to be cancelled: what its tool has written is its result.
        "output_kept" OutputKept {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// `{stdout, stderr}`.
            result: Value,
        }
        /// The time between two attempts is over.
        "retry_due" RetryDue {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
        }
        /// A task waits for another one that runs under its idempotency key.
        "parked" Parked {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// The key.
            key: String,
        }
        /// The work under an idempotency key is done.
        "key_used" KeyUsed {
            /// The run that did it; none in journals of earlier versions.
            run: Option<RunIx>,
            /// The key.
            key: String,
            /// What it gave.
            result: Value,
        }
        /// A reflexive step goes on with a call.
        "turn_taken" TurnTaken {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// What is to be verified; none while it is generated.
            candidate: Option<Value>,
            /// What the verifier said last.
            feedback: Option<Value>,
            /// Turns that have begun.
            turn: u32,
            /// Number of the tool call.
            call: CallId,
        }
        /// Items were added to a loop that takes more.
        "items_added" ItemsAdded {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// The items.
            items: Vec<Value>,
        }
        /// A running tool has told a line of its log.
        "logged" Logged {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// How much it matters.
            level: LogLevel,
            /// What it says.
            message: String,
            /// When.
            at: Millis,
        }
        /// A running tool has shown that it is alive.
        "heartbeat" Heartbeat {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// What the next attempt is to know.
            details: Value,
            /// When.
            at: Millis,
        }
        /// A step succeeded.
        "succeeded" Succeeded {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// Its result.
            result: Value,
            /// Ways that it chose, as positions in its body.
            chosen: Vec<usize> = Vec::new(),
            /// When.
            at: Millis,
        }
        /// A step will not run.
        "skipped" Skipped {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// When.
            at: Millis,
        }
        /// A variable was set, for the run or for the branch of a step.
        "variable_set" VariableSet {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// Its name.
            name: String,
            /// Its value.
            value: Value,
        }
        /// An event was emitted.
        "emitted" Emitted {
            /// Its name.
            name: String,
            /// Its data.
            payload: Value,
            /// When.
            at: Millis,
        }
        /// A signal arrived for a run.
        "signalled" Signalled {
            /// The run.
            run: RunIx,
            /// Its name.
            name: String,
            /// Its data.
            payload: Value,
            /// When.
            at: Millis,
        }
        /// An update arrived for a run.
        "update_sent" UpdateSent {
            /// The run.
            run: RunIx,
            /// Its name.
            name: String,
            /// Its data.
            payload: Value,
            /// Until when it waits for an answer.
            deadline: Millis,
            /// When.
            at: Millis,
        }
        /// A step works on an update.
        "update_taken" UpdateTaken {
            /// The run.
            run: RunIx,
            /// The step.
            step: StepIx,
            /// The update, by its position in the run.
            update: UpdateIx,
            /// Number of the tool call, where a tool answers it.
            call: Option<CallId>,
        }
        /// An update was answered, or will not be.
        "update_ended" UpdateEnded {
            /// The run.
            run: RunIx,
            /// The update.
            update: UpdateIx,
            /// How it ended.
            state: UpdateState,
            /// The answer.
            result: Option<Value>,
            /// Why there is none.
            failure: Option<Failure>,
            /// When.
            at: Millis,
        }
        /// A run has taken an event, or a signal.
        "received" Received {
            /// The run.
            run: RunIx,
            /// Name of the event.
            name: String,
            /// Number of the event; none for a signal, of which the oldest is taken.
            event: Option<u64>,
        }
        /// A run that is over is not kept any more.
        "run_forgotten" RunForgotten {
            /// The run.
            run: RunIx,
        }
        /// Runs that were forgotten before, at these positions in the place of the records that made them.
        "runs_skipped" RunsSkipped {
            /// How many.
            count: usize,
        }
        /// A run is over. Steps that were not over are cancelled with it.
        "run_ended" RunEnded {
            /// The run.
            run: RunIx,
            /// How it ended.
            state: RunState,
            /// Why, where it did not complete.
            failure: Option<Failure>,
            /// Its result, where that is not what its steps gave.
            result: Option<Value>,
            /// When.
            at: Millis,
        }
    }
    whole {
        /// A run was accepted.
        "run_created" RunCreated(RunCreated),
        /// A definition is the latest of its name from now on.
        "registered" Registered(Registered),
        /// An artifact is kept from now on.
        "artifact_kept" ArtifactKept(Artifact),
        /// A run as it stands, in the place of the records that made it. The text of a long one is several records.
        "run_kept" RunKept(KeptRun),
        /// What else there is, in the place of the records that made it; the last of a snapshot.
        "state_kept" StateKept(Standing),
    }
}
