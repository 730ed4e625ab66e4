//! Macros that declare a part of a definition once: its fields in the order in which Highway writes them, with their
//! defaults. Reading and writing follow.

/// A struct whose fields are read by name and written in their order. A field with `= default` is optional.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty $(= $default:expr)?,)* }
        $(with $(#[$extra_doc:meta])* $extra:ident: $extra_type:ty)?) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
            $($(#[$extra_doc])* pub $extra: $extra_type,)?
        }

        impl $name {
            /// Names of the fields, in order.
            pub(crate) const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn read_fields<'a>(
                map: &'a serde_json::Map<String, serde_json::Value>,
                reader: &mut $crate::definition::fields::Reader<'a>,
                $($extra: $extra_type,)?
            ) -> Self {
                Self { $($field: record!(@read reader, map, $field $(, $default)?),)* $($extra,)? }
            }

            fn write_fields(&self, out: &mut $crate::json::JsonWriter) {
                $(
                    if !(out.drops_null && $crate::definition::fields::Field::is_null(&self.$field)) {
                        out.field(stringify!($field));
                        $crate::definition::fields::Field::write(&self.$field, out);
                    }
                )*
            }
        }
    };
    (@read $reader:ident, $map:ident, $field:ident) => { $reader.required($map, stringify!($field)) };
    (@read $reader:ident, $map:ident, $field:ident, $default:expr) => {
        $reader.field($map, stringify!($field)).unwrap_or_else(|| $default)
    };
}

/// An enum whose values are words of a document.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident = $noun:literal { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All words, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// The word in a document.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The value for a word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl $crate::definition::fields::Field for $name {
            fn read<'a>(
                value: &'a serde_json::Value,
                reader: &mut $crate::definition::fields::Reader<'a>,
            ) -> Option<Self> {
                let read = value.as_str().and_then(Self::from_word);
                if read.is_none() {
                    reader.not_a_word($noun, value, Self::WORDS);
                }
                read
            }

            fn write(&self, out: &mut $crate::json::JsonWriter) {
                out.text(self.as_str());
            }
        }
    };
}

pub(super) use {record, words};
