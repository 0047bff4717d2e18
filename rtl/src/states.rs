//! Enumerated states: a Rust enum whose values a register holds, named in the Verilog and in waveforms.

/// The states of a state register; made by [`crate::states!`].
pub trait States: Copy + Into<u64> {
    /// Name of the enumeration, as in Rust.
    const NAME: &'static str;
    /// Names of the states, state 0 first, as in Rust.
    const STATES: &'static [&'static str];
}

/// Declares an enum of states, numbered from 0 in the order given; the first is the reset state.
///
/// ```
/// rtl::states! {
///     /// What the fetcher does.
///     pub enum Fetch {
///         /// Nothing.
///         Idle,
///         /// Waits for data.
///         Wait,
///     }
/// }
/// assert_eq!(<Fetch as rtl::States>::STATES, &["Idle", "Wait"]);
/// assert_eq!(u64::from(Fetch::Wait), 1);
/// ```
#[macro_export]
macro_rules! states {
    ($(#[$attribute:meta])* $visibility:vis enum $name:ident {
        $($(#[$state_attribute:meta])* $state:ident),* $(,)?
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name {
            $($(#[$state_attribute])* $state),*
        }

        impl From<$name> for u64 {
            fn from(state: $name) -> u64 {
                state as u64
            }
        }

        impl $crate::States for $name {
            const NAME: &'static str = stringify!($name);
            const STATES: &'static [&'static str] = &[$(stringify!($state)),*];
        }

        impl $crate::Operand for $name {
            #[track_caller]
            fn like(self, other: $crate::Signal) -> $crate::Signal {
                $crate::lit(u64::from(self), other.width())
            }
        }
    };
}
