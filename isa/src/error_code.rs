//! Why a tile stopped: the codes that the hardware reports in the register STATUS.

/// Declares the codes: `Variant "NAME" = code;`.
macro_rules! error_codes {
    ($( $(#[doc = $meaning:literal])+ $variant:ident $name:literal = $code:literal; )+) => {
        /// Why a tile stopped.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        #[repr(u8)]
        pub enum ErrorCode {
            #[default]
            $( $(#[doc = $meaning])+ $variant = $code, )+
        }

        impl ErrorCode {
            /// Every code, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The number in STATUS.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The name, in capitals.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// What happened.
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$variant => concat!($($meaning),+).trim_ascii(), )+ }
            }

            /// The code numbered `code`.
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|error| error.code() == code)
            }
        }
    };
}

error_codes! {
    /// No error.
    None "NONE" = 0;
    /// The opcode is not a command; a zero word is none either, so that running into cleared memory stops.
    UnknownCommand "UNKNOWN_COMMAND" = 1;
    /// A command with reserved bits set, or a LOOP of count 0.
    BadCommand "BAD_COMMAND" = 2;
    /// A command, an engine or a control register that this tile does not have, or a WAIT for no engine.
    Unsupported "UNSUPPORTED" = 3;
    /// An address that is not a multiple of what the access needs.
    Misaligned "MISALIGNED" = 4;
    /// An address beyond the memory.
    OutOfRange "OUT_OF_RANGE" = 5;
    /// A block list or an exchange list that runs past the end of the memory.
    ListOutOfRange "LIST_OUT_OF_RANGE" = 6;
    /// A descriptor or an exchange entry with reserved bits set or with values outside their ranges.
    BadDescriptor "BAD_DESCRIPTOR" = 7;
    /// A list entry whose rectangle is empty or leaves the descriptor's rows.
    BadEntry "BAD_ENTRY" = 8;
    /// A word read from memory whose parity is wrong.
    Parity "PARITY" = 9;
    /// The host wrote STOP.
    Stopped "STOPPED" = 10;
    /// A SYNC of a zone that this tile is not in, or that does not exist.
    BadZone "BAD_ZONE" = 11;
    /// While this tile waits at a barrier, a tile of the zone has stopped with an error.
    SyncBroken "SYNC_BROKEN" = 12;
    /// A WAIT, a HALT or an EXCHANGE behind an exchange that no SYNC has started: it would wait for ever.
    ExchangeNotStarted "EXCHANGE_NOT_STARTED" = 13;
    /// An exchange entry whose start has passed when its turn comes: it overlaps the one before it, or could not be
    /// fetched in time.
    LateEntry "LATE_ENTRY" = 14;
    /// An exchange entry that listens to a lane on which there is no word.
    SilentLane "SILENT_LANE" = 15;
    /// An exchange entry that listens to a tile that is not there.
    MissingTile "MISSING_TILE" = 16;
    /// This tile has driven a word that no tile listened to.
    UnheardWord "UNHEARD_WORD" = 17;
    /// Exchange accesses of one cycle that meet in a bank.
    BankConflict "BANK_CONFLICT" = 18;
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
