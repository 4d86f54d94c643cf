//! The grammar of attribute paths and filters (RFC 7644 §3.4.2.2 figure 1, §3.5.2 figure 7).
//!
//! `scim-filter` and `scim_v2` do not keep positions and string escapes, so this module defines the
//! grammar with a parser library. Queries and PATCH paths share one tree.

use winnow::ascii::{Caseless, multispace0, multispace1};
use winnow::combinator::{alt, cut_err, delimited, opt, preceded, repeat, terminated};
use winnow::error::{ContextError, ErrMode, StrContext, StrContextValue};
use winnow::prelude::*;
use winnow::stream::Stateful;
use winnow::token::{any, take_while};

use crate::json::Json;
use crate::scim::filter::{Filter, Name, Operator, Path};

/// Maximum nesting and length (in bytes) of a filter.
const MAX_DEPTH: usize = 16;
const MAX_LENGTH: usize = 8192;

type Input<'a> = Stateful<&'a str, usize>;

/// The place where parsing a filter or path failed, and what was expected there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// In characters, from 1.
    pub(crate) column: usize,
    pub(crate) expected: String,
}

/// Parses a filter.
pub(crate) fn filter(text: &str) -> Result<Filter, SyntaxError> {
    parse(delimited(multispace0, disjunction, multispace0), text)
}

/// Parses the path of a PATCH operation.
pub(crate) fn path(text: &str) -> Result<Path, SyntaxError> {
    parse(value_path, text)
}

fn parse<'a, T>(
    mut parser: impl Parser<Input<'a>, T, ErrMode<ContextError>>,
    text: &'a str,
) -> Result<T, SyntaxError> {
    if text.len() > MAX_LENGTH {
        return Err(SyntaxError {
            column: MAX_LENGTH,
            expected: format!("the end after at most {MAX_LENGTH} bytes"),
        });
    }
    let input = Stateful {
        input: text,
        state: 0,
    };
    parser.parse(input).map_err(|error| {
        let before = text.get(..error.offset()).unwrap_or(text);
        // The innermost expectation is the most precise.
        let expected = error.inner().context().find_map(|context| match context {
            StrContext::Expected(value) => Some(value.to_string()),
            _ => None,
        });
        SyntaxError {
            column: before.chars().count() + 1,
            expected: expected.unwrap_or_else(|| "the end".to_owned()),
        }
    })
}

fn disjunction(input: &mut Input<'_>) -> ModalResult<Filter> {
    input.state += 1;
    if input.state > MAX_DEPTH {
        return cut_err(
            winnow::combinator::fail.context(expected("a filter that nests less than 16 deep")),
        )
        .parse_next(input);
    }
    let first = conjunction.parse_next(input)?;
    let mut all: Vec<Filter> = repeat(0.., preceded(word("or"), cut_err(conjunction)))
        .fold(
            move || vec![first.clone()],
            |mut all: Vec<_>, next| {
                all.push(next);
                all
            },
        )
        .parse_next(input)?;
    input.state -= 1;
    Ok(match all.len() {
        1 => all.remove(0),
        _ => Filter::Or(all),
    })
}

fn conjunction(input: &mut Input<'_>) -> ModalResult<Filter> {
    let first = term.parse_next(input)?;
    let mut all: Vec<Filter> = repeat(0.., preceded(word("and"), cut_err(term)))
        .fold(
            move || vec![first.clone()],
            |mut all: Vec<_>, next| {
                all.push(next);
                all
            },
        )
        .parse_next(input)?;
    Ok(match all.len() {
        1 => all.remove(0),
        _ => Filter::And(all),
    })
}

fn term(input: &mut Input<'_>) -> ModalResult<Filter> {
    let group = || {
        delimited(
            ('(', multispace0),
            cut_err(disjunction),
            cut_err((multispace0, ')')).context(expected("`)`")),
        )
    };
    alt((
        preceded((Caseless("not"), multispace0), group()).map(|inner| Filter::Not(Box::new(inner))),
        group(),
        value_filter,
        comparison,
    ))
    .context(expected("an attribute, `not (` or `(`"))
    .parse_next(input)
}

/// `emails[type eq "work"]`, and as Entra writes it `emails[type eq "work"].value eq "…"`: the
/// comparison is one more condition on the same value.
fn value_filter(input: &mut Input<'_>) -> ModalResult<Filter> {
    let (name, inner) = (name, brackets).parse_next(input)?;
    let behind = opt(preceded('.', cut_err(comparison)))
        .context(expected("a comparison of a sub-attribute, or the end"))
        .parse_next(input)?;
    let inner = match (inner, behind) {
        (inner, None) => inner,
        (Filter::And(mut all), Some(behind)) => {
            all.push(behind);
            Filter::And(all)
        }
        (inner, Some(behind)) => Filter::And(vec![inner, behind]),
    };
    Ok(Filter::Within(name, Box::new(inner)))
}

