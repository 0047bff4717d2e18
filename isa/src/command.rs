//! The commands of a tile program: one 64-bit word each, the opcode in bits 7:0.

use crate::layout::{DecodeError, EncodeError, Field, FieldValue, Layout, field};
use crate::values::{ControlRegister, EngineMask};

/// Position of the opcode in every command.
pub const OPCODE: Field = field!(opcode, u32, 0, 7, 0, "Which command it is.");

/// The declaration of one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLayout {
    /// The name in assembly text.
    pub mnemonic: &'static str,
    /// The value of [`OPCODE`].
    pub opcode: u8,
    /// The fields, [`OPCODE`] first, the operands in the order of assembly text.
    pub layout: Layout,
}

impl CommandLayout {
    /// The fields other than the opcode.
    pub fn operands(&self) -> &'static [Field] {
        &self.layout.fields[1..]
    }

    /// The declaration of the command written `mnemonic`.
    pub fn from_mnemonic(mnemonic: &str) -> Option<&'static Self> {
        COMMANDS.iter().find(|command| command.mnemonic == mnemonic)
    }
}

/// Declares the commands: `Variant "mnemonic" = opcode { CONSTANT operand: type = 0[high:low]; ... }`.
macro_rules! commands {
    ($(
        $(#[doc = $about:literal])+
        $variant:ident $mnemonic:literal = $opcode:literal $({
            $(
                $(#[doc = $meaning:literal])+
                $constant:ident $operand:ident: $type:ty = 0[$high:literal : $low:literal];
            )+
        })?
    )+) => {
        /// A command of a tile program.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Command {
            $(
                $(#[doc = $about])+
                $variant $({ $( $(#[doc = $meaning])+ $operand: $type, )+ })?,
            )+
        }

        $(
            #[doc = concat!("Opcode and field positions of [`Command::", stringify!($variant), "`].")]
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub struct $variant;

            impl $variant {
                /// The value of the opcode field.
                pub const CODE: u8 = $opcode;

                $($(
                    $(#[doc = $meaning])+
                    pub const $constant: Field = field!($operand, $type, 0, $high, $low, $($meaning)+);
                )+)?

                /// The declaration of the command.
                pub const LAYOUT: CommandLayout = CommandLayout {
                    mnemonic: $mnemonic,
                    opcode: $opcode,
                    layout: Layout {
                        name: stringify!($variant),
                        words: 1,
                        meaning: concat!($($about),+).trim_ascii(),
                        fields: &[OPCODE, $($(Self::$constant),+)?],
                    },
                };
            }

            const _: () = $variant::LAYOUT.layout.assert_valid();
        )+

        /// Every command, in the order of opcodes.
        pub const COMMANDS: &[CommandLayout] = &[$($variant::LAYOUT),+];

        impl Command {
            /// The declaration of this command.
            pub const fn layout(&self) -> CommandLayout {
                match self { $( Self::$variant { .. } => $variant::LAYOUT, )+ }
            }

            /// The word that the sequencer reads.
            ///
            /// # Errors
            /// If an operand does not fit its field; it names the field, the value and the legal range.
            pub fn encode(&self) -> Result<u64, EncodeError> {
                match *self {
                    $(Self::$variant $({ $($operand),+ })? => {
                        #[allow(unused_mut, reason = "not every command has operands")]
                        let mut word = [$opcode];
                        $($( $variant::LAYOUT.layout.insert(&mut word, &$variant::$constant, $operand.to_raw())?; )+)?
                        Ok(word[0])
                    })+
                }
            }

            /// The command in `word`.
            ///
            /// # Errors
            /// If the opcode is not declared, or a reserved bit is set.
            pub fn decode(word: u64) -> Result<Self, DecodeError> {
                match OPCODE.extract(word) as u8 {
                    $($variant::CODE => {
                        $variant::LAYOUT.layout.check_reserved(&[word])?;
                        Ok(Self::$variant $({ $( $operand: <$type>::from_raw($variant::$constant.extract(word)), )+ })?)
                    })+
                    opcode => Err(DecodeError::UnknownOpcode { opcode }),
                }
            }
        }
    };
}

commands! {
    /// Waits until every engine is idle, then ends the program: STATUS shows `done`.
    Halt "halt" = 0x01

    /// Queues an AMP command.
    Amp "amp" = 0x02 {
        /// Byte address of the AMP descriptor, a multiple of 8.
        DESCRIPTOR descriptor: u32 = 0[31:8];
    }

    /// Queues a vector command.
    Vector "vector" = 0x03 {
        /// Byte address of the vector descriptor, a multiple of 8.
        DESCRIPTOR descriptor: u32 = 0[31:8];
    }

    /// Prepares an exchange: the port fetches the beginning of its lists, and carries them out from the next SYNC on.
    Exchange "exchange" = 0x04 {
        /// Byte address of the exchange descriptor, a multiple of 8.
        DESCRIPTOR descriptor: u32 = 0[31:8];
    }

    /// Waits until the exchange that is prepared, if there is one, can start, and then for all tiles of a zone.
    Sync "sync" = 0x05 {
        /// The zone.
        ZONE zone: u32 = 0[15:8];
    }

    /// Waits until the named engines are idle and their queues are empty.
    Wait "wait" = 0x06 {
        /// The engines, at least one.
        ENGINES engines: EngineMask = 0[15:8];
    }

    /// Writes a control register.
    Set "set" = 0x07 {
        /// The control register.
        REGISTER register: ControlRegister = 0[15:8];
        /// The value written.
        VALUE value: u32 = 0[63:32];
    }

    /// Ends a loop: the commands from `target` to this one run `count` times in total.
    Loop "loop" = 0x08 {
        /// Which of the two loop counters, 0 or 1; nested loops use different ones.
        LEVEL level: u32 = 0[8:8];
        /// How often the body runs, at least 1.
        COUNT count: u32 = 0[31:16];
        /// Byte address of the first command of the body, a multiple of 8.
        TARGET target: u32 = 0[55:32];
    }
}
