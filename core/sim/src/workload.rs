//! What people write: bookings of few rooms at few times, and plain writes of few keys, so that they meet all the time.

use bayou_core::{
    Alternative, Comparison, Condition, DependencyCheck, Draft, Expectation, Fields, Key, Name, Operation, Predicate,
    Query, Replica, UpdateSet, Value,
    rooms::{self, NewBooking, Room, Slot},
};

use crate::dice::Dice;

#[derive(Debug)]
pub(crate) struct Workload {
    seed: u64,
    rooms: u64,
    booked: u64,
}

/// The first minute of the day on which all is booked.
const DAY: i64 = 29_000_000 / 30 * 30;

impl Workload {
    pub(crate) const fn new(seed: u64, rooms: u64) -> Self {
        Self { seed, rooms, booked: 0 }
    }

    pub(crate) fn rooms(&self) -> Option<Draft> {
        let room = |number| Room {
            id: format!("room-{number}"),
            name: format!("Room {number}"),
            seats: 4,
            equipment: Vec::new(),
            floor: "1".into(),
            zone: "UTC".into(),
        };
        rooms::add_rooms(&(0..self.rooms).map(room).collect::<Vec<_>>()).ok()
    }

    fn slot(&self, dice: &mut Dice) -> Slot {
        let start = DAY + 30 * i64::try_from(dice.below(8)).expect("a small number");
        let minutes = 30 * i64::try_from(dice.between(1, 3)).expect("a small number");
        Slot { room: format!("room-{}", dice.below(self.rooms)), start, end: start + minutes }
    }

    pub(crate) fn booking(&mut self, replica: &Replica, pick: u64) -> Option<Draft> {
        let mut dice = Dice::of(self.seed, &[3, pick]);
        self.booked += 1;
        let alternatives = (0..dice.below(3)).map(|_| self.slot(&mut dice)).collect();
        let booking = NewBooking {
            id: format!("b{}", self.booked),
            title: "Talk".into(),
            person: "p".into(),
            name: "Ada".into(),
            notes: String::new(),
            wanted: self.slot(&mut dice),
            alternatives,
        };
        rooms::book(replica, &booking).ok()
    }

    pub(crate) fn cancellation(&self, replica: &Replica, pick: u64) -> Option<Draft> {
        let number = pick.checked_rem(self.booked)? + 1;
        rooms::cancel(replica, &format!("b{number}")).ok()
    }

    pub(crate) fn plain(&self, pick: u64) -> Draft {
        let mut dice = Dice::of(self.seed, &[4, pick]);
        let check = check(&mut dice);
        let alternative = |dice: &mut Dice| Alternative { check: check_of(dice), update: update(dice) };
        let alternatives = (0..dice.below(2)).map(|_| alternative(&mut dice)).collect();
        Draft { update: update(&mut dice), check, alternatives, report: fields(&mut dice) }
    }
}

fn check(dice: &mut Dice) -> DependencyCheck {
    if dice.one_in(2) { DependencyCheck::default() } else { check_of(dice) }
}

fn check_of(dice: &mut Dice) -> DependencyCheck {
    let filter = match dice.below(3) {
        0 => Predicate::Key(Comparison::Equal, key(dice)),
        1 => Predicate::equal(name("x"), Value::Int(dice.below(3).cast_signed())),
        _ => Predicate::Field(name("x"), Comparison::Less, Value::Int(dice.below(4).cast_signed())),
    };
    let expect = match dice.below(3) {
        0 => Expectation::None,
        1 => Expectation::Some,
        _ => Expectation::Count(u32::try_from(dice.below(3)).expect("a small number")),
    };
    DependencyCheck(vec![Condition { query: Query::new(name("a"), filter), expect }])
}

fn update(dice: &mut Dice) -> UpdateSet {
    let operation = |dice: &mut Dice| match dice.below(4) {
        0 => Operation::Insert(name("a"), key(dice), fields(dice)),
        1 => Operation::Patch(name("a"), key(dice), fields(dice)),
        2 => Operation::Delete(name("a"), key(dice)),
        _ => Operation::Put(name("a"), key(dice), fields(dice)),
    };
    UpdateSet((0..dice.between(1, 2)).map(|_| operation(dice)).collect())
}

fn key(dice: &mut Dice) -> Key {
    Key::new(["k0", "k1", "k2"][usize::try_from(dice.below(3)).expect("a small number")]).expect("a short key")
}

fn fields(dice: &mut Dice) -> Fields {
    Fields::new([(name("x"), Value::Int(dice.below(4).cast_signed()))]).expect("one field")
}

fn name(name: &str) -> Name {
    Name::new(name).expect("a short name")
}
