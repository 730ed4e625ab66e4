//! The client for programs in Rust.

use super::DefaultHost;
use super::driver::Definition;
#[cfg(target_arch = "wasm32")]
use super::fetch_host::FetchHost;
use super::following::Following;
use super::plain;
use super::run::{Run, RunResult, RunStatus, typed};
use crate::builder::RunSettings;
use crate::client::{self, ClientConfig, Credential, Host, Operation, Transport as _};
use crate::error::{Error, ErrorCode, Result};
use crate::json::number::{digits, from_digits};
use crate::json::object;
use crate::json::write_json;
use serde::Serialize;
use serde_json::{Map, Value};
use std::pin::Pin;
use std::time::Duration;

/// The default address of the server.
const DEFAULT_ENDPOINT: &str = "https://highway.solutions";
/// How long a client waits after the run's own time limit, so that the server can report the end.
const GRACE: Duration = Duration::from_secs(10);

/// A client of a Highway server. A clone is the same client.
///
/// Requests that may be repeated are sent again after failures. All followed runs share one budget of requests.
#[derive(Clone, Debug)]
pub struct Highway<H = DefaultHost> {
    following: Following<H>,
}

/// Settings of a client.
#[derive(Clone, Debug, Default)]
#[must_use = "`build` makes the client"]
pub struct HighwayBuilder {
    endpoint: Option<String>,
    api_key: String,
    timeout: Option<Duration>,
    attempts: Option<u32>,
}

/// A run that is not submitted yet: `.await` submits it.
#[derive(Debug)]
#[must_use = "nothing is submitted before `.await`"]
pub struct Start<'a, H, D: ?Sized> {
    following: &'a Following<H>,
    definition: &'a D,
    inputs: Result<Map<String, Value>>,
    timeout: Option<Duration>,
    workflow_id: Option<String>,
}

impl HighwayBuilder {
    /// Address of the server; `https://highway.solutions` by default.
    pub fn endpoint(mut self, endpoint: &str) -> Self {
        self.endpoint = Some(endpoint.to_owned());
        self
    }

    /// The API key or token; none by default. Every visitor of a page can read a long-lived key in it, so a page should
    /// send its requests to a server of its own.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = key.into();
        self
    }

    /// Time limit of one request; 30 s by default.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// The most attempts at a request that may be repeated; 4 by default.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// A client that uses the global `fetch`.
    ///
    /// # Errors
    ///
    /// `ENDPOINT_INVALID`, `OPTION_INVALID`.
    #[cfg(target_arch = "wasm32")]
    pub fn build(self) -> Result<Highway<FetchHost>> {
        self.build_with(FetchHost::default())
    }

    /// A client that uses a host of your own.
    ///
    /// # Errors
    ///
    /// `ENDPOINT_INVALID`, `OPTION_INVALID`.
    pub fn build_with<H: Host>(self, host: H) -> Result<Highway<H>> {
        let endpoint = self.endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT);
        let mut config = ClientConfig::new(endpoint, "")?;
        if !self.api_key.is_empty() {
            config = ClientConfig { credential: Credential::Key(usable(self.api_key)?), ..config };
        }
        if let Some(limit) = self.timeout {
            config.request_timeout_ms = limit.as_secs_f64() * 1_000.0;
        }
        if let Some(attempts) = self.attempts {
            config.retry.attempts = attempts.max(1);
        }
        Ok(Highway { following: Following::new(host, config) })
    }
}

fn usable(key: String) -> Result<String> {
    ClientConfig::new(DEFAULT_ENDPOINT, &key).map(|_| key)
}

impl Highway {
    /// The settings of a new client.
    pub fn builder() -> HighwayBuilder {
        HighwayBuilder::default()
    }
}

impl<H: Host> Highway<H> {
    /// Submits a workflow: a [`Driver`](super::Driver), or a definition as plain data.
    pub fn start<'a, D: Definition + ?Sized>(&'a self, definition: &'a D) -> Start<'a, H, D> {
        Start {
            following: &self.following,
            definition,
            inputs: Ok(Map::new()),
            timeout: None,
            workflow_id: None,
        }
    }

