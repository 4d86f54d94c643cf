//! The policy for browsers and Node, as a module with typed values (`types.d.ts`).
//!
//! [`Guard::evaluate`] and [`Guard::observe`] are those of `wit/policy.wit`. Pages use [`Guard::play`],
//! which plays requests in order over evolving facts. Bodies and documents are passed as bytes or text,
//! never as JavaScript numbers and objects, so that nothing is lost.

mod errors;
mod played;
mod values;

use std::sync::Arc;

use scimguard_core::{More, Request, pretty as indented, rules as table, sign_on, stage};
use scimguard_entropy as _;
use scimguard_interface::Observed;
use serde::Serialize;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use errors::{input_error, policy_error};
use values::{from_js, to_js, to_js_at_once};

/// The types of every value below.
#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");

/// A configured policy. It keeps nothing between calls.
#[wasm_bindgen]
pub struct Guard(scimguard_core::Guard);

#[wasm_bindgen]
impl Guard {
    /// Reads a policy document; empty text is the default policy. Throws a `PolicyError` with every
    /// fault.
    ///
    /// # Errors
    /// A `PolicyError`.
    #[wasm_bindgen(constructor)]
    pub fn new(policy: &str) -> Result<Self, JsValue> {
        scimguard_core::Guard::configure(policy)
            .map(Self)
            .map_err(|faults| policy_error(&faults))
    }

    /// The settings that a host needs from the policy.
    ///
    /// # Errors
    /// None that are known.
    #[wasm_bindgen(getter, unchecked_return_type = "Settings")]
    pub fn settings(&self) -> Result<JsValue, JsValue> {
        to_js(self.0.settings())
    }

    /// Decides a request as far as the facts reach.
    ///
    /// # Errors
    /// A `TypeError` for an argument of the wrong form.
    #[wasm_bindgen(unchecked_return_type = "Verdict")]
    pub fn evaluate(
        &self,
        #[wasm_bindgen(unchecked_param_type = "ClientRequest")] request: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Fact[]")] facts: JsValue,
        now: f64,
    ) -> Result<JsValue, JsValue> {
        let request = Arc::new(from_js("request", request)?);
        to_js(&self.0.pass().evaluate(given(request, facts, now)?))
    }

    /// Judges the backend's answer to a forwarded request.
    ///
    /// # Errors
    /// A `TypeError` for an argument of the wrong form.
    #[wasm_bindgen(unchecked_return_type = "Outcome")]
    pub fn observe(
        &self,
        continuation: &[u8],
        #[wasm_bindgen(unchecked_param_type = "BackendOutcome")] answer: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Fact[]")] facts: JsValue,
        now: f64,
    ) -> Result<JsValue, JsValue> {
        let observed = Arc::new(Observed {
            continuation: continuation.to_vec(),
            outcome: from_js("answer", answer)?,
        });
        let given = given(Arc::default(), facts, now)?;
        to_js(&self.0.pass().observe(observed, given))
    }

    /// Plays requests in order over a facts document (JSON text; empty text means no facts).
    ///
    /// # Errors
    /// An `InputError` for an unreadable text.
    #[wasm_bindgen(unchecked_return_type = "Played[]")]
    pub fn play(
        &self,
        facts: &str,
        #[wasm_bindgen(unchecked_param_type = "Step[]")] steps: JsValue,
        now: f64,
    ) -> Result<JsValue, JsValue> {
        let steps: Vec<_> = from_js("steps", steps)?;
        let now = values::milliseconds(now)?;
        let played = played::play(&self.0, facts, &steps, now);
        to_js_at_once(&played.map_err(|error| input_error(&error))?)
    }

    /// Plays requests like `play`; returns each decision on each request as `scimguard check` prints it.
    ///
    /// # Errors
    /// An `InputError` for an unreadable text.
    #[wasm_bindgen(unchecked_return_type = "string[][]")]
    pub fn decisions(
        &self,
        facts: &str,
        #[wasm_bindgen(unchecked_param_type = "Step[]")] steps: JsValue,
        now: f64,
    ) -> Result<JsValue, JsValue> {
        let steps: Vec<_> = from_js("steps", steps)?;
        let now = values::milliseconds(now)?;
        let decisions = played::decisions(&self.0, facts, &steps, now);
        to_js_at_once(&decisions.map_err(|error| input_error(&error))?)
    }
}

/// The input of a new pass.
fn given(request: Arc<Request>, facts: JsValue, now: f64) -> Result<More, JsValue> {
    Ok(More {
        request,
        facts: Arc::new(from_js("facts", facts)?),
        from: 0,
        now: values::milliseconds(now)?,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    status: Option<u16>,
    scim_type: Option<&'static str>,
    doc: &'static str,
    source: &'static str,
    stage: Option<scimguard_core::Stage>,
}

/// Every rule, in the order in which a request meets them.
///
/// # Errors
/// None that are known.
#[wasm_bindgen(unchecked_return_type = "Rule[]")]
pub fn rules() -> Result<JsValue, JsValue> {
    let rules: Vec<_> = table()
        .map(|rule| Rule {
            id: rule.id,
            status: rule.status,
            scim_type: rule.scim_type,
            doc: rule.doc,
            source: rule.source,
            stage: stage(rule.id),
        })
        .collect();
    to_js(&rules)
}

/// Determines which app integration authenticates a user, and whether the user gets in. An integration
/// is the list of e-mails assigned to it, or `null` if it does not exist.
///
/// # Errors
/// None that are known.
#[wasm_bindgen(js_name = loginCheck, unchecked_return_type = "SignOn")]
pub fn login_check(
    #[wasm_bindgen(unchecked_param_type = "string[] | null")] firstgen: Option<Vec<String>>,
    #[wasm_bindgen(unchecked_param_type = "string[] | null")] nextgen: Option<Vec<String>>,
    email: &str,
) -> Result<JsValue, JsValue> {
    to_js(&sign_on::sign_on(
        firstgen.as_deref(),
        nextgen.as_deref(),
        email,
    ))
}

/// Indents JSON text by two spaces and keeps every number and key as written. Returns other text
/// unchanged.
#[wasm_bindgen]
#[must_use]
pub fn pretty(text: &str) -> String {
    indented(text)
}
