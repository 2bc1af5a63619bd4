//! What tabs post to each other, as the values that the browser copies from one to the other.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use super::{
    mesh::Word,
    names::{LinkId, TabId},
};
use crate::platform::object;

/// What is said on a link's own channel.
pub(super) enum LinkMessage {
    /// One frame of the protocol.
    Frame(Vec<u8>),
    /// The called tab has come.
    Answer,
    /// The link is over.
    End { code: u16, reason: String },
}

pub(super) fn word_to_js(word: &Word) -> JsValue {
    match word {
        Word::Here(tab) => object(&[("kind", "here".into()), ("tab", tab.to_string().into())]),
        Word::Off { tab, to } => {
            object(&[("kind", "off".into()), ("tab", tab.to_string().into()), ("to", to.to_string().into())])
        }
        Word::Call { link, to } => {
            object(&[("kind", "call".into()), ("link", link.to_string().into()), ("to", to.to_string().into())])
        }
    }
}

/// The word that a value stands for. Anything else is not for this version to understand.
pub(super) fn word_from_js(value: &JsValue) -> Option<Word> {
    match text(value, "kind")?.as_str() {
        "here" => Some(Word::Here(TabId::parse(&text(value, "tab")?)?)),
        "off" => Some(Word::Off { tab: TabId::parse(&text(value, "tab")?)?, to: TabId::parse(&text(value, "to")?)? }),
        "call" => {
            Some(Word::Call { link: LinkId::parse(&text(value, "link")?)?, to: TabId::parse(&text(value, "to")?)? })
        }
        _ => None,
    }
}

pub(super) fn frame_to_js(frame: &[u8]) -> JsValue {
    Uint8Array::from(frame).into()
}

pub(super) fn answer_to_js() -> JsValue {
    object(&[("kind", "answer".into())])
}

pub(super) fn end_to_js(code: u16, reason: &str) -> JsValue {
    object(&[("kind", "end".into()), ("code", code.into()), ("reason", reason.into())])
}

pub(super) fn link_message_from_js(value: &JsValue) -> Option<LinkMessage> {
    if let Some(frame) = value.dyn_ref::<Uint8Array>() {
        return Some(LinkMessage::Frame(frame.to_vec()));
    }
    match text(value, "kind")?.as_str() {
        "answer" => Some(LinkMessage::Answer),
        "end" => {
            let code = field(value, "code")?.as_f64()?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
            Some(LinkMessage::End { code: code as u16, reason: text(value, "reason")? })
        }
        _ => None,
    }
}

fn field(value: &JsValue, name: &str) -> Option<JsValue> {
    // Reading from what is no object throws.
    Reflect::get(value, &JsValue::from_str(name)).ok()
}

fn text(value: &JsValue, name: &str) -> Option<String> {
    field(value, name)?.as_string()
}
