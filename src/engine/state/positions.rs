//! Positions of runs in an engine, of scopes and steps in a run; numbers of calls. Each is a type of its own, so that
//! two of them cannot be swapped.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, Deref};

macro_rules! positions {
    ($($(#[$doc:meta])* $name:ident($number:ty);)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($number);

        impl $name {
            /// The position, or the call, of a number.
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
    /// A run of an engine, in order of submission.
    RunIx(usize);
    /// A step of a run, in the order in which scopes were opened.
    StepIx(usize);
    /// A scope of a run, in the order in which they were opened: the first is the workflow itself.
    ScopeIx(usize);
    /// A call of a tool, counted in the engine from 1.
    CallId(u64);
}

/// A step of an engine: its run, and where it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::engine) struct StepRef {
    pub(in crate::engine) run: RunIx,
    pub(in crate::engine) step: StepIx,
}

impl CallId {
    /// The call of an attempt that failed before it called anything.
    pub(in crate::engine) const NONE: Self = Self(0);

    /// The one after it.
    pub(in crate::engine) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl ScopeIx {
    /// The workflow itself.
    pub const WORKFLOW: Self = Self(0);
}

impl StepIx {
    /// How far it is behind the first step of its scope; none where it is before that.
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

/// A list in which things are found by positions of one kind.
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
    /// What is at a position.
    pub fn get(&self, at: P) -> Option<&T> {
        self.items.get(at.into())
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, at: P) -> Option<&mut T> {
        self.items.get_mut(at.into())
    }

    /// The position of the first thing that is like that.
    pub fn find(&self, is_it: impl FnMut(&T) -> bool) -> Option<P> {
        self.items.iter().position(is_it).map(P::from)
    }

    /// Everything from a position on.
    pub(in crate::engine) fn placed_from(&self, at: P) -> impl DoubleEndedIterator<Item = (P, &T)> {
        let first = at.into();
        let items = self.items.get(first..).unwrap_or_default();
        items.iter().enumerate().map(move |(behind, item)| ((first + behind).into(), item))
    }

    /// The position of what is added next.
    pub fn next(&self) -> P {
        self.items.len().into()
    }

    /// Everything with its position.
    pub fn placed(&self) -> impl DoubleEndedIterator<Item = (P, &T)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(at, item)| (at.into(), item))
    }

    /// Adds something; its position.
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
