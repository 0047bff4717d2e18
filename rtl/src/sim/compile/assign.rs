//! Assignments below `when`, as multiplexers.

use super::flatten::Flattener;
use super::graph::Word;
use super::lower::Value;
use crate::design::{Assignment, Branch};

impl Flattener<'_> {
    /// What `assignments` give where they apply, else `value`. Their operands are built; the first `depth` branches
    /// of each path are known to be taken.
    pub fn assigned(&mut self, scope: usize, assignments: &[&Assignment], depth: usize, mut value: Value) -> Value {
        let mut rest = assignments;
        while let Some(first) = rest.first() {
            let Some(branch) = first.path.get(depth) else {
                value = self.done(scope, first.value);
                rest = &rest[1..];
                continue;
            };
            let same = |other: &&&Assignment| other.path.get(depth).is_some_and(|other| other.when == branch.when);
            let count = rest.iter().take_while(same).count();
            value = self.one_when(scope, &rest[..count], depth, value);
            rest = &rest[count..];
        }
        value
    }

    /// Assignments that all lie below the same `when`.
    fn one_when(&mut self, scope: usize, group: &[&Assignment], mut depth: usize, value: Value) -> Value {
        // Branches that all share make one condition, which other targets of the same `when` share as well.
        let mut condition = self.graph.constant(1);
        while let Some(branch) = common_branch(group, depth) {
            let taken = self.branch_condition(scope, branch);
            condition = self.graph.and(condition, taken);
            depth += 1;
        }
        let inner = match group[0].path.get(depth) {
            Some(branch) if group.iter().all(|a| a.path.get(depth).is_some_and(|b| b.when == branch.when)) => {
                // Both sides of one `when`.
                let on = |side: bool| -> Vec<&Assignment> {
                    group.iter().copied().filter(|a| a.path[depth].taken == side).collect()
                };
                let select = self.done(scope, branch.condition)[0];
                let on_true = self.assigned(scope, &on(true), depth + 1, value.clone());
                let on_false = self.assigned(scope, &on(false), depth + 1, value.clone());
                self.graph.mux_words(select, &on_true, &on_false)
            }
            _ => self.assigned(scope, group, depth, value.clone()),
        };
        self.graph.mux_words(condition, &inner, &value)
    }

    fn branch_condition(&mut self, scope: usize, branch: Branch) -> Word {
        let condition = self.done(scope, branch.condition)[0];
        if branch.taken { condition } else { self.graph.not(condition, 1) }
    }
}

/// The branch at `depth`, if every path has the same there.
fn common_branch(group: &[&Assignment], depth: usize) -> Option<Branch> {
    let first = *group[0].path.get(depth)?;
    group.iter().all(|assignment| assignment.path.get(depth) == Some(&first)).then_some(first)
}
