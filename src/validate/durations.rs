//! Times must be above zero, and a time inside another one must fit into it.

use super::scope::Scope;
use crate::definition::{Duration, Operation, Operator, RetryPolicy, Until};
use crate::error::{Diagnostic, ErrorCode, Severity};
use crate::json::number::digits;

/// The shortest time limit that holds around some operators.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) seconds: f64,
    /// JSON pointer to the limit.
    pub(super) path: String,
    pub(super) subject: &'static str,
}

impl Limit {
    /// The finding about something that takes as long as the limit, or longer. `help` is the advice besides raising the
    /// limit.
    pub(super) fn exceeded(
        &self,
        severity: Severity,
        code: ErrorCode,
        path: String,
        problem: &str,
        help: &str,
    ) -> Diagnostic {
        let message = format!("{problem}, but {} may take only {} s", self.subject, digits(self.seconds));
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let finding = Diagnostic::error(code, path, message)
            .with_help(format!("{help}, or raise `{name}`"))
            .with_related(self.path.as_str());
        Diagnostic { severity, ..finding }
    }
}

/// The limit inside a workflow, given the limit around it.
pub(super) fn limit(scope: &Scope<'_>, outer: Option<&Limit>) -> Option<Limit> {
    let workflow = scope.workflow;
    let subject = "the whole run";
    let deadline = workflow.deadline_seconds.map(|seconds| (whole(seconds), "deadline_seconds"));
    let timeout = workflow.timeout_seconds.map(|timeout| (timeout.seconds(), "timeout_seconds"));
    let own = deadline.into_iter().chain(timeout);
    let own = own.map(|(seconds, key)| Limit { seconds, path: format!("{}/{key}", scope.base), subject });
    shortest(own.chain(outer.cloned()))
}

/// The limit inside the branches of a fork.
pub(super) fn fork_limit(scope: &Scope<'_>, fork: usize, outer: Option<&Limit>) -> Option<Limit> {
    let timeout = scope.items.get(fork).and_then(|item| match &item.operator.operation {
        Operation::Parallel(fork) => fork.timeout,
        Operation::MultiChoice(choice) => choice.timeout,
        _ => None,
    });
    let own = timeout.map(|seconds| Limit {
        seconds: whole(seconds),
        path: format!("{}/timeout", scope.path(fork)),
        subject: "the branches together",
    });
    shortest(own.into_iter().chain(outer.cloned()))
}

fn shortest(limits: impl Iterator<Item = Limit>) -> Option<Limit> {
    limits.filter(|limit| limit.seconds > 0.0).min_by(|left, right| left.seconds.total_cmp(&right.seconds))
}

pub(super) fn whole(seconds: i64) -> f64 {
    Duration::from_seconds(seconds).seconds()
}

pub(super) fn check(scope: &Scope<'_>, findings: &mut Vec<Diagnostic>) {
    if let Some(policy) = &scope.workflow.default_retry_policy {
        retry(policy, &|| format!("{}/default_retry_policy", scope.base), findings);
    }
    if let Some(timeout) = scope.workflow.timeout_seconds {
        let path = || format!("{}/timeout_seconds", scope.base);
        positive(timeout.seconds(), &path, LIMIT, findings);
    }
    for (at, operator) in scope.operators() {
        times(operator, &|| scope.path(at), findings);
        if let Some(policy) = &operator.retry_policy {
            retry(policy, &|| format!("{}/retry_policy", scope.path(at)), findings);
        }
    }
}

/// What a time is for, and how severe a time of zero or less is. A wait without a time is only a warning, since Highway
/// accepts it.
type Use = (&'static str, Severity);
const LIMIT: Use = ("time limit", Severity::Error);
const WAIT: Use = ("wait", Severity::Warning);

fn times(operator: &Operator, path: &dyn Fn() -> String, findings: &mut Vec<Diagnostic>) {
    let mut check = |seconds: Option<f64>, key: &str, used: Use| {
        if let Some(seconds) = seconds {
            positive(seconds, &|| format!("{}/{key}", path()), used, findings);
        }
    };
    let limit = operator.timeout_policy.as_ref().map(|policy| policy.timeout.seconds());
    check(limit, "timeout_policy/timeout", LIMIT);
    let breaker = operator.circuit_breaker_policy.as_ref().map(|policy| policy.isolation_duration.seconds());
    check(breaker, "circuit_breaker_policy/isolation_duration", ("isolation", Severity::Warning));
    match &operator.operation {
        Operation::Wait(wait) => match wait.wait_for.until() {
            Until::Duration(duration) => check(Some(duration.seconds()), "wait_for", WAIT),
            Until::Text if !wait.wait_for.as_str().contains("{{") => {
                let message = format!("`wait_for` is `{}`, which is not a time", wait.wait_for.as_str());
                let path = format!("{}/wait_for", path());
                let finding = Diagnostic::error(ErrorCode::DurationInvalid, path, message);
                findings.push(finding.with_help("give seconds, `PT30S` or `2030-01-01T00:00:00Z`"));
            }
            _ => {}
        },
        Operation::Parallel(parallel) => check(parallel.timeout.map(whole), "timeout", LIMIT),
        Operation::MultiChoice(choice) => check(choice.timeout.map(whole), "timeout", LIMIT),
        // The event may have come before, and then even a limit of zero is enough.
        Operation::WaitForEvent(event) => check(event.timeout_seconds.map(whole), "timeout_seconds", WAIT),
        Operation::ChildWorkflow(child) => check(child.timeout_seconds.map(whole), "timeout_seconds", LIMIT),
        _ => {}
    }
}

fn positive(seconds: f64, path: &dyn Fn() -> String, (name, severity): Use, findings: &mut Vec<Diagnostic>) {
    if seconds > 0.0 {
        return;
    }
    let message = format!("a {name} of {} s is over at once", digits(seconds));
    let finding = Diagnostic::error(ErrorCode::DurationNotPositive, path(), message);
    findings.push(Diagnostic { severity, ..finding.with_help("give a time above zero") });
}

/// Highway accepts every number here. A negative number of retries means none, and no engine has delays that shrink.
fn retry(policy: &RetryPolicy, path: &dyn Fn() -> String, findings: &mut Vec<Diagnostic>) {
    let mut report = |severity: Severity, code: ErrorCode, key: &str, message: String, help: &str| {
        let finding = Diagnostic::error(code, format!("{}/{key}", path()), message);
        findings.push(Diagnostic { severity, ..finding.with_help(help) });
    };
    let (invalid, warning) = (ErrorCode::FieldValueInvalid, Severity::Warning);
    if policy.max_retries < 0 {
        let message = format!("`max_retries` is negative: {}", policy.max_retries);
        report(warning, invalid, "max_retries", message, "write `0` for no retries");
    }
    let factor = policy.backoff_factor.value();
    if factor < 1.0 {
        let message = format!("the delays shrink: each is {} times the one before", digits(factor));
        let help = "write `1` for equal delays, more for growing ones";
        report(Severity::Error, invalid, "backoff_factor", message, help);
    }
    if policy.delay.micros() < 0 {
        let message = format!("a delay of {} s lies in the past", digits(policy.delay.seconds()));
        let help = "write `0` to retry at once";
        report(warning, ErrorCode::DurationNotPositive, "delay", message, help);
    }
}
