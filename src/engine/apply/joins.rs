//! Marks joins that may be able to complete.

use crate::engine::state::State;
use crate::engine::state::positions::{RunIx, StepIx};
use crate::engine::state::queues::Check;
use crate::engine::state::step::Inner;

impl State {
    /// Marks the joins that name a step which has ended.
    pub(in crate::engine) fn mark_joins(&mut self, run: RunIx, step: StepIx) {
        let Some(owner) = self.runs.get(run).filter(|run| !run.watching.is_empty()) else { return };
        let (Some(inside), Some(operator)) = (owner.steps.get(step), owner.operator(step)) else { return };
        let mut count = 0;
        for scope in owner.around(inside.scope).filter_map(|scope| owner.scopes.get(scope)) {
            let joins = scope.body.joins_of(&operator.id);
            count += 1 + joins.len();
            let joins = joins.iter().map(|join| scope.first + join);
            let waiting = joins
                .filter(|join| owner.steps.get(*join).is_some_and(|join| join.inner == Some(Inner::Join)));
            self.to_check.extend(waiting.map(|join| Check { run, step: join, ended: Some(step) }));
        }
        self.add_looks(count);
    }
}
