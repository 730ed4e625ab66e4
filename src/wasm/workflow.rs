//! The functions of `WorkflowBuilder` and `Workflow`. They keep no state: the facade keeps calls and documents as text.

use super::convert::{JsResult, give, moment, parse, to_value};
use super::memory::make_room_to_read;
use crate::builder::{Built, Driver, WorkflowBuilder};
use crate::definition::{self, Document, Form, Offset, Workflow, read_text};
use crate::error::{Diagnostic, Error, ErrorCode, Result};
use crate::graph::{self, Placement, PlacementOptions};
use crate::text::suggest::nearest;
use crate::time::Millis;
use crate::validate::{self, Clocks};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

/// Checks the parameters of a new builder.
#[wasm_bindgen(js_name = builderNew)]
pub fn builder_new(params: &str) -> JsResult<()> {
    give(parse(params).and_then(|params| WorkflowBuilder::new(&params)).map(drop))
}

/// Checks one call of a builder. `has_current` says whether the builder has an operator that it could modify.
#[wasm_bindgen(js_name = builderCall)]
pub fn builder_call(method: &str, params: &str, has_current: bool) -> JsResult<()> {
    give(parse(params).and_then(|params| WorkflowBuilder::check_call(method, params, has_current)))
}

/// Builds the definition of `{new, calls}`. The result is `{notes, text}`: the findings, and the definition.
#[wasm_bindgen(js_name = builderBuild)]
pub fn builder_build(settings: &str) -> JsResult<JsValue> {
    give(parse(settings).and_then(|mut settings| {
        let mut builder = WorkflowBuilder::new(settings.get("new").unwrap_or(&Value::Null))?;
        builder.calls(settings.get_mut("calls").map(Value::take).unwrap_or_default())?;
        keep(builder.build()?)
    }))
}

/// Calls one setter on the definition in `text`. The result is `{notes, text}`, too.
#[wasm_bindgen(js_name = workflowSet)]
pub fn workflow_set(text: &str, setter: &str, params: &str) -> JsResult<JsValue> {
    give(parse(text).and_then(|text| keep(WorkflowBuilder::set(text, setter, parse(params)?)?)))
}

/// A definition that a builder made, for JavaScript.
#[derive(Serialize)]
struct Written<'a> {
    notes: &'a [Diagnostic],
    text: &'a str,
}

fn keep(Built { workflow, notes }: Built) -> Result<JsValue> {
    let text = workflow.to_json();
    let written = to_value(&Written { notes: &notes, text: &text });
    LAST.set(Some((text, Document { workflow, diagnostics: Vec::new() })));
    written
}

/// Throws the error that keeps a text from being a definition. `form` is `json`, `yaml`, or `data` for JSON that a
/// program wrote.
#[wasm_bindgen(js_name = workflowRead)]
pub fn workflow_read(text: &str, form: &str) -> JsResult<()> {
    give(with_document(text, form, |document| definition::check(document, text, input(form)?)))
}

#[wasm_bindgen]
extern "C" {
    /// The clocks of the host.
    pub type Host;

    /// How far the clocks of a time zone are ahead of UTC at a moment, in milliseconds.
    #[wasm_bindgen(method, structural, js_name = zoneOffset)]
    fn zone_offset(this: &Host, zone: &str, at: f64) -> Option<f64>;
}

/// All findings about the tasks of a driver, given as `[[method, name, options], …]`.
#[wasm_bindgen(js_name = driverValidate)]
pub fn driver_validate(tasks: &str, now: f64, host: &Host) -> JsResult<JsValue> {
    let driver = parse(tasks).and_then(|tasks| Driver::of_list(None, &tasks));
    give(driver.and_then(|driver| to_value(&driver.validate(clocks(now, &offset(host))))))
}

/// All findings about any text.
#[wasm_bindgen(js_name = workflowValidate)]
pub fn workflow_validate(text: &str, form: &str, now: f64, host: &Host) -> JsResult<JsValue> {
    let found = with_document(text, form, |document| {
        Ok(validate::findings(document, text, input(form)?, clocks(now, &offset(host))))
    });
    give(to_value(&found.unwrap_or_else(|error| vec![Diagnostic::from(&error)])))
}

