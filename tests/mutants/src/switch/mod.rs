//! Writes mutants into a source file, each behind a switch: the program behaves as the mutant whose number
//! is in its environment, and as ever without one. So thousands of mutants cost one build.

mod operators;
#[cfg(test)]
mod tests;
mod written;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use self::written::Insertions;
pub(crate) use self::written::Written;
use crate::list::{Genre, Mutant, Place};

/// The variable that holds the number of the mutant.
pub(crate) const VARIABLE: &str = "SCIMGUARD_MUTANT";

/// What every crate with mutants needs, at the end of its `lib.rs`.
pub(crate) const SWITCH: &str = r#"
#[doc(hidden)]
pub fn __mutant(number: u32) -> bool {
    static ACTIVE: std::sync::OnceLock<Option<u32>> = std::sync::OnceLock::new();
    *ACTIVE.get_or_init(|| std::env::var("SCIMGUARD_MUTANT").ok()?.parse().ok()) == Some(number)
}
"#;

/// The number of a mutant.
pub(crate) type Number = u32;

/// A file with its mutants in it. Mutants that no switch can turn on are left out.
pub(crate) fn file<'m>(
    source: &str,
    mutants: impl IntoIterator<Item = (Number, &'m Mutant)>,
) -> Result<Written> {
    let parsed = syn::parse_file(source).context("cannot be parsed")?;
    let mut places: BTreeMap<Place, Vec<(Number, &Mutant)>> = BTreeMap::new();
    for (number, mutant) in mutants {
        let here = places.entry(mutant.span.start).or_default();
        here.push((number, mutant));
    }
    let mut switches = Switches {
        source,
        places,
        insertions: Insertions::default(),
        impossible: Vec::new(),
    };
    switches.visit_file(&parsed);
    let mut written = switches.insertions.into_text(source);
    written.impossible = switches.impossible;
    Ok(written)
}

/// Whether a mutant is active.
fn is(number: Number) -> String {
    format!("crate::__mutant({number})")
}

struct Switches<'s, 'm> {
    source: &'s str,
    places: BTreeMap<Place, Vec<(Number, &'m Mutant)>>,
    insertions: Insertions,
    /// Mutants that cannot compile.
    impossible: Vec<Number>,
}

impl<'m> Switches<'_, 'm> {
    /// The mutants of this kind that begin here.
    fn here(&self, span: Span, genre: Genre) -> Vec<(Number, &'m Mutant)> {
        let start = span.start();
        let place = Place {
            line: start.line,
            column: start.column + 1,
        };
        let here = self.places.get(&place).into_iter().flatten();
        here.filter(|(_, mutant)| mutant.genre == genre)
            .copied()
            .collect()
    }

    fn text(&self, span: Span) -> &str {
        &self.source[span.byte_range()]
    }

    /// Values in place of what the function computes.
    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let Some(first) = block.stmts.first() else {
            return;
        };
        if signature.constness.is_some() {
            return;
        }
        for (number, mutant) in self.here(first.span(), Genre::FnValue) {
            if mutant.returns_unnamed() {
                continue;
            }
            let value = &mutant.replacement;
            let at = block.brace_token.span.open().byte_range().end;
            let text = format!(" if {} {{ return {value}; }}", is(number));
            self.insertions.insert(at, text, [number]);
        }
    }
}

impl<'ast> Visit<'ast> for Switches<'_, '_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.body(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.body(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.body(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        self.binary(binary);
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        self.unary(unary);
        visit::visit_expr_unary(self, unary);
    }

    /// A match may need one of two arms, and not both: then not both can have a switch.
    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let arms = expression.arms.iter();
        let deleted = arms.flat_map(|arm| self.here(arm.span(), Genre::MatchArm));
        let numbers: Vec<Number> = deleted.map(|(number, _)| number).collect();
        let range = expression.span().byte_range();
        self.insertions.matches(range, numbers);
        visit::visit_expr_match(self, expression);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let deleted = self.here(arm.span(), Genre::MatchArm);
        let numbers: Vec<Number> = deleted.iter().map(|(number, _)| *number).collect();
        let kept: String = numbers
            .iter()
            .map(|number| format!("!{} && ", is(*number)))
            .collect();
        match &arm.guard {
            None if !numbers.is_empty() => {
                let at = arm.pat.span().byte_range().end;
                let text = format!(" if {}", kept.trim_end_matches(" && "));
                self.insertions.insert(at, text, numbers);
            }
            None => {}
            Some((_, guard)) => {
                let replaced = self.here(guard.span(), Genre::MatchArmGuard);
                let mut condition = kept;
                condition.push('(');
                for (number, mutant) in &replaced {
                    condition.push_str(&match mutant.replacement.as_str() {
                        "true" => format!("{} || ", is(*number)),
                        _ => format!("!{} && ", is(*number)),
                    });
                }
                condition.push('(');
                let all = numbers.into_iter();
                let all = all.chain(replaced.iter().map(|(number, _)| *number));
                let range = guard.span().byte_range();
                self.insertions.wrap(range, condition, "))".to_owned(), all);
            }
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_struct(&mut self, expression: &'ast syn::ExprStruct) {
        for field in &expression.fields {
            for (number, _) in self.here(field.span(), Genre::StructField) {
                self.field(expression, field, number);
            }
        }
        visit::visit_expr_struct(self, expression);
    }
}
