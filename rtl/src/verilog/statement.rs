//! Assignments under conditions, as nested `if`s.

use super::expression::{Expression, Level, binary};
use super::layout::{COLUMNS, layout, pad, plain};
use super::module::Writer;
use crate::design::{Assignment, Branch, NodeId};

/// A target of assignments: what stands on the left, and the register whose states it takes.
pub struct Target<'a> {
    pub name: String,
    pub assignments: &'a [Assignment],
    pub enumeration: Option<usize>,
}

/// A statement of an `always` block.
pub enum Statement {
    /// `target <= value;`
    Assign { target: String, value: String },
    /// `if (condition) ... else ...`
    If { condition: Expression, negated: Expression, then: Vec<Statement>, otherwise: Vec<Statement> },
}

/// Assignments by branch: the nesting that the description had.
enum Tree {
    Assign(usize),
    Branch { branch: Branch, then: Vec<Tree>, otherwise: Vec<Tree> },
}

/// Rebuilds the nesting from the paths, in program order: an assignment goes below the last open `if` that it
/// shares, on the side that its path takes.
fn insert(list: &mut Vec<Tree>, path: &[Branch], index: usize) {
    let Some((first, rest)) = path.split_first() else {
        list.push(Tree::Assign(index));
        return;
    };
    let open = matches!(list.last(), Some(Tree::Branch { branch, otherwise, .. })
        if branch.when == first.when && (!first.taken || otherwise.is_empty()));
    if !open {
        list.push(Tree::Branch { branch: *first, then: vec![], otherwise: vec![] });
    }
    if let Some(Tree::Branch { then, otherwise, .. }) = list.last_mut() {
        insert(if first.taken { then } else { otherwise }, rest, index);
    }
}

fn tree(assignments: &[Assignment]) -> Vec<Tree> {
    let mut tree = vec![];
    for (index, assignment) in assignments.iter().enumerate() {
        insert(&mut tree, &assignment.path, index);
    }
    tree
}

impl Writer<'_> {
    /// The statements that give `targets`, which share their branches, their values.
    pub fn statements(&mut self, targets: &[Target]) -> Vec<Statement> {
        self.render(&tree(targets[0].assignments), targets)
    }

    /// The statements that give a wire its value.
    pub fn wire_statements(&mut self, target: Target) -> Vec<Statement> {
        let tree = self.decided_branches(tree(target.assignments));
        self.render(&tree, &[target])
    }

    /// Without conditions that are constants, and without what a later assignment hides then. A block that reads
    /// nothing else would never run: `always @*` waits for a change.
    fn decided_branches(&self, tree: Vec<Tree>) -> Vec<Tree> {
        let mut list = vec![];
        for node in tree {
            match node {
                Tree::Assign(index) => list = vec![Tree::Assign(index)],
                Tree::Branch { branch, then, otherwise } => {
                    let condition = self.analysis.constant(self.analysis.canonical(branch.condition));
                    let decided = condition.map(|condition| condition.bit(0));
                    let then = self.decided_branches(then);
                    let otherwise = self.decided_branches(otherwise);
                    match decided {
                        None if then.is_empty() && otherwise.is_empty() => {}
                        None => list.push(Tree::Branch { branch, then, otherwise }),
                        Some(taken) => {
                            for inner in if taken { then } else { otherwise } {
                                if matches!(inner, Tree::Assign(_)) {
                                    list.clear();
                                }
                                list.push(inner);
                            }
                        }
                    }
                }
            }
        }
        list
    }

    fn render(&mut self, tree: &[Tree], targets: &[Target]) -> Vec<Statement> {
        let mut statements = vec![];
        for node in tree {
            match node {
                Tree::Assign(index) => {
                    for target in targets {
                        let value = self.right_side(target.assignments[*index].value, target.enumeration);
                        statements.push(Statement::Assign { target: target.name.clone(), value });
                    }
                }
                Tree::Branch { branch, then, otherwise } => {
                    let (condition, negated) = self.condition(branch.condition);
                    let then = self.render(then, targets);
                    let otherwise = self.render(otherwise, targets);
                    statements.push(Statement::If { condition, negated, then, otherwise });
                }
            }
        }
        statements
    }

    /// A value that stands alone on the right side of an assignment.
    fn right_side(&mut self, value: NodeId, enumeration: Option<usize>) -> String {
        let expression = self.operand_of(value, enumeration);
        self.read(&expression);
        expression.text
    }

    /// A condition and its complement.
    fn condition(&mut self, condition: NodeId) -> (Expression, Expression) {
        let expression = self.operand(condition);
        self.read(&expression);
        (expression, self.not(condition))
    }
}