fn brackets(input: &mut Input<'_>) -> ModalResult<Filter> {
    delimited(
        ('[', multispace0),
        cut_err(disjunction),
        cut_err((multispace0, ']')).context(expected("`]`")),
    )
    .parse_next(input)
}

fn comparison(input: &mut Input<'_>) -> ModalResult<Filter> {
    let name = terminated(name, multispace1).parse_next(input)?;
    let operator = cut_err(operator)
        .context(expected("one of eq, ne, co, sw, ew, gt, ge, lt, le and pr"))
        .parse_next(input)?;
    let Some(operator) = operator else {
        return Ok(Filter::Present(name));
    };
    let value = cut_err(preceded(multispace1, literal))
        .context(expected("a string, a number, true, false or null"))
        .parse_next(input)?;
    Ok(Filter::Compare(name, operator, value))
}

/// `None` for `pr`, which takes no value.
fn operator(input: &mut Input<'_>) -> ModalResult<Option<Operator>> {
    take_while(1.., |c: char| c.is_ascii_alphanumeric())
        .verify_map(|word: &str| {
            Some(match word.to_ascii_lowercase().as_str() {
                "pr" => None,
                "eq" => Some(Operator::Equal),
                "ne" => Some(Operator::NotEqual),
                "co" => Some(Operator::Contains),
                "sw" => Some(Operator::StartsWith),
                "ew" => Some(Operator::EndsWith),
                "gt" => Some(Operator::GreaterThan),
                "ge" => Some(Operator::GreaterOrEqual),
                "lt" => Some(Operator::LessThan),
                "le" => Some(Operator::LessOrEqual),
                _ => return None,
            })
        })
        .parse_next(input)
}

/// A path of figure 7: an attribute, a filter in brackets, a sub-attribute after them.
fn value_path(input: &mut Input<'_>) -> ModalResult<Path> {
    let name = name
        .context(expected("an attribute name"))
        .parse_next(input)?;
    let filter = opt(brackets).parse_next(input)?;
    let sub = match filter {
        Some(_) => opt(preceded('.', cut_err(simple_name)))
            .context(expected("a sub-attribute or the end"))
            .parse_next(input)?,
        None => None,
    };
    Ok(Path { name, filter, sub })
}

/// An attribute, optionally with its schema's URN in front and a sub-attribute after it. Only the
/// schemas can distinguish the parts.
fn name(input: &mut Input<'_>) -> ModalResult<Name> {
    let text: &str = (
        any.verify(|c: &char| c.is_ascii_alphabetic() || *c == '$'),
        take_while(0.., |c: char| {
            c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '_' | '-' | '$')
        }),
    )
        .take()
        .verify(|text: &str| !text.ends_with(['.', ':']) && !text.contains(".."))
        .parse_next(input)?;
    Ok(Name(text.to_owned()))
}

fn simple_name(input: &mut Input<'_>) -> ModalResult<String> {
    let text: &str = take_while(1.., |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$')
    })
    .parse_next(input)?;
    Ok(text.to_owned())
}

fn literal(input: &mut Input<'_>) -> ModalResult<Json> {
    alt((
        string.map(Json::String),
        word_literal,
        number.map(Json::Number),
    ))
    .parse_next(input)
}

fn word_literal(input: &mut Input<'_>) -> ModalResult<Json> {
    let letters: &str = take_while(1.., |c: char| c.is_ascii_alphabetic()).parse_next(input)?;
    match letters.to_ascii_lowercase().as_str() {
        "true" => Ok(Json::Bool(true)),
        "false" => Ok(Json::Bool(false)),
        "null" => Ok(Json::Null),
        _ => winnow::combinator::fail.parse_next(input),
    }
}

fn number(input: &mut Input<'_>) -> ModalResult<String> {
    take_while(1.., |c: char| {
        c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E')
    })
    .verify(|text: &str| serde_json::from_str::<serde_json::Number>(text).is_ok())
    .map(str::to_owned)
    .parse_next(input)
}

/// A JSON string with its escapes (RFC 8259 §7).
fn string(input: &mut Input<'_>) -> ModalResult<String> {
    let text: &str = (
        '"',
        repeat::<_, _, (), _, _>(
            0..,
            alt((
                ('\\', any).void(),
                any.verify(|c: &char| *c != '"' && *c != '\\').void(),
            )),
        ),
        '"',
    )
        .take()
        .parse_next(input)?;
    match serde_json::from_str(text) {
        Ok(unescaped) => Ok(unescaped),
        Err(_) => winnow::combinator::fail.parse_next(input),
    }
}

/// A word between white space, or before a parenthesis.
fn word<'a>(text: &'static str) -> impl Parser<Input<'a>, (), ErrMode<ContextError>> {
    (
        multispace1,
        Caseless(text),
        alt((multispace1.void(), winnow::combinator::peek('(').void())),
    )
        .void()
}

fn expected(what: &'static str) -> StrContext {
    StrContext::Expected(StrContextValue::Description(what))
}
