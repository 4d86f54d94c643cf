//! What a switch looks like.

use serde_json::json;

use super::file;
use crate::list::{self, Mutant};

/// A mutant of the text that begins with `at`.
fn mutant(genre: &str, source: &str, at: &str, replacement: &str) -> Mutant {
    let column = source.find(at).expect("the place") + 1;
    let json = json!([{
        "file": "plugin/core/src/lib.rs",
        "span": {"start": {"line": 1, "column": column}, "end": {"line": 1, "column": column + 1}},
        "replacement": replacement, "genre": genre, "function": null,
        "name": format!("plugin/core/src/lib.rs:1:{column}: a change"),
    }]);
    let mut mutants = list::read(json.to_string().as_bytes()).expect("a list");
    mutants.remove(0)
}

#[test]
fn each_kind_of_mutant_has_its_switch() {
    for (genre, source, at, replacement, expected) in [
        (
            "FnValue",
            "fn f() -> bool { a() }",
            "a()",
            "true",
            "fn f() -> bool { if crate::__mutant(7) { return true; } a() }",
        ),
        (
            "BinaryOperator",
            "fn f() -> bool { a && b }",
            "&&",
            "||",
            "fn f() -> bool { ({ let __left: bool = a ; if __left != crate::__mutant(7) {  b } else { __left } }) }",
        ),
        (
            "BinaryOperator",
            "fn f() -> bool { a == b }",
            "==",
            "!=",
            "fn f() -> bool { (crate::__mutant(7) != (a == b)) }",
        ),
        (
            "BinaryOperator",
            "fn f() -> bool { a < b }",
            "<",
            "<=",
            "fn f() -> bool { (match (&(a ), &( b)) { (__left, __right) => if crate::__mutant(7) { __left <= __right } else { __left < __right } }) }",
        ),
        (
            "UnaryOperator",
            "fn f() -> bool { !a }",
            "!",
            "",
            "fn f() -> bool { (crate::__mutant(7) != !a) }",
        ),
        (
            "MatchArm",
            "fn f() { match a { 1 => b, _ => c } }",
            "1",
            "",
            "fn f() { match a { 1 if !crate::__mutant(7) => b, _ => c } }",
        ),
        (
            "MatchArmGuard",
            "fn f() { match a { 1 if d => b, _ => c } }",
            "d",
            "true",
            "fn f() { match a { 1 if (crate::__mutant(7) || (d)) => b, _ => c } }",
        ),
        (
            "StructField",
            "fn f() -> S { S { a: 1, ..b } }",
            "a:",
            "",
            "fn f() -> S { S { a: if crate::__mutant(7) { b.a } else { 1 }, ..b } }",
        ),
    ] {
        let mutant = mutant(genre, source, at, replacement);
        let written = file(source, [(7, &mutant)]).expect("Rust");
        assert_eq!(written.text, expected, "{genre}");
        assert_eq!(written.numbers().collect::<Vec<_>>(), [7], "{genre}");
    }
}

#[test]
fn mutants_within_mutants_are_told_apart() {
    let source = "fn f() -> bool { a == (b == c) }";
    let inner = mutant("BinaryOperator", source, "== c", "!=");
    let outer = mutant("BinaryOperator", source, "== (", "!=");
    let written = file(source, [(1, &inner), (2, &outer)]).expect("Rust");
    let at = |text: &str| {
        let start = written.text.find(text).expect("the text");
        written.at(&(start..start + text.len())).to_vec()
    };
    assert_eq!(at("b == c"), [1]);
    assert_eq!(at("a =="), [2]);
}

#[test]
fn beside_a_let_is_no_other_operator() {
    let source = "fn f() { if let Some(a) = b && c {} }";
    let mutant = mutant("BinaryOperator", source, "&&", "||");
    let written = file(source, [(3, &mutant)]).expect("Rust");
    assert_eq!(written.text, source);
    assert_eq!(written.impossible(), [3]);
}
