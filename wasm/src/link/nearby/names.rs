//! What tabs and their links are called, by each other and by the browser.

use std::fmt;

use bayou_core::{DatabaseName, SUBPROTOCOL};

/// A tab while it takes part: 16 hexadecimal digits, drawn when its replica is opened. The replica's id would not do: a
/// new one has none, and it may change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TabId(String);

impl TabId {
    const BYTES: usize = 8;

    /// The id from random bytes.
    pub(super) fn from_random(bytes: [u8; Self::BYTES]) -> Self {
        Self(format!("{:016x}", u64::from_be_bytes(bytes)))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 2 * Self::BYTES && text.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for TabId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One attempt to link two tabs: who called, and for the how manieth time it called anybody. No other attempt has this
/// name, so that what was said in an earlier one is never taken for part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LinkId {
    pub(super) caller: TabId,
    pub(super) number: u64,
}

impl LinkId {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (caller, number) = text.split_once('.')?;
        Some(Self { caller: TabId::parse(caller)?, number: number.parse().ok()? })
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.caller, self.number)
    }
}

/// The names that the browser knows channels and locks by. Everything of one origin shares them.
pub(super) struct Names {
    /// `bayou.v1/demo`: tabs of another version of the protocol are on another channel.
    database: String,
}

impl Names {
    pub(super) fn new(database: &DatabaseName) -> Self {
        Self { database: [SUBPROTOCOL, "/", database.as_str()].concat() }
    }

    /// The channel that all tabs listen to.
    pub(super) fn common_channel(&self) -> &str {
        &self.database
    }

    /// The channel that the two ends of a link have to themselves.
    pub(super) fn link_channel(&self, link: &LinkId) -> String {
        format!("{}/{link}", self.database)
    }

    /// The lock that a tab holds for as long as it takes part.
    pub(super) fn life_lock(&self, tab: &TabId) -> String {
        format!("{}/alive/{tab}", self.database)
    }

    /// The lock that says that a tab can be called, because its replica has an id and data.
    pub(super) fn presence_lock(&self, tab: &TabId) -> String {
        format!("{}/present/{tab}", self.database)
    }

    /// Whose presence lock this is, if it is one of this database.
    pub(super) fn present_tab(&self, lock: &str) -> Option<TabId> {
        TabId::parse(lock.strip_prefix(&self.database)?.strip_prefix("/present/")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_nothing_else_is() {
        let tab = TabId::from_random([0, 1, 2, 3, 4, 5, 6, 255]);
        assert_eq!(tab.to_string(), "00010203040506ff");
        assert_eq!(TabId::parse("00010203040506ff"), Some(tab.clone()));
        for other in ["", "00010203040506f", "00010203040506fF", "00010203040506ff0", "0001020304050 ff"] {
            assert_eq!(TabId::parse(other), None, "{other}");
        }
        let link = LinkId { caller: tab, number: 7 };
        assert_eq!(LinkId::parse(&link.to_string()), Some(link));
        assert_eq!(LinkId::parse("00010203040506ff"), None);
        assert_eq!(LinkId::parse("00010203040506ff.x"), None);
    }

    #[test]
    fn a_presence_lock_names_its_tab_to_tabs_of_the_same_database_alone() {
        let names = |database| Names::new(&DatabaseName::parse(database).unwrap());
        let tab = TabId::from_random([7; 8]);
        let lock = names("demo").presence_lock(&tab);
        assert_eq!(names("demo").present_tab(&lock), Some(tab.clone()));
        assert_eq!(names("demo-2").present_tab(&lock), None);
        assert_eq!(names("dem").present_tab(&lock), None);
        assert_eq!(names("demo").present_tab(&names("demo").life_lock(&tab)), None);
    }
}
