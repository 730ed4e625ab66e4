//! The address of the API.

use crate::error::{Error, ErrorCode, Result};
use crate::text::{cut, has};

/// Origin and optional base path of a Highway server, without a trailing slash and without `/api/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// Reads an absolute http(s) URL, and drops a trailing slash and a trailing `/api/v1`.
    ///
    /// # Errors
    ///
    /// `ENDPOINT_INVALID`. The message leaves out any user name and password.
    ///
    /// ```
    /// use highway_wasm::client::Endpoint;
    ///
    /// let endpoint = Endpoint::parse("https://highway.example/").unwrap();
    /// assert_eq!(endpoint.url("/api/v1/workflows"), "https://highway.example/api/v1/workflows");
    /// assert!(Endpoint::parse("highway.example").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |message: String| {
            Error::new(ErrorCode::EndpointInvalid, message)
                .with_help("give the origin of the server, for example `https://highway.solutions` or `http://localhost:7822`")
        };
        let trimmed = text.trim();
        // The message shows neither a password nor a query, which may contain a secret.
        let shown =
            trimmed.split(['?', '#']).next().and_then(|text| text.rsplit('@').next()).unwrap_or_default();
        let parts = cut(trimmed, "://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
        let Some((scheme, rest)) = parts.filter(|(scheme, _)| scheme == "https" || scheme == "http") else {
            return Err(invalid(format!("endpoint `{shown}` is not an absolute http(s) URL")));
        };
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err(invalid("the endpoint contains a user name or password".into()));
        }
        let odd =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '\\' | '"' | '<' | '>');
        if authority.is_empty() || authority.starts_with(':') || rest.contains(odd) {
            return Err(invalid(format!("endpoint `{shown}` is not a plain http(s) URL")));
        }
        let base = rest.trim_end_matches('/');
        let base = base.strip_suffix("/api/v1").unwrap_or(base).trim_end_matches('/');
        Ok(Self(format!("{scheme}://{base}")))
    }

    /// The full URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether a URL has the endpoint's scheme, host and port.
    ///
    /// ```
    /// use highway_wasm::client::Endpoint;
    ///
    /// let endpoint = Endpoint::parse("https://highway.example/base").unwrap();
    /// assert!(endpoint.is_origin_of("https://HIGHWAY.example:443/other"));
    /// assert!(!endpoint.is_origin_of("http://highway.example/base"));
    /// ```
    pub fn is_origin_of(&self, url: &str) -> bool {
        let has_no_user = authority(url).is_some_and(|authority| !has(authority, "@"));
        has_no_user && origin_of(url).is_some_and(|origin| origin_of(&self.0) == Some(origin))
    }

    /// The endpoint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The part of a URL between the scheme and the path.
fn authority(url: &str) -> Option<&str> {
    cut(url, "://")?.1.split(['/', '?', '#']).next()
}

/// Scheme, host and port of an http(s) URL in one normal form, to be compared and shown. User names are left out.
pub(super) fn origin_of(url: &str) -> Option<String> {
    let scheme = cut(url, "://")?.0.to_ascii_lowercase();
    let authority = authority(url)?.to_ascii_lowercase();
    let port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = authority.rsplit('@').next()?;
    let host = host.strip_suffix(port).unwrap_or(host);
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_slashes_and_the_prefix() {
        for text in ["http://localhost:7822", "http://localhost:7822/", " http://localhost:7822/api/v1/ "] {
            assert_eq!(Endpoint::parse(text).unwrap().as_str(), "http://localhost:7822");
        }
        assert_eq!(
            Endpoint::parse("https://h.example/base").unwrap().url("/api/v1/x"),
            "https://h.example/base/api/v1/x"
        );
    }

    #[test]
    fn takes_every_spelling_of_a_scheme_and_a_host() {
        for (text, base) in [
            ("HTTPS://highway.example", "https://highway.example"),
            ("Http://Highway.Example.:8080/Base/", "http://Highway.Example.:8080/Base"),
            ("http://[::1]:7822/api/v1", "http://[::1]:7822"),
            ("HTTP://[2001:DB8::1]", "http://[2001:DB8::1]"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().as_str(), base);
        }
    }

    #[test]
    fn refuses_other_text_without_repeating_secrets() {
        for text in
            ["", "localhost:7822", "/api", "ftp://h", "http://", "http://:80", "http://a b", "https://h/?q=1"]
        {
            assert_eq!(Endpoint::parse(text).unwrap_err().code(), ErrorCode::EndpointInvalid, "{text}");
        }
        for text in [
            "https://user:hunter2@h.example",
            "HTTPS://user:hunter2@h.example",
            "user:hunter2@h.example",
            "https://h.example/?key=hunter2",
            "h.example#hunter2",
            "ftp://h.example?a=@&key=hunter2",
        ] {
            assert!(!Endpoint::parse(text).unwrap_err().message().contains("hunter2"));
        }
    }

    #[test]
    fn origins_are_compared_as_browsers_do() {
        let endpoint = Endpoint::parse("http://h.example:8080").unwrap();
        assert!(endpoint.is_origin_of("http://h.example:8080/x?y#z"));
        for other in [
            "http://h.example/",
            "http://h.example:80801/",
            "https://h.example:8080/",
            "http://h.example.evil:8080/",
            "http://h.example:8080@evil/",
            "//h.example:8080/",
            "javascript://h.example:8080",
            "",
        ] {
            assert!(!endpoint.is_origin_of(other), "{other}");
        }
    }
}
