//! Values that a tool always refuses. Only values in the definition are checked, since the value of a template is not
//! known there.

use super::Fault;
use crate::json::child_path;
use crate::text::has;
use serde_json::{Map, Value};

/// HTTP methods that no runtime sends.
const REFUSED: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// The arguments whose values the tool refuses. `named` is the field with the named arguments.
pub(crate) fn refused(tool: &str, args: &[Value], kwargs: &Map<String, Value>, named: &str) -> Vec<Fault> {
    let found = Values { args, kwargs, named };
    match tool {
        "tools.http.request" => {
            let all = [found.url(), found.method(), found.body(), found.timeout(), found.verify()];
            all.into_iter().flatten().chain(found.headers()).collect()
        }
        "tools.shell.run" | "tools.code.exec" => found.variables().collect(),
        _ => Vec::new(),
    }
}

struct Values<'a> {
    args: &'a [Value],
    kwargs: &'a Map<String, Value>,
    named: &'a str,
}

impl Values<'_> {
    /// The value of an argument, unless it is absent or null.
    fn given(&self, name: &str) -> Option<&Value> {
        self.kwargs.get(name).filter(|value| !value.is_null())
    }

    fn names(&self, name: &str) -> impl Iterator<Item = &String> {
        self.kwargs.get(name).and_then(Value::as_object).into_iter().flat_map(Map::keys)
    }

    fn fault(&self, name: &str, message: &str, help: &str) -> Fault {
        Fault { path: child_path(self.named, name), message: message.to_owned(), help: help.to_owned() }
    }

    fn url(&self) -> Option<Fault> {
        let named = self.given("url");
        let text = named.or_else(|| self.args.first()).and_then(plain)?.trim_start();
        let scheme =
            text.split_once(':').map(|(scheme, _)| scheme).filter(|it| !it.contains(['/', '.', '?']));
        // `localhost:8080` has a port but no scheme.
        let is_port = |it: &str| {
            text.get(it.len() + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let fault = match scheme.filter(|it| !is_port(it)) {
            Some(scheme) if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => {
                return None;
            }
            Some(_) => self.fault(
                "url",
                "the `url` does not have the scheme of a web address",
                "begin it with `https://`",
            ),
            None => self.fault("url", "the `url` has no scheme", "begin it with `https://`"),
        };
        Some(if named.is_some() { fault } else { Fault { path: "/args/0".to_owned(), ..fault } })
    }

    fn method(&self) -> Option<Fault> {
        let method = self.given("method").and_then(plain)?.to_ascii_uppercase();
        let is_refused = REFUSED.contains(&method.as_str());
        if is_token(&method) && !is_refused {
            return None;
        }
        let fault = if is_refused { "a method that no runtime sends" } else { "no method of HTTP" };
        let message = format!("`{method}` is {fault}");
        Some(self.fault(
            "method",
            &message,
            "give a method such as `GET`, `POST`, `PUT`, `PATCH` or `DELETE`",
        ))
    }

    fn body(&self) -> Option<Fault> {
        let method = match self.given("method") {
            None => "GET".to_owned(),
            Some(method) => plain(method)?.to_ascii_uppercase(),
        };
        let name = ["json", "json_data", "body"].into_iter().find(|name| self.given(name).is_some())?;
        let message = format!("a request with `{method}` has no body");
        let help = "write `method: POST`, or give it in the address with `params`";
        ["GET", "HEAD"].contains(&method.as_str()).then(|| self.fault(name, &message, help))
    }

    fn timeout(&self) -> Option<Fault> {
        let is_good = match self.given("timeout")? {
            Value::Number(seconds) => seconds.as_f64().is_none_or(|seconds| seconds > 0.0),
            value => plain(value).is_none() && value.is_string(),
        };
        let message = "`timeout` is not a positive number of seconds";
        (!is_good).then(|| self.fault("timeout", message, "give seconds, such as `timeout: 30`"))
    }

    fn verify(&self) -> Option<Fault> {
        let is_plain_http =
            self.given("url").or_else(|| self.args.first()).and_then(plain).is_some_and(|url| {
                url.trim_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case("http:"))
            });
        let is_off = self.kwargs.get("verify") == Some(&Value::Bool(false)) && !is_plain_http;
        let help = "leave `verify` out; in Node, `NODE_EXTRA_CA_CERTS` names certificates to trust";
        is_off.then(|| self.fault("verify", "the certificate of a server is always checked", help))
    }

    fn headers(&self) -> impl Iterator<Item = Fault> {
        let is_bad = |name: &&String| !is_token(name);
        self.names("headers").filter(is_bad).map(|name| Fault {
            path: child_path(&child_path(self.named, "headers"), name),
            message: format!("`{name}` is a name that no header can have"),
            help: "a name has letters, digits and hyphens".to_owned(),
        })
    }

    fn variables(&self) -> impl Iterator<Item = Fault> {
        let is_bad = |name: &&String| name.is_empty() || has(name, "=");
        self.names("env").filter(is_bad).map(|name| Fault {
            path: child_path(&child_path(self.named, "env"), name),
            message: format!("`{name}` is not a name of a variable"),
            help: "give names and values: `env: {NAME: value}`".to_owned(),
        })
    }
}

/// Whether a text is valid as a method or as the name of a header.
fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+.^_`|~-".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

/// The text of a value, if it contains no template.
fn plain(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !has(text, "{{") && !has(text, "${"))
}
