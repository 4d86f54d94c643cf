//! The errors thrown to JavaScript, named and with the place of the fault.

use js_sys::{Error, Reflect};
use scimguard_core::ConfigError;
use wasm_bindgen::prelude::JsValue;

use crate::played::{Input, InputFault};
use crate::values::to_js;

/// A `PolicyError`.
pub(crate) fn policy_error(faults: &[ConfigError]) -> JsValue {
    let told: Vec<String> = faults
        .iter()
        .map(|ConfigError { pointer, message }| {
            let place = if pointer.is_empty() {
                "the document"
            } else {
                pointer
            };
            format!("{place}: {message}")
        })
        .collect();
    let message = format!("the policy document is not valid\n{}", told.join("\n"));
    error(
        "PolicyError",
        &message,
        [("faults", to_js(&faults).unwrap_or(JsValue::NULL))],
    )
}

/// An `InputError`.
pub(crate) fn input_error(fault: &InputFault) -> JsValue {
    let number = |number: Option<usize>| match number {
        Some(number) => JsValue::from(u32::try_from(number).unwrap_or(u32::MAX)),
        None => JsValue::NULL,
    };
    let (input, step) = match fault.input {
        Input::Facts => ("facts", None),
        Input::Request(step) => ("request", Some(step)),
        Input::Upstream(step) => ("upstream", Some(step)),
    };
    error(
        "InputError",
        &fault.message,
        [
            ("input", input.into()),
            ("step", number(step)),
            ("line", number(fault.place.map(|(line, _)| line))),
            ("column", number(fault.place.map(|(_, column)| column))),
        ],
    )
}

fn error<const N: usize>(name: &str, message: &str, fields: [(&str, JsValue); N]) -> JsValue {
    let error = Error::new(message);
    error.set_name(name);
    for (field, value) in fields {
        // An error is an ordinary object, so setting a field cannot fail.
        let _ = Reflect::set(&error, &field.into(), &value);
    }
    error.into()
}
