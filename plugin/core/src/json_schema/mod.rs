//! JSON Schemas: how they are compiled, what a check by them takes, what they ask of canonical messages,
//! and what is said where a document does not keep to one.

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
