//! Operators and fields behind switches. Each operand stays in the text once: it may hold mutants itself.

use quote::ToTokens as _;
use syn::BinOp;
use syn::spanned::Spanned as _;

use super::{Number, Switches, is};
use crate::list::{Genre, Mutant};

impl Switches<'_, '_> {
    pub(super) fn binary(&mut self, binary: &syn::ExprBinary) {
        let mutants = self.here(binary.op.span(), Genre::BinaryOperator);
        if mutants.is_empty() {
            return;
        }
        let numbers: Vec<Number> = mutants.iter().map(|(number, _)| *number).collect();
        if is_let(&binary.left) || is_let(&binary.right) {
            // No operator but `&&` stands beside a `let`.
            self.impossible.extend(numbers);
            return;
        }
        let (whole, op) = (binary.span().byte_range(), binary.op.span().byte_range());
        let operator = self.text(binary.op.span()).to_owned();
        match binary.op {
            // The left operand decides whether the right one counts; the mutant turns that round.
            BinOp::And(_) | BinOp::Or(_) => {
                let [number] = numbers[..] else { return };
                let counts = match binary.op {
                    BinOp::And(_) => "!=",
                    _ => "==",
                };
                let between = format!("; if __left {counts} {} {{ ", is(number));
                let (open, close) = ("({ let __left: bool = ", " } else { __left } })");
                self.insertions
                    .wrap(whole, open.to_owned(), close.to_owned(), [number]);
                self.insertions.replace(op, between);
            }
            BinOp::Eq(_) | BinOp::Ne(_) => {
                let [number] = numbers[..] else { return };
                let open = format!("({} != (", is(number));
                self.insertions.wrap(whole, open, "))".to_owned(), [number]);
            }
            BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_) => {
                self.choose(whole, op, &operator, "&", &mutants);
            }
            BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_) => {
                let place = binary.left.to_token_stream().to_string();
                let branches = branches(&mutants, &place, &operator, "__right");
                let left = binary.left.span().byte_range();
                let open = "match { ".to_owned();
                let close = format!(" }} {{ __right => {branches} }}");
                self.insertions.wrap(whole, open, close, numbers);
                self.insertions.replace(left.start..op.end, String::new());
            }
            _ => self.choose(whole, op, &operator, "", &mutants),
        }
    }

    /// Both operands are computed, then one of the operators.
    fn choose(
        &mut self,
        whole: std::ops::Range<usize>,
        op: std::ops::Range<usize>,
        operator: &str,
        by: &str,
        mutants: &[(Number, &Mutant)],
    ) {
        let open = format!("(match ({by}(");
        let branches = branches(mutants, "__left", operator, "__right");
        let close = format!(")) {{ (__left, __right) => {branches} }})");
        let numbers = mutants.iter().map(|(number, _)| *number);
        self.insertions.wrap(whole, open, close, numbers);
        self.insertions.replace(op, format!("), {by}("));
    }

    pub(super) fn unary(&mut self, unary: &syn::ExprUnary) {
        for (number, _) in self.here(unary.op.span(), Genre::UnaryOperator) {
            let range = unary.span().byte_range();
            let (open, close) = match unary.op {
                syn::UnOp::Not(_) => (format!("({} != ", is(number)), ")".to_owned()),
                _ => (
                    "(match ".to_owned(),
                    format!(
                        " {{ __value => if {} {{ -__value }} else {{ __value }} }})",
                        is(number)
                    ),
                ),
            };
            self.insertions.wrap(range, open, close, [number]);
        }
    }

    /// A field taken from the base instead.
    pub(super) fn field(
        &mut self,
        expression: &syn::ExprStruct,
        field: &syn::FieldValue,
        number: Number,
    ) {
        let (Some(base), syn::Member::Named(name)) = (&expression.rest, &field.member) else {
            return;
        };
        let base = match &**base {
            syn::Expr::Path(_) | syn::Expr::Field(_) => base.to_token_stream().to_string(),
            _ => {
                let path = expression.path.to_token_stream();
                let base = base.to_token_stream();
                format!("{{ let __base: {path} = {base}; __base }}")
            }
        };
        let value = match field.colon_token {
            Some(_) => field.expr.span().byte_range(),
            None => field.span().byte_range(),
        };
        let start = match field.colon_token {
            Some(_) => String::new(),
            None => format!("{name}: "),
        };
        let open = format!("{start}if {} {{ {base}.{name} }} else {{ ", is(number));
        self.insertions.wrap(value, open, " }".to_owned(), [number]);
    }
}

/// One operator or another.
fn branches(mutants: &[(Number, &Mutant)], left: &str, operator: &str, right: &str) -> String {
    let mut branches = String::new();
    for (number, mutant) in mutants {
        let other = &mutant.replacement;
        branches.push_str(&format!(
            "if {} {{ {left} {other} {right} }} else ",
            is(*number)
        ));
    }
    branches.push_str(&format!("{{ {left} {operator} {right} }}"));
    branches
}

/// `let … && …` is no expression.
fn is_let(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => is_let(&binary.left) || is_let(&binary.right),
        _ => false,
    }
}
