//! Templates: `{{ path }}` in text is replaced by a value that is known when the task starts.
//!
//! `path` is `name (.name | [int] | ["text"] | .int)*`. A text that is one template takes the value with its type.
//! Inside other text, a text value stands as it is and any other value as JSON. A replaced value is not searched for
//! templates again. `${path}` is a template too if its first name is known.
//!
//! Braces whose content does not start like a name (`{{.Names}}`) are not a template and stay. Everything between `{%
//! raw %}` and `{% endraw %}` stays, and these two tags are removed. In more than two braces the innermost pair is the
//! template: `{{{a}}}` is the value of `a` in braces.

pub mod names;
mod path;
mod pieces;
mod resolve;

pub(crate) use path::path_in;
pub use path::{Part, Path};
pub(crate) use pieces::template;
pub use pieces::{Piece, Syntax, paths, pieces, reference};
pub use resolve::{Mode, Named, Scope, lend, lookup, not_a_template, resolve};
