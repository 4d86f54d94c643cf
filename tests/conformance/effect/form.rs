//! The forms in which a PATCH can say something. Each is generated, and each must have been shown to
//! keep its effect.

use serde::Deserialize;

/// One form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Form {
    AddSimple,
    ReplaceSimple,
    RemoveSimple,
    AddComplex,
    ReplaceComplex,
    RemoveComplex,
    SetSub,
    RemoveSub,
    AddValues,
    ReplaceValues,
    RemoveValues,
    /// `emails[type eq "work"].value`, to add or replace.
    SetFilteredSub,
    RemoveFilteredSub,
    /// `emails[type eq "work"]` with an object.
    AddFiltered,
    ReplaceFiltered,
    RemoveFiltered,
    FilterAnd,
    FilterOr,
    FilterNot,
    FilterGroup,
    /// `A and (B and C)`.
    FilterAndInAnd,
    /// Parentheses directly in others.
    FilterNested,
    /// Another operator than `eq`.
    FilterOperator,
    /// `EQ`, `And`.
    FilterCase,
    /// A quotation mark or a bracket in a string of a filter.
    FilterEscape,
    /// Blanks inside the brackets.
    FilterBlanks,
    /// A colon in a string of a filter.
    FilterColon,
    /// A filter on the sub-attribute that is set.
    FilterOnWhatIsSet,
    /// A filter on `value`, in front of another sub-attribute: it finds a value and makes none.
    FilterOnValue,
    AddMembers,
    ReplaceMembers,
    RemoveAllMembers,
    RemoveFilteredMember,
    /// Several members in one filter, joined by `or`.
    RemoveFilteredMembers,
    /// Entra: `{"op": "Remove", "path": "members", "value": [{"value": "ID"}]}`.
    RemoveListedMembers,
    /// The extension's URN in front of an attribute.
    ExtensionPath,
    /// `manager` as an object.
    ExtensionComplex,
    /// `manager.value`.
    ExtensionSub,
    /// The whole extension as an object.
    Extension,
    RemoveExtension,
    /// Entra: `manager` as text.
    ManagerText,
    /// The core schema's URN in front of an attribute.
    CoreUrn,
    /// A URN in another case.
    UrnCase,
    Pathless,
    /// `{"value": {"name": {"givenName": "Ann"}}}`
    PathlessComplex,
    /// `add` with `{"value": {"emails": […]}}`
    PathlessAddValues,
    /// `replace` with `{"value": {"emails": […]}}`
    PathlessReplaceValues,
    /// The `id` among the keys of a value.
    PathlessId,
    /// `{"value": {"name.givenName": "Ann"}}`
    PathlessDotted,
    /// `{"value": {"urn:…:department": "R&D"}}`
    PathlessUrn,
    /// `{"value": {"urn:…": {"department": "R&D"}}}`
    PathlessExtension,
    /// `{"value": {"emails[type eq \"work\"].value": "…"}}`
    PathlessFilter,
    /// `"op": "Replace"`.
    CapitalOp,
    /// `"op": "REPLACE"`.
    UpperOp,
    /// An attribute's name in another case.
    NameCase,
    /// A name inside a value in another case.
    ValueNameCase,
    /// `operations`, and an operation's own names in another case.
    EnvelopeCase,
    /// One operation where a list belongs.
    SingleOperation,
    /// `"active": "False"`.
    BooleanText,
    /// One value where a list belongs.
    SingleForList,
    /// A list of one where one value belongs.
    ListForSingle,
    /// `replace` with `null`.
    NullValue,
    /// `replace` with `[]`.
    EmptyList,
    /// A value that takes over being the primary one.
    Primary,
    /// A canonical value in another case, such as `Work`.
    CanonicalCase,
    /// `display` beside a member's `value`.
    MemberDisplay,
    /// Entra: a new value in several operations, one for each sub-attribute.
    InParts,
    /// Entra: a value path that names no value yet, and creates it. Seen, not generated.
    Created,
}

// === impl Form ===

impl Form {
    pub(crate) const ALL: &[Self] = &[
        Self::AddSimple,
        Self::ReplaceSimple,
        Self::RemoveSimple,
        Self::AddComplex,
        Self::ReplaceComplex,
        Self::RemoveComplex,
        Self::SetSub,
        Self::RemoveSub,
        Self::AddValues,
        Self::ReplaceValues,
        Self::RemoveValues,
        Self::SetFilteredSub,
        Self::RemoveFilteredSub,
        Self::AddFiltered,
        Self::ReplaceFiltered,
        Self::RemoveFiltered,
        Self::FilterAnd,
        Self::FilterOr,
        Self::FilterNot,
        Self::FilterGroup,
        Self::FilterAndInAnd,
        Self::FilterNested,
        Self::FilterOperator,
        Self::FilterCase,
        Self::FilterEscape,
        Self::FilterBlanks,
        Self::FilterColon,
        Self::FilterOnWhatIsSet,
        Self::FilterOnValue,
        Self::AddMembers,
        Self::ReplaceMembers,
        Self::RemoveAllMembers,
        Self::RemoveFilteredMember,
        Self::RemoveFilteredMembers,
        Self::RemoveListedMembers,
        Self::ExtensionPath,
        Self::ExtensionComplex,
        Self::ExtensionSub,
        Self::Extension,
        Self::RemoveExtension,
        Self::ManagerText,
        Self::CoreUrn,
        Self::UrnCase,
        Self::Pathless,
        Self::PathlessComplex,
        Self::PathlessAddValues,
        Self::PathlessReplaceValues,
        Self::PathlessId,
        Self::PathlessDotted,
        Self::PathlessUrn,
        Self::PathlessExtension,
        Self::PathlessFilter,
        Self::CapitalOp,
        Self::UpperOp,
        Self::NameCase,
        Self::ValueNameCase,
        Self::EnvelopeCase,
        Self::SingleOperation,
        Self::BooleanText,
        Self::SingleForList,
        Self::ListForSingle,
        Self::NullValue,
        Self::EmptyList,
        Self::Primary,
        Self::CanonicalCase,
        Self::MemberDisplay,
        Self::InParts,
        Self::Created,
    ];

    /// Whether it is about what is there already (RFC 7644 §3.5.2.3: `noTarget` if nothing is).
    pub(crate) fn sets_what_a_filter_finds(self) -> bool {
        matches!(
            self,
            Self::SetFilteredSub | Self::AddFiltered | Self::ReplaceFiltered | Self::PathlessFilter
        )
    }
}
