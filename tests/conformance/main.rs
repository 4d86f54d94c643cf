//! The policy against what others have written: every file of a public JSON test suite, and
//! implementations of SCIM that must be left with the same resource by what a client sent as by
//! what the guard makes of it. The policy is called directly; nothing listens.

mod effect;
mod json_test_suite;
mod judge;
mod peer;
