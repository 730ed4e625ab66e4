//! Finds copies: Highway lists the operators of a loop body twice, in the loop and among the tasks around it.

use crate::definition::Operator;
use crate::text::names::NameIndex;

/// For each task of a scope, whether it is only a copy of an operator in the body of one of its loops.
///
/// The body of an outer loop lists inner loops and their bodies too. So loops with larger bodies come first: a loop
/// inside one of them is a copy, and its body is not searched.
pub(super) fn copies(tasks: &[(&str, &Operator)]) -> Vec<bool> {
    let mut is_copy = vec![false; tasks.len()];
    let mut loops: Vec<(usize, usize)> = Vec::new();
    for (at, (_, operator)) in tasks.iter().enumerate() {
        let mut size = 0;
        walk(operator, &mut |_| size += 1);
        if size > 0 {
            loops.push((size, at));
        }
    }
    if loops.is_empty() {
        return is_copy;
    }
    loops.sort_by_key(|(size, at)| (std::cmp::Reverse(*size), *at));
    let index = NameIndex::new(tasks.iter().map(|(id, _)| *id));
    for (_, at) in loops {
        let Some((_, operator)) = tasks.get(at).filter(|_| is_copy.get(at) == Some(&false)) else { continue };
        walk(operator, &mut |item| {
            let listed = index.get(&item.task_id).filter(|listed| *listed != at);
            let Some((listed, (_, task))) = listed.and_then(|listed| Some((listed, tasks.get(listed)?)))
            else {
                return;
            };
            if let Some(flag) = is_copy.get_mut(listed) {
                *flag |= task.is_internal_loop_task || is_alike(task, item);
            }
        });
    }
    is_copy
}

/// Calls `visit` with every operator in the body of a loop, at every depth.
fn walk<'a>(operator: &'a Operator, visit: &mut dyn FnMut(&'a Operator)) {
    let mut bodies = vec![operator.operation.loop_body().unwrap_or_default()];
    while let Some(body) = bodies.pop() {
        for item in body {
            visit(item);
            bodies.extend(item.operation.loop_body());
        }
    }
}

/// Whether two operators with the same id look the same. Some documents do not mark the operators of a loop.
fn is_alike(one: &Operator, other: &Operator) -> bool {
    one.operator_type == other.operator_type
        && one.dependencies == other.dependencies
        && one.description == other.description
}