    /// A handle to an existing run.
    pub fn run(&self, run_id: &str) -> Run<H> {
        Run { following: self.following.clone(), id: run_id.to_owned() }
    }

    /// A page of runs, newest first; pages count from 1.
    ///
    /// # Errors
    ///
    /// The errors of the request.
    pub async fn runs(&self, page: u32, page_size: u32) -> Result<Vec<RunStatus>> {
        let args = object([("page", page.into()), ("pageSize", page_size.into())]);
        let listed = client::call(&self.following.session(), "list", &args).await?;
        typed(listed.get("runs").cloned().unwrap_or_default(), "the list of runs")
    }

    /// Sends any request of the REST API and returns the data of the answer. `request` is `{method, path, params?,
    /// query?, headers?, body?}`, as [`Operation::read`](crate::client::Operation::read) reads it.
    ///
    /// # Errors
    ///
    /// The errors of the request.
    pub async fn request(&self, request: &Value) -> Result<Value> {
        self.following.session().perform(Operation::read(request)?).await
    }
}

impl<H: Host, D: Definition + ?Sized> Start<'_, H, D> {
    /// The inputs of the run, an object. Templates read them as `{{inputs.name}}`.
    pub fn inputs(mut self, inputs: impl Serialize) -> Self {
        self.inputs = plain(inputs, "/inputs").and_then(|inputs| match inputs {
            Value::Object(inputs) => Ok(inputs),
            Value::Null => Ok(Map::new()),
            _ => Err(Error::new(ErrorCode::OptionInvalid, "`inputs` is not an object").with_path("/inputs")),
        });
        self
    }

    /// Time limit of the run, at least 1 s. By default 300 s, plus the time that the tasks of a driver wait.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// An id of your own. Submitting the same content with the same id again returns the same run.
    pub fn workflow_id(mut self, id: &str) -> Self {
        self.workflow_id = Some(id.to_owned());
        self
    }

    /// Submits the workflow and waits for its end, at most until 10 s after its own time limit.
    ///
    /// # Errors
    ///
    /// The errors of `.await` and of [`Run::result_within`].
    pub async fn result(self) -> Result<RunResult> {
        let (run, limit) = self.submit().await?;
        match limit {
            Some(limit) => run.result_within(limit.saturating_add(GRACE)).await,
            None => run.result().await,
        }
    }

    async fn submit(self) -> Result<(Run<H>, Option<Duration>)> {
        let timeout = self.timeout.map(|limit| from_digits(digits(limit.as_secs_f64())));
        if self.timeout.is_some_and(|limit| limit < Duration::from_secs(1)) {
            return Err(Error::new(ErrorCode::OptionInvalid, "the time limit of a run is at least 1 s")
                .with_path("/timeout"));
        }
        let definition = self.definition.of_run(RunSettings { timeout, inputs: self.inputs? })?;
        let limit = definition.get("timeout_seconds").and_then(Value::as_u64).map(Duration::from_secs);
        let inputs = definition.get("variables").cloned().unwrap_or_default();
        let key = self.workflow_id.unwrap_or_else(|| key_of(|| self.following.random()));
        let body = object([("workflow_definition", definition), ("inputs", inputs)]);
        let args = object([("bodyText", write_json(&body).into()), ("key", key.into())]);
        let submitted = client::call(&self.following.session(), "submit", &args).await?;
        let id = submitted.get("runId").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok((Run { following: self.following.clone(), id }, limit))
    }
}

impl<'a, H: Host, D: Definition + ?Sized> IntoFuture for Start<'a, H, D> {
    type Output = Result<Run<H>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.submit().await.map(|(run, _)| run) })
    }
}

/// An idempotency key: 32 hexadecimal digits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "scaled to the range of the type"
)]
fn key_of(random: impl Fn() -> f64) -> String {
    let part = || (random() * 4_294_967_296.0) as u32;
    format!("{:08x}{:08x}{:08x}{:08x}", part(), part(), part(), part())
}
