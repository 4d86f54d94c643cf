//! A policy with every field is the same policy.

use scimguard_core::{Guard, complete_policy};
use serde_json::{Value, json};

#[test]
fn a_complete_policy_is_complete_and_can_be_used() {
    for preset in ["harness", "generic", "ipsie"] {
        for more in [
            json!({}),
            json!({"direct_users": "locked", "scim": {"limits": {"depth": 8}}}),
            json!({"accounts": {"ACC2": {"mode": "monitor"}}}),
        ] {
            let mut document = json!({"version": 1, "preset": preset});
            let fields = document.as_object_mut().unwrap();
            fields.extend(more.as_object().unwrap().clone());
            let complete = complete_policy(&document.to_string(), None).unwrap();
            let again = complete_policy(&complete.to_string(), None).unwrap();
            assert_eq!(again, complete, "{document}");
            let settings = |policy: &Value| {
                let guard = Guard::configure(&policy.to_string()).unwrap();
                guard.settings().clone()
            };
            assert_eq!(settings(&complete), settings(&document), "{document}");
            let of_account = complete_policy(&document.to_string(), Some("ACC2")).unwrap();
            let mode = document["accounts"]["ACC2"]["mode"].as_str();
            assert_eq!(of_account["mode"], mode.unwrap_or("enforce"), "{document}");
            assert_eq!(of_account.get("accounts"), None);
        }
    }
}
