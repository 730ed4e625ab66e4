//! Waiting times: every path through a workflow must take less time than the run may.

use super::branches::Branch;
use super::durations::{Limit, whole};
use super::links::Kind;
use super::scope::{Scope, result_names};
use super::texts::texts;
use crate::definition::{Operation, Operator, RetryPolicy, Until};
use crate::error::{Diagnostic, ErrorCode, Severity};
use crate::graph::heaviest;
use crate::json::number::digits;
use crate::json::parse_json;
use crate::template::{Syntax, paths};
use crate::text::names::{NameIndex, sorted_names};
use crate::time::Millis;

/// The longest time in seconds that a message shows; longer than any limit.
const LONGEST: f64 = 1e15;

/// The sum of all waits between attempts, in seconds.
pub(crate) fn retry_waits(retries: f64, delay: f64, factor: f64) -> f64 {
    if delay <= 0.0 || retries <= 0.0 {
        return 0.0;
    }
    if factor <= 1.0 {
        return f64::min(delay * retries, LONGEST);
    }
    // Delays that hardly grow are added up for 1,000 attempts; the sum is then a lower bound.
    let (mut delay, mut left, mut sum) = (delay, f64::min(retries, 1_000.0), 0.0);
    while left >= 1.0 && sum < LONGEST {
        sum += delay;
        delay *= factor;
        left -= 1.0;
    }
    f64::min(sum, LONGEST)
}

/// Why an operator waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Retries,
    DefaultRetries,
    Wait,
    Event,
    Inside,
}

/// The seconds that an operator waits, and the cause of most of them.
#[derive(Clone, Copy, Debug)]
struct Weight {
    seconds: f64,
    cause: Cause,
}

/// Compares the waits with the limit. `forks` has the waits of branches, by the position of their fork. The result is
/// the longest path in seconds.
pub(super) fn check(
    scope: &Scope<'_>,
    branches: &[Branch],
    forks: &[(usize, f64)],
    limit: Option<&Limit>,
    now: Option<Millis>,
    findings: &mut Vec<Diagnostic>,
) -> f64 {
    let weights: Vec<Weight> = scope.items.iter().map(|item| weight(item.operator, scope)).collect();
    let (edges, seconds) = graph(scope, branches, forks, &weights);
    let ways = heaviest(&edges, &seconds);
    let end = (0..ways.len()).max_by(|left, right| total(&ways, *left).total_cmp(&total(&ways, *right)));
    let longest = end.map_or(0.0, |end| total(&ways, end));
    let Some(limit) = limit else { return longest };
    moments(scope, limit, now, findings);
    if longest < limit.seconds {
        return longest;
    }
    let mut reported: Vec<Diagnostic> = Vec::new();
    for (at, weight) in weights.iter().enumerate().filter(|(_, weight)| weight.seconds >= limit.seconds) {
        let finding = alone(scope, at, *weight, limit);
        // Operators that share a policy have one finding.
        reported.extend(finding.filter(|it| reported.last().is_none_or(|last| last.path != it.path)));
    }
    if reported.is_empty() {
        reported.extend(end.and_then(|end| together(scope, &ways, &weights, end, limit)));
    }
    findings.append(&mut reported);
    longest
}

