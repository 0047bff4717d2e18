//! A sink with a thread of its own: waveforms are large, and the simulation need not wait until they are written.
//!
//! ```text
//!   declarations ------------------------------> | sink            |
//!   times, changes ---> words ---> [ a thread: ] | the same, moved |
//! ```
//!
//! The simulation hands on words. Each time and each change is a head, which says what follows, and a value:
//!
//! | bits 63..62 | bits 61..32     | bits 31..0 | value                                |
//! |-------------|-----------------|------------|--------------------------------------|
//! | [`BITS`]    | number of words | variable   | words, least significant first       |
//! | [`REAL`]    |                 | variable   | the word of an `f64`                 |
//! | [`TEXT`]    | number of bytes | variable   | bytes, eight in a word, lowest first |
//! | [`TIME`]    |                 |            | nanoseconds                          |

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use super::sink::{Kind, Sink, VariableId};

const BITS: u64 = 0;
const REAL: u64 = 1;
const TEXT: u64 = 2;
const TIME: u64 = 3;

/// Words that are handed on together.
const PIECE_WORDS: usize = 1 << 13;

/// Pieces that may wait: a disk is slower than a simulation at some times, and faster at others.
const WAITING: usize = 64;

/// A sink, which moves to its thread when its declarations end.
pub struct Background<S> {
    stage: Stage<S>,
    /// Words that are not handed on yet.
    piece: Vec<u64>,
}

enum Stage<S> {
    Declarations(S),
    Changes(Thread),
    Finished,
}

impl<S> Background<S> {
    pub fn new(sink: S) -> Background<S> {
        Background { stage: Stage::Declarations(sink), piece: vec![] }
    }

    fn sink(&mut self) -> &mut S {
        match &mut self.stage {
            Stage::Declarations(sink) => sink,
            _ => panic!("declarations come before the first time"),
        }
    }

    #[inline]
    fn put(&mut self, what: u64, length: usize, variable: usize, value: &[u64]) {
        self.piece.push(what << 62 | (length as u64) << 32 | variable as u64);
        match *value {
            [word] => self.piece.push(word),
            _ => self.piece.extend_from_slice(value),
        }
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let Stage::Changes(thread) = &mut self.stage else {
            panic!("changes come between the declarations and the end");
        };
        self.piece = thread.hand_on(std::mem::take(&mut self.piece))?;
        self.piece.clear();
        Ok(())
    }
}

impl<S: Sink + 'static> Sink for Background<S> {
    fn open_scope(&mut self, name: &str, module: &str) -> io::Result<()> {
        self.sink().open_scope(name, module)
    }

    fn close_scope(&mut self) -> io::Result<()> {
        self.sink().close_scope()
    }

    fn declare(&mut self, name: &str, kind: Kind) -> io::Result<VariableId> {
        self.sink().declare(name, kind)
    }

    fn declare_alias(&mut self, name: &str, kind: Kind, variable: VariableId) -> io::Result<()> {
        self.sink().declare_alias(name, kind, variable)
    }

    fn begin(&mut self) -> io::Result<()> {
        self.sink().begin()?;
        if let Stage::Declarations(sink) = std::mem::replace(&mut self.stage, Stage::Finished) {
            self.stage = Stage::Changes(Thread::new(sink));
        }
        Ok(())
    }

    fn time(&mut self, nanoseconds: u64) -> io::Result<()> {
        if self.piece.len() >= PIECE_WORDS {
            self.hand_on()?;
        }
        self.put(TIME, 0, 0, &[nanoseconds]);
        Ok(())
    }

    #[inline]
    fn bits(&mut self, variable: VariableId, words: &[u64]) -> io::Result<()> {
        self.put(BITS, words.len(), variable.0, words);
        Ok(())
    }

    fn real(&mut self, variable: VariableId, number: f64) -> io::Result<()> {
        self.put(REAL, 0, variable.0, &[number.to_bits()]);
        Ok(())
    }

    fn text(&mut self, variable: VariableId, text: &str) -> io::Result<()> {
        let word = |eight: &[u8]| eight.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        let words: Vec<u64> = text.as_bytes().chunks(8).map(word).collect();
        self.put(TEXT, text.len(), variable.0, &words);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.hand_on()?;
        match std::mem::replace(&mut self.stage, Stage::Finished) {
            Stage::Changes(mut thread) => thread.finish(),
            _ => Ok(()),
        }
    }
}

/// Tells a sink what the words of a piece say.
fn replay(sink: &mut impl Sink, mut piece: &[u64]) -> io::Result<()> {
    while let [head, rest @ ..] = piece {
        let length = (head >> 32) as usize & ((1 << 30) - 1);
        let words = match head >> 62 {
            BITS => length,
            TEXT => length.div_ceil(8),
            _ => 1,
        };
        let (value, after) = rest.split_at(words);
        let variable = VariableId(*head as u32 as usize);
        match head >> 62 {
            BITS => sink.bits(variable, value)?,
            REAL => sink.real(variable, f64::from_bits(value[0]))?,
            TEXT => {
                let bytes = value.iter().flat_map(|word| word.to_le_bytes()).take(length).collect();
                sink.text(variable, &String::from_utf8(bytes).expect("the bytes of a text"))?;
            }
            _ => sink.time(value[0])?,
        }
        piece = after;
    }
    Ok(())
}

