//! Checks that the plugin imports nothing. Such a policy cannot read a file, open a connection or ask for the
//! time, whatever its code does.

use anyhow::{Result, ensure};
use wasmparser::{Parser, Payload};

/// Fails if the component, or a core module in it, imports anything.
pub(crate) fn refuse(component: &[u8]) -> Result<()> {
    let found = of(component)?;
    ensure!(
        found.is_empty(),
        "the component must not import anything, but it imports {}",
        found.join(", ")
    );
    Ok(())
}

/// The imports of a component and of every core module in it. A nested component's imports are provided by
/// the outer one, so they do not count.
fn of(binary: &[u8]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(binary) {
        match payload? {
            Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    found.push(import?.name.name.to_owned());
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    found.push(format!("{}.{}", import.module, import.name));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(wat: &str) -> Vec<String> {
        of(&wat::parse_str(wat).unwrap()).unwrap()
    }

    #[test]
    fn a_component_without_imports_has_none() {
        let component = r#"(component
            (core module (func (export "f")))
            (component (import "inner" (func))))"#;
        assert!(imports(component).is_empty());
    }

    #[test]
    fn a_function_that_the_component_imports_is_found() {
        assert_eq!(imports(r#"(component (import "clock" (func)))"#), ["clock"]);
    }

    #[test]
    fn an_import_after_a_nested_component_is_found() {
        assert_eq!(
            imports(r#"(component (component (component)) (import "clock" (func)))"#),
            ["clock"]
        );
    }

    #[test]
    fn an_import_of_an_embedded_core_module_is_found() {
        let component = r#"(component (core module (import "env" "random" (func))))"#;
        assert_eq!(imports(component), ["env.random"]);
    }

    #[test]
    fn an_import_of_a_core_module_in_a_nested_component_is_found() {
        let component = r#"(component (component (core module (import "env" "random" (func)))))"#;
        assert_eq!(imports(component), ["env.random"]);
    }

    #[test]
    fn the_error_names_every_import() {
        let component = r#"(component (import "clock" (func)) (import "files" (func)))"#;
        let error = refuse(&wat::parse_str(component).unwrap()).unwrap_err();
        assert!(error.to_string().ends_with("it imports clock, files"));
    }
}
