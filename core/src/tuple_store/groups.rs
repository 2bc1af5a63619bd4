//! Something for each combination of values. It is found by a fingerprint of them: numbers are compared instead of texts.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::value::Value;

#[derive(Clone, Debug)]
pub(super) struct Groups<T>(BTreeMap<u64, Alike<T>>);

/// What is of different values with one fingerprint: hardly ever more than one.
type Alike<T> = Vec<(Box<[Value]>, T)>;

impl<T> Default for Groups<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Groups<T> {
    pub(super) fn of(&self, values: &[Value]) -> Option<&T> {
        let alike = self.0.get(&fingerprint(values))?;
        alike.iter().find(|(of, _)| **of == *values).map(|(_, group)| group)
    }

    pub(super) fn of_mut(&mut self, values: &[Value]) -> Option<&mut T> {
        let alike = self.0.get_mut(&fingerprint(values))?;
        alike.iter_mut().find(|(of, _)| **of == *values).map(|(_, group)| group)
    }

    /// What is there of these values, or else what is made for them.
    pub(super) fn of_or_make(&mut self, values: Cow<'_, [Value]>, make: impl FnOnce() -> T) -> &mut T {
        let alike = self.0.entry(fingerprint(&values)).or_default();
        let at = alike.iter().position(|(of, _)| **of == *values).unwrap_or_else(|| {
            alike.push((values.into_owned().into(), make()));
            alike.len() - 1
        });
        &mut alike[at].1
    }

    pub(super) fn remove(&mut self, values: &[Value]) {
        let fingerprint = fingerprint(values);
        if let Some(alike) = self.0.get_mut(&fingerprint) {
            alike.retain(|(of, _)| **of != *values);
            if alike.is_empty() {
                self.0.remove(&fingerprint);
            }
        }
    }
}

/// It is neither stored nor told to anybody: it may differ from one program to another.
fn fingerprint(values: &[Value]) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_combination_of_values_has_its_own() {
        let rooms = ["Aare", "Birs", "Emme"].map(|room| [Value::from(room)]);
        let mut groups = Groups::default();
        for (number, room) in rooms.iter().enumerate() {
            *groups.of_or_make(Cow::Borrowed(room), || number) += 10;
            *groups.of_or_make(Cow::Borrowed(room), || 100) += 10;
        }
        groups.remove(&rooms[1]);
        groups.remove(&[]);
        *groups.of_mut(&rooms[2]).expect("it is there") += 1;
        let found = rooms.each_ref().map(|room| groups.of(room).copied());
        assert_eq!(found, [Some(20), None, Some(23)]);
        assert_eq!(groups.of(&[]), None);
    }

    #[test]
    fn values_with_one_fingerprint_are_told_apart() {
        let (one, other) = ([Value::from("one")], [Value::from("other")]);
        let alike = vec![(Box::from(other.as_slice()), 2)];
        let mut groups = Groups([(fingerprint(&one), alike)].into_iter().collect());
        assert_eq!(groups.of(&one), None);
        assert_eq!(groups.of_mut(&one), None);
        assert_eq!(*groups.of_or_make(Cow::Borrowed(&one), || 1), 1);
        groups.remove(&one);
        assert_eq!(groups.0.values().flatten().count(), 1, "what is alike stays");
    }
}
