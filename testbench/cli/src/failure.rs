//! What ends the program early, and its exit status.

use std::fmt;
use std::process::ExitCode;

use kernels::device::DeviceError;

/// What ends the program early. Shown in one line.
#[derive(Debug)]
pub enum Failure {
    /// Files or options that cannot be: what was found and what is expected. Status 2.
    Input(String),
    /// Results that differ, or a simulation that failed. Status 1.
    Run(String),
}

impl Failure {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Input(_) => ExitCode::from(2),
            Failure::Run(_) => ExitCode::from(1),
        }
    }

    /// Input that cannot be, for `map_err`: `what` names the file or option.
    pub fn input<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Failure {
        move |error| Failure::Input(format!("{what}: {error}"))
    }

    /// What went wrong on the way, for `map_err`: `what` says with what.
    pub fn run<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Failure {
        move |error| Failure::Run(format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // What a file or an option says may be in it, whatever that is.
            Failure::Input(text) => {
                let plain = |c: char| {
                    if c == '\n' {
                        " ".to_owned()
                    } else if c.is_control() {
                        c.escape_default().to_string()
                    } else {
                        c.to_string()
                    }
                };
                text.trim_end().chars().map(plain).try_for_each(|c| f.write_str(&c))
            }
            Failure::Run(text) => f.write_str(text),
        }
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        Failure::Run(error.to_string())
    }
}
