//! Positions of runs, schedules, scopes, steps and updates, and numbers of calls. Each is a type of its own, so that two of them cannot be
//! swapped.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, Deref};

macro_rules! positions {
    ($($(#[$doc:meta])* $name:ident($number:ty);)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($number);

        impl $name {
            /// The position or call with this number.
            pub const fn new(number: $number) -> Self {
                Self(number)
            }

            /// Its number.
            pub const fn get(self) -> $number {
                self.0
            }
        }

        impl From<$number> for $name {
            fn from(number: $number) -> Self {
                Self(number)
            }
        }

        impl From<$name> for $number {
            fn from(at: $name) -> Self {
                at.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )+};
}

positions! {
    /// The position of a run in an engine, in order of submission.
    RunIx(usize);
    /// The position of a step in its run, in the order in which scopes were opened.
    StepIx(usize);
    /// The position of a scope in its run, in the order in which scopes were opened. The first is the workflow itself.
    ScopeIx(usize);
    /// The position of a schedule in its engine. A new schedule may take the position of a deleted one.
    ScheduleIx(usize);
    /// The position of an update in its run, in order of arrival.
    UpdateIx(usize);
    /// The number of a call in its engine, from 1.
    CallId(u64);
}

/// A step of an engine: its run and its position there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::engine) struct StepRef {
    pub(in crate::engine) run: RunIx,
    pub(in crate::engine) step: StepIx,
}

impl CallId {
    /// Stands for the call of an attempt that failed before it called a tool.
    pub(in crate::engine) const NONE: Self = Self(0);

    /// The next number.
    pub(in crate::engine) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl ScopeIx {
    /// The workflow itself.
    pub const WORKFLOW: Self = Self(0);
}

impl StepIx {
    /// The distance from `first`; `None` if the position comes before it.
    pub(in crate::engine) fn checked_sub(self, first: Self) -> Option<usize> {
        self.0.checked_sub(first.0)
    }
}

impl Add<usize> for StepIx {
    type Output = Self;

    fn add(self, steps: usize) -> Self {
        Self(self.0 + steps)
    }
}

impl Add<&usize> for StepIx {
    type Output = Self;

    fn add(self, steps: &usize) -> Self {
        self + *steps
    }
}

/// A list whose items are found by positions of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<P, T> {
    items: Vec<T>,
    kind: PhantomData<P>,
}

impl<P, T> Default for Placed<P, T> {
    fn default() -> Self {
        Self { items: Vec::new(), kind: PhantomData }
    }
}

impl<P: From<usize> + Into<usize>, T> Placed<P, T> {
    /// The item at a position.
    pub fn get(&self, at: P) -> Option<&T> {
        self.items.get(at.into())
    }

    /// The item at a position, to be changed.
    pub fn get_mut(&mut self, at: P) -> Option<&mut T> {
        self.items.get_mut(at.into())
    }

    /// The position of the first item that `accepts` is true for.
    pub fn find(&self, accepts: impl FnMut(&T) -> bool) -> Option<P> {
        self.items.iter().position(accepts).map(P::from)
    }

    /// All items from a position on, with their positions.
    pub(in crate::engine) fn placed_from(&self, at: P) -> impl DoubleEndedIterator<Item = (P, &T)> {
        let first = at.into();
        let items = self.items.get(first..).unwrap_or_default();
        items.iter().enumerate().map(move |(behind, item)| ((first + behind).into(), item))
    }

    /// The position of the next item to be added.
    pub fn next(&self) -> P {
        self.items.len().into()
    }

    /// All items with their positions.
    pub fn placed(&self) -> impl DoubleEndedIterator<Item = (P, &T)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(at, item)| (at.into(), item))
    }

    /// Adds an item, and returns its position.
    pub(in crate::engine) fn push(&mut self, item: T) -> P {
        let at = self.next();
        self.items.push(item);
        at
    }

    pub(in crate::engine) fn extend(&mut self, items: impl IntoIterator<Item = T>) {
        self.items.extend(items);
    }
}

impl<'a, P, T> IntoIterator for &'a Placed<P, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<P, T> Deref for Placed<P, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}