/// Reports waits until a moment after the end of a run that starts now.
fn moments(scope: &Scope<'_>, limit: &Limit, now: Option<Millis>, findings: &mut Vec<Diagnostic>) {
    let Some(now) = now else { return };
    for (at, operator) in scope.operators() {
        let Operation::Wait(wait) = &operator.operation else { continue };
        let Until::Moment(moment) = wait.wait_for.until() else { continue };
        let Some(left) = moment.millis().map(|moment| seconds(moment.saturating_sub(now))) else { continue };
        if left >= limit.seconds {
            let problem =
                format!("`{}` waits until {}, {} s from now", scope.id(at), moment.as_str(), digits(left));
            findings.push(finding(scope, at, Cause::Wait, &problem, limit));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "moments are far below 2^53 milliseconds")]
fn seconds(millis: Millis) -> f64 {
    (millis / 1_000) as f64
}

fn total(ways: &[(f64, Option<usize>)], at: usize) -> f64 {
    ways.get(at).map_or(0.0, |way| way.0)
}

/// The finding about one operator that waits as long as the limit, or longer.
fn alone(scope: &Scope<'_>, at: usize, weight: Weight, limit: &Limit) -> Option<Diagnostic> {
    let (id, seconds) = (scope.id(at), digits(weight.seconds));
    let problem = match weight.cause {
        Cause::Retries => format!("the waits between the retries of `{id}` take {seconds} s"),
        Cause::DefaultRetries => format!("the waits between the retries of each task take {seconds} s"),
        Cause::Wait => format!("`{id}` waits for {seconds} s"),
        Cause::Event => format!("`{id}` waits for an event for up to {seconds} s"),
        // The operators inside have the finding.
        Cause::Inside => return None,
    };
    Some(finding(scope, at, weight.cause, &problem, limit))
}

/// The finding about successive operators that together wait as long as the limit, or longer. It is about the one that
/// waits longest.
fn together(
    scope: &Scope<'_>,
    ways: &[(f64, Option<usize>)],
    weights: &[Weight],
    end: usize,
    limit: &Limit,
) -> Option<Diagnostic> {
    let way = std::iter::successors(Some(end), |at| ways.get(*at)?.1);
    let mut waiting = way.filter_map(|at| weights.get(at).filter(|it| it.seconds > 0.0).map(|it| (at, *it)));
    let last = waiting.next()?;
    let most = waiting.fold(last, |most, next| if next.1.seconds >= most.1.seconds { next } else { most });
    let problem = format!(
        "the delays, waits and retries before the end of `{}` take {} s",
        scope.id(last.0),
        digits(total(ways, end))
    );
    Some(finding(scope, most.0, most.1.cause, &problem, limit))
}

fn finding(scope: &Scope<'_>, at: usize, cause: Cause, problem: &str, limit: &Limit) -> Diagnostic {
    let (code, key, help) = match cause {
        Cause::Retries => (ErrorCode::RetryExceedsTimeout, "/retry_policy", "retry fewer times or sooner"),
        Cause::DefaultRetries => (ErrorCode::RetryExceedsTimeout, "", "retry fewer times or sooner"),
        Cause::Wait => (ErrorCode::WaitExceedsTimeout, "/wait_for", "wait for a shorter time"),
        Cause::Event => (ErrorCode::WaitExceedsTimeout, "/timeout_seconds", "wait for a shorter time"),
        Cause::Inside => (ErrorCode::WaitExceedsTimeout, "", "wait for a shorter time"),
    };
    let path = match cause {
        Cause::DefaultRetries => format!("{}/default_retry_policy", scope.base),
        _ => format!("{}{key}", scope.path(at)),
    };
    limit.exceeded(Severity::Warning, code, path, problem, help)
}

/// The retry policy of an operator, its own or the default.
fn retry_policy<'a>(operator: &'a Operator, scope: &Scope<'a>) -> Option<&'a RetryPolicy> {
    // The default retries only operators that call tools.
    let calls = matches!(
        operator.operation,
        Operation::Task(_) | Operation::Activity(_) | Operation::Reflexive(_) | Operation::ChildWorkflow(_)
    );
    let default = scope.workflow.default_retry_policy.as_ref().filter(|_| calls);
    operator.retry_policy.as_ref().or(default)
}

/// The sum of all waits of a policy, in seconds.
fn waits_of(policy: &RetryPolicy) -> f64 {
    retry_waits(whole(policy.max_retries), policy.delay.seconds(), policy.backoff_factor.value())
}

/// Reports time limits of operators that are longer than the limit around them, each or over all attempts.
pub(super) fn limits(scope: &Scope<'_>, limit: Option<&Limit>, findings: &mut Vec<Diagnostic>) {
    let Some(limit) = limit else { return };
    for (at, operator) in scope.operators() {
        let Some(policy) = &operator.timeout_policy else { continue };
        let (id, own) = (scope.id(at), policy.timeout.seconds());
        let (retries, waits) = retry_policy(operator, scope)
            .map_or((0.0, 0.0), |policy| (f64::max(whole(policy.max_retries), 0.0), waits_of(policy)));
        let all = own * (retries + 1.0) + waits;
        let (severity, problem, help) = if own > limit.seconds {
            (
                Severity::Warning,
                format!("an attempt of `{id}` may take {} s", digits(own)),
                "lower the time limit",
            )
        } else if retries > 0.0 && own < limit.seconds && all > limit.seconds && waits < limit.seconds {
            let attempts = digits(retries + 1.0);
            let problem = format!("the {attempts} attempts of `{id}` may take {} s together", digits(all));
            (Severity::Info, problem, "lower the time limit, retry fewer times")
        } else {
            // If both limits are equal, the inner one is the default.
            continue;
        };
        let path = format!("{}/timeout_policy/timeout", scope.path(at));
        findings.push(limit.exceeded(severity, ErrorCode::LimitExceedsTimeout, path, &problem, help));
    }
}

/// The longest time that an operator waits, in seconds.
fn weight(operator: &Operator, scope: &Scope<'_>) -> Weight {
    let retries = retry_policy(operator, scope).map_or(0.0, waits_of);
    let retry_cause = match operator.retry_policy {
        None if retries > 0.0 => Cause::DefaultRetries,
        _ => Cause::Retries,
    };
    let (own, own_cause) = match &operator.operation {
        Operation::Wait(wait) => match wait.wait_for.until() {
            Until::Duration(duration) => (duration.seconds(), Cause::Wait),
            _ => (0.0, Cause::Wait),
        },
        Operation::WaitForEvent(event) => (event.timeout_seconds.map_or(0.0, whole), Cause::Event),
        Operation::Foreach(each) => {
            // Listed items are known, and run one after the other.
            let items = parse_json(&each.items).ok().and_then(|items| items.as_array().map(Vec::len));
            let items = items.unwrap_or(1);
            let rounds = if each.parallel { items.min(1) } else { items };
            (body(&each.loop_body, scope) * rounds_of(rounds), Cause::Inside)
        }
        Operation::While(each) => (body(&each.loop_body, scope), Cause::Inside),
        _ => (0.0, Cause::Wait),
    };
    let own = f64::min(own.max(0.0), LONGEST);
    Weight {
        seconds: retries + own,
        cause: if own >= retries && own > 0.0 { own_cause } else { retry_cause },
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of items are far below 2^53")]
fn rounds_of(count: usize) -> f64 {
    count as f64
}

/// The longest path through the body of a loop, in seconds. The body lists the bodies of inner loops too.
fn body(operators: &[Operator], scope: &Scope<'_>) -> f64 {
    let inner = operators.iter().flat_map(|operator| operator.operation.loop_body().unwrap_or_default());
    let inner = NameIndex::new(inner.map(|operator| operator.task_id.as_str()));
    let own: Vec<&Operator> =
        operators.iter().filter(|operator| inner.get(&operator.task_id).is_none()).collect();
    let index = NameIndex::new(own.iter().map(|operator| operator.task_id.as_str()));
    let needs = |operator: &&Operator| operator.dependencies.iter().filter_map(|id| index.get(id)).collect();
    let edges: Vec<Vec<usize>> = own.iter().map(needs).collect();
    let seconds: Vec<f64> = own.iter().map(|operator| weight(operator, scope).seconds).collect();
    heaviest(&edges, &seconds).into_iter().fold(0.0, |most, way| f64::max(most, way.0))
}

/// The operators as a graph: dependencies and waiting times. A fork completes at once, so its branches are nodes of
/// their own, after the operators.
fn graph(
    scope: &Scope<'_>,
    branches: &[Branch],
    forks: &[(usize, f64)],
    weights: &[Weight],
) -> (Vec<Vec<usize>>, Vec<f64>) {
    let mut edges = scope.needs.clone();
    // The body of a loop counts as part of the loop.
    let own = scope.items.iter().zip(weights);
    let mut seconds: Vec<f64> =
        own.map(|(item, weight)| if item.in_body { 0.0 } else { weight.seconds }).collect();
    for (at, links) in scope.links.iter().enumerate() {
        for (other, kind) in links {
            let (from, to) = if *kind == Kind::Join { (at, *other) } else { (*other, at) };
            if let Some(list) = edges.get_mut(from) {
                list.push(to);
            }
        }
    }
    if forks.is_empty() {
        return (edges, seconds);
    }
    let (names, nodes) = branch_names(scope, branches, forks, edges.len());
    for (at, operator) in scope.operators() {
        let Some(list) = edges.get_mut(at) else { continue };
        for name in awaited(operator, &names) {
            let awaited = names.all(&name).filter_map(|position| nodes.get(position));
            list.extend(awaited.filter(|(fork, _)| *fork != at).map(|(_, node)| node));
        }
    }
    for (fork, branch) in forks {
        edges.push(vec![*fork]);
        seconds.push(*branch);
    }
    (edges, seconds)
}

/// The names under which others wait for the branches of forks: the fork, its result, the operators of its branches. For
/// each name, the position of the fork and the node of its branches; the nodes start at `first`.
fn branch_names<'a>(
    scope: &'a Scope<'_>,
    branches: &'a [Branch],
    forks: &[(usize, f64)],
    first: usize,
) -> (NameIndex<'a>, Vec<(usize, usize)>) {
    let (mut names, mut nodes): (Vec<&str>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
    // Branches are in the order of their forks.
    let groups = branches.chunk_by(|left, right| left.fork == right.fork);
    for ((node, (fork, _)), own) in (first..).zip(forks).zip(groups) {
        let item = scope.items.get(*fork);
        let of_fork = item.into_iter().flat_map(|item| result_names(item.id, item.operator));
        let members = own.iter().flat_map(|branch| branch.workflow.tasks.iter().map(|(key, _)| key));
        for name in of_fork.chain(members) {
            names.push(name);
            nodes.push((*fork, node));
        }
    }
    (NameIndex::new(names.into_iter()), nodes)
}

/// The names of the index that an operator waits for: those in its templates, or, for a join, those that it joins.
fn awaited(operator: &Operator, names: &NameIndex<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |name: &str| found.extend(names.get(name).map(|_| name.to_owned()));
    if let Operation::Join(join) = &operator.operation {
        for id in &join.join_tasks {
            add(id);
        }
    } else {
        texts(operator, &mut |text, _, _| {
            for path in paths(text, Syntax::BracesAndDollar) {
                add(&path.root);
            }
        });
    }
    sorted_names(found)
}
