//! [`macro@wit`] makes a Rust type the counterpart of the WIT type of the same shape, for hosts and guests.

use heck::ToKebabCase;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Fields, parse_macro_input, parse_quote};

/// Maps a struct to a WIT record, an enum without data to a WIT enum, and any other enum to a variant; names
/// become kebab case. With the crate's feature `wasmtime`, wasmtime lifts and lowers the type directly. In
/// a guest, `wit-bindgen` does so with its `with` option, which needs an enum's cases by number.
#[proc_macro_attribute]
pub fn wit(
    _options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    let item = parse_macro_input!(item as DeriveInput);
    expand(item)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

fn expand(mut item: DeriveInput) -> syn::Result<TokenStream> {
    let mut guest = TokenStream::new();
    let kind = match &mut item.data {
        Data::Struct(record) => {
            for field in &mut record.fields {
                if let Some(name) = field.ident.clone() {
                    field.attrs.extend(renamed(&name));
                }
            }
            quote!(record)
        }
        Data::Enum(variant) => {
            for case in &mut variant.variants {
                case.attrs.extend(renamed(&case.ident.clone()));
            }
            if variant
                .variants
                .iter()
                .all(|case| matches!(case.fields, Fields::Unit))
            {
                item.attrs.push(parse_quote!(#[repr(u8)]));
                guest = by_number(&item.ident, variant.variants.iter().map(|case| &case.ident));
                quote!(enum)
            } else {
                quote!(variant)
            }
        }
        Data::Union(union) => {
            return Err(syn::Error::new_spanned(
                union.union_token,
                "WIT has no unions",
            ));
        }
    };
    Ok(quote! {
        #[cfg_attr(
            feature = "wasmtime",
            derive(
                ::wasmtime::component::ComponentType,
                ::wasmtime::component::Lift,
                ::wasmtime::component::Lower,
            ),
            component(#kind)
        )]
        #item
        #guest
    })
}

/// The WIT name of a field or case.
fn renamed(name: &Ident) -> Option<Attribute> {
    let name = name.to_string();
    let kebab = name.to_kebab_case();
    (kebab != name)
        .then(|| parse_quote!(#[cfg_attr(feature = "wasmtime", component(name = #kebab))]))
}

/// The function that a guest's bindings call to lift an enum. The canonical ABI only has numbers of cases.
fn by_number<'a>(name: &Ident, cases: impl DoubleEndedIterator<Item = &'a Ident>) -> TokenStream {
    let mut cases: Vec<_> = cases.collect();
    let last = cases.pop();
    let cases = cases.into_iter().enumerate().map(|(number, case)| {
        let number = Literal::usize_unsuffixed(number);
        quote!(#number => Self::#case,)
    });
    quote! {
        impl #name {
            #[doc(hidden)]
            #[must_use]
            pub fn _lift(number: u8) -> Self {
                match number {
                    #(#cases)*
                    _ => Self::#last,
                }
            }
        }
    }
}
