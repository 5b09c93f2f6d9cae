//! The macros behind the tables: one row says everything about a code, a structure, an action.
//!
//! Rows that need an `if` are not rows: such bodies implement [`Wire`](crate::wire::Wire) by hand.

/// Declares an open set of codes: a newtype with named constants.
///
/// ```ignore
/// codes! {
///     /// What a flow mod does.
///     pub struct Command(u8) {
///         /// Adds a flow, replacing one with the same match and priority.
///         ADD = 0, "ADD";
///     }
/// }
/// ```
///
/// becomes `pub struct Command(pub u8)`, the constant `Command::ADD`, `Display` (the text of the
/// row, or the number of a code without one), `Debug` and the codec of the number. A code twice is
/// a pattern that cannot be reached, which does not compile.
macro_rules! codes {
    ($(#[$meta:meta])* pub struct $name:ident($repr:ident) {
        $($(#[$row:meta])* $code:ident = $value:literal, $text:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $repr);

        impl $name {
            $($(#[$row])* pub const $code: Self = Self($value);)*

            /// The text of the code, if it is a named one.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }

            /// Every code that has a name.
            pub const NAMED: &'static [Self] = &[$(Self::$code),*];
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => ::std::fmt::Display::fmt(&self.0, f),
                }
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl $crate::wire::Wire for $name {
            fn encode(&self, out: &mut $crate::wire::Writer) {
                self.0.encode(out);
            }

            fn decode(
                input: &mut $crate::wire::Reader<'_>,
            ) -> Result<Self, $crate::wire::DecodeError> {
                <$repr as $crate::wire::Wire>::decode(input).map(Self)
            }
        }
    };
}

/// Declares a set of bits, keeping those that nobody named.
///
/// ```ignore
/// flags! {
///     /// What a flow mod asks for besides.
///     pub struct FlowFlags(u16) {
///         /// Tell the controller when the flow goes.
///         SEND_FLOW_REM = 1;
///     }
/// }
/// ```
///
/// becomes a `bitflags` type with its codec.
macro_rules! flags {
    ($(#[$meta:meta])* $vis:vis struct $name:ident($repr:ident) {
        $($(#[$row:ident $($about:tt)*])* $flag:ident = $value:expr;)*
    }) => {
        ::bitflags::bitflags! {
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
            $vis struct $name: $repr {
                $($(#[$row $($about)*])* const $flag = $value;)*
            }
        }

        impl $crate::wire::Wire for $name {
            fn encode(&self, out: &mut $crate::wire::Writer) {
                self.bits().encode(out);
            }

            fn decode(
                input: &mut $crate::wire::Reader<'_>,
            ) -> Result<Self, $crate::wire::DecodeError> {
                <$repr as $crate::wire::Wire>::decode(input).map(Self::from_bits_retain)
            }
        }
    };
}

/// Declares a structure whose encoding is its fields in order.
///
/// ```ignore
/// wire_struct! {
///     /// Looks the packet up again, in another table.
///     pub struct Resubmit {
///         /// The port to pretend the packet came from.
///         port: u16;
///         /// The table to look in.
///         table: u8, zero 3;
///     }
/// }
/// ```
///
/// becomes the structure and its codec. `pub struct Name after pad n` has padding before its first
/// field. Padding is written as zeros and skipped when read; where the row says `zero`, it must
/// hold zeros. An error names `Resubmit.port`.
macro_rules! wire_struct {
    ($(#[$meta:meta])* pub struct $name:ident $(after pad $lead:literal)? {
        $($(#[$row:meta])* $field:ident: $type:ty $(, pad $pad:literal)? $(, zero $zero:literal)?;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$row])* pub $field: $type,)*
        }

        impl $crate::wire::Wire for $name {
            fn encode(&self, out: &mut $crate::wire::Writer) {
                $(out.zeros($lead);)?
                $(
                    $crate::wire::Wire::encode(&self.$field, out);
                    $(out.zeros($pad);)?
                    $(out.zeros($zero);)?
                )*
            }

            fn decode(
                input: &mut $crate::wire::Reader<'_>,
            ) -> Result<Self, $crate::wire::DecodeError> {
                $(input.skip($lead)?;)?
                $(
                    let $field = <$type as $crate::wire::Wire>::decode(input)
                        .map_err(|e| e.reading(concat!(stringify!($name), ".", stringify!($field))))?;
                    $(input.skip($pad)?;)?
                    $(input.zeros($zero, concat!(stringify!($name), ".padding"))?;)?
                )*
                Ok(Self { $($field),* })
            }
        }
    };
}

/// Declares the fields: what each holds, what it is called and where it lives on the wire.
///
/// ```ignore
/// fields! {
///     /// The Ethernet destination address.
///     ETH_DST: MacAddr, 48 Mac Masked Writable Nothing, "eth_dst" | "dl_dst",
///         OXM_OF_ETH_DST = Basic 3, NXM_OF_ETH_DST = Nxm0 1;
/// }
/// ```
///
/// becomes the constant `ETH_DST: Field<MacAddr>`, an entry of `ALL` and two arms of `by_code`. A
/// code that two rows claim is an arm that cannot be reached, which does not compile.
macro_rules! fields {
    ($(
        $(#[$row:meta])*
        $field:ident: $type:ty, $bits:literal $format:ident $mask:ident $access:ident $need:ident,
        $name:literal $(| $alias:literal)*, $($code:ident = $class:ident $number:literal),+;
    )*) => {
        #[expect(
            non_camel_case_types,
            clippy::upper_case_acronyms,
            reason = "the constants' own names, to number them"
        )]
        #[derive(Clone, Copy)]
        #[repr(u8)]
        enum Position {
            $($field,)*
        }

        $(
            $(#[$row])*
            #[doc = concat!("\n\n`", $name, "`", $(", `", stringify!($code), "`",)+ ".")]
            pub const $field: Field<$type> = Field::new(&Facts {
                position: Position::$field as u8,
                size: <$type as Value>::SIZE,
                bits: $bits,
                format: Format::$format,
                maskable: Maskable::$mask,
                access: Access::$access,
                needs: Need::$need,
                place: concat!("Match.", $name),
                names: &[$name $(, $alias)*],
                codes: &[$(Code {
                    name: stringify!($code),
                    class: Class::$class,
                    number: $number,
                }),+],
            });
        )*

        /// Every field, in the order of the table.
        pub static ALL: &[FieldId] = &[$($field.id()),*];

        pub(super) fn by_code(class: Class, number: u8) -> Option<FieldId> {
            Some(match (class, number) {
                $($((Class::$class, $number))|+ => $field.id(),)*
                _ => return None,
            })
        }
    };
}

/// Declares the actions: where each lives on the wire.
///
/// ```ignore
/// actions! {
///     Standard 0 Output;
///     Nicira 14 Resubmit;
/// }
/// ```
///
/// becomes the enum `Action` with a variant for each row, which holds the structure of that name;
/// the headers, lengths and padding around the structures; `Display`; and a sample of each. A code
/// twice is an arm that cannot be reached, which does not compile, and so is an action of which
/// [`samples`](crate::samples) has none.
macro_rules! actions {
    ($($space:ident $code:literal $action:ident;)*) => {
        /// What a switch does with a packet.
        ///
        /// A whole field that is [set](SetField) or [loaded](RegLoad2) becomes the same, and so
        /// these two are equal.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Action {
            $(
                #[doc = concat!("What [`", stringify!($action), "`] says.")]
                $action($action),
            )*
            /// An action that is not declared here, as it stands on the wire.
            Unknown(Unknown),
        }

        impl PartialEq for Action {
            fn eq(&self, other: &Self) -> bool {
                match (self, other) {
                    $((Self::$action(one), Self::$action(other)) => one == other,)*
                    (Self::Unknown(one), Self::Unknown(other)) => one == other,
                    _ => self.sets_as(other),
                }
            }
        }

        impl Eq for Action {}

        $(
            impl From<$action> for Action {
                fn from(body: $action) -> Self {
                    Self::$action(body)
                }
            }

            impl ::std::fmt::Display for $action {
                fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                    self.text(&Names::NONE, f)
                }
            }
        )*

        impl Text for Action {
            fn text(
                &self,
                names: &Names,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> ::std::fmt::Result {
                match self {
                    $(Self::$action(body) => body.text(names, f),)*
                    Self::Unknown(body) => body.text(names, f),
                }
            }
        }

        impl Wire for Action {
            fn encode(&self, out: &mut Writer) {
                out.sized(2, 8, |out| match self {
                    $(Self::$action(body) => {
                        Space::$space.put_header($code, out);
                        body.encode(out);
                    })*
                    Self::Unknown(body) => body.encode(out),
                });
            }

            fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let mut frame = Frame::decode(input)?;
                match Self::decode_body(&mut frame) {
                    Ok(Some(action)) => Ok(action),
                    Err(error) if !input.is_tolerant() => Err(error),
                    Ok(None) | Err(_) => Ok(Self::Unknown(frame.unknown())),
                }
            }
        }

        impl Action {
            /// Reads the body of an action that is declared.
            fn decode_body(frame: &mut Frame<'_>) -> Result<Option<Self>, DecodeError> {
                let body = &mut frame.body;
                let action = match (frame.space, frame.code) {
                    $((Space::$space, $code) => Self::$action(
                        $action::decode(body).map_err(|e| e.reading(stringify!($action)))?,
                    ),)*
                    _ => return Ok(None),
                };
                frame.finish()?;
                Ok(Some(action))
            }

            /// Whether there is a row with this code.
            const fn is_declared(space: Space, code: u16) -> bool {
                matches!((space, code), $((Space::$space, $code))|*)
            }

            /// The names of the structures, which errors in them start with.
            pub(crate) const BODIES: &[&str] = &[$(stringify!($action)),*];

            /// One of each action that is declared.
            #[doc(hidden)]
            #[must_use]
            pub fn samples() -> Vec<Self> {
                vec![$(<$action as $crate::samples::Sample>::sample().into()),*]
            }
        }
    };
}

pub(crate) use {actions, codes, fields, flags, wire_struct};
