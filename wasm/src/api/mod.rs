//! The JavaScript API: classes for what has a life, plain data for the rest, and real errors.

mod damage;
mod data;
mod draft;
mod error;
mod files;
mod input;
mod inspection;
mod links;
mod promise;
mod read_only;
mod replica;
mod room_data;
mod rooms;
mod value;

pub(crate) use data::outcome_to_js;
pub(crate) use error::ApiError;
pub use links::{NearbyLink, NearbyLinks, RelayLink};
pub(crate) use promise::reject_all;
pub use read_only::ReadOnlyCopy;
pub(crate) use replica::waited;
pub use replica::{Replica, SubmittedWrite};
pub use rooms::Rooms;
