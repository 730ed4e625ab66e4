//! Positions of runs in an engine, of scopes and steps in a run; numbers of calls. Each is a type of its own, so that two of them cannot be
//! swapped.

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
    )+};
}

positions! {
    /// A run of an engine, in order of submission.
    RunIx(usize);
}
