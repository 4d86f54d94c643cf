//! The bill of materials, in CycloneDX's JSON.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::VERSION;
use super::parts::{BUILDS, Origin, Part};

/// The release as a component.
const RELEASE: &str = "release";

/// The document that lists these parts.
pub(super) fn of(parts: &[Part], time: u64) -> Result<Value> {
    let components: Vec<_> = parts.iter().map(component).collect();
    let is_shipped = |part: &&Part| match part.origin {
        Origin::ThisProject => BUILDS.iter().any(|(roots, _)| roots.contains(&&*part.name)),
        Origin::Npm | Origin::Rust => true,
        Origin::Crates => false,
    };
    let shipped = parts.iter().filter(is_shipped).map(Part::reference);
    let mut dependencies = vec![json!({
        "ref": RELEASE,
        "dependsOn": shipped.collect::<Vec<_>>(),
    })];
    dependencies.extend(
        parts
            .iter()
            .map(|part| json!({"ref": part.reference(), "dependsOn": part.uses})),
    );
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": Timestamp::from_second(time.try_into()?)?.to_string(),
            "component": {
                "type": "application",
                "bom-ref": RELEASE,
                "name": "scimguard",
                "version": VERSION,
                "licenses": [{"expression": "Apache-2.0"}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

fn component(part: &Part) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": part.reference(),
        "name": part.name,
        "version": part.version,
        "licenses": [{"expression": part.licence}],
    });
    if part.origin != Origin::ThisProject {
        component["purl"] = part.reference().into();
    }
    if let Some(checksum) = &part.checksum {
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    component
}
