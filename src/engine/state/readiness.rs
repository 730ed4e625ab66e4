//! Decides whether a step starts, by the ends of the steps before it.

use crate::definition::TriggerRule;
use crate::engine::state::positions::StepIx;
use crate::engine::state::run::Run;
use crate::engine::state::step::StepState;

/// The decision about a step that has not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Verdict {
    /// It waits for steps before it.
    Wait,
    /// It waits until it is known whether a failure is handled.
    WaitForRepair,
    /// It starts.
    Start,
    /// It will not run.
    Skip,
}

/// The decision about a step.
///
/// A target of a condition, a switch or a callback starts only after it was chosen. With `all_success`, a step is
/// skipped if all its dependencies were skipped, apart from those that only chose a target. So a step that merges both
/// branches of a condition runs. A dependency that was skipped because of a failure counts as failed, unless the
/// failure was handled. `docs/semantics.md` has the table.
pub(in crate::engine) fn verdict(run: &Run, step: StepIx) -> Verdict {
    let (Some(given), Some(operator)) = (run.steps.get(step), run.operator(step)) else {
        return Verdict::Wait;
    };
    let links = run.scope_of(step).and_then(|scope| scope.body.links.get(step.checked_sub(scope.first)?));
    let (activators, dependencies) =
        links.map_or((0, 0), |links| (links.activators.len(), links.dependencies.len()));
    if activators > 0 && !given.is_chosen {
        return if given.ways_over < activators { Verdict::Wait } else { Verdict::Skip };
    }
    let counts = given.dependencies;
    let rule = operator.trigger_rule;
    let needs_all = matches!(rule, TriggerRule::AllSuccess | TriggerRule::NoneFailed);
    match rule {
        TriggerRule::OneSuccess if counts.succeeded > 0 => return Verdict::Start,
        TriggerRule::OneDone if counts.succeeded + counts.failed > 0 => return Verdict::Start,
        _ if needs_all && (counts.failed > 0 || (counts.upstream_failed > 0 && is_hopeless(run, step))) => {
            return Verdict::Skip;
        }
        _ if counts.over < dependencies => return Verdict::Wait,
        _ => {}
    }
    // Whether a failure is handled is known when its handler has ended.
    if needs_all
        && counts.upstream_failed > 0
        && counts.worked > 0
        && causes(run, step).any(|cause| !run.is_handled(cause))
    {
        return Verdict::WaitForRepair;
    }
    let is_passed_by = counts.passed_by > 0
        && counts.worked + counts.failed + counts.upstream_failed == 0
        && !given.is_chosen;
    let is_unharmed = counts.upstream_failed == 0 || counts.worked > 0;
    let starts = match rule {
        TriggerRule::AllDone => true,
        TriggerRule::AllSuccess => is_unharmed && !is_passed_by,
        TriggerRule::NoneFailed => is_unharmed,
        // A skipped step neither succeeded nor did anything.
        TriggerRule::OneSuccess | TriggerRule::OneDone => dependencies == 0,
    };
    if starts { Verdict::Start } else { Verdict::Skip }
}

/// The failures because of which dependencies of a step were skipped.
fn causes(run: &Run, step: StepIx) -> impl Iterator<Item = StepIx> {
    let scope = run.scope_of(step);
    let first = scope.map(|scope| scope.first).unwrap_or_default();
    let links = scope.and_then(|scope| scope.body.links.get(step.checked_sub(first)?));
    let on = links.map(|links| links.dependencies.iter()).unwrap_or_default();
    on.filter_map(move |on| run.steps.get(first + on)?.cause)
}

/// Whether a step follows a failure that can no longer be handled.
fn is_hopeless(run: &Run, step: StepIx) -> bool {
    causes(run, step).any(|cause| {
        let handler = run.operator(cause).and_then(|operator| operator.on_failure);
        let first = run.scope_of(cause).map(|scope| scope.first).unwrap_or_default();
        let handler = handler.and_then(|handler| run.steps.get(first + handler));
        handler.is_none_or(|handler| handler.state.is_final() && handler.state != StepState::Succeeded)
    })
}

/// The failed step because of which a step is skipped.
pub(in crate::engine) fn cause_of(run: &Run, step: StepIx) -> Option<StepIx> {
    let scope = run.scope_of(step)?;
    let links = scope.body.links.get(step.checked_sub(scope.first)?)?;
    let on = || links.dependencies.iter().map(|on| scope.first + on);
    let failed = on().find(|on| run.steps.get(*on).is_some_and(|step| step.state == StepState::Failed));
    failed.or_else(|| causes(run, step).next())
}
