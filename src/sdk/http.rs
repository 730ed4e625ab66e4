//! The request of an `http` task.

use super::task::Text;
use serde::Serialize;
use serde_json::{Map, Value};

/// An HTTP request that a task makes. All of its texts may contain templates.
///
/// ```
/// use highway_wasm::{Driver, Http};
/// use serde_json::json;
///
/// let mut driver = Driver::new("orders");
/// let request = Http::post("https://api.example.org/orders").json(&json!({"id": 7}));
/// driver.http("order", request)?;
/// assert_eq!(driver.build()?["tasks"]["order"]["kwargs"]["method"], "POST");
/// # Ok::<(), highway_wasm::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Http {
    pub(super) options: Map<String, Value>,
    pub(super) uses: Vec<String>,
}

impl Http {
    /// A request with a method.
    pub fn new(method: &str, url: impl Into<Text>) -> Self {
        let mut http = Self::default();
        let url = http.taken(url);
        http.options.insert("url".into(), url);
        http.options.insert("method".into(), method.into());
        http
    }

    /// A `GET`.
    pub fn get(url: impl Into<Text>) -> Self {
        Self::new("GET", url)
    }

    /// A `POST`.
    pub fn post(url: impl Into<Text>) -> Self {
        Self::new("POST", url)
    }

    /// A `PUT`.
    pub fn put(url: impl Into<Text>) -> Self {
        Self::new("PUT", url)
    }

    /// A `DELETE`.
    pub fn delete(url: impl Into<Text>) -> Self {
        Self::new("DELETE", url)
    }

    /// Sets a header.
    #[must_use]
    pub fn header(self, name: &str, value: impl Into<Text>) -> Self {
        self.entry("headers", name, value)
    }

    /// Sets a query parameter.
    #[must_use]
    pub fn query(self, name: &str, value: impl Into<Text>) -> Self {
        self.entry("params", name, value)
    }

    /// Sets a JSON body. A value that cannot be JSON is an error of [`Driver::http`](super::Driver::http).
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        // Registering the task reports a value that is not JSON. It stands as null here, which is no valid body.
        self.options.insert("json".into(), serde_json::to_value(body).unwrap_or_default());
        self
    }

    /// Sets a text body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Text>) -> Self {
        let body = self.taken(body);
        self.options.insert("body".into(), body);
        self
    }

    fn entry(mut self, group: &str, name: &str, value: impl Into<Text>) -> Self {
        let value = self.taken(value);
        let entries = self.options.entry(group).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(entries) = entries {
            entries.insert(name.into(), value);
        }
        self
    }

    /// The text of an option. If it is the result of a task, that task is noted as a dependency.
    fn taken(&mut self, text: impl Into<Text>) -> Value {
        let Text { text, task } = text.into();
        self.uses.extend(task);
        text.into()
    }
}
