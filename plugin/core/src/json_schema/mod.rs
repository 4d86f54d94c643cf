//! JSON Schemas: compiling them, counting the work of a check, checking canonical messages, and
//! describing faults.

mod constraints;
mod explain;
mod fault;
mod patterns;
mod validator;
mod work;

pub(crate) use constraints::Constraints;
pub(crate) use explain::explain_with;
pub use explain::syntax_fault;
pub(crate) use patterns::Patterns;
pub(crate) use validator::validator;
