//! `view!`: markup, written out as calls.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use rstml::node::{
    KeyedAttribute, KeyedAttributeValue, Node, NodeAttribute, NodeBlock, NodeElement, NodeName,
    NodeNameFragment,
};
use rstml::{Infallible, Parser, ParserConfig};
use syn::{Block, Expr, Lit, Stmt, spanned::Spanned};

/// Elements of SVG, which live in a namespace of their own.
const SVG: [&str; 5] = ["svg", "use", "path", "circle", "g"];

type Markup = Node<Infallible>;
type Element = NodeElement<Infallible>;

pub fn write(tokens: TokenStream) -> TokenStream {
    let parser = Parser::new(ParserConfig::default().recover_block(true));
    let (nodes, errors) = parser.parse_recoverable(tokens).split_vec();
    let errors = errors.into_iter().map(|error| error.emit_as_expr_tokens());
    let made = all(&nodes);
    quote! { { #(#errors;)* #made } }
}

/// Several nodes as one view.
fn all(nodes: &[Markup]) -> TokenStream {
    let parts: Vec<_> = nodes.iter().filter_map(node).collect();
    match parts.as_slice() {
        [] => quote! { crate::view::View::Nothing },
        [one] => quote! { crate::view::IntoView::into_view(#one) },
        many => {
            quote! { crate::view::View::Many(::std::vec![#(crate::view::IntoView::into_view(#many)),*]) }
        }
    }
}

fn node(node: &Markup) -> Option<TokenStream> {
    Some(match node {
        Node::Element(element) if is_component(element) => component(element),
        Node::Element(element) => plain(element),
        Node::Block(NodeBlock::ValidBlock(block)) => unbraced(block),
        Node::Block(NodeBlock::Invalid(block)) => quote! { #block },
        Node::Text(text) => {
            let value = &text.value;
            quote! { #value }
        }
        Node::RawText(text) => {
            let value = text.to_string_best();
            quote! { #value }
        }
        Node::Fragment(fragment) => all(&fragment.children),
        Node::Comment(_) | Node::Doctype(_) | Node::Custom(_) => return None,
    })
}

/// The expression in `{…}`, without the braces where it stands alone.
fn unbraced(block: &Block) -> TokenStream {
    match block.stmts.as_slice() {
        [Stmt::Expr(expression, None)] => quote! { #expression },
        _ => quote! { #block },
    }
}

fn is_component(element: &Element) -> bool {
    element.name().to_string().starts_with(char::is_uppercase)
}

fn plain(element: &Element) -> TokenStream {
    let name = element.name().to_string();
    let span = element.name().span();
    let new = if SVG.contains(&name.as_str()) {
        quote_spanned! { span => svg }
    } else {
        quote_spanned! { span => html }
    };
    // Attributes that never change go with the name, in one text.
    let mut opening = name;
    let mut attributes = Vec::new();
    for attribute in element.attributes() {
        match attribute {
            NodeAttribute::Attribute(keyed) => match fixed(keyed) {
                Some(value) => {
                    opening.push_str(&format!("\n{}\n{value}", key(&keyed.key)));
                }
                None => attributes.push(self::attribute(keyed)),
            },
            NodeAttribute::Block(block) => attributes.push(quote_spanned! { block.span() =>
                ; ::std::compile_error!("an attribute needs a name")
            }),
        }
    }
    let children = element.children.iter().filter_map(|child| {
        Some(match child {
            Node::Text(text) => {
                let value = &text.value;
                quote! { .text(#value) }
            }
            Node::Element(element) if !is_component(element) => {
                let made = plain(element);
                quote! { .element(#made) }
            }
            other => {
                let made = node(other)?;
                quote! { .child(#made) }
            }
        })
    });
    quote! { crate::view::Element::#new(#opening) #(#attributes)* #(#children)* }
}

/// The value of an attribute that is a text without line feeds.
fn fixed(keyed: &KeyedAttribute) -> Option<String> {
    match keyed.value()? {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()).filter(|text| !text.contains('\n')),
            _ => None,
        },
        _ => None,
    }
    .filter(|_| !key(&keyed.key).contains(':'))
}

fn attribute(keyed: &KeyedAttribute) -> TokenStream {
    let value = value(keyed);
    let key = key(&keyed.key);
    if let Some(event) = key.strip_prefix("on:") {
        let kind = syn::Ident::new(event_type(event), keyed.key.span());
        return quote! { .on::<::web_sys::#kind>(#event, #value) };
    }
    if let Some(class) = key.strip_prefix("class:") {
        return quote! { .class(#class, #value) };
    }
    if let Some(property) = key.strip_prefix("prop:") {
        return quote! { .property(#property, #value) };
    }
    match key.as_str() {
        "node_ref" => quote! { .node_ref(#value) },
        "inner_html" => quote! { .inner_html(#value) },
        _ => quote! { .attribute(#key, #value) },
    }
}

/// What the browser hands to a handler of this event.
fn event_type(event: &str) -> &'static str {
    match event {
        "click" | "dblclick" | "mousedown" | "mouseup" | "mouseover" | "mouseout" => "MouseEvent",
        "keydown" | "keyup" => "KeyboardEvent",
        "focus" | "blur" | "focusin" | "focusout" => "FocusEvent",
        "submit" => "SubmitEvent",
        _ if event.starts_with("pointer") => "PointerEvent",
        _ => "Event",
    }
}

fn component(element: &Element) -> TokenStream {
    let name = element.name();
    match name.to_string().as_str() {
        "Show" => show(element),
        "For" => keyed_list(element),
        _ => {
            let given = keyed(element).map(|keyed| {
                let (setter, value) = (&keyed.key, value(keyed));
                quote! { .#setter(#value) }
            });
            let children = (!element.children.is_empty()).then(|| {
                let made = all(&element.children);
                quote! { .children(::std::boxed::Box::new(move || #made)) }
            });
            quote_spanned! { name.span() =>
                #name(crate::view::props(&#name) #(#given)* #children .build())
            }
        }
    }
}

fn show(element: &Element) -> TokenStream {
    let when = named(element, "when");
    let made = all(&element.children);
    quote! { crate::view::show(#when, move || #made) }
}

fn keyed_list(element: &Element) -> TokenStream {
    let (each, by) = (named(element, "each"), named(element, "key"));
    let binding = keyed(element)
        .find_map(|keyed| key(&keyed.key).strip_prefix("let:").map(str::to_owned))
        .unwrap_or_else(|| "_".to_owned());
    let binding = syn::Ident::new(&binding, element.name().span());
    let made = all(&element.children);
    quote! { crate::view::keyed(#each, #by, move |#binding| #made) }
}

fn keyed(element: &Element) -> impl Iterator<Item = &KeyedAttribute> {
    element
        .attributes()
        .iter()
        .filter_map(|attribute| match attribute {
            NodeAttribute::Attribute(keyed) => Some(keyed),
            NodeAttribute::Block(_) => None,
        })
}

/// The value of the attribute of this name, which must be there.
fn named(element: &Element, name: &str) -> TokenStream {
    keyed(element)
        .find(|keyed| key(&keyed.key) == name)
        .map_or_else(
            || {
                let text = format!("`{name}` is missing");
                quote_spanned! { element.name().span() => ::std::compile_error!(#text) }
            },
            value,
        )
}

/// The value of an attribute; one without a value is on.
fn value(keyed: &KeyedAttribute) -> TokenStream {
    match (&keyed.possible_value, keyed.value()) {
        (_, Some(Expr::Block(block))) if block.attrs.is_empty() && block.label.is_none() => {
            unbraced(&block.block)
        }
        (_, Some(expression)) => quote! { #expression },
        (KeyedAttributeValue::None, None) => quote! { true },
        (_, None) => {
            quote_spanned! { keyed.key.span() => ::std::compile_error!("this is not a value") }
        }
    }
}

/// The name of an attribute as it is written, without blanks.
fn key(name: &NodeName) -> String {
    match name {
        NodeName::Punctuated(parts) => parts
            .pairs()
            .map(|pair| {
                let part = match pair.value() {
                    NodeNameFragment::Ident(ident) => ident.to_string(),
                    NodeNameFragment::Literal(literal) => literal.to_string(),
                    NodeNameFragment::Empty => String::new(),
                };
                match pair.punct() {
                    Some(punct) => format!("{part}{}", punct.as_char()),
                    None => part,
                }
            })
            .collect(),
        other => other.to_string(),
    }
}
