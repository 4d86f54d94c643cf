//! What to do about a token that a guard refuses, by the rule that it names.

use super::asking::WRONG_PLACE;
use super::findings::Findings;
use super::target::Target;
use crate::plural::counted;
use crate::proxy::Reply;

/// What to do about a refusal by this rule.
pub(super) fn advice(rule: &str, reply: &Reply, target: &Target, findings: &Findings) -> String {
    let account = target.account.as_deref().unwrap_or("ACCOUNT");
    let principal = target.principal.as_deref().unwrap_or("PRINCIPAL");
    let create = findings.new_token(account, principal, Some(&target.provider));
    let named = format!("--account {account} --id {principal}");
    let another = format!("Make a new one with {create} and enter it in the identity provider.");
    match rule {
        "token.missing" | "token.malformed" => {
            "The input is not one token: look for spaces, quotes and line breaks in it.".to_owned()
        }
        "token.unknown" => format!(
            "Compare it with the output of `token create`; a token of another guard or store is unknown here. {another}"
        ),
        "token.expired" | "token.revoked" => another,
        "token.inactive-principal" => format!(
            "{}, or make a token for another principal.",
            findings.command("principal enable", &named)
        ),
        "token.wrong-account" => format!(
            "This token is for another account than {account}: check the account id in the URL, or make a \
             token for this account with {create}."
        ),
        "token.insufficient-permission" => format!(
            "{}, or in the application if it knows the principal.",
            findings.command("principal permissions", &format!("{named} --set all"))
        ),
        "rate.limited" => format!(
            "Wait {} and try again; wrong tokens do not delay a good one.",
            wait(reply.retry_after.as_deref())
        ),
        "route.unknown" | "route.missing-account" => {
            "The path is not the SCIM base of this guard's policy: check the URL, or give the policy (--policy)."
                .to_owned()
        }
        "facts.unavailable" => format!(
            "The guard cannot use its store, or a permission or token service: run {} on its machine, \
             and read its log.",
            findings.command("doctor", "")
        ),
        rule if rule.starts_with("upstream.") && rule != "upstream.unavailable" => WRONG_PLACE.to_owned(),
        "upstream.unavailable" => {
            "The application behind the guard does not answer: check `backend` in the guard's configuration."
                .to_owned()
        }
        _ => "Look at the guard's log; `scimguard rules` explains the rule.".to_owned(),
    }
}

fn wait(retry_after: Option<&str>) -> String {
    let seconds = retry_after.and_then(|text| text.parse::<u64>().ok());
    seconds.map_or_else(
        || "a few seconds".to_owned(),
        |seconds| counted(seconds, "second", "seconds"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_seconds() {
        for (header, told) in [
            (Some("1"), "1 second"),
            (Some("30"), "30 seconds"),
            (Some("Mon, 30 Nov 2026 12:00:00 GMT"), "a few seconds"),
            (None, "a few seconds"),
        ] {
            assert_eq!(wait(header), told);
        }
    }
}