/// A definition in another form; `options` are those of a layout. A JSON document may have errors, since a builder may
/// write one with errors.
#[wasm_bindgen(js_name = workflowWrite)]
pub fn workflow_write(text: &str, form: &str, to: &str, options: &str) -> JsResult<String> {
    give(with_document(text, form, |document| {
        let form = input(form)?;
        if !form.is_json() {
            definition::check(document, text, form)?;
        }
        let Document { workflow, .. } = document;
        Ok(match to {
            "document" => workflow.to_json(),
            "json" => workflow.to_json_pretty(),
            "mermaid" => graph::mermaid(&shown(workflow, options)?.0),
            "dot" => graph::dot(&shown(workflow, options)?.0),
            "svg" => {
                let (workflow, options) = shown(workflow, options)?;
                graph::svg(&workflow, options.direction)
            }
            #[cfg(feature = "engine")]
            "yaml" => workflow.to_yaml(),
            other => return Err(not_loaded(other)),
        })
    }))
}

/// The layout of a definition: a [`Drawing`](graph::Drawing) as an object.
#[wasm_bindgen(js_name = workflowLayout)]
pub fn workflow_layout(text: &str, options: &str) -> JsResult<JsValue> {
    give(with_document(text, "json", |document| {
        let (workflow, options) = shown(&document.workflow, options)?;
        to_value(&Placement::new(&workflow, &options).drawing())
    }))
}

/// The workflow as a drawing shows it, and the options of its layout. Waits that only delay a task are left out, unless
/// the options say `delays`.
fn shown<'a>(workflow: &'a Workflow, options: &str) -> Result<(Cow<'a, Workflow>, PlacementOptions)> {
    let mut options = parse(options)?;
    let delays = options.as_object_mut().and_then(|options| options.remove("delays"));
    let options = PlacementOptions::read(&options)?;
    if delays == Some(true.into()) {
        return Ok((Cow::Borrowed(workflow), options));
    }
    Ok((Cow::Owned(workflow.without_delays()), options))
}

fn offset(host: &Host) -> impl Fn(&str, Millis) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "moments are below 2^53 milliseconds")]
    #[expect(clippy::cast_possible_truncation, reason = "clocks differ by a day at most")]
    |zone: &str, at: Millis| host.zone_offset(zone, at as f64).map(|offset| offset as i64)
}

fn clocks(now: f64, offset: Offset<'_>) -> Clocks<'_> {
    Clocks { now: moment(now), offset: Some(offset) }
}

/// The candidate that a misspelt name most likely means.
#[wasm_bindgen(js_name = nearestName)]
pub fn nearest_name(name: &str, candidates: Vec<String>) -> Option<String> {
    nearest(name, candidates.iter().map(String::as_str)).map(str::to_owned)
}

thread_local! {
    /// The definition that was used last, with its text. Checking, drawing and writing one usually follow each other,
    /// and reading it takes longer than any of them.
    static LAST: RefCell<Option<(String, Document)>> = const { RefCell::new(None) };
}

/// Calls `using` with the definition in `text`.
fn with_document<T>(text: &str, form: &str, using: impl FnOnce(&Document) -> Result<T>) -> Result<T> {
    let form = input(form)?;
    LAST.with_borrow_mut(|last| {
        if let Some((_, document)) = last.as_ref().filter(|(known, _)| form.is_json() && known == text) {
            return using(document);
        }
        make_room_to_read(text.len());
        let document = read_text(text, form)?;
        let used = using(&document);
        *last = Some((text.to_owned(), document)).filter(|_| form.is_json());
        used
    })
}

fn input(form: &str) -> Result<Form> {
    Form::of_word(form).ok_or_else(|| not_loaded(form))
}

fn not_loaded(form: &str) -> Error {
    Error::new(ErrorCode::NotSupported, format!("this module has no form `{form}`"))
}
