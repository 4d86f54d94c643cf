//! Converts values between JavaScript and Rust.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::JsValue;

/// Converts a value of the core for JavaScript: absent values become `null`, bytes a `Uint8Array`.
pub(crate) fn to_js(value: &impl Serialize) -> Result<JsValue, JsValue> {
    let serializer = Serializer::new()
        .serialize_missing_as_null(true)
        .serialize_maps_as_objects(true);
    value.serialize(&serializer).map_err(JsValue::from)
}

/// The same for a large value without bytes: parsing JSON text in JavaScript is faster than building the
/// value part by part.
pub(crate) fn to_js_at_once(value: &impl Serialize) -> Result<JsValue, JsValue> {
    let text =
        serde_json::to_string(value).map_err(|error| js_sys::Error::new(&error.to_string()))?;
    js_sys::JSON::parse(&text)
}

/// Converts a JavaScript value for the core.
pub(crate) fn from_js<T: DeserializeOwned>(name: &str, value: JsValue) -> Result<T, JsValue> {
    serde_wasm_bindgen::from_value(value)
        .map_err(|error| js_sys::TypeError::new(&format!("{name}: {error}")).into())
}

/// Milliseconds since 1970, as `Date.now()` returns them.
pub(crate) fn milliseconds(now: f64) -> Result<u64, JsValue> {
    let is_time = (0.0..=js_sys::Number::MAX_SAFE_INTEGER).contains(&now);
    if !is_time {
        return Err(js_sys::TypeError::new("now: give milliseconds since 1970").into());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the range that was just checked"
    )]
    Ok(now as u64)
}
