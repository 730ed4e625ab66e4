//! Templates: `{{ path }}` in text is replaced by a value that is known when the task starts.
//!
//! `path` is `name (.name | [int] | ["text"] | .int)*`. Text that is one template keeps the type of the value;
//! inside other text a value is written as text: text as it is, everything else as JSON. What came out of a
//! template is never resolved again. What stands between the braces and does not start like a name
//! (`{{.Names}}`) is no template and stays. `${path}` is read too where its first name is known.

pub mod names;
mod path;
mod resolve;

pub use path::{Part, Path};
pub use resolve::{Mode, Named, Scope, Syntax, lookup, paths, resolve};
