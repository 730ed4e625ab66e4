//! The driver's functions. They are stateless: the facade keeps the tasks as plain data and passes them along, so
//! there is nothing to free.

use super::convert::{JsResult, give, parse};
use crate::builder::{Document, Driver, DriverTask, Registration, RunSettings};
use crate::definition::duration;
use crate::error::{Error, ErrorCode, Result};
use crate::json::number::digits;
use crate::json::write_json;
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;

/// Checks what one method of the driver registers; `taken` tells whether the name is in use.
#[wasm_bindgen(js_name = driverTask)]
pub fn driver_task(method: &str, name: &str, options: &str, taken: bool) -> JsResult<()> {
    let task =
        parse(options).and_then(|options| DriverTask::read(registration(method), name, &options, taken));
    give(task.map(drop))
}

/// The tasks as `driver.tasks` shows them, a list in their order.
#[wasm_bindgen(js_name = driverTasks)]
pub fn driver_tasks(tasks: &str) -> JsResult<String> {
    let driver = parse(tasks).and_then(|tasks| Driver::of_list(None, &tasks));
    give(driver.map(|driver| write_json(&driver.tasks().iter().map(DriverTask::to_json).collect())))
}

/// Checks the tasks `[[method, name, options], …]` as `run` does. Returns the time limit of a run without `timeout`, in
/// seconds.
#[wasm_bindgen(js_name = driverCheck)]
pub fn driver_check(tasks: &str) -> JsResult<f64> {
    give(parse(tasks).and_then(|tasks| {
        let driver = Driver::of_list(None, &tasks)?;
        driver.check()?;
        Ok(driver.run_timeout())
    }))
}

/// The Python files to upload for `{tasks, packages, context}`, by path; `null` if there are none.
#[wasm_bindgen(js_name = driverArtifact)]
pub fn driver_artifact(settings: &str) -> JsResult<String> {
    let files = parse(settings).and_then(|settings| {
        let field = |key: &str| settings.get(key).unwrap_or(&Value::Null);
        let context = field("context").as_str().unwrap_or_default();
        Driver::of_list(None, field("tasks"))?.artifact_with(field("packages"), context)
    });
    give(files.map(|files| write_json(&files.map_or(Value::Null, Value::Object))))
}

/// Builds the definition of `{name, tasks, inputs, timeout, random, isRun}`. The result is a line `[name, timeout]`
/// with the name of the workflow and its time limit in seconds, and after the line break the definition. With `isRun`,
/// the tasks are checked, and the default time limit includes their waits.
#[wasm_bindgen(js_name = driverBuild)]
pub fn driver_build(settings: &str) -> JsResult<String> {
    give(parse(settings).and_then(|settings| build(&settings)))
}

/// A duration in any form as seconds, at least `least`. `path` is the path of the option, for errors.
#[wasm_bindgen]
pub fn seconds(path: &str, value: &str, least: f64) -> JsResult<f64> {
    let seconds = parse(value).and_then(|value| option_seconds(&value, least));
    give(seconds.map_err(|error| error.with_path(path)))
}

fn option_seconds(value: &Value, least: f64) -> Result<f64> {
    let seconds = duration::seconds(value).map_err(|error| {
        Error::new(ErrorCode::OptionInvalid, error.message()).with_help(error.help().unwrap_or_default())
    })?;
    if seconds < least {
        let message = format!(
            "a time limit of `{}` s is too short, it takes at least {} s",
            digits(seconds),
            digits(least)
        );
        return Err(Error::new(ErrorCode::OptionInvalid, message));
    }
    Ok(seconds)
}

fn build(settings: &Value) -> Result<String> {
    let text = |key: &str| settings.get(key).and_then(Value::as_str);
    let driver = Driver::of_list(text("name"), settings.get("tasks").unwrap_or(&Value::Null))?;
    let timeout = match settings.get("timeout") {
        Some(Value::Number(seconds)) => Some(seconds.clone()),
        _ => None,
    };
    let mut run = RunSettings { timeout, inputs: inputs(settings) };
    if settings.get("isRun") == Some(&Value::Bool(true)) {
        run = driver.settings_of_run(run)?;
    }
    let Document { name, timeout, text } = driver.document(&run, text("random").unwrap_or_default())?;
    Ok(write_json(&Value::Array(vec![name.into(), timeout.into()])) + "\n" + &text)
}

fn inputs(settings: &Value) -> Map<String, Value> {
    settings.get("inputs").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The facade names existing methods only.
fn registration(method: &str) -> Registration {
    Registration::of_method(method).unwrap_or(Registration::Task)
}
