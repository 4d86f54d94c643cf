//! Compiles every JSON Schema: the policy document's and each account's own.

use jsonschema::{PatternCache, PatternOptions, Validator};
use serde_json::Value;

use super::patterns::MAX_COMPILED_BYTES;

/// Compiles a schema. Patterns run in linear time, references stay inside the document.
pub(crate) fn validator(schema: &Value) -> Result<Validator, String> {
    validator_with(schema, &PatternCache::default())
}

/// Compiles a schema with precompiled patterns.
pub(crate) fn validator_with(schema: &Value, patterns: &PatternCache) -> Result<Validator, String> {
    jsonschema::options()
        // With a size limit, every pattern runs on this engine, whose work is counted.
        .with_pattern_options(PatternOptions::regex().size_limit(MAX_COMPILED_BYTES))
        .with_pattern_cache(patterns.clone())
        .offline()
        .build(schema)
        .map_err(|error| error.to_string())
}
