//! The JavaScript API: classes for what has a life, plain data for the rest, and real errors.

mod data;
mod draft;
mod error;
mod files;
mod input;
mod inspection;
mod promise;
mod replica;
mod room_data;
mod rooms;
mod value;

pub(crate) use data::outcome_to_js;
pub(crate) use error::ApiError;
pub(crate) use promise::reject_all;
pub use replica::{RelayLink, Replica, SubmittedWrite};
pub use rooms::Rooms;