/// The thread of a sink.
struct Thread {
    /// `None` after the end.
    pieces: Option<SyncSender<Vec<u64>>>,
    /// Pieces that were taken, to be filled again.
    taken: Receiver<Vec<u64>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Thread {
    fn new(mut sink: impl Sink + 'static) -> Thread {
        let (pieces, waiting) = sync_channel::<Vec<u64>>(WAITING);
        let (give_back, taken) = channel();
        let work = move || {
            for piece in waiting {
                replay(&mut sink, &piece)?;
                // Nobody takes it back after the end.
                let _ = give_back.send(piece);
            }
            sink.finish()
        };
        Thread { pieces: Some(pieces), taken, thread: Some(std::thread::spawn(work)) }
    }

    /// Hands a piece on and returns room for the next, with any contents.
    ///
    /// # Errors
    /// An earlier piece could not be written.
    fn hand_on(&mut self, piece: Vec<u64>) -> io::Result<Vec<u64>> {
        let sent = self.pieces.as_ref().is_some_and(|pieces| pieces.send(piece).is_ok());
        if !sent {
            self.finish()?;
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(self.taken.try_recv().unwrap_or_default())
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// A piece could not be written.
    fn finish(&mut self) -> io::Result<()> {
        self.pieces = None;
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => Ok(()),
        }
    }
}

impl Drop for Thread {
    /// Waits as well, but nobody is left to hear of a failure.
    fn drop(&mut self) {
        self.pieces = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Notes what it is told.
    #[derive(Clone, Default)]
    struct Notes(Arc<Mutex<Vec<String>>>);

    impl Notes {
        fn note(&self, text: String) -> io::Result<()> {
            self.0.lock().unwrap().push(text);
            Ok(())
        }
    }

    impl Sink for Notes {
        fn open_scope(&mut self, name: &str, module: &str) -> io::Result<()> {
            self.note(format!("{name} {module}"))
        }

        fn close_scope(&mut self) -> io::Result<()> {
            self.note("close".into())
        }

        fn declare(&mut self, name: &str, kind: Kind) -> io::Result<VariableId> {
            self.note(format!("{name} {kind:?}")).map(|()| VariableId(7))
        }

        fn declare_alias(&mut self, name: &str, kind: Kind, variable: VariableId) -> io::Result<()> {
            self.note(format!("{name} {kind:?} {variable:?}"))
        }

        fn begin(&mut self) -> io::Result<()> {
            self.note("begin".into())
        }

        fn time(&mut self, nanoseconds: u64) -> io::Result<()> {
            self.note(format!("#{nanoseconds}"))
        }

        fn bits(&mut self, variable: VariableId, words: &[u64]) -> io::Result<()> {
            self.note(format!("{variable:?} {words:x?}"))
        }

        fn real(&mut self, variable: VariableId, number: f64) -> io::Result<()> {
            self.note(format!("{variable:?} {:x}", number.to_bits()))
        }

        fn text(&mut self, variable: VariableId, text: &str) -> io::Result<()> {
            self.note(format!("{variable:?} {text:?}"))
        }

        fn finish(&mut self) -> io::Result<()> {
            self.note("finish".into())
        }
    }

    /// More than one piece of every kind of call, with values of many lengths.
    fn tell(sink: &mut impl Sink) -> io::Result<()> {
        sink.open_scope("top", "module")?;
        let wire = Kind::Wire { width: 3 };
        let variable = sink.declare("wire", wire)?;
        sink.declare_alias("again", wire, variable)?;
        sink.close_scope()?;
        sink.begin()?;
        let words: Vec<u64> = (0..20).map(|i| u64::MAX << (3 * i)).collect();
        for time in 0..2_000 {
            let length = time as usize % words.len();
            sink.time(u64::MAX - time)?;
            sink.bits(VariableId(u32::MAX as usize), &words[..=length])?;
            sink.real(VariableId(length), -1.0 / time as f64)?;
            sink.text(variable, &"é".repeat(length))?;
        }
        sink.finish()
    }

    #[test]
    fn a_sink_hears_from_its_thread_what_it_would_have_been_told() {
        let (direct, threaded) = (Notes::default(), Notes::default());
        tell(&mut direct.clone()).unwrap();
        tell(&mut Background::new(threaded.clone())).unwrap();
        let (direct, threaded) = (direct.0.lock().unwrap(), threaded.0.lock().unwrap());
        assert_eq!(direct.len(), 4 + 1 + 4 * 2_000 + 1);
        assert!(*direct == *threaded);
    }
}
