//! Templates: `{{ path }}` in text is replaced by a value that is known when the task starts.
//!
//! `path` is `name (.name | [int] | ["text"] | .int)*`. Text that is one template keeps the type of the value;
//! inside other text a value is written as text: text as it is, everything else as JSON. What came out of a
//! template is never resolved again. `${path}` is read too where its first name is known.
//!
//! What stands between the braces and does not start like a name (`{{.Names}}`) is no template and stays. What stands between
//! `{% raw %}` and `{% endraw %}` stays whatever it is, and the two are left out. Of more than two braces the innermost
//! are the template: `{{{a}}}` is the value of `a` in braces.

pub mod names;
mod path;
mod pieces;
mod resolve;

pub(crate) use path::path_in;
pub use path::{Part, Path};
pub(crate) use pieces::template;
pub use pieces::{Piece, Syntax, paths, pieces, reference};
pub use resolve::{Mode, Named, Scope, lend, lookup, not_a_template, resolve};
