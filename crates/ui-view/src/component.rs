//! `#[component]`: a function, the struct of its parameters, and the way from one to the other.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, ItemFn, Pat, Type, spanned::Spanned};

pub fn write(item: TokenStream) -> syn::Result<TokenStream> {
    let function: ItemFn = syn::parse2(item)?;
    let (name, visibility, body) = (&function.sig.ident, &function.vis, &function.block);
    let attributes = &function.attrs;
    let props = format_ident!("{name}Props");
    let props_builder = format_ident!("{name}PropsBuilder");
    let mut fields = Vec::new();
    let mut names = Vec::new();
    for argument in &function.sig.inputs {
        let FnArg::Typed(argument) = argument else {
            return Err(syn::Error::new(argument.span(), "a component has no self"));
        };
        let Pat::Ident(parameter) = &*argument.pat else {
            return Err(syn::Error::new(argument.span(), "a parameter needs a name"));
        };
        let (ident, kind) = (&parameter.ident, &argument.ty);
        let builder = builder(&argument.attrs, kind)?;
        fields.push(quote! { #builder pub #ident: #kind });
        names.push(ident.clone());
    }
    Ok(quote! {
        #[derive(::typed_builder::TypedBuilder)]
        #visibility struct #props { #(#fields,)* }

        impl crate::view::Props for #props {
            type Builder = #props_builder;
            fn builder() -> Self::Builder { Self::builder() }
        }

        #(#attributes)*
        #[expect(non_snake_case, reason = "it stands in markup like an element")]
        #visibility fn #name(props: #props) -> crate::view::View {
            let #props { #(#names,)* } = props;
            crate::view::quietly(move || crate::view::IntoView::into_view(#body))
        }
    })
}

/// How a parameter is given: what `#[prop(…)]` says, in the builder's words.
fn builder(attributes: &[Attribute], kind: &Type) -> syn::Result<TokenStream> {
    let (mut optional, mut into, mut default) = (false, false, None);
    for attribute in attributes.iter().filter(|a| a.path().is_ident("prop")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("optional") {
                optional = true;
            } else if meta.path.is_ident("into") {
                into = true;
            } else if meta.path.is_ident("default") {
                default = Some(meta.value()?.parse::<syn::Expr>()?);
            } else {
                return Err(meta.error("use optional, into or default"));
            }
            Ok(())
        })?;
    }
    let default = match default {
        Some(value) => quote! { default = #value, },
        None if optional => quote! { default, },
        None => quote! {},
    };
    let strip = (optional && is_option(kind)).then(|| quote! { strip_option, });
    let into = into.then(|| quote! { into, });
    let setter = (strip.is_some() || into.is_some()).then(|| quote! { setter(#strip #into), });
    let docs = attributes.iter().filter(|a| a.path().is_ident("doc"));
    if default.is_empty() && setter.is_none() {
        return Ok(quote! { #(#docs)* });
    }
    Ok(quote! { #(#docs)* #[builder(#default #setter)] })
}

fn is_option(kind: &Type) -> bool {
    matches!(kind, Type::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == "Option"))
}