/// Statements as text; `assign` is `<=` or `=`.
pub fn write(statements: &[Statement], assign: &str, indent: usize) -> String {
    statements.iter().map(|statement| write_one(statement, assign, indent)).collect()
}

fn write_one(statement: &Statement, assign: &str, indent: usize) -> String {
    match statement {
        Statement::Assign { target, value } => layout(indent, &format!("{target} {assign} "), value, ";"),
        Statement::If { .. } => pad(indent) + &write_if(statement, assign, indent),
    }
}

/// One arm of an `if` chain: conditions that must all hold (none for the last `else`), and what happens then.
struct Arm<'a> {
    conditions: Vec<&'a Expression>,
    body: &'a [Statement],
}

fn arms(statement: &Statement) -> Vec<Arm<'_>> {
    let Statement::If { condition, negated, then, otherwise } = statement else { return vec![] };
    let mut all = match (then.as_slice(), otherwise.as_slice()) {
        ([], otherwise) => vec![Arm { conditions: vec![negated], body: otherwise }],
        (then, []) => vec![Arm { conditions: vec![condition], body: then }],
        (then, otherwise) => {
            let mut all = vec![Arm { conditions: vec![condition], body: then }];
            match otherwise {
                [only @ Statement::If { .. }] => all.extend(arms(only)),
                several => all.push(Arm { conditions: vec![], body: several }),
            }
            return all;
        }
    };
    // An `if` alone inside another is one condition more.
    if let [only @ Statement::If { .. }] = all[0].body
        && let [inner] = arms(only).as_slice()
    {
        all[0].conditions.extend(&inner.conditions);
        all[0].body = inner.body;
    }
    all
}

fn joined(conditions: &[&Expression]) -> Option<String> {
    let all = conditions.iter().map(|&condition| condition.clone());
    Some(all.reduce(|a, b| binary(a, "&&", b, Level::LogicalAnd))?.text)
}

/// An `if` chain without its first indentation: one line an arm where every arm is one short assignment.
fn write_if(statement: &Statement, assign: &str, indent: usize) -> String {
    let arms: Vec<_> = arms(statement).into_iter().map(|arm| (joined(&arm.conditions), arm.body)).collect();
    let short: Option<Vec<String>> = arms
        .iter()
        .map(|(condition, body)| match body {
            [Statement::Assign { target, value }] => {
                let head = condition.as_ref().map_or(String::new(), |condition| format!("if ({condition}) "));
                let line = plain(&format!("{head}{target} {assign} {value};"));
                (indent + 5 + line.chars().count() <= COLUMNS).then_some(line)
            }
            _ => None,
        })
        .collect();
    if let Some(lines) = short {
        return lines.join(&format!("\n{}else ", pad(indent))) + "\n";
    }
    let mut text = String::new();
    for (i, (condition, body)) in arms.iter().enumerate() {
        let head = match condition {
            Some(condition) => layout(indent, "if (", condition, ") begin"),
            None => "begin\n".into(),
        };
        if i > 0 {
            text += &format!("{}end else ", pad(indent));
        }
        text += head.trim_start();
        text += &write(body, assign, indent + 4);
    }
    text + &pad(indent) + "end\n"
}
