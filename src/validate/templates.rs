//! Templates must name something that can be known.

use super::known::Known;
use super::meant::{Meant, is_of_result};
use super::place::{Place, Reading};
use super::scope::Scope;
use super::slips::Slips;
use super::texts::texts;
use crate::definition::{Operation, Operator};
use crate::error::{Diagnostic, ErrorCode};
use crate::template::names::OF_RUN;
use crate::template::{Part, Path, Piece, Syntax, not_a_template, pieces};

pub(super) fn check(scope: &Scope<'_>, known: &Known<'_>, findings: &mut Vec<Diagnostic>) {
    for (at, operator) in scope.operators() {
        texts(operator, &mut |text, path, syntax| {
            check_text(text, syntax, &Place { scope, at, operator, path }, known, findings);
        });
        findings.extend(bare_items(scope, at, operator, known));
    }
}

/// The finding about `items` that is the name of a list without the braces of a template.
fn bare_items(scope: &Scope<'_>, at: usize, operator: &Operator, known: &Known<'_>) -> Option<Diagnostic> {
    let Operation::Foreach(each) = &operator.operation else { return None };
    let path = Path::parse(&each.items)?;
    let is_meant = known.is_given(&path.root) || (!path.parts.is_empty() && known.has(&path.root));
    let message = format!("the items of `{}` are the text `{path}`, one item", scope.id(at));
    let finding =
        Diagnostic::warning(ErrorCode::TemplateInvalid, format!("{}/items", scope.path(at)), message);
    is_meant.then(|| finding.with_help(format!("write `{{{{{path}}}}}`")))
}

fn check_text(
    text: &str,
    syntax: Syntax,
    place: &Place<'_>,
    known: &Known<'_>,
    findings: &mut Vec<Diagnostic>,
) {
    let path = || format!("{}{}", place.scope.path(place.at), place.path);
    let is_known = |template: &Path| !matches!(place.reading(&template.root, known), Reading::Unknown(_));
    let slips = Slips { place, known, is_known: &is_known };
    let warn =
        |code, (message, help): (String, String)| Diagnostic::warning(code, path(), message).with_help(help);
    if let Some(((message, help), may_be_meant)) = slips.of_javascript(text) {
        let make = if may_be_meant { Diagnostic::info } else { Diagnostic::warning };
        findings.push(make(ErrorCode::TemplateInvalid, path(), message).with_help(help));
    }
    // The text before the template, and how many single quotes it has.
    let (mut before, mut quotes) = ("", 0);
    for piece in pieces(text, syntax) {
        match piece {
            Piece::Template { path: template, .. } => {
                let reading = place.reading(&template.root, known);
                if let Reading::Unknown(elsewhere) = reading {
                    findings.push(unknown(&template, elsewhere, place, known, path()));
                } else {
                    let dollar = slips.dollar(&template, before, quotes % 2 == 1);
                    findings.extend(dollar.map(|slip| warn(ErrorCode::TemplateInvalid, slip)));
                }
                if reading == Reading::Known {
                    let slip = known.field_slip(&template);
                    findings.extend(slip.map(|slip| warn(ErrorCode::TemplateNameUnknown, slip)));
                    findings.extend(within(&template, place, known, &path));
                }
            }
            // Braces in a raw block are on purpose.
            Piece::Raw(text) => quotes += text.matches('\'').count(),
            Piece::Invalid(source) => {
                let error = not_a_template(source).with_path(path());
                let finding = Diagnostic::from(&error);
                findings.push(match slips.quoted(source) {
                    Some(result) => finding.with_help(format!("write `{{{{{result}}}}}`")),
                    None => finding,
                });
            }
            Piece::Text(text) => {
                findings.extend(slips.of_text(text).map(|slip| warn(ErrorCode::TemplateInvalid, slip)));
                (before, quotes) = (text, quotes + text.matches('\'').count());
                continue;
            }
        }
        before = "";
    }
}

/// The finding about an unknown name: a warning if it is a slip, a note if it may be an input of the run.
fn unknown(
    template: &Path,
    elsewhere: Option<&str>,
    place: &Place<'_>,
    known: &Known<'_>,
    path: String,
) -> Diagnostic {
    let (root, task) = (template.root.as_str(), place.scope.id(place.at));
    let message = format!("template `{{{{{template}}}}}` of task `{task}` names no result and no variable");
    let limited = elsewhere.map(|elsewhere| format!("`{root}` is known {elsewhere} only"));
    let in_loop = place.scope.items.get(place.at).is_some_and(|item| item.in_loop);
    let nearest = limited.or_else(|| known.meant(template, task, in_loop).map(Meant::help));
    // The schedule may be set elsewhere.
    let is_slip = root != "ds" && (nearest.is_some() || is_of_result(template));
    let make = if is_slip { Diagnostic::warning } else { Diagnostic::info };
    make(ErrorCode::TemplateNameUnknown, path, message).with_help(nearest.unwrap_or_else(|| {
        format!("a run must give `{root}` as an input; results are named by their result key or task id")
    }))
}

/// The finding about a name that a namespace of the engine lacks. A run may bring further inputs and variables, so only
/// names that are near to one of the definition, or that another engine uses, are reported.
fn within(
    template: &Path,
    place: &Place<'_>,
    known: &Known<'_>,
    path: &dyn Fn() -> String,
) -> Option<Diagnostic> {
    let (root, meant) = (template.root.as_str(), known.meant_within(template));
    let lacks = |name: &str| match root {
        "run" => !OF_RUN.contains(&name),
        "results" => !known.is_result(name),
        _ => false,
    };
    let is_lacking = matches!(template.parts.first(), Some(Part::Key(name)) if lacks(name));
    if !is_lacking && meant.is_none() {
        return None;
    }
    let lacking = if is_lacking { format!("no field of `{root}`") } else { "no variable".to_owned() };
    let message =
        format!("template `{{{{{template}}}}}` of task `{}` names {lacking}", place.scope.id(place.at));
    // `{{inputs.parameters.x}}` may really read an input.
    let is_input = root == "inputs" && matches!(meant, Some(Meant::Surely(_)));
    let make = if is_input { Diagnostic::info } else { Diagnostic::warning };
    let all = (root == "run").then(|| "it has `{{run.id}}` and `{{run.started_at}}`".to_owned());
    let finding = make(ErrorCode::TemplateNameUnknown, path(), message);
    Some(finding.with_any_help(meant.map(Meant::help).or(all)))
}
